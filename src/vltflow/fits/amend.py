"""Changing keywords in the primary header of a file that others have written."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from vltflow.fits.card_text import card
from vltflow.fits.checksum import encode, ones_complement_sum
from vltflow.fits.header import FitsValue
from vltflow.fits.scanner import Unit, units
from vltflow.fits.structure import padded
from vltflow.fits.writing import new_file

_CARD = 80
_END = "END".ljust(_CARD)


def amend(path: str | os.PathLike[str], values: Mapping[str, FitsValue]) -> None:
    """Set keywords of the primary header; all other cards and all data stay as they are.

    A CHECKSUM that is there is made true again; DATASUM stays true. The file is
    complete at any moment.

    Parameters
    ----------
    path
        Plain FITS file.
    values
        Values by keyword in FITS form (``ESO QC OUT1 RON``); new ones go to the end.

    Raises
    ------
    UnreadableFile
        If the file is no FITS file.
    OSError
        If the disk refuses; the file is then as it was.
    """
    if not values:
        return
    target = Path(path)
    unit = units(target)[0]
    with target.open("rb") as file:
        header = file.read(unit.data_start - unit.header_start).decode("ascii", "replace")
    cards = [header[start : start + _CARD] for start in range(0, len(header), _CARD)]
    cards = cards[: cards.index(_END)]
    changed = _sealed(_with_values(cards, values), unit)
    with new_file(target) as temporary, temporary.open("wb") as sink, target.open("rb") as source:
        sink.write(changed)
        source.seek(unit.data_start)
        shutil.copyfileobj(source, sink, 1 << 22)


def _with_values(cards: list[str], values: Mapping[str, FitsValue]) -> list[str]:
    places = {_keyword(card): place for place, card in enumerate(cards)}
    result = list(cards)
    for name, value in values.items():
        image = _image(name, value)
        if name in places:
            result[places[name]] = image
        else:
            result.append(image)
    return result


def _keyword(card: str) -> str:
    if card.startswith("HIERARCH "):
        return card[9:].partition("=")[0].strip()
    return card[:8].strip()


def _image(name: str, value: FitsValue) -> str:
    image = card(name, value)
    if len(image) > _CARD:
        raise ValueError(f"{name} = {value!r} does not fit into one card")
    return image


def _sealed(cards: list[str], unit: Unit) -> bytes:
    """Header with a true CHECKSUM, if there was one."""
    place = next((n for n, card in enumerate(cards) if _keyword(card) == "CHECKSUM"), None)
    sum_text = str(unit.header.get("DATASUM", "")).strip()
    if place is None or not sum_text.isdigit():
        return _packed(cards)
    comment = cards[place].partition("/")[2].strip()
    cards[place] = _checksum_card("0" * 16, comment)
    total = ones_complement_sum(_packed(cards), int(sum_text))
    cards[place] = _checksum_card(encode(total), comment)
    return _packed(cards)


def _checksum_card(value: str, comment: str) -> str:
    # Laid out as libraries do: some verify by writing the card anew.
    quoted = f"'{value}'"
    card = f"CHECKSUM= {quoted:20}"
    return (f"{card} / {comment}" if comment else card)[:_CARD].ljust(_CARD)


def _packed(cards: list[str]) -> bytes:
    text = "".join([*cards, _END])
    return text.ljust(padded(len(text))).encode("ascii", "replace")
