"""One file under judgement: its headers and cards, and its data when a rule asks for them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np

from vltflow.core.errors import InvalidHeader, UnprocessableData, UnreadableFile
from vltflow.fits import Header, RawImage, Unit, first_row, inspect, units
from vltflow.fits.streams import is_packed
from vltflow.fits.unpacked import is_compressed_image, unpacked_headers

_CARD = 80
PROVENANCE = "PHASE3PROVENANCE"


@dataclass(frozen=True, slots=True)
class Document:
    """A FITS file as rules see it."""

    path: Path
    units: tuple[Unit, ...] = ()
    """HDUs as they lie in the file; none if it is damaged."""
    headers: tuple[Header, ...] = ()
    """Headers, those of compressed images as of the images that they hold."""
    cards: tuple[tuple[str, ...], ...] = ()
    """Names of all cards of each of `units`, in the order of the file."""
    damage: str = ""
    """Why the file cannot be read as FITS; empty if it can."""
    broken_seal: str = ""
    """Which checksum is not true; empty if all are."""
    remarks: tuple[str, ...] = ()
    """Harmless flaws of its bytes."""
    is_packed: bool = False
    """Whether it is packed as a whole (gzip, compress)."""
    now: float = 0.0
    """MJD of the judgement."""
    collection: str = ""
    """Name of the collection that it shall belong to; empty if not told."""

    @property
    def primary(self) -> Header:
        """Primary header; empty if the file is damaged."""
        return self.headers[0] if self.headers else Header({})

    @property
    def category(self) -> str:
        """PRODCATG; empty if it has none."""
        value = self.primary.get("PRODCATG")
        return value.strip() if isinstance(value, str) else ""

    @property
    def table(self) -> tuple[int, Header]:
        """Number and header of the extension with the spectrum; 0 and an empty one if none."""
        tables = (
            (number, header)
            for number, header in enumerate(self.headers)
            if header.get("XTENSION") == "BINTABLE" and extname(header) != PROVENANCE
        )
        return next(tables, (0, Header({})))

    @property
    def images(self) -> tuple[tuple[int, Header], ...]:
        """Numbers and headers of all image extensions."""
        return tuple(
            (number, header)
            for number, header in enumerate(self.headers)
            if number and header.get("XTENSION") == "IMAGE"
        )

    def with_class(self, hduclas2: str) -> tuple[tuple[int, Header], ...]:
        """Numbers and headers of the extensions with this HDUCLAS2."""
        return tuple(
            (number, header)
            for number, header in self.images
            if str(header.get("HDUCLAS2", "")).strip() == hduclas2
        )

    def unit(self, number: int) -> Unit:
        """HDU behind the header of this number."""
        return self.units[number + len(self.units) - len(self.headers)]

    def row(self, number: int) -> dict[str, np.ndarray]:
        """Numeric arrays of the one row of a table, by column name."""
        return first_row(self.path, self.unit(number))

    def planes(self, number: int) -> Iterator[np.ndarray]:
        """Planes of a cube (the one of an image), (NAXIS2, NAXIS1) each, one after the other.

        Raises
        ------
        UnreadableFile, UnprocessableData
            If they cannot be read.
        """
        unit = self.unit(number)
        if is_compressed_image(unit.header):
            yield from _unpacked_planes(self.path, self.units.index(unit))
            return
        with RawImage(self.path, self.units.index(unit)) as image:
            if len(image.shape) == 2:
                yield image.rows()
                return
            for plane in range(image.shape[0]):
                yield image.rows(plane, plane + 1)[0]


def extname(header: Header) -> str:
    """EXTNAME without blanks around it; empty if there is none."""
    return str(header.get("EXTNAME") or "").strip()


def open_document(path: Path, *, now: float, collection: str = "") -> Document:
    """A file as a document; one that is no FITS file, or damaged, as one that says so.

    Parameters
    ----------
    path : Path
        The file.
    now : float
        MJD of the judgement.
    collection : str
        Name of the collection that it shall belong to.
    """
    told = {"path": path, "now": now, "collection": collection}
    try:
        found = units(path)
        packed = is_packed(path)
        cards = () if packed else tuple(_card_names(path, unit) for unit in found)
        headers = unpacked_headers([unit.header for unit in found])
    except (UnreadableFile, InvalidHeader) as error:
        return Document(**told, damage=_without_path(error, path))  # type: ignore[arg-type]
    seal, remarks = "", cast("tuple[str, ...]", ())
    try:
        remarks = inspect(path).remarks
    except (UnreadableFile, InvalidHeader) as error:
        seal = _without_path(error, path)
    return Document(path, found, headers, cards, "", seal, remarks, packed, now, collection)


def _without_path(error: Exception, path: Path) -> str:
    return str(error).removeprefix(f"{path}: ")


def _card_names(path: Path, unit: Unit) -> tuple[str, ...]:
    with path.open("rb") as file:
        file.seek(unit.header_start)
        text = file.read(unit.data_start - unit.header_start).decode("latin-1")
    names = [_name(text[start : start + _CARD]) for start in range(0, len(text), _CARD)]
    return tuple(names[: names.index("END")] if "END" in names else names)


def _name(card: str) -> str:
    if card.startswith("HIERARCH "):
        return card[9:].partition("=")[0].strip()
    return card[:8].strip()


def _unpacked_planes(path: Path, number: int) -> Iterator[np.ndarray]:
    from astropy.io import fits  # noqa: PLC0415 - slow to load, and few files are compressed

    try:
        with fits.open(path) as opened:
            hdu = opened[number]
            if len(hdu.shape) == 2:
                yield np.asarray(hdu.data)
                return
            for plane in range(hdu.shape[0]):
                yield np.asarray(hdu.section[plane])
    except (OSError, ValueError, TypeError, RuntimeError) as error:
        raise UnprocessableData(
            f"{path}: its compressed pixels cannot be read ({error})"
        ) from error
