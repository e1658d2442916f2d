"""B1: what a file says of the other files of its batch."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import numpy as np

from vltflow.fits import FitsValue, Header
from vltflow.publish.batch import Batch
from vltflow.publish.document import Document
from vltflow.publish.rules import (
    ANY,
    CHECKS,
    CUBE,
    SPECTRUM,
    STANDARD,
    Severity,
    Violation,
    batch_rule,
)
from vltflow.publish.standard.cubes import spectral_axis
from vltflow.publish.standard.values import number, numbered, text

WHITE_LIGHT = "ANCILLARY.IMAGE.WHITELIGHT"
_WHITE_LIGHT_TOLERANCE = 0.02


@batch_rule("B101", source=STANDARD, of=ANY)
def names_are_unique(document: Document, batch: Batch) -> Iterator[Violation]:
    """Each file of a batch has a name of its own."""
    for one in batch.by_file_name[document.path.name]:
        if one.path != document.path:
            yield Violation("(name)", document.path.name, f"is that of {one.path}, too")
            return


@batch_rule("B102", source=STANDARD)
def associated_files_are_there(document: Document, batch: Batch) -> Iterator[Violation]:
    """Each ASSONi is a file of the batch, or lies beside it."""
    for index, name in numbered(document.primary, "ASSON").items():
        if not isinstance(name, str) or batch.named(name.strip()) is None:
            yield Violation(f"ASSON{index}", name, "is neither in the batch nor beside the file")


@batch_rule("B103", source=CHECKS)
def associated_sums_are_true(document: Document, batch: Batch) -> Iterator[Violation]:
    """Each ASSOMi is the MD5 sum of the file that ASSONi names."""
    names = numbered(document.primary, "ASSON")
    for index, value in numbered(document.primary, "ASSOM").items():
        path = batch.named(str(names.get(index, "")).strip())
        if path is not None and path.is_file() and isinstance(value, str) and value.strip():
            with path.open("rb") as file:
                found = hashlib.file_digest(file, "md5").hexdigest()
            if found != value:
                yield Violation(f"ASSOM{index}", value, f"the sum of {path.name} is {found}")


@batch_rule("B104", source=STANDARD, of=SPECTRUM)
def titles_are_unique(document: Document, batch: Batch) -> Iterator[Violation]:
    """Each spectrum of a batch has a TITLE of its own."""
    hdu, header = document.table
    title = text(header, "TITLE")
    for one in batch.by_title.get(title or "", ()):
        if title and one.path != document.path:
            yield Violation("TITLE", title, f"is that of {one.path.name}, too", hdu)
            return


@batch_rule("B105", source=CHECKS, of=CUBE)
def cube_has_a_white_light_image(document: Document, batch: Batch) -> Iterator[Violation]:
    """A cube has one white-light image.

    One of its ASSONi has PRODCATG = ANCILLARY.IMAGE.WHITELIGHT.
    """
    found = _white_light(document, batch)
    if len(found) != 1:
        shown = ", ".join(found) or "none of its ASSONi is one"
        yield Violation("ASSON1", document.primary.get("ASSON1"), f"white-light images: {shown}")


@batch_rule("B106", source=CHECKS, of=CUBE)
def white_light_image_has_its_size(document: Document, batch: Batch) -> Iterator[Violation]:
    """The white-light image is as large as the planes of its cube.

    NAXIS1 and NAXIS2 are the same.
    """
    data = document.with_class("DATA")
    for name in _white_light(document, batch):
        image = batch.document(name)
        if image is None or not data:
            continue
        sizes = [_size(header) for header in image.headers if header.get("NAXIS") == 2]
        expected = _size(data[0][1])
        if expected not in sizes:
            yield Violation("NAXIS1", str(sizes), f"{name} must have the size {expected}")


def _size(header: Header) -> tuple[FitsValue, FitsValue]:
    return header.get("NAXIS1"), header.get("NAXIS2")


@batch_rule("B107", source=STANDARD, of=CUBE, severity=Severity.WARNING)
def white_light_image_is_the_mean(document: Document, batch: Batch) -> Iterator[Violation]:
    """The white-light image is the mean of the planes between WAVELMIN and WAVELMAX.

    Half of the defined pixels agree within 2 %. Reads the cube plane by plane.
    """
    data = document.with_class("DATA")
    axis = spectral_axis(data[0][1]) if data else None
    low, high = number(document.primary, "WAVELMIN"), number(document.primary, "WAVELMAX")
    if axis is None or low is None or high is None or document.is_packed:
        return
    step = abs(axis[1] - axis[0]) / 2 if axis.size > 1 else 0.0
    used = (axis >= low - step) & (axis <= high + step)
    for name in _white_light(document, batch):
        image = batch.document(name)
        found = _image(image, _size(data[0][1])) if image else None
        if found is None:
            continue
        expected = _mean_plane(document, data[0][0], used)
        both = np.isfinite(found) & np.isfinite(expected) & (expected != 0)
        if both.any():
            differ = float(np.median(np.abs(found[both] / expected[both] - 1.0)))
            if differ > _WHITE_LIGHT_TOLERANCE:
                yield Violation("ASSON1", name, f"differs from the mean by {differ:.1%} (median)")


def _mean_plane(document: Document, hdu: int, used: np.ndarray) -> np.ndarray:
    """Mean of the defined pixels of some planes; NaN where none is defined."""
    total, count = np.zeros(1), np.zeros(1)
    for number_of, plane in enumerate(document.planes(hdu)):
        if used[number_of]:
            defined = np.isfinite(plane)
            total = total + np.where(defined, plane, 0.0)
            count = count + defined
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _image(document: Document, size: tuple[FitsValue, FitsValue]) -> np.ndarray | None:
    for hdu, header in enumerate(document.headers):
        if header.get("NAXIS") == 2 and _size(header) == size and not document.is_packed:
            return np.asarray(next(document.planes(hdu)), float)
    return None


def _white_light(document: Document, batch: Batch) -> list[str]:
    names = [str(name).strip() for name in numbered(document.primary, "ASSON").values()]
    headers = {name: batch.header_of(name) for name in names}
    return [
        name
        for name, header in headers.items()
        if header is not None and text(header, "PRODCATG") == WHITE_LIGHT
    ]
