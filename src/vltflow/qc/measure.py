"""QC1 values read from the headers of products, whoever wrote them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vltflow.core.errors import InvalidHeader, UnreadableFile
from vltflow.fits import FitsValue, scan
from vltflow.records import AssociationBlock, Product, QcValue

_PREFIX = "ESO "
_GROUP = "ESO QC "


@dataclass(frozen=True, slots=True)
class Measured:
    """QC1 values of a product, and what stood where a number was due."""

    values: tuple[QcValue, ...] = ()
    undefined: dict[str, str] = field(default_factory=dict)
    """Text such as ``nan`` by parameter: written by the recipe, but no number."""


def measure(
    block: AssociationBlock, product: Product, path: Path, unit_of: Callable[[str], str]
) -> Measured:
    """QC1 values in the headers of all HDUs of a product.

    A keyword that stands in several HDUs is measured once for each: its name then ends with
    ``@`` and EXTNAME, as in ``QC DARK MED@CHIP1.INT1``.

    Parameters
    ----------
    path
        The product's file.
    unit_of
        Unit of a parameter, from the catalogue; empty if it has none.

    Raises
    ------
    UnreadableFile
        If the file is no FITS file.
    """
    values: dict[str, float] = {}
    undefined: dict[str, str] = {}
    for parameter, value in _named(_quality_keywords(path, product.name)).items():
        number = _number(value)
        if number is None:
            continue
        if math.isfinite(number):
            values[parameter] = number
        else:
            undefined[parameter] = _without_comment(str(value))
    found = tuple(
        qc_value(block, product, parameter, number, unit_of(base_name(parameter)))
        for parameter, number in values.items()
    )
    return Measured(found, undefined)


def quality_keywords(path: Path) -> dict[str, float]:
    """Finite QC1 values of a product by parameter, named as by `measure`.

    Raises
    ------
    UnreadableFile
        If the file is no FITS file.
    """
    return finite_numbers(_named(_quality_keywords(path, path.name)))


def finite_numbers(named: Mapping[str, Any]) -> dict[str, float]:
    """Those of some keyword values that are finite numbers, texts that hold one included."""
    numbers = {parameter: _number(value) for parameter, value in named.items()}
    return {
        parameter: number
        for parameter, number in numbers.items()
        if number is not None and math.isfinite(number)
    }


def base_name(parameter: str) -> str:
    """Name of a parameter without the extension that it was measured on."""
    return parameter.partition("@")[0]


def _named(found: Iterable[tuple[str, str, Any]]) -> dict[str, Any]:
    """Values by parameter; those that stand in several HDUs with the name of each."""
    places: dict[str, dict[str, Any]] = {}
    for extension, parameter, value in found:
        places.setdefault(parameter, {}).setdefault(extension, value)
    named: dict[str, Any] = {}
    for parameter, values in places.items():
        if len(values) == 1:
            named[parameter] = next(iter(values.values()))
        else:
            named |= {f"{parameter}@{extension}": value for extension, value in values.items()}
    return named


def _quality_keywords(path: Path, name: str) -> Iterator[tuple[str, str, FitsValue]]:
    """HDU, parameter and value of each QC keyword."""
    try:
        headers = scan(path)
    except (UnreadableFile, InvalidHeader) as error:
        raise UnreadableFile(
            f"product {name} cannot be read: {error}",
            hint="Restore the file from a backup, or make the product anew",
        ) from error
    for number, header in enumerate(headers):
        place = str(header.get("EXTNAME") or "").strip().upper() or str(number or "PRIMARY")
        for key, value in header.items():
            if key.startswith(_GROUP):
                yield place, key.removeprefix(_PREFIX), value


def _number(value: Any) -> float | None:
    """Number that a keyword holds; None for texts that are not meant as one, and for no value."""
    if isinstance(value, (bool, int, float)):
        return float(value)
    if not isinstance(value, str):
        return None
    try:
        number = float(_without_comment(value))
    except ValueError:
        return None
    return None if math.isfinite(number) else number


def _without_comment(text: str) -> str:
    """Value of a card that some writer left as a bare ``nan``: FITS forbids it, so all is text."""
    return text.partition("/")[0].strip()


def qc_value(
    block: AssociationBlock, product: Product, parameter: str, number: float, unit: str
) -> QcValue:
    """A measured value with what the registry knows of it by."""
    return QcValue(
        block=block.name,
        revision=block.revision,
        product_id=product.product_id,
        instrument=block.instrument,
        night=block.night,
        raw_type=block.raw_type,
        setup=block.setup,
        category=product.category,
        parameter=parameter,
        value=number,
        unit=unit,
        mjd=product.mjd,
    )
