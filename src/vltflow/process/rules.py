"""Pure decisions: whether an AB can run now, and whether a failed job is tried again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum

from vltflow.core.errors import RecipeCrashed, RecipeTimeout, VaultError
from vltflow.records import AssociationBlock, BlockState, MasterMatch, MatchState

MADE = frozenset({BlockState.SUCCEEDED, BlockState.PARTIAL})
OPEN = frozenset({BlockState.PLANNED, BlockState.RUNNING})

_TRIES = {RecipeCrashed.code: 3, RecipeTimeout.code: 2}


class Readiness(Enum):
    """Whether an AB can run."""

    READY = "ready"
    WAITING = "waiting"
    """For a master that another AB will make."""
    STUCK = "stuck"
    """A required master will not come: association has to look again."""


@dataclass(frozen=True, slots=True)
class Source:
    """An AB as the maker of masters for others."""

    state: BlockState
    stuck: bool = False
    """PLANNED, but a required master of its own will not come."""
    products: Mapping[str, str] = field(default_factory=dict)
    """product_id by PRO CATG, of what may be used."""


@dataclass(frozen=True, slots=True)
class Resolution:
    """The matches of an AB in the light of what their sources have become."""

    readiness: Readiness
    masters: tuple[MasterMatch, ...]
    reason: str = ""
    """Why it cannot run; of one that can, its problem."""


def resolve(block: AssociationBlock, source_of: Callable[[str], Source | None]) -> Resolution:
    """Whether an AB can run, with virtual masters replaced by the real ones that were made.

    An optional master that will not come is done without; a required one makes the AB stuck.
    """
    masters = tuple(_resolved(match, source_of) for match in block.masters)
    for match in masters:
        if match.required and match.state is MatchState.MISSING:
            maker = f", which {match.source_block} should have made" if match.source_block else ""
            return Resolution(Readiness.STUCK, masters, f"no {match.category}{maker}")
    if few := _too_few(block, masters):
        return Resolution(Readiness.STUCK, masters, few)
    waits = [match for match in masters if match.state is MatchState.VIRTUAL]
    if waits:
        names = ", ".join(f"{match.category} of {match.source_block}" for match in waits)
        return Resolution(Readiness.WAITING, masters, f"waits for {names}")
    return Resolution(Readiness.READY, masters, _without(block, masters))


def _without(block: AssociationBlock, masters: Sequence[MasterMatch]) -> str:
    """The problem of a stack, with the members that it was to have and is made without."""
    left_out = dict.fromkeys(
        match.source_block
        for match, before in zip(masters, block.masters, strict=True)
        if match.member and match.state is MatchState.MISSING and before.state is not match.state
    )
    texts = [f"without {name}: it made nothing that can be stacked" for name in left_out]
    return "; ".join(filter(None, [block.problem, *texts]))


def _too_few(block: AssociationBlock, masters: Sequence[MasterMatch]) -> str:
    """Why the members of a stack are too few; empty if they are not, or it is no stack."""
    members = [match for match in masters if match.member]
    usable = {match.source_block for match in members if match.state is not MatchState.MISSING}
    if not members or len(usable) >= block.expected:
        return ""
    return f"{len(usable)} exposures can be used, {block.expected} are needed"


def _resolved(match: MasterMatch, source_of: Callable[[str], Source | None]) -> MasterMatch:
    if match.state is not MatchState.VIRTUAL:
        return match
    source = source_of(match.source_block)
    if source is not None and source.state in MADE and match.category in source.products:
        product_id = source.products[match.category]
        return replace(match, state=MatchState.REAL, product_id=product_id)
    if source is not None and source.state in OPEN and not source.stuck:
        return match
    return replace(
        match, state=MatchState.MISSING, level=None, distance_days=None, distance_celsius=None
    )


def is_tried_again(error_code: str, tries: int) -> bool:
    """Whether work that has now failed `tries` times, at last so, gets another try.

    A crash may be the machine's fault: three tries. A timeout may be a busy
    machine's: two. All else would fail again on the same input.
    """
    return tries < _TRIES.get(error_code, 1)


def stops_admission(error_code: str) -> bool:
    """Whether a failure means that no job can end well now: disk full, vault read-only."""
    return error_code == VaultError.code


def needed_for(planned: Sequence[AssociationBlock], names: Iterable[str]) -> list[AssociationBlock]:
    """ABs with these names, and those whose virtual masters they need, in the given order."""
    by_name = {block.name: block for block in planned}
    needed: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name in by_name and name not in needed:
            needed.add(name)
            waiting += [match.source_block for match in by_name[name].masters]
    return [block for block in planned if block.name in needed]
