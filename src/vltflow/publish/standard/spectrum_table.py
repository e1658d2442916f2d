"""S1: the table of a spectrum, and how its columns are described."""

from __future__ import annotations

import re
from collections.abc import Iterator

from vltflow.fits import Header, table_columns
from vltflow.publish.document import PROVENANCE, Document, extname
from vltflow.publish.rules import CHECKS, SPECTRUM, STANDARD, Severity, Violation, rule
from vltflow.publish.standard.values import number, text

_PREFIX = r"(Spectrum\.|spec:|eso:)"
_UTYPES = {
    "TUTYP1": "Data.SpectralAxis.Value",
    "TUTYP2": "Data.FluxAxis.Value",
    "TUTYP3": "Data.FluxAxis.Accuracy.StatError",
}
_AXES = {
    "WAVE": {"angstrom", "nm", "um"},
    "FREQ": {"ghz"},
    "ENER": {"ev", "kev", "mev", "gev", "j"},
}
"""Names of the spectral axis, and its units in lower case."""
_WIDEST_APERTURE_DEG = 0.1


@rule("S101", source=CHECKS, of=SPECTRUM)
def primary_is_empty(document: Document) -> Iterator[Violation]:
    """The primary HDU of a spectrum has no data.

    NAXIS = 0.
    """
    axes = document.primary.get("NAXIS")
    if axes != 0:
        yield Violation("NAXIS", axes, "must be 0")


@rule("S102", source=STANDARD, of=SPECTRUM)
def one_table(document: Document) -> Iterator[Violation]:
    """There is one extension with the spectrum, a binary table.

    Beside it at most PHASE3PROVENANCE.
    """
    others = [
        (number, header)
        for number, header in enumerate(document.headers)
        if number and extname(header) != PROVENANCE
    ]
    if not others:
        yield Violation("XTENSION", None, "there is no extension with the spectrum")
    for hdu, header in others[:1]:
        if header.get("XTENSION") != "BINTABLE":
            yield Violation("XTENSION", header.get("XTENSION"), "must be BINTABLE", hdu)
    for hdu, header in others[1:]:
        yield Violation("EXTNAME", extname(header), "is one extension too many", hdu)


@rule("S103", source=CHECKS, of=SPECTRUM)
def one_row(document: Document) -> Iterator[Violation]:
    """The table has one row of arrays.

    NAXIS = 2, NAXIS2 = 1.
    """
    hdu, header = document.table
    for keyword, expected in (("NAXIS", 2), ("NAXIS2", 1)):
        if hdu and header.get(keyword) != expected:
            yield Violation(keyword, header.get(keyword), f"must be {expected}", hdu)


@rule("S104", source=CHECKS, of=SPECTRUM)
def no_heap(document: Document) -> Iterator[Violation]:
    """The table has no heap and no groups.

    PCOUNT = 0, GCOUNT = 1.
    """
    hdu, header = document.table
    for keyword, expected in (("PCOUNT", 0), ("GCOUNT", 1)):
        if hdu and header.get(keyword) != expected:
            yield Violation(keyword, header.get(keyword), f"must be {expected}", hdu)


@rule("S105", source=CHECKS, of=SPECTRUM)
def arrays_are_equally_long(document: Document) -> Iterator[Violation]:
    """All columns have NELEM elements.

    ESO's list says that all TFORMi are the same; its own products mix D, E and J, so
    what is checked is that all arrays have one, fixed length.
    """
    hdu, header = document.table
    if not hdu:
        return
    length = header.get("NELEM")
    for column in table_columns(header, f"HDU {hdu}"):
        keyword = f"TFORM{column.number}"
        if column.code in "PQ":
            yield Violation(keyword, header[keyword], "is an array of variable length", hdu)
        elif column.repeat != length:
            reason = f"column {column.name} has {column.repeat} elements, NELEM is {length!r}"
            yield Violation(keyword, header[keyword], reason, hdu)


@rule("S106", source=CHECKS, of=SPECTRUM)
def first_column_is_spectral(document: Document) -> Iterator[Violation]:
    """The first column is WAVE, FREQ or ENER."""
    hdu, header = document.table
    name = text(header, "TTYPE1")
    if name is not None and name not in _AXES:
        yield Violation("TTYPE1", name, "must be WAVE, FREQ or ENER", hdu)


