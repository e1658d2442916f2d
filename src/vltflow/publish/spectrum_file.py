"""A spectrum as a product file of ESO's Science Data Products standard, issue 8.

Primary HDU without data; one binary table, EXTNAME SPECTRUM, of one row with an array a
column; PHASE3PROVENANCE where the originals are too many for keywords.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vltflow.core.errors import InvalidHeader
from vltflow.core.time import DAY_SECONDS, iso_from_mjd
from vltflow.fits import FitsValue, write_product
from vltflow.publish.naming import LONGEST
from vltflow.publish.spectrum import NM_IN, Description, Spectrum

_MOST_PROVENANCE = 9999
"""PROVi in keywords; more go into a table."""
_UNKNOWN_FLUX_ERROR, _NO_FLUX_ERROR = -2.0, -1.0
Cards = Iterator[tuple[str, FitsValue, str]]
_MODELS = {False: ("SPECTRUM v1.0", "Spectrum."), True: ("SPECTRUM v2.0", "spec:")}


def write_spectrum(
    path: str | os.PathLike[str], spectrum: Spectrum, description: Description
) -> str:
    """Write a spectrum as a product; the same input gives the same bytes.

    Parameters
    ----------
    path : str or path-like
        The file, whole or not at all; its name (see `naming.product_name`) becomes ORIGFILE.
    spectrum : Spectrum
        Arrays; cut to the useful range with `Spectrum.useful` beforehand.
    description : Description
        What has to be said of them.

    Returns
    -------
    str
        SHA-256 of the file, 64 hex digits.

    Raises
    ------
    InvalidHeader
        If a value does not fit into its card, or SNR can be neither computed nor is given.
    OSError
        If the disk refuses.
    """
    return write_product(path, spectrum_hdus(spectrum, description, name=Path(path).name))


def spectrum_hdus(spectrum: Spectrum, description: Description, *, name: str) -> list[Any]:
    """HDUs of a product, without checksums; raises as `write_spectrum`."""
    from astropy.io import fits  # noqa: PLC0415 - slow to load, and most commands write nothing

    primary = fits.PrimaryHDU()
    _put(primary.header, {"ORIGFILE": (name, "name of this file")})
    _put(primary.header, _told(_primary_cards(spectrum, description)))
    _put(primary.header, {key: (value, "") for key, value in description.more.items()})
    hdus = [primary, _table(spectrum, description)]
    if len(description.provenance) > _MOST_PROVENANCE:
        column = fits.Column("PROV", "68A", array=np.array(description.provenance))
        hdus.append(fits.BinTableHDU.from_columns([column], name="PHASE3PROVENANCE"))
    return hdus


def _told(cards: Cards) -> dict[str, tuple[FitsValue, str]]:
    return {key: (value, comment) for key, value, comment in cards if value is not None}


def _put(header: Any, cards: Mapping[str, tuple[FitsValue, str]]) -> None:
    for key, (value, comment) in cards.items():
        if isinstance(value, str) and len(value.replace("'", "''")) > LONGEST:
            raise InvalidHeader(
                f"{key} = {value!r} has {len(value)} characters, {LONGEST} fit into a card",
                hint="Shorten it",
            )
        if isinstance(value, float) and not np.isfinite(value):
            raise InvalidHeader(f"{key} is {value}, which no header can hold")
        header[f"HIERARCH {key}" if " " in key else key] = (value, _fitting(value, comment))


def _fitting(value: FitsValue, comment: str) -> str:
    """The comment, cut to the room that the value leaves in its card."""
    taken = 10 + (max(20, len(value.replace("'", "''")) + 2) if isinstance(value, str) else 20)
    return comment[: max(0, 80 - taken - 3)]


def _primary_cards(spectrum: Spectrum, said: Description) -> Cards:
    yield from _origin_cards(said)
    yield from _exposure_cards(said)
    yield from _quality_cards(spectrum, said)
    yield from _list_cards(said)


def _origin_cards(said: Description) -> Cards:
    yield "DATE", said.date, "processed"
    yield "PRODCATG", "SCIENCE.SPECTRUM", "category of the product"
    yield "ORIGIN", said.origin, ""
    yield "TELESCOP", said.telescope, ""
    yield "INSTRUME", said.instrument, ""
    yield "OBJECT", said.target, "target"
    yield "RA", said.ra, "[deg] J2000"
    yield "DEC", said.dec, "[deg] J2000"
    yield "RADESYS", said.system, "coordinate system"
    yield "EQUINOX", 2000.0 if said.system == "FK5" else None, ""
    yield "PROCSOFT", said.software, "processed by"
    yield "REFERENC", said.reference, "bibliographic reference"
    yield "ARCFILE", said.archive_name or None, "name in the archive"


def _exposure_cards(said: Description) -> Cards:
    yield "DATE-OBS", iso_from_mjd(said.mjd_obs), "begin of the first exposure"
    yield "MJD-OBS", said.mjd_obs, "[d] begin of the first exposure"
    yield "MJD-END", said.mjd_end, "[d] end of the last exposure"
    yield "EXPTIME", said.exptime, "[s] exposure time"
    yield "TEXPTIME", said.texptime, "[s] sum of all exposures"
    yield "OBSTECH", said.technique, "observation technique"
    yield "SPECSYS", said.frame, "reference frame of wavelengths"
    yield "NCOMBINE", said.ncombine, "raw frames on target"
    yield "M_EPOCH", len(said.blocks) > 1, "T if of several epochs"
    yield "PRODLVL", 2, "science grade"


def _quality_cards(spectrum: Spectrum, said: Description) -> Cards:
    low, high = _range_nm(spectrum)
    step = float(np.median(np.diff(spectrum.wave))) * NM_IN[spectrum.wave_unit]
    yield "WAVELMIN", low, "[nm] first wavelength"
    yield "WAVELMAX", high, "[nm] last wavelength"
    yield "SPEC_BIN", _short(step), "[nm] median step"
    yield "SPEC_RES", said.resolution, "resolving power"
    yield "SNR", _short(_snr(spectrum, said)), "median signal to noise of a pixel"
    yield "FLUXCAL", "ABSOLUTE" if said.is_absolute else "UNCALIBRATED", "flux calibration"
    yield "FLUXERR", _flux_error(said), "[%] of the flux scale; -2 unknown, -1 none"
    yield "TOT_FLUX", said.has_total_flux, "T if all light of the source"
    yield "CONTNORM", said.is_normalised, "T if normalised to the continuum"
    yield "EXT_OBJ", said.is_extended, "T if the source is extended"
    yield "LAMRMS", said.line_rms, "[nm] rms of the wavelength solution"
    yield "LAMNLIN", said.lines, "lines in the wavelength solution"
    if said.line_rms is not None and said.lines:
        yield "SPEC_ERR", _short(said.line_rms / said.lines**0.5), "[nm] LAMRMS/sqrt(LAMNLIN)"
    yield "SPEC_SYE", said.systematic_error, "[nm] systematic error"


def _list_cards(said: Description) -> Cards:
    several = len(said.programmes) > 1
    yield "PROG_ID", "MULTI" if several else next(iter(said.programmes), None), "programme"
    for number, programme in enumerate(said.programmes if several else (), start=1):
        yield f"PROGID{number}", programme, "programme"
    for number, block in enumerate(said.blocks, start=1):
        yield f"OBID{number}", block, "observation block"
    for number, one in enumerate(said.associated, start=1):
        yield f"ASSON{number}", one.name, "associated file"
        yield f"ASSOC{number}", one.category or None, "its category"
        yield f"ASSOM{number}", one.md5 or None, "its MD5 sum"
    if len(said.provenance) > _MOST_PROVENANCE:
        yield "PROVXTN", True, "originals are in PHASE3PROVENANCE"
        return
    for number, original in enumerate(said.provenance, start=1):
        yield f"PROV{number}", original, "original"


def _flux_error(said: Description) -> float:
    if not said.is_absolute:
        return _NO_FLUX_ERROR
    return _UNKNOWN_FLUX_ERROR if said.flux_error is None else said.flux_error


def _snr(spectrum: Spectrum, said: Description) -> float:
    value = spectrum.median_snr if said.snr is None else said.snr
    if value is None:
        raise InvalidHeader(
            "SNR cannot be computed: no element has a flux, an error and no flag",
            hint="Look at its flags, or give SNR in the description",
        )
    return value


def _range_nm(spectrum: Spectrum) -> tuple[float, float]:
    unit = NM_IN[spectrum.wave_unit]
    return _short(float(spectrum.wave[0]) * unit), _short(float(spectrum.wave[-1]) * unit)


def _short(value: float) -> float:
    """Ten digits: what a card shows without an exponent or noise of the last digit."""
    return float(f"{value:.10g}")


@dataclass(frozen=True, slots=True)
class _Column:
    name: str
    values: np.ndarray
    unit: str
    utype: str
    ucd: str
    comment: str


def _columns(spectrum: Spectrum, said: Description) -> list[_Column]:
    """All columns with IVOA's names: Spectrum v1.1 of one flux, Spectral v2.0 of several."""
    several = any(one.utype.endswith("Data.FluxAxis.Value") for one in spectrum.extra)
    prefix = _MODELS[several][1]
    parts = ["phot.flux.density", "em.wl"]
    parts += ["src.net"] if spectrum.is_net else []
    parts += ["arith.ratio"] if said.is_normalised else []
    parts += [] if said.is_absolute or said.is_normalised else ["stat.uncalib"]
    parts += ["meta.main"] if several else []
    flux = ";".join(parts)
    suffix = "_REDUCED" if not said.is_absolute and not said.is_normalised else ""
    columns = [
        _Column(
            "WAVE", spectrum.wave.astype(float), spectrum.wave_unit,
            f"{prefix}Data.SpectralAxis.Value",
            "em.wl;obs.atmos" if spectrum.is_air else "em.wl",
            "wavelength in air" if spectrum.is_air else "wavelength in vacuum",
        ),
        _Column(
            f"FLUX{suffix}", spectrum.flux.astype(float), spectrum.flux_unit,
            f"{prefix}Data.FluxAxis.Value", flux, "flux",
        ),
        _Column(
            f"ERR{suffix}", spectrum.error.astype(float), spectrum.flux_unit,
            f"{prefix}Data.FluxAxis.Accuracy.StatError", f"stat.error;{flux}", "one sigma",
        ),
    ]  # fmt: skip
    if spectrum.quality is not None:
        columns.append(
            _Column(
                "QUAL", spectrum.quality.astype(np.int32), "",
                f"{prefix}Data.FluxAxis.Accuracy.QualityStatus", "meta.code.qual",
                "0 good, else a sum of powers of two",
            )
        )  # fmt: skip
    return columns + [
        _Column(one.name, one.values, one.unit, one.utype, one.ucd, one.comment)
        for one in spectrum.extra
    ]


