"""A one-dimensional science spectrum: its arrays, and what has to be said of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from vltflow.core.errors import UnprocessableData
from vltflow.fits import FitsValue

NM_IN = {"angstrom": 0.1, "nm": 1.0, "um": 1000.0}
"""nm in one unit of wavelengths."""


@dataclass(frozen=True, slots=True)
class ExtraColumn:
    """An array beside wavelength, flux, error and quality."""

    name: str
    """TTYPE: ``BGFLUX``, ``FLUX_REDUCED``, ``CONTINUUM``, ``EXPOSURE``, ``SNR`` ..."""
    values: np.ndarray
    """(n,)."""
    unit: str
    """Blank for a number without unit."""
    utype: str
    """``eso:Data.FluxAxis.Value`` of a second flux; blank where the IVOA has none."""
    ucd: str
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Spectrum:
    """Arrays of a spectrum, (n,) each, and their units.

    Raises
    ------
    UnprocessableData
        If the arrays are no spectrum: of different lengths, fewer than two elements,
        wavelengths that do not increase, infinite values, negative errors or flags.
    """

    wave: np.ndarray
    """Strictly increasing."""
    flux: np.ndarray
    """NaN where undefined."""
    error: np.ndarray
    """One sigma, in the unit of the flux; NaN where unknown."""
    quality: np.ndarray | None = None
    """0 good; each kind of flaw a power of two. None: all are good."""
    wave_unit: Literal["angstrom", "nm", "um"] = "angstrom"
    flux_unit: str = "adu"
    """As FITS writes it; blank if normalised."""
    is_air: bool = True
    """Whether wavelengths are those of air, else of vacuum."""
    is_net: bool = True
    """Whether the sky was subtracted."""
    extra: tuple[ExtraColumn, ...] = ()

    def __post_init__(self) -> None:
        arrays = {"wave": self.wave, "flux": self.flux, "error": self.error}
        if self.quality is not None:
            arrays["quality"] = self.quality
        arrays |= {column.name: column.values for column in self.extra}
        _check_lengths(arrays)
        _check_values(arrays)

    @property
    def good(self) -> np.ndarray:
        """Elements with defined flux, positive error and no flag, (n,) of bool."""
        good = np.isfinite(self.flux) & np.isfinite(self.error) & (self.error > 0)
        if self.quality is not None:
            good &= self.quality == 0
        return np.asarray(good)

    @property
    def median_snr(self) -> float | None:
        """Median of flux over error of the good elements; None if there are none."""
        good = self.good
        return float(np.median(self.flux[good] / self.error[good])) if good.any() else None

    def useful(self) -> Spectrum:
        """Without the elements at both ends that hold no value.

        Those whose flux and error are both zero or undefined, as recipes fill them in.

        Raises
        ------
        UnprocessableData
            If fewer than two elements hold a value.
        """
        filled = _is_empty(self.flux) & _is_empty(self.error)
        useful = np.flatnonzero(~filled)
        if useful.size < 2:
            raise UnprocessableData(
                f"the spectrum has no value: flux and error are zero or undefined in all but"
                f" {useful.size} of its {self.wave.size} elements"
            )
        if not filled[[0, -1]].any():
            return self
        part = slice(int(useful[0]), int(useful[-1]) + 1)
        return replace(
            self,
            wave=self.wave[part],
            flux=self.flux[part],
            error=self.error[part],
            quality=None if self.quality is None else self.quality[part],
            extra=tuple(replace(one, values=one.values[part]) for one in self.extra),
        )


def _is_empty(values: np.ndarray) -> np.ndarray:
    return np.asarray(~np.isfinite(values) | (values == 0))


def _check_lengths(arrays: Mapping[str, np.ndarray]) -> None:
    shapes = {name: array.shape for name, array in arrays.items()}
    if len(set(shapes.values())) > 1 or any(len(shape) != 1 for shape in shapes.values()):
        shown = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
        raise UnprocessableData(f"the arrays of a spectrum have one length: {shown}")
    if arrays["wave"].size < 2:
        raise UnprocessableData("a spectrum has two elements at least")


def _check_values(arrays: Mapping[str, np.ndarray]) -> None:
    wave = arrays["wave"]
    if not np.isfinite(wave).all() or not (np.diff(wave) > 0).all():
        place = int(np.argmax(~(np.diff(wave) > 0)))
        raise UnprocessableData(
            f"wavelengths must be defined and increase: elements {place} and {place + 1} are"
            f" {wave[place]!r} and {wave[place + 1]!r}"
        )
    for name, array in arrays.items():
        if array.dtype.kind == "f" and np.isinf(array).any():
            place = int(np.argmax(np.isinf(array)))
            raise UnprocessableData(f"{name}: element {place} is infinite; undefined ones are NaN")
    if (arrays["error"] < 0).any():
        raise UnprocessableData("errors must not be negative")
    quality = arrays.get("quality")
    if quality is not None and (quality.dtype.kind not in "iu" or (quality < 0).any()):
        raise UnprocessableData("quality flags must be integers that are not negative")


@dataclass(frozen=True, slots=True)
class Associated:
    """A file that goes with a product."""

    name: str
    category: str = ""
    """ASSOC of a file that is not FITS: ``ANCILLARY.PREVIEW``; blank for FITS files."""
    md5: str = ""
    """Of a file that is not FITS."""


@dataclass(frozen=True, slots=True)
class Description:
    """What a product says of its origin: the keywords of the standard that are no arrays."""

    target: str
    """OBJECT."""
    ra: float
    """Degrees."""
    dec: float
    """Degrees."""
    telescope: str
    instrument: str
    technique: str
    """OBSTECH: DPR.TECH of the raw frames."""
    mjd_obs: float
    mjd_end: float
    exptime: float
    """s."""
    texptime: float
    """s, sum of all exposures."""
    resolution: float
    """SPEC_RES: wavelength over its resolution element."""
    aperture: float
    """Width of slit or fibre [deg]."""
    software: str
    """PROCSOFT: ``vltflow/0.1.0``."""
    date: str
    """DATE: when it was processed, yyyy-MM-dd. Given, so that equal input gives equal bytes."""
    programmes: tuple[str, ...]
    """PROG_ID, or PROGIDi of several."""
    blocks: tuple[int, ...]
    """OBIDi."""
    provenance: tuple[str, ...]
    """PROVi: raw frames by archive name, products by ARCFILE or ORIGFILE."""
    ncombine: int = 1
    """Raw frames on target that went in."""
    frame: Literal["TOPOCENT", "GEOCENTR", "BARYCENT", "HELIOCEN"] = "TOPOCENT"
    """SPECSYS."""
    system: Literal["ICRS", "FK5"] = "FK5"
    """RADESYS; FK5 of equinox 2000."""
    origin: str = "ESO"
    is_absolute: bool = False
    """FLUXCAL: ABSOLUTE, else UNCALIBRATED."""
    flux_error: float | None = None
    """FLUXERR [%]; None: unknown."""
    has_total_flux: bool = False
    """TOT_FLUX: all light of the source, in photometric conditions."""
    is_normalised: bool = False
    """CONTNORM."""
    is_extended: bool | None = False
    """EXT_OBJ; None: not known, and not written."""
    snr: float | None = None
    """SNR; None: the median of the arrays."""
    line_rms: float | None = None
    """LAMRMS: residuals of the wavelength solution [nm]."""
    lines: int | None = None
    """LAMNLIN: number of lines in it."""
    systematic_error: float | None = None
    """SPEC_SYE [nm]."""
    reference: str = ""
    """REFERENC: bibcode, DOI or nothing."""
    associated: tuple[Associated, ...] = ()
    archive_name: str = ""
    """ARCFILE: see `naming.archive_name`."""
    title: str = ""
    """TITLE, which must contain the target; blank: one is made."""
    more: Mapping[str, FitsValue] = field(default_factory=dict)
    """Further keywords of the primary header in FITS form, such as ``ESO QC ...``."""

    @property
    def shown_title(self) -> str:
        """TITLE: as given, or target, instrument and time, which no other spectrum has."""
        return self.title or f"{self.target} {self.instrument} {self.mjd_obs:.8f}"
