"""Historical QC1 values: read from the headers of products that were made elsewhere or before."""

from __future__ import annotations

import gzip
import hashlib
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from astropy.io import fits
from astropy.io.fits.verify import VerifyError

from vltflow.core.errors import InvalidHeader, UnreadableFile
from vltflow.core.time import night_of, now_iso
from vltflow.instruments import Instrument
from vltflow.instruments.conditions import keyword
from vltflow.instruments.setups import setup_of
from vltflow.qc.catalogue import Catalogue, catalogue
from vltflow.qc.measure import finite_numbers, quality_keywords
from vltflow.qc.run import declare
from vltflow.records import HistoricalProduct, HistoricalValue
from vltflow.store import Store

_GZIP = b"\x1f\x8b"
_FITS = b"SIMPLE  ="
_HINT = "Give FITS products of a pipeline, or JSON: {file name: [header cards]}"


@dataclass(frozen=True, slots=True)
class Found:
    """A header with its QC1 values, before anybody knows whose it is."""

    name: str
    header: Mapping[str, Any]
    numbers: dict[str, float]
    """Value by parameter, without ``ESO``."""


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of a file's headers."""

    new: int = 0
    known: int = 0
    values: int = 0
    """QC1 values of the new ones."""


def read(path: Path) -> list[Found]:
    """Headers with QC1 values in a file: one of a FITS product, several of a JSON collection.

    Raises
    ------
    UnreadableFile
        If the file cannot be read, or is neither FITS nor JSON.
    InvalidHeader
        If cards in a collection are no FITS cards.
    """
    try:
        content = path.read_bytes()
        if content.startswith(_GZIP):
            content = gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise UnreadableFile(f"{path}: cannot be read: {error}", hint=_HINT) from error
    if content.startswith(_FITS):
        with fits.open(path, memmap=False) as file:
            return [Found(path.name, _values(file[0].header), quality_keywords(path))]
    try:
        collection = json.loads(content)
    except ValueError as error:
        raise UnreadableFile(f"{path}: neither FITS nor JSON: {error}", hint=_HINT) from error
    if not isinstance(collection, dict) or not all(map(_are_cards, collection.values())):
        raise UnreadableFile(f"{path}: JSON, but no lists of header cards by name", hint=_HINT)
    return [_from_cards(path, name, cards) for name, cards in collection.items()]


def _are_cards(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(card, str) for card in value)


def _from_cards(path: Path, name: str, cards: Sequence[str]) -> Found:
    try:
        values = _values(fits.Header.fromstring("\n".join(cards), sep="\n"))
    except (ValueError, VerifyError) as error:
        raise InvalidHeader(f"{path}: {name}: no header of FITS cards: {error}") from error
    quality = {
        key.removeprefix("ESO "): value for key, value in values.items() if key[:7] == "ESO QC "
    }
    return Found(name, values, finite_numbers(quality))


def _values(header: fits.Header) -> dict[str, Any]:
    return {
        card.keyword: card.value
        for card in header.cards
        if card.keyword not in {"", "COMMENT", "HISTORY"}
    }


def import_file(
    store: Store,
    instruments: Sequence[Instrument],
    path: Path,
    *,
    for_thresholds: bool = False,
    by: str = "qc",
) -> Imported:
    """Enter the QC1 values of a file's headers into the store; what is known stays as it is.

    Whole or not at all: a file with one header that cannot be used enters nothing.

    Parameters
    ----------
    for_thresholds
        Whether running thresholds may look back on the values. Holds for known ones, too.

    Raises
    ------
    UnreadableFile, InvalidHeader
        As `read`, and if a header lacks what a product of a known instrument has.
    """
    catalogues = {one.name: catalogue(one) for one in instruments}
    imported, products = now_iso(), []
    for found in read(path):
        instrument = _instrument_of(found, instruments, path)
        product = _product(found, instrument, path, imported, for_thresholds=for_thresholds)
        products.append((product, list(_history(found, product, catalogues[instrument.name]))))
    for name in {product.instrument for product, _ in products}:
        measured = {one.parameter for _, values in products for one in values}
        known, _ = catalogues[name].measured(measured)
        declare(store, [*catalogues[name].parameters.values(), *known], by)
    new = values = 0
    with store.write(by=by, why=f"historical QC1 values from {path.name}") as tx:
        for product, measured_values in products:
            if tx.history.add(product, measured_values):
                new, values = new + 1, values + len(measured_values)
    return Imported(new, len(products) - new, values)


def _instrument_of(found: Found, instruments: Sequence[Instrument], path: Path) -> Instrument:
    name = str(found.header.get("INSTRUME", "")).strip()
    for instrument in instruments:
        if name in instrument.header.instrume:
            return instrument
    raise InvalidHeader(
        f"{path}: {found.name}: INSTRUME is {name!r}, no instrument of this site",
        hint="Known: " + ", ".join(one.name for one in instruments),
    )


def _product(
    found: Found, instrument: Instrument, path: Path, imported: str, *, for_thresholds: bool
) -> HistoricalProduct:
    header = found.header
    category = str(header.get("ESO PRO CATG", "")).strip()
    raw_type = _raw_type(instrument, category)
    mjd = header.get("MJD-OBS")
    if not raw_type or not isinstance(mjd, (int, float)) or not found.numbers:
        lacks = (
            f"PRO CATG is {category!r}, which {instrument.name} does not make"
            if not raw_type
            else "it has no QC1 values" if not found.numbers else "it has no MJD-OBS"
        )  # fmt: skip
        raise InvalidHeader(f"{path}: {found.name}: {lacks}", hint=_HINT)
    entry = instrument.raw_types[raw_type]
    setup, keys = setup_of(entry, [header.get(keyword(name)) for name in entry.setup])
    pipeline = str(header.get("ESO PRO REC1 PIPE ID", "")).strip()
    content = [instrument.name, category, float(mjd), pipeline, sorted(found.numbers.items())]
    return HistoricalProduct(
        source_id=hashlib.sha256(json.dumps(content).encode()).hexdigest(),
        instrument=instrument.name,
        raw_type=raw_type,
        setup=setup,
        setup_keys=keys,
        category=category,
        name=found.name,
        night=night_of(float(mjd)),
        mjd=float(mjd),
        pipeline=pipeline,
        recipe=str(header.get("ESO PRO REC1 ID", "")).strip(),
        origin=str(path),
        imported=imported,
        for_thresholds=for_thresholds,
    )


def _raw_type(instrument: Instrument, category: str) -> str:
    """First raw type whose blocks make products of a category; empty if none does."""
    makers = (name for name in instrument.raw_types if category in instrument.products_of(name))
    return next(makers, "")


def _history(
    found: Found, product: HistoricalProduct, known: Catalogue
) -> Iterator[HistoricalValue]:
    for parameter, number in found.numbers.items():
        yield HistoricalValue(product, parameter, number, known.unit_of(parameter))