def _table(spectrum: Spectrum, said: Description) -> Any:
    from astropy.io import fits  # noqa: PLC0415 - as above

    columns = _columns(spectrum, said)
    table = fits.BinTableHDU.from_columns(
        [
            fits.Column(one.name, _form(one.values), unit=one.unit, array=one.values[np.newaxis])
            for one in columns
        ],
        name="SPECTRUM",
    )
    several = any(one.utype.startswith("spec:") for one in columns)
    _put(table.header, _told(_table_cards(spectrum, said, _MODELS[several][0])))
    for number, one in enumerate(columns, start=1):
        # astropy leaves out blank units; the standard wants them.
        _put(table.header, _told(_column_cards(number, one)))
    _put(table.header, {"TDMIN1": (float(spectrum.wave[0]), "first wavelength")})
    _put(table.header, {"TDMAX1": (float(spectrum.wave[-1]), "last wavelength")})
    return table


def _form(values: np.ndarray) -> str:
    code = {"f": "E" if values.dtype.itemsize == 4 else "D"}.get(values.dtype.kind, "J")
    return f"{values.size}{code}"


def _column_cards(number: int, one: _Column) -> Cards:
    yield f"TUNIT{number}", one.unit, "unit"
    yield f"TUTYP{number}", one.utype, ""
    yield f"TUCD{number}", one.ucd, ""
    yield f"TCOMM{number}", one.comment or None, ""


def _table_cards(spectrum: Spectrum, said: Description, model: str) -> Cards:
    low, high = _range_nm(spectrum)
    yield "INHERIT", True, "keywords of the primary header hold here, too"
    yield "VOCLASS", model, "data model of the IVOA"
    yield "VOPUB", "ESO/SAF", "publisher"
    yield "TITLE", said.shown_title, ""
    yield "OBJECT", said.target, "target"
    yield "RA", said.ra, "[deg] J2000"
    yield "DEC", said.dec, "[deg] J2000"
    yield "APERTURE", said.aperture, "[deg] width of slit or fibre"
    yield "TELAPSE", _short((said.mjd_end - said.mjd_obs) * DAY_SECONDS), "[s] begin to end"
    yield "TMID", (said.mjd_obs + said.mjd_end) / 2, "[d] MJD of the middle"
    yield "SPEC_VAL", _short((low + high) / 2), "[nm] centre"
    yield "SPEC_BW", _short(high - low), "[nm] width"
    yield "NELEM", spectrum.wave.size, "elements of each array"
