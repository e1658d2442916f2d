"""Headers of compressed images (``.fz``) as those of the images that they hold.

FITS standard 4.0, section 10.1 (tiled image compression): the image is kept as a
binary table, and the keywords of its structure under names that begin with Z.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from vltflow.fits.header import FitsValue, Header

_RENAMED = {
    "ZBITPIX": "BITPIX",
    "ZNAXIS": "NAXIS",
    "ZPCOUNT": "PCOUNT",
    "ZGCOUNT": "GCOUNT",
    "ZEXTEND": "EXTEND",
    "ZBLOCKED": "BLOCKED",
    "ZHECKSUM": "CHECKSUM",
    "ZDATASUM": "DATASUM",
}
_OF_THE_TABLE = re.compile(
    r"SIMPLE|XTENSION|BITPIX|NAXIS\d*|PCOUNT|GCOUNT|EXTEND|BLOCKED|CHECKSUM|DATASUM|TFIELDS|THEAP"
    r"|(?:TTYPE|TFORM|TUNIT|TNULL|TSCAL|TZERO|TDISP|TBCOL|TDIM|TCTYP|TCUNI|TCRPX|TCRVL|TCDLT|TRPOS)"
    r"\d+"
    r"|ZSIMPLE|ZTENSION|ZIMAGE|ZCMPTYPE|ZMASKCMP|ZQUANTIZ|ZDITHER0|ZBLANK|ZSCALE|ZZERO"
    r"|(?:ZNAXIS|ZTILE|ZNAME|ZVAL)\d+"
)
_INTEGER_BITPIX = (8, 16, 32, 64)
_MOST_AXES = 1000
_DEFAULT_NAME = "COMPRESSED_IMAGE"


def is_compressed_image(header: Header) -> bool:
    """Whether the HDU is a table that holds a compressed image."""
    return header.get("ZIMAGE") is True


def unpacked_headers(headers: Sequence[Header]) -> tuple[Header, ...]:
    """Headers as of the file before its images were compressed.

    The empty primary HDU that fpack puts before a compressed primary image goes.
    """
    unpacked = tuple(
        image_header(header) if is_compressed_image(header) else header for header in headers
    )
    if len(unpacked) > 1 and "SIMPLE" in unpacked[1] and headers[0].get("NAXIS") == 0:
        return unpacked[1:]
    return unpacked


def image_header(table: Header) -> Header:
    """Header of the image that a compressed-image table holds."""
    values = _structure(table)
    for key, value in table.items():
        if key in _RENAMED:
            values.setdefault(_RENAMED[key], value)
        elif not _OF_THE_TABLE.fullmatch(key) and (key, value) != ("EXTNAME", _DEFAULT_NAME):
            values.setdefault(key, value)
    if "SIMPLE" in values:
        values.pop("PCOUNT", None)
        values.pop("GCOUNT", None)
    if "ZBLANK" in table and values.get("BITPIX") in _INTEGER_BITPIX:
        values.setdefault("BLANK", table["ZBLANK"])
    return Header(values, table.commentary_cards)


def _structure(table: Header) -> dict[str, FitsValue]:
    """Keywords of the image's structure, in the order in which a header begins."""
    values: dict[str, FitsValue] = {}
    if "ZSIMPLE" in table:
        values["SIMPLE"] = table["ZSIMPLE"]
    else:
        values["XTENSION"] = "IMAGE"
    for name in ("ZBITPIX", "ZNAXIS"):
        if name in table:
            values[_RENAMED[name]] = table[name]
    axes = table.get("ZNAXIS")
    for axis in range(1, axes + 1 if isinstance(axes, int) and axes < _MOST_AXES else 1):
        values[f"NAXIS{axis}"] = table.get(f"ZNAXIS{axis}")
    if "ZSIMPLE" not in table:
        values["PCOUNT"] = table.get("ZPCOUNT", 0)
        values["GCOUNT"] = table.get("ZGCOUNT", 1)
    return values
