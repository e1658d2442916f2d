"""The arrays of a product's QC figures in one file: numpy's npz with a JSON index."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from vltflow.core.errors import UnreadableFile
from vltflow.fits import write_bytes
from vltflow.records import QcFigure

_INDEX = "index"
_TEXTS = ("name", "title", "kind", "x_label", "y_label")


def save_figures(path: Path, figures: Sequence[QcFigure]) -> str:
    """Write figures to a file, whole or not at all; equal figures give equal bytes.

    The arrays are not compressed: that would save a third of a file much smaller than its
    product, and cost a third of the time that the recipe takes.

    Returns
    -------
    str
        SHA-256 of the file, 64 hex digits.

    Raises
    ------
    ValueError
        If two figures have the same name, or arrays do not fit their kind.
    """
    names = [figure.name for figure in figures]
    if len(set(names)) != len(names):
        raise ValueError(f"figures of one product need different names: {names}")
    for figure in figures:
        _check(figure)
    arrays = {_INDEX: np.frombuffer(json.dumps(_index(figures)).encode(), dtype=np.uint8)}
    for number, figure in enumerate(figures):
        arrays[f"{number}.x"] = np.asarray(figure.x)
        arrays[f"{number}.y"] = np.asarray(figure.y)
    content = io.BytesIO()
    np.savez(content, allow_pickle=False, **arrays)
    write_bytes(path, content.getvalue())
    return hashlib.sha256(content.getvalue()).hexdigest()


def load_figures(source: bytes | Path) -> tuple[QcFigure, ...]:
    """Figures from a file or its bytes, in the order in which they were saved.

    Raises
    ------
    UnreadableFile
        If it is no figure file.
    """
    try:
        content = source if isinstance(source, bytes) else source.read_bytes()
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            index = json.loads(arrays[_INDEX].tobytes())
            return tuple(
                _figure(entry, arrays[f"{number}.x"], arrays[f"{number}.y"])
                for number, entry in enumerate(index)
            )
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        named = "figure file" if isinstance(source, bytes) else str(source)
        raise UnreadableFile(
            f"{named}: holds no QC figures ({error})", hint="Make the product anew"
        ) from error


def _index(figures: Sequence[QcFigure]) -> list[dict[str, Any]]:
    return [
        {text: getattr(figure, text) for text in _TEXTS}
        | {"parameters": list(figure.parameters), "marks": dict(figure.marks)}
        for figure in figures
    ]


def _figure(entry: dict[str, Any], x: np.ndarray, y: np.ndarray) -> QcFigure:
    texts = {text: entry[text] for text in _TEXTS}
    figure = QcFigure(
        **texts, x=x, y=y, parameters=tuple(entry["parameters"]), marks=dict(entry["marks"])
    )
    _check(figure)
    return figure


def _check(figure: QcFigure) -> None:
    x, y = np.shape(figure.x), np.shape(figure.y)
    fits = {
        "line": len(y) == 1 and x == y,
        "histogram": len(y) == 1 and x == (y[0] + 1,),
        "image": len(y) == 2,
    }
    if not fits[figure.kind]:
        raise ValueError(f"{figure.name}: arrays of shapes {x} and {y} are no {figure.kind}")
