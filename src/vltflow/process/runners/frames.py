"""Raw frames and masters as recipes want them: rows, headers, arrays."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from vltflow.core.errors import UnprocessableData, UnreadableFile, VaultError
from vltflow.fits import Header, RawImage, materialise, read_tables, scan
from vltflow.process.executors.folders import local_path
from vltflow.process.runners.master_file import MasterFile
from vltflow.recipes import Chip, MasterImage, MasterTable
from vltflow.store import Vault


class FrameImage:
    """One chip of one raw frame, read by rows; its header has the repairs of ingestion.

    Parameters
    ----------
    path : Path
        Plain FITS file.
    extension : int
        HDU of the chip.
    name : str
        Name of the frame.
    repairs : mapping
        Keywords (FITS form) that ingestion corrected.
    """

    def __init__(
        self, path: Path, extension: int, *, name: str, repairs: Mapping[str, Any]
    ) -> None:
        self.name = name
        self._image = RawImage(path, extension)
        self.header: Header = self._image.header.with_values(repairs)
        rows, columns = self._image.shape
        self.shape: tuple[int, int] = (rows, columns)

    def rows(self, start: int, stop: int) -> np.ndarray:
        """Physical values of raw rows."""
        return self._image.rows(start, stop)

    def close(self) -> None:
        """Close the file."""
        self._image.close()


def fetch(frame: Mapping[str, Any], folder: Path) -> Path:
    """Local plain FITS file of a raw frame, unpacked or downloaded into `folder` if needed.

    Raises
    ------
    UnreadableFile
        If it is not there, damaged, or has another size than at ingestion.
    """
    url = str(frame["url"])
    if "://" in url and not url.startswith("file://"):
        import fsspec  # noqa: PLC0415 - most frames lie on a disk of this machine

        path = folder / url.rpartition("/")[2]
        with fsspec.open(url, "rb") as source, path.open("wb") as sink:
            while block := source.read(1 << 20):
                sink.write(block)
    else:
        path = local_path(url)
    try:
        size = path.stat().st_size
    except OSError as error:
        raise UnreadableFile(
            f"{path}: {error.strerror}", hint="Put the raw frame back, or ingest it from its place"
        ) from error
    if size != frame["size"]:
        raise UnreadableFile(
            f"{path}: has {size} bytes, had {frame['size']} when it was ingested",
            hint="Fetch the frame again from the archive",
        )
    return materialise(path, folder)


def chip_of(section: Mapping[str, Any], header: Mapping[str, Any], name: str) -> Chip:
    """Chip with what the header of its frames says.

    Numbered detector keywords are those of the chip's own output where the header has them,
    else those of output 1: in files with one extension a chip, each has its own ``DET OUT1``.

    Raises
    ------
    UnprocessableData
        If a keyword is absent or no number.
    """

    def number(key: str, default: float | None = None) -> float:
        value = header.get(f"ESO DET {key}", default)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise UnprocessableData(
                f"{name}: ESO DET {key} is {value!r}, not a number",
                hint="The frame cannot be reduced without; see its header",
            )
        return value

    own = int(section["output"])
    output = own if f"ESO DET OUT{own} CONAD" in header else 1
    return Chip(
        name=section["name"],
        output=own,
        prescan=int(number(f"OUT{output} PRSCX", 0)),
        overscan=int(number(f"OUT{output} OVSCX", 0)),
        binning=(int(number("WIN1 BINX", 1)), int(number("WIN1 BINY", 1))),
        conad=float(number(f"OUT{output} CONAD")),
        ron=float(number(f"OUT{output} RON")),
        saturation=float(section["saturation"]),
        quarter_turns=section["quarter_turns"],
        mirrored=section["mirrored"],
        start=(int(number("WIN1 STRX", 1)), int(number("WIN1 STRY", 1))),
    )


def master_path(master: Mapping[str, str], vault: Vault, folder: Path) -> Path:
    """Local path of a master from the vault, checked against its identifier.

    Raises
    ------
    UnreadableFile
        If its bytes are not those that were kept.
    NotFound
        If the vault has no such file.
    """
    try:
        return vault.local_path(master["file_id"], folder)
    except VaultError as error:
        if isinstance(error.__cause__, OSError):
            raise  # the disk's trouble, not this file's
        raise UnreadableFile(f"master {master['name']}: {error}") from error


def load_master(master: Mapping[str, str], vault: Vault, folder: Path) -> MasterImage:
    """Master from the vault, checked against its identifier.

    Raises
    ------
    UnreadableFile
        If its bytes are not those that were kept.
    NotFound
        If the vault has no such file.
    """
    return MasterFile(master_path(master, vault, folder), master["name"])


def load_table(master: Mapping[str, str], vault: Vault, folder: Path) -> MasterTable:
    """Master or static calibration of binary tables from the vault, checked as `load_master`.

    Raises
    ------
    UnreadableFile
        If its bytes are not those that were kept, or it holds no table.
    NotFound
        If the vault has no such file.
    """
    return tables_of(master_path(master, vault, folder), master["name"])


def tables_of(path: Path, name: str) -> MasterTable:
    """The binary tables of a FITS file; those without EXTNAME are called by their number.

    Raises
    ------
    UnreadableFile
        If it holds none.
    """
    tables = read_tables(path)
    if not tables:
        raise UnreadableFile(
            f"{name} holds no binary table",
            hint="The recipe needs a table of this category: see the association rules",
        )
    headers = scan(path)
    history = {
        str(one.get("EXTNAME") or number): one.commentary("HISTORY")
        for number, one in enumerate(headers)
    }
    return MasterTable(tables, headers[0].to_dict(), name, history)
