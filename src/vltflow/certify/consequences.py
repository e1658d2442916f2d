"""What hangs on the products of an AB: made with them, or planned to be."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from vltflow.records import BlockState, Product, ProductState
from vltflow.store import Transaction


@dataclass(frozen=True, slots=True)
class Consequence:
    """One thing that depends on a product, directly or through others."""

    block: str
    product: str
    """Name of the product made with it; empty for an AB that made none with it."""
    state: ProductState | BlockState
    """Of the product; of the AB where there is no product."""
    depth: int
    """1: used the product itself; 2: used something made with it; and so on."""


def consequences(
    tx: Transaction, block: str, products: Collection[Product]
) -> tuple[Consequence, ...]:
    """Everything that depends on products of an AB, transitively, nearest first.

    Changes nothing: what to do with it is decided one by one.
    """
    found: dict[tuple[str, str], Consequence] = {}
    waiting = deque([(block, tuple(products), 1)])
    seen: set[tuple[str, tuple[str, ...]]] = set()
    while waiting:
        source, made, depth = waiting.popleft()
        users: dict[str, list[Product]] = {}
        for product in made:
            for user in tx.products.made_with(product.product_id):
                users.setdefault(user.block, []).append(user)
        for name in _planned_users(tx, source, {one.product_id for one in made}):
            users.setdefault(name, [])
        for name, results in sorted(users.items()):
            for one in _described(tx, name, results, depth):
                found.setdefault((one.block, one.product), one)
            step = (name, tuple(one.product_id for one in results))
            if step not in seen:
                seen.add(step)
                waiting.append((name, tuple(results), depth + 1))
    return tuple(sorted(found.values(), key=lambda one: (one.depth, one.block, one.product)))


def _planned_users(tx: Transaction, source: str, products: Collection[str]) -> Iterator[str]:
    """ABs that are matched to these products, or to whatever the AB will make."""
    for name, match in tx.blocks.users_of(source):
        if not match.product_id or match.product_id in products:
            yield name


def _described(
    tx: Transaction, name: str, results: list[Product], depth: int
) -> Iterator[Consequence]:
    if not results:
        yield Consequence(name, "", tx.blocks.get(name).state, depth)
    for product in results:
        yield Consequence(name, product.name, product.state, depth)
