"""Pixels of raw frames, row by row, in physical values.

Recipes stack many frames block by block, so a frame gives any rows without being
held in memory, and several threads may ask one frame at the same time.
"""

from __future__ import annotations

import hashlib
import math
import os
import shutil
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from vltflow.core.errors import InvalidHeader, UnprocessableData, UnreadableFile
from vltflow.fits.header import Header
from vltflow.fits.scanner import Unit, units
from vltflow.fits.streams import explained, is_packed, open_stream, stem
from vltflow.fits.structure import shape
from vltflow.fits.unpacked import is_compressed_image, unpacked_headers
from vltflow.fits.writing import new_file

_DTYPES = {8: ">u1", 16: ">i2", 32: ">i4", 64: ">i8", -32: ">f4", -64: ">f8"}
_UNSIGNED_OFFSET = 32768


class RawImage:
    """One image HDU of a plain FITS file, read by rows.

    Parameters
    ----------
    path : str or path-like
        A plain FITS file; packed ones and ``.fz`` go through `materialise` first.
    extension : int or str
        Number of the HDU (0 is the primary) or its EXTNAME.

    Raises
    ------
    UnreadableFile
        If the file cannot be read or is not whole, or the image is compressed.
    UnprocessableData
        If there is no such HDU or it holds no image.
    """

    def __init__(self, path: str | os.PathLike[str], extension: int | str = 0) -> None:
        self._path = os.fspath(path)
        if is_packed(self._path):
            raise _needs_unpacking(self._path)
        found = units(self._path)
        unit = found[_number(found, extension, self._path)]
        own = unit.header
        if is_compressed_image(own):
            raise _needs_unpacking(self._path)
        where = f"{self._path}[{extension}]"
        self.shape = shape(own, where)
        """Rows first: (NAXIS2, NAXIS1)."""
        if len(self.shape) < 2 or own.get("XTENSION", "IMAGE") != "IMAGE":
            raise UnprocessableData(f"{where}: this HDU holds no image")
        self.header = own if unit is found[0] else own.over(found[0].header)
        """The extension's header with what it lacks taken from the primary header."""
        self.name = str(own.get("EXTNAME") or "")
        """EXTNAME; empty if there is none."""
        self._stored = np.dtype(_DTYPES[_integer(own, "BITPIX", where)])
        self._scale, self._zero = (
            _number_of(own, "BSCALE", 1, where),
            _number_of(own, "BZERO", 0, where),
        )
        blank = own.get("BLANK")
        self._blank = blank if isinstance(blank, int) and self._stored.kind in "iu" else None
        self._start = unit.data_start
        with explained(self._path):
            self._descriptor = os.open(self._path, os.O_RDONLY)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the pixels that `rows` gives: uint16 or float32."""
        return np.dtype(np.uint16 if self._is_unsigned else np.float32)

    def rows(self, start: int = 0, stop: int | None = None) -> np.ndarray:
        """Physical values of rows start <= y < stop, read from disk now; thread-safe.

        Parameters
        ----------
        start, stop : int
            As in a slice; `stop` None is the last row and one.

        Returns
        -------
        ndarray
            uint16 where the file holds unsigned 16-bit pixels (BITPIX 16, BZERO 32768),
            else float32 with BSCALE and BZERO applied and undefined pixels (BLANK) as NaN.

        Raises
        ------
        UnreadableFile
            If the file became shorter or unreadable meanwhile.
        """
        start, stop, _ = slice(start, stop).indices(self.shape[0])
        stored = np.empty((max(stop - start, 0), *self.shape[1:]), self._stored)
        row_bytes = math.prod(self.shape[1:]) * self._stored.itemsize
        self._read(self._start + start * row_bytes, stored)
        return self._physical(stored)

    def close(self) -> None:
        """Give the file back to the system."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __del__(self) -> None:
        # A constructor that raised leaves no descriptor.
        if getattr(self, "_descriptor", -1) >= 0:
            self.close()

    @property
    def _is_unsigned(self) -> bool:
        return (
            self._stored == np.dtype(">i2")
            and (self._scale, self._zero) == (1, _UNSIGNED_OFFSET)
            and self._blank is None
        )

    def _read(self, place: int, pixels: np.ndarray) -> None:
        """Fill `pixels` from byte `place` of the file on."""
        wanted = memoryview(pixels.reshape(-1).view(np.uint8).data)
        done = 0
        with explained(self._path):
            while done < len(wanted):
                count = os.preadv(self._descriptor, [wanted[done:]], place + done)
                if not count:
                    raise UnreadableFile(
                        f"{self._path}: the file became shorter since it was opened",
                        hint="Ingest it again",
                    )
                done += count

    def _physical(self, stored: np.ndarray) -> np.ndarray:
        """Physical values; `stored` may be overwritten."""
        if self._is_unsigned:
            # Adding 32768 to a signed 16-bit number is flipping its highest bit.
            pixels = _native(stored).view(np.uint16)
            pixels ^= np.uint16(0x8000)
            return pixels
        if self._blank is None and (self._scale, self._zero) == (1, 0):
            return _native(stored).astype(np.float32, copy=False)
        # In double precision: BZERO may be large against the pixels' differences.
        pixels = (stored * np.float64(self._scale) + self._zero).astype(np.float32)
        if self._blank is not None:
            pixels[stored == self._blank] = np.nan
        return pixels


