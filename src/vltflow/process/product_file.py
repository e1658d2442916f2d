"""The file of a native product: images or tables, with ESO's product keywords.

=========  ==================  ====================================================
HDU        content             type
=========  ==================  ====================================================
primary    data                float32; all keywords
VARIANCE   variance            float32, square of the data's unit
QUALITY    bits, 0 = good      uint8, meaning of the bits in ``ESO QUAL BITn``
=========  ==================  ====================================================

A product of tables has all keywords in its primary HDU, which is empty, and one binary table
with units an extension.

Keywords: what a raw header tells of instrument, detector, template and telescope is copied
from the first frame; ``ESO PRO`` as in ESO's Data Interface Control Document (GEN-SPE-ESO-
19400-0794); ``ESO QC`` are the QC1 parameters. No date and no name of a run stands in the file:
the same work gives the same bytes.
"""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vltflow import __version__
from vltflow.algorithms import Quality
from vltflow.fits import Image, Table, write_hdus
from vltflow.recipes import ProductData, TableProduct

VARIANCE = "VARIANCE"
QUALITY = "QUALITY"

INPUT_HASH = "ESO DRS INPUT HASH"
"""Keyword that leads from a file to the job that made it: the beginning of the job's hash."""
HASH_DIGITS = 32

_COPIED = re.compile(
    r"(ORIGIN|TELESCOP|INSTRUME|OBJECT|OBSERVER|PI-COI|RA|DEC|EQUINOX|RADECSYS|RADESYS|EXPTIME"
    r"|MJD-OBS|DATE-OBS|UTC|LST)$"
)
_COPIED_GROUPS = re.compile(r"ESO (OBS|TPL|INS|DET|TEL|ADA|GEN|OCS|SEQ)\b")
# The product has no prescan and overscan any more; PRO and QC of a raw frame are nobody's.
_DROPPED = re.compile(r"ESO DET OUT\d+ (PRSC|OVSC)[XY]$")
_CARD_ROOM = 80 - len("HIERARCH  = ")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Provenance:
    """What a product was made from, how and by which rules."""

    category: str
    recipe: str
    recipe_version: str
    context: str
    raws: tuple[tuple[str, str], ...]
    """Name and raw type of each raw frame."""
    masters: tuple[tuple[str, str], ...]
    """Name and category of each master."""
    parameters: Mapping[str, Any]
    input_hash: str
    """Hash of all this; equal hash, equal products."""


def save_product(
    path: Path,
    product: ProductData | TableProduct,
    *,
    first: Mapping[str, Any],
    provenance: Provenance,
) -> str:
    """Write a product and give its SHA-256; `first` is the header of the first raw frame.

    Raises
    ------
    OSError
        If the disk refuses; nothing is left behind.
    """
    cards = [
        *_inherited(first),
        *_product_cards(first, provenance),
        *product.header.items(),
        *_quality_values(product.qc),
    ]
    if isinstance(product, TableProduct):
        return write_hdus(path, [Image(None, _written(cards)), *_tables(product)])
    unit = str(product.header.get("BUNIT", ""))
    variance = [("EXTNAME", VARIANCE), *([("BUNIT", f"({unit})**2")] if unit else [])]
    return write_hdus(
        path,
        [
            Image(np.asarray(product.data, np.float32), _written(cards)),
            Image(np.asarray(product.variance, np.float32), variance),
            Image(np.asarray(product.quality, np.uint8), _quality_cards()),
        ],
    )


def _tables(product: TableProduct) -> list[Table]:
    return [
        Table(one.name, one.rows, one.units, _written(one.header.items())) for one in product.tables
    ]


def _inherited(first: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    for key, value in first.items():
        if _COPIED.match(key) or (_COPIED_GROUPS.match(key) and not _DROPPED.match(key)):
            yield key, value


def _product_cards(first: Mapping[str, Any], made: Provenance) -> Iterable[tuple[str, Any]]:
    yield "ESO PRO CATG", made.category
    yield "ESO PRO TYPE", "REDUCED"
    yield "ESO PRO TECH", first.get("ESO DPR TECH") or "IMAGE"
    yield "ESO PRO SCIENCE", first.get("ESO DPR CATG") == "SCIENCE"
    yield "ESO PRO DATANCOM", len(made.raws)
    yield "ESO PRO REC1 ID", made.recipe
    yield "ESO PRO REC1 DRS ID", f"vltflow-{__version__}"
    yield "ESO PRO REC1 PIPE ID", f"{made.recipe}/{made.recipe_version}"
    for kind, files in (("RAW", made.raws), ("CAL", made.masters)):
        for number, (name, category) in enumerate(files, start=1):
            yield f"ESO PRO REC1 {kind}{number} NAME", name
            yield f"ESO PRO REC1 {kind}{number} CATG", category
    for number, (name, value) in enumerate(sorted(made.parameters.items()), start=1):
        yield f"ESO PRO REC1 PARAM{number} NAME", name
        yield f"ESO PRO REC1 PARAM{number} VALUE", str(value)
    yield "ESO DRS CONTEXT", made.context
    yield INPUT_HASH, made.input_hash[:HASH_DIGITS]


def _quality_values(values: Mapping[str, float]) -> Iterable[tuple[str, float]]:
    for name, value in values.items():
        if math.isfinite(value):
            yield f"ESO {name}", float(value)
        else:  # FITS knows no such numbers; an absent parameter counts as not measured
            log.warning("parameter=%s value=%s reason=not finite, left out", name, value)


def _quality_cards() -> Sequence[tuple[str, Any]]:
    bits = [(f"ESO QUAL BIT{bit.bit_length()}", bit.name) for bit in Quality if bit]
    return [("EXTNAME", QUALITY), *bits]


def _written(cards: Iterable[tuple[str, Any]]) -> list[tuple[str, Any]]:
    """Cards that FITS can hold; of those with the same keyword the last one counts."""
    written: dict[str, Any] = {}
    for key, value in cards:
        if value is None or isinstance(value, complex):
            continue
        if isinstance(value, float) and not math.isfinite(value):
            continue  # FITS knows no such numbers
        written[key] = _fitting(key, value)
    return list(written.items())


def _fitting(key: str, value: Any) -> Any:
    """The value, a text cut to what one card holds: HIERARCH cards cannot be continued."""
    if not isinstance(value, str) or not key.startswith("ESO "):
        return value
    text = value.encode("ascii", "replace").decode()
    room = _CARD_ROOM - len(key) - 2
    while len(text) + text.count("'") > room:
        text = text[:-1]
    return text
