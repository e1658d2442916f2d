"""How far the instrument's temperature was from that of its calibrations.

The distance belongs to the quality of a match: a spectrograph moves its orders and
wavelengths as it warms up. It is kept for raw types that name the keyword to read.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from vltflow.fits import keyword
from vltflow.instruments import Instrument
from vltflow.records import AssociationBlock, MasterMatch
from vltflow.store import Transaction

_DECIMALS = 3


class Temperatures:
    """Temperatures of ABs, from the headers of their first frames; each is read once."""

    def __init__(self, look: Transaction, instrument: Instrument) -> None:
        self._look = look
        self._instrument = instrument
        self._first: dict[str, str] = {}
        self._known: dict[tuple[str, str], float | None] = {}

    def learn(self, block: AssociationBlock) -> None:
        """Note the first frame of an AB that is not in the store yet."""
        if block.frames:
            self._first[block.name] = block.frames[0]

    def told(self, block: AssociationBlock) -> AssociationBlock:
        """The AB with the distance in temperature of each of its matches [deg C]."""
        name = self._instrument.raw_types[block.raw_type].temperature
        if not name or not block.frames:
            return block
        self.learn(block)
        own = self._temperature(block.name, keyword(name))
        masters = tuple(self._measured(match, own, keyword(name)) for match in block.masters)
        return replace(block, masters=masters)

    def _measured(self, match: MasterMatch, own: float | None, key: str) -> MasterMatch:
        theirs = self._temperature(match.source_block, key) if match.source_block else None
        if own is None or theirs is None:
            return match
        return replace(match, distance_celsius=round(theirs - own, _DECIMALS))

    def _temperature(self, block: str, key: str) -> float | None:
        if (block, key) not in self._known:
            self._known[block, key] = self._read(block, key)
        return self._known[block, key]

    def _read(self, block: str, key: str) -> float | None:
        frame = self._first.get(block)
        if frame is None:
            frames = self._look.frames.of_block(block)
            if not frames:
                return None
            frame = frames[0].frame_id
        return _number(header.get(key) for header in self._look.frames.headers(frame))


def _number(values: Iterable[object]) -> float | None:
    """First of some keyword values that is a number."""
    found = (one for one in values if isinstance(one, int | float) and not isinstance(one, bool))
    return next((float(one) for one in found), None)
