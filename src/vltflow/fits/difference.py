"""What differs between two FITS files: HDUs, keywords, pixels, columns."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from vltflow.fits.scanner import scan

MOMENTS = frozenset({"DATE", "CHECKSUM"})
"""Keywords that change with the moment of writing; CHECKSUM follows from the others."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference between two files."""

    hdu: int
    extension: str
    """EXTNAME; empty for the primary HDU and where there is none."""
    what: str
    """``keyword``, ``pixels``, ``column`` or ``structure``."""
    name: str
    """Keyword or column; empty for pixels."""
    text: str
    """What differs and by how much."""


def differences(
    one: str | os.PathLike[str],
    other: str | os.PathLike[str],
    *,
    ignored: Collection[str] = frozenset(),
) -> list[Difference]:
    """Differences of two plain FITS files; none for files of equal content.

    Parameters
    ----------
    one, other : path
        Files.
    ignored
        Keywords that may differ.

    Raises
    ------
    UnreadableFile
        If one of them is not whole.
    """
    from astropy.io import fits  # noqa: PLC0415 - slow to load

    headers = scan(one), scan(other)
    if len(headers[0]) != len(headers[1]):
        text = f"{len(headers[0])} HDUs, {len(headers[1])} HDUs"
        return [Difference(0, "", "structure", "", text)]
    found: list[Difference] = []
    with (
        fits.open(one, memmap=False) as ours,
        fits.open(other, memmap=False) as theirs,
    ):
        for number, pair in enumerate(zip(*headers, strict=True)):
            name = str(pair[0].get("EXTNAME") or "")
            said = [*_of_keywords(pair, ignored), *_of_data(ours[number].data, theirs[number].data)]
            found += [Difference(number, name, *one_said) for one_said in said]
    return found


Said = tuple[str, str, str]


def _of_keywords(
    pair: tuple[Mapping[str, Any], Mapping[str, Any]], ignored: Collection[str]
) -> Iterator[Said]:
    ours, theirs = pair
    for key in dict.fromkeys([*ours, *theirs]):
        if key not in ignored and ours.get(key) != theirs.get(key):
            yield "keyword", key, f"{ours.get(key)!r}, {theirs.get(key)!r}"


def _of_data(ours: Any, theirs: Any) -> Iterator[Said]:
    if ours is None and theirs is None:
        return
    if ours is None or theirs is None or ours.dtype != theirs.dtype or ours.shape != theirs.shape:
        yield "structure", "", f"data {_shape(ours)}, {_shape(theirs)}"
    elif ours.dtype.names is None:
        text = _of_values(ours, theirs)
        if text:
            yield "pixels", "", text
    else:
        for name in ours.dtype.names:
            text = _of_values(np.asarray(ours[name]), np.asarray(theirs[name]))
            if text:
                yield "column", name, text


def _shape(data: Any) -> str:
    return (
        "none"
        if data is None
        else f"{data.shape} {data.dtype.descr if data.dtype.names else data.dtype}"
    )


def _of_values(ours: np.ndarray, theirs: np.ndarray) -> str:
    """How many values differ, and by how much at most; empty if none does. NaN equals NaN."""
    if ours.dtype.kind not in "fc":
        unequal = ours != theirs
        if ours.dtype.kind in "iub" and np.any(unequal):
            largest = np.max(np.abs(ours.astype(np.float64) - theirs.astype(np.float64)))
            return f"{np.count_nonzero(unequal)} of {ours.size} differ, by at most {largest:g}"
        return f"{np.count_nonzero(unequal)} of {ours.size} differ" if np.any(unequal) else ""
    unequal = (ours != theirs) & ~(np.isnan(ours) & np.isnan(theirs))
    if not np.any(unequal):
        return ""
    with np.errstate(invalid="ignore"):
        gap = np.abs(ours[unequal].astype(np.float64) - theirs[unequal].astype(np.float64))
    largest = float(np.nanmax(gap)) if np.any(np.isfinite(gap)) else float("nan")
    return f"{np.count_nonzero(unequal)} of {ours.size} differ, by at most {largest:.3g}"