@rule("S107", source=CHECKS, of=SPECTRUM)
def second_and_third_are_flux_and_error(document: Document) -> Iterator[Violation]:
    """The second column begins with FLUX, the third with ERR."""
    hdu, header = document.table
    for keyword, begin in (("TTYPE2", "FLUX"), ("TTYPE3", "ERR")):
        name = text(header, keyword)
        if name is not None and not name.startswith(begin):
            yield Violation(keyword, name, f"must begin with {begin}", hdu)


@rule("S108", source=CHECKS, of=SPECTRUM)
def utypes_are_right(document: Document) -> Iterator[Violation]:
    """TUTYP1 to TUTYP3 name the spectral axis, the flux and its error.

    Data.SpectralAxis.Value, Data.FluxAxis.Value and Data.FluxAxis.Accuracy.StatError behind
    one of Spectrum., spec:, eso:.
    """
    hdu, header = document.table
    for keyword, name in _UTYPES.items():
        value = text(header, keyword)
        if value is not None and not re.fullmatch(_PREFIX + re.escape(name), value):
            yield Violation(keyword, value, f"must be Spectrum.{name} or spec:{name}", hdu)


@rule("S109", source=CHECKS, of=SPECTRUM)
def air_or_vacuum(document: Document) -> Iterator[Violation]:
    """TUCD1 of wavelengths says whether they are of vacuum or air.

    em.wl or em.wl;obs.atmos.
    """
    hdu, header = document.table
    value = text(header, "TUCD1")
    if text(header, "TTYPE1") == "WAVE" and value not in {None, "em.wl", "em.wl;obs.atmos"}:
        yield Violation("TUCD1", value, "must be em.wl (vacuum) or em.wl;obs.atmos (air)", hdu)


@rule("S110", source=CHECKS, of=SPECTRUM)
def sky_is_bgflux(document: Document) -> Iterator[Violation]:
    """The sky is BGFLUX; SKYBACK is not allowed."""
    hdu, header = document.table
    for keyword, value in header.items():
        if re.fullmatch(r"TTYPE\d+", keyword) and value == "SKYBACK":
            yield Violation(keyword, value, "is not allowed: use BGFLUX", hdu)


@rule("S111", source=CHECKS, of=SPECTRUM)
def error_has_the_unit_of_the_flux(document: Document) -> Iterator[Violation]:
    """TUNIT2 and TUNIT3 are the same: the error has the unit of the flux."""
    hdu, header = document.table
    flux, error = text(header, "TUNIT2"), text(header, "TUNIT3")
    if flux is not None and error is not None and flux != error:
        yield Violation("TUNIT3", error, f"must be that of the flux, {flux!r}", hdu)


@rule("S112", source=CHECKS, of=SPECTRUM)
def publisher_is_the_archive(document: Document) -> Iterator[Violation]:
    """VOPUB is ESO/SAF."""
    hdu, header = document.table
    value = text(header, "VOPUB")
    if value is not None and value != "ESO/SAF":
        yield Violation("VOPUB", value, "must be ESO/SAF", hdu)


@rule("S113", source=STANDARD, of=SPECTRUM)
def data_model_is_known(document: Document) -> Iterator[Violation]:
    """VOCLASS is SPECTRUM v1.0, or SPECTRUM v2.0 where there are several fluxes.

    The standard writes a small v, ESO's streams a capital one: both will do.
    """
    hdu, header = document.table
    value = text(header, "VOCLASS")
    if value is None:
        return
    if value.lower() not in {"spectrum v1.0", "spectrum v2.0"}:
        yield Violation("VOCLASS", value, "must be SPECTRUM v1.0 or SPECTRUM v2.0", hdu)
    fluxes = _columns_with(header, "TUTYP", "Data.FluxAxis.Value")
    if len(fluxes) > 1 and value.lower() == "spectrum v1.0":
        yield Violation("VOCLASS", value, f"has {len(fluxes)} fluxes, so it must be v2.0", hdu)


