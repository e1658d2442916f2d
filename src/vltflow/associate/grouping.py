"""What is reduced together: frames of one template, or one frame alone."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Protocol

from vltflow.core.time import DAY_SECONDS
from vltflow.instruments import Instrument
from vltflow.instruments.raw_types import RawType
from vltflow.records import AssociationBlock
from vltflow.store import WaitingFrame

TEMPLATE, SINGLE = "tpl", "none"
_SHOWN = 5
"""Numbers of missing frames that a problem names."""


class GroupedFrame(Protocol):
    """What grouping reads of a frame."""

    @property
    def frame_id(self) -> str: ...  # noqa: D102
    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def night(self) -> str: ...  # noqa: D102
    @property
    def mjd_obs(self) -> float: ...  # noqa: D102
    @property
    def exptime(self) -> float: ...  # noqa: D102
    @property
    def tpl_nexp(self) -> int: ...  # noqa: D102
    @property
    def tpl_expno(self) -> int: ...  # noqa: D102


@dataclass(slots=True)
class Group:
    """Frames that came since the last association and belong together."""

    key: str
    """Value that holds the group together."""
    tag: str
    raw_type: str
    setup: str
    setup_keys: str
    frames: list[WaitingFrame] = field(default_factory=list)


def group(frames: Iterable[WaitingFrame], instrument: Instrument) -> dict[str, Group]:
    """Groups by key, in order of their first frames.

    Frames of one template have the same raw type, setup and TPL START; a frame that
    names no template stands alone.
    """
    by_template = {name: entry.group == "template" for name, entry in instrument.raw_types.items()}
    groups: dict[str, Group] = {}
    for frame in frames:
        tag = TEMPLATE if by_template[frame.raw_type] and frame.tpl_start else SINGLE
        start = frame.tpl_start if tag == TEMPLATE else frame.name
        key = f"{instrument.name} {frame.raw_type} {start} {_digest(frame.setup_keys)}"
        found = groups.get(key)
        if found is None:
            found = Group(key, tag, frame.raw_type, frame.setup, frame.setup_keys)
            groups[key] = found
        found.frames.append(frame)
    return groups


def build_block(
    group: Group, frames: Sequence[GroupedFrame], instrument: Instrument
) -> AssociationBlock:
    """AB of a group's frames, not yet matched with calibrations."""
    ordered = sorted(frames, key=lambda frame: (frame.mjd_obs, frame.name))
    first = ordered[0]
    start = first.mjd_obs
    end = max(frame.mjd_obs + frame.exptime / DAY_SECONDS for frame in ordered)
    entry = instrument.raw_types[group.raw_type]
    expected, problem = completeness(ordered, entry)
    return AssociationBlock(
        name=f"{first.name}_{group.tag}",
        instrument=instrument.name,
        night=first.night,
        raw_type=group.raw_type,
        setup=group.setup,
        setup_keys=group.setup_keys,
        recipe=entry.recipe,
        grouping=group.tag,
        group_key=group.key,
        frames=tuple(frame.frame_id for frame in ordered),
        masters=(),
        expected=expected,
        complete=not problem,
        mjd_start=start,
        mjd_mid=(start + end) / 2,
        mjd_end=end,
        context=instrument.context,
        problem=problem,
    )


def completeness(frames: Sequence[GroupedFrame], entry: RawType) -> tuple[int, str]:
    """Number of frames that should be there, and what is missing (empty: nothing).

    A template says in TPL NEXP how many frames it takes and numbers them in TPL EXPNO. A
    number that came twice does not stand for one that did not come.
    """
    if entry.group == "frame":
        return 1, ""
    numbers = Counter(frame.tpl_expno for frame in frames)
    announced = max(frame.tpl_nexp for frame in frames) if entry.announced else 0
    missing = [number for number in range(1, announced + 1) if number not in numbers]
    twice = sorted(number for number, count in numbers.items() if count > 1)
    expected = max(announced, entry.minimum)
    if missing:
        problem = (
            f"incomplete: {announced - len(missing)} of {announced} frames, "
            f"EXPNO {_listed(missing)} missing"
        )
        return expected, problem + (f", EXPNO {_listed(twice)} more than once" if twice else "")
    if len(frames) < entry.minimum:
        problem = f"incomplete: {len(frames)} of at least {entry.minimum} frames"
        return expected, f"{problem} that {entry.recipe} needs"
    return expected, ""


@lru_cache(maxsize=65536)
def _digest(setup_keys: str) -> str:
    return hashlib.sha256(setup_keys.encode()).hexdigest()[:12]


def _listed(numbers: Sequence[int]) -> str:
    shown = [str(number) for number in numbers[:_SHOWN]]
    if len(numbers) > _SHOWN:
        return ", ".join(shown) + f" and {len(numbers) - _SHOWN} more"
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)
