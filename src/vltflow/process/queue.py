"""The queue in memory: planned ABs, what they wait for, and what became of it.

The AB table is the queue; this is one look at it that is kept up to date while ABs end, so
that no job costs a search over all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from vltflow.process.rules import MADE, Readiness, Resolution, Source, resolve
from vltflow.records import AssociationBlock, BlockState, MatchState, Product, ProductState
from vltflow.store import Transaction

_USABLE = frozenset({ProductState.CREATED, ProductState.CERTIFIED})


class Queue:
    """Planned ABs and the makers of their masters."""

    def __init__(self) -> None:
        self._blocks: dict[str, AssociationBlock] = {}
        self._sources: dict[str, Source] = {}
        self._users: dict[str, list[str]] = {}

    def __len__(self) -> int:
        return len(self._blocks)

    def __iter__(self) -> Iterator[str]:
        return iter(self._blocks)

    def load(self, tx: Transaction, blocks: Iterable[AssociationBlock]) -> None:
        """Start anew with these planned ABs."""
        self._blocks = {block.name: block for block in blocks}
        self._users = {}
        for block in self._blocks.values():
            for match in block.masters:
                if match.state is MatchState.VIRTUAL:
                    self._users.setdefault(match.source_block, []).append(block.name)
        self._sources = _read_sources(tx, self._users)

    def take_ready(self) -> Iterator[AssociationBlock]:
        """Take out all ABs that can run now, by time, with real masters."""
        yield from self._ready_among(list(self._blocks))

    def became(
        self, name: str, state: BlockState, products: Iterable[Product] = ()
    ) -> Iterator[AssociationBlock]:
        """Take out the ABs that can run now that another one has ended."""
        usable = {one.category: one.product_id for one in products if one.state in _USABLE}
        self._sources[name] = Source(state, products=usable)
        yield from self._ready_among(self._users.get(name, []))

    def has_users(self, name: str) -> bool:
        """Whether an AB is waited for."""
        return name in self._users

    def waiting(self) -> dict[str, str]:
        """ABs that cannot run now, with what they wait for."""
        return {name: self._resolve(block).reason for name, block in self._blocks.items()}

    def _ready_among(self, names: list[str]) -> Iterator[AssociationBlock]:
        # An AB that is stuck may let others run without its optional master: look at them too.
        looked_at = list(names)
        while looked_at:
            name = looked_at.pop(0)
            if name not in self._blocks:
                continue
            block = self._blocks[name]
            found = self._resolve(block)
            if found.readiness is Readiness.READY:
                del self._blocks[name]
                yield replace(block, masters=found.masters, problem=found.reason)
            elif found.readiness is Readiness.STUCK and not self._is_known_stuck(name):
                self._sources[name] = Source(BlockState.PLANNED, stuck=True)
                looked_at += self._users.get(name, [])

    def _resolve(self, block: AssociationBlock) -> Resolution:
        return resolve(block, self._sources.get)

    def _is_known_stuck(self, name: str) -> bool:
        source = self._sources.get(name)
        return source is not None and source.stuck


def _read_sources(tx: Transaction, names: Iterable[str]) -> dict[str, Source]:
    states = tx.blocks.states(names)
    made = [name for name, (state, _) in states.items() if state in MADE]
    products = tx.products.of_blocks(made)
    sources = {}
    for name, (state, revision) in states.items():
        usable = {
            product.category: product.product_id
            for product in products.get(name, [])
            if product.revision == revision and product.state in _USABLE
        }
        sources[name] = Source(state, products=usable)
    return sources