@rule("S114", source=STANDARD, of=SPECTRUM, severity=Severity.WARNING)
def one_flux_is_the_main_one(document: Document) -> Iterator[Violation]:
    """Of several fluxes one is the default.

    It has a utype with spec: and meta.main in its TUCD; the others begin with eso:.
    """
    hdu, header = document.table
    fluxes = _columns_with(header, "TUTYP", "Data.FluxAxis.Value")
    if len(fluxes) < 2:
        return
    default = [n for n in fluxes if str(header[f"TUTYP{n}"]).strip().startswith("spec:")]
    if default != ["2"]:
        yield Violation(
            "TUTYP2", header.get("TUTYP2"), "the only flux with spec: must be here", hdu
        )
    ucd = text(header, "TUCD2") or ""
    if "meta.main" not in ucd.split(";"):
        yield Violation("TUCD2", ucd, "must have meta.main, as there are several fluxes", hdu)


def _columns_with(header: Header, stem: str, end: str) -> list[str]:
    return [
        key.removeprefix(stem)
        for key, value in header.items()
        if re.fullmatch(rf"{stem}\d+", key) and str(value).strip().endswith(end)
    ]


@rule("S115", source=CHECKS, of=SPECTRUM)
def aperture_is_in_degrees(document: Document) -> Iterator[Violation]:
    """APERTURE is in degrees: positive and below 0.1."""
    hdu, header = document.table
    value = number(header, "APERTURE")
    if value is not None and not 0.0 < value < _WIDEST_APERTURE_DEG:
        yield Violation("APERTURE", value, "must be positive and below 0.1 deg", hdu)


@rule("S212", source=STANDARD, of=SPECTRUM)
def column_names_are_unique(document: Document) -> Iterator[Violation]:
    """Each column has a name of its own.

    Capital and small letters are the same.
    """
    hdu, header = document.table
    seen: dict[str, str] = {}
    for keyword, value in header.items():
        if re.fullmatch(r"TTYPE\d+", keyword) and isinstance(value, str):
            name = value.strip().upper()
            if name in seen:
                yield Violation(keyword, value, f"is that of {seen[name]}, too", hdu)
            seen.setdefault(name, keyword)


@rule("S213", source=CHECKS, of=SPECTRUM)
def unit_of_the_axis_is_known(document: Document) -> Iterator[Violation]:
    """TUNIT1 is a unit that the archive understands.

    WAVE in angstrom, nm or um; FREQ in GHz; ENER in electronvolts.
    """
    hdu, header = document.table
    name, unit = text(header, "TTYPE1"), text(header, "TUNIT1")
    allowed = _AXES.get(name or "")
    if unit is not None and allowed and unit.lower() not in allowed:
        shown = ", ".join(sorted(allowed))
        yield Violation("TUNIT1", unit, f"must be one of {shown} for {name}", hdu)


@rule("S215", source=STANDARD, of=SPECTRUM)
def all_columns_are_described(document: Document) -> Iterator[Violation]:
    """Every column has TTYPEi, TUNITi, TUTYPi and TUCDi.

    TUNITi and TUTYPi may be blank.
    """
    hdu, header = document.table
    fields = header.get("TFIELDS")
    if not isinstance(fields, int):
        return
    for column in range(4, min(fields, 999) + 1):
        for stem in ("TTYPE", "TUNIT", "TUTYP", "TUCD"):
            if header.get(f"{stem}{column}") is None:
                yield Violation(f"{stem}{column}", None, "is missing", hdu)


@rule("S218", source=STANDARD, of=SPECTRUM, severity=Severity.WARNING)
def flux_and_error_say_what_they_are(document: Document) -> Iterator[Violation]:
    """TUCD2 begins with phot.flux.density, TUCD3 with stat.error;phot.flux.density."""
    hdu, header = document.table
    wanted = {"TUCD2": "phot.flux.density", "TUCD3": "stat.error;phot.flux.density"}
    for keyword, begin in wanted.items():
        value = text(header, keyword)
        if value is not None and not f"{value};".startswith(f"{begin};"):
            yield Violation(keyword, value, f"must begin with {begin}", hdu)