def _native(stored: np.ndarray) -> np.ndarray:
    """The same values in this machine's byte order, in the same memory."""
    order = stored.dtype.newbyteorder("=")
    return stored if stored.dtype.isnative else stored.byteswap(inplace=True).view(order)


def materialise(path: str | os.PathLike[str], folder: str | os.PathLike[str]) -> Path:
    """A plain FITS file with the content of `path`, for `RawImage`.

    Parameters
    ----------
    path : str or path-like
        Any accepted file.
    folder : str or path-like
        Existing scratch folder for what must be unpacked. A file unpacked there
        before is used again.

    Returns
    -------
    Path
        `path` itself if it is plain already.

    Raises
    ------
    UnreadableFile
        If `path` is damaged.
    """
    source = Path(path)
    packed = is_packed(source)
    headers = [unit.header for unit in units(source)]
    compressed = any(is_compressed_image(header) for header in headers)
    if not packed and not compressed:
        return source
    status = source.stat()
    version = f"{source.resolve()}\n{status.st_size}\n{status.st_mtime_ns}"
    label = hashlib.sha256(version.encode()).hexdigest()[:12]
    target = Path(folder) / f"{stem(source.name)}-{label}.fits"
    if not target.exists():
        with new_file(target) as temporary:
            if compressed:
                _decompress(source, temporary, headers)
            else:
                with open_stream(source) as (stream, _), temporary.open("wb") as file:
                    shutil.copyfileobj(stream, file, 1 << 20)
    return target


def _decompress(source: Path, target: Path, headers: list[Header]) -> None:
    """Write the images of a ``.fz`` file as they were before fpack."""
    from astropy.io import fits  # noqa: PLC0415 - slow to load, seldom needed

    dropped = len(headers) - len(unpacked_headers(headers))
    with (
        open_stream(source) as (stream, _),
        fits.open(stream, do_not_scale_image_data=True, lazy_load_hdus=False) as opened,
    ):
        try:
            plain = [_plain(hdu, first=not n) for n, hdu in enumerate(opened[dropped:])]
        except Exception as error:
            # astropy has no common error for damaged tiles: whatever stumbles over them.
            raise UnreadableFile(
                f"{source}: its compressed image cannot be unpacked ({error})",
                hint="Fetch the file again from the archive",
            ) from error
        fits.HDUList(plain).writeto(target, output_verify="silentfix")


def _plain(hdu: Any, *, first: bool) -> Any:
    from astropy.io import fits  # noqa: PLC0415 - loaded already where this is called

    if not isinstance(hdu, fits.CompImageHDU):
        return hdu
    kind = fits.PrimaryHDU if first else fits.ImageHDU
    plain = kind(hdu.data, hdu.header, do_not_scale_image_data=True)
    for name in ("BSCALE", "BZERO"):
        if name in hdu.header:
            plain.header[name] = hdu.header[name]
    return plain


def _number(found: tuple[Unit, ...], extension: int | str, path: str) -> int:
    names = [unit.header.get("EXTNAME") for unit in found]
    if isinstance(extension, str) and extension in names:
        return names.index(extension)
    if isinstance(extension, int) and 0 <= extension < len(found):
        return extension
    raise UnprocessableData(
        f"{path}: there is no HDU {extension!r} among its {len(found)} (named: {names[1:]})"
    )


def _needs_unpacking(path: str) -> UnreadableFile:
    return UnreadableFile(
        f"{path}: its pixels are compressed", hint="Unpack it with `materialise` first"
    )


def _integer(header: Header, name: str, where: str) -> int:
    value = header.get(name)
    if not isinstance(value, int):
        raise InvalidHeader(f"{where}: {name} is {value!r}, which is no integer")
    return value


def _number_of(header: Header, name: str, default: float, where: str) -> float:
    value = header.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidHeader(f"{where}: {name} is {value!r}, which is no number")
    return value
