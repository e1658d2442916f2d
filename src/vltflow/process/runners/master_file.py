"""A master calibration that stays in its file until its pixels are asked for."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import numpy as np

from vltflow.fits import RawImage, scan
from vltflow.process.product_file import QUALITY, VARIANCE
from vltflow.recipes import MasterImage


class MasterFile(MasterImage):
    """A master as `product_file` writes it.

    `rows` reads these rows and keeps nothing; `data`, `variance` and `quality` read their
    plane as a whole and keep it.

    Parameters
    ----------
    path : Path
        Plain FITS file: data in the primary HDU, VARIANCE and QUALITY as extensions.
    name : str
        Name of the master.
    """

    def __init__(self, path: Path, name: str) -> None:
        headers = scan(path)
        found = {header.get("EXTNAME") for header in headers[1:]}

        def plane(extension: str) -> RawImage | None:
            return RawImage(path, extension) if extension in found else None

        # Set past the record's back: it is frozen for everybody else.
        self.__dict__.update(
            header=headers[0].to_dict(), name=name, _image=RawImage(path),
            _variance=plane(VARIANCE), _quality=plane(QUALITY),
        )  # fmt: skip

    _image: RawImage
    _variance: RawImage | None
    _quality: RawImage | None

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows and columns."""
        return self._image.shape

    def rows(
        self, start: int, stop: int
    ) -> tuple[np.ndarray, np.ndarray | None, np.ndarray | None]:
        """Data, variance and quality of some rows, read now."""
        return (
            self._image.rows(start, stop),
            None if self._variance is None else self._variance.rows(start, stop),
            None if self._quality is None else _flags(self._quality.rows(start, stop)),
        )

    @cached_property
    def data(self) -> np.ndarray:
        """All its rows."""
        return self._image.rows()

    @cached_property
    def variance(self) -> np.ndarray | None:
        """All its rows; None if the file has none."""
        return None if self._variance is None else self._variance.rows()

    @cached_property
    def quality(self) -> np.ndarray | None:
        """All its rows; None if the file has none."""
        return None if self._quality is None else _flags(self._quality.rows())


def _flags(pixels: np.ndarray) -> np.ndarray:
    return pixels.astype(np.uint8)
