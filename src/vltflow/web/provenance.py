"""Where an AB stands: what it was made from and what uses it, as a picture of few boxes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from vltflow.records import AssociationBlock, MatchState, Product
from vltflow.store import Transaction
from vltflow.web.words import mark, segment

UPSTREAM = 4
"""Steps back that are shown."""
MOST_USERS = 8
_WIDTH, _HEIGHT, _ACROSS, _DOWN = 244, 40, 296, 52
_MARGIN = 6
_LONGEST, _LONGEST_SMALL = 28, 36


@dataclass(frozen=True, slots=True)
class Node:
    """A box."""

    key: str
    column: int
    """0 is the AB itself; sources are left of it."""
    title: str
    words: str
    look: str
    """Class: ``this``, ``block``, ``bad``, ``frames``, ``product`` or ``static``."""
    address: str = ""


@dataclass(frozen=True, slots=True)
class Placed:
    """A box at its place on the page."""

    node: Node
    x: int
    y: int
    full: str
    """Title that is not cut."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """Boxes, and curves between them."""

    boxes: tuple[Placed, ...]
    curves: tuple[str, ...]
    """Each the ``d`` of an SVG path."""
    width: int
    height: int
    box_width: int = _WIDTH
    box_height: int = _HEIGHT


def drawing(tx: Transaction, block: AssociationBlock, products: Iterable[Product]) -> Drawing:
    """The picture of an AB."""
    nodes: dict[str, Node] = {}
    edges: list[tuple[str, str]] = []
    _add_sources(tx, block, nodes, edges)
    nodes[block.name] = _block_node(block, 0, "this")
    made = [one for one in products if one.revision == block.revision]
    for one in made:
        state = str(one.state)
        nodes[one.product_id] = Node(
            one.product_id, 1, one.category, f"{mark(state)} {state} · {one.name}", "product",
            f"/display/{segment(one.name)}",
        )  # fmt: skip
        edges.append((block.name, one.product_id))
    _add_users(tx, block, made, nodes, edges)
    return _laid_out(nodes, edges)


def _add_sources(
    tx: Transaction,
    block: AssociationBlock,
    nodes: dict[str, Node],
    edges: list[tuple[str, str]],
) -> None:
    level = [block]
    for depth in range(1, UPSTREAM + 1):
        wanted: dict[str, list[str]] = {}
        for one in level:
            if depth == 1 or not one.masters:
                _add_frames(one, 1 - depth, nodes, edges)
            for match in one.masters:
                if match.state is not MatchState.MISSING and match.source_block:
                    wanted.setdefault(match.source_block, []).append(one.name)
                elif match.product_id:
                    static = Node(
                        f"static {match.category}", -depth, match.category, "static", "static"
                    )
                    nodes.setdefault(static.key, static)
                    edges.append((static.key, one.name))
        level = list(tx.blocks.by_name(wanted).values())
        for one in level:
            nodes[one.name] = _block_node(one, -depth, "block")
            edges += [(one.name, user) for user in wanted[one.name]]
        if not level:
            break


def _add_frames(
    block: AssociationBlock, column: int, nodes: dict[str, Node], edges: list[tuple[str, str]]
) -> None:
    key = f"frames {block.name}"
    count = len(block.frames)
    words = f"{count} raw frame" + ("s" if count != 1 else "")
    nodes[key] = Node(
        key, column - 1, words, block.raw_type, "frames", f"/ab/{segment(block.name)}#frames"
    )
    edges.append((key, block.name))


def _add_users(
    tx: Transaction,
    block: AssociationBlock,
    made: Iterable[Product],
    nodes: dict[str, Node],
    edges: list[tuple[str, str]],
) -> None:
    ids = {one.category: one.product_id for one in made}
    users = tx.blocks.users_of(block.name)
    names = list(dict.fromkeys(name for name, _ in users))
    shown = tx.blocks.by_name(names[:MOST_USERS])
    for name, match in users:
        if name in shown:
            nodes[name] = _block_node(shown[name], 2, "block")
            edges.append((ids.get(match.category, block.name), name))
    if len(names) > MOST_USERS:
        words = f"{len(names) - MOST_USERS} more"
        nodes["more"] = Node("more", 2, words, "use it as well", "frames")


def _block_node(block: AssociationBlock, column: int, look: str) -> Node:
    state = str(block.state)
    failed = look == "block" and state in {"FAILED", "ABORTED"}
    return Node(
        block.name, column, f"{block.raw_type} {block.setup}",
        f"{mark(state)} {state} · {block.name.rpartition('T')[2]}",
        "bad" if failed else look, f"/ab/{segment(block.name)}",
    )  # fmt: skip


def _laid_out(nodes: dict[str, Node], edges: list[tuple[str, str]]) -> Drawing:
    first = min(node.column for node in nodes.values())
    columns: dict[int, list[Node]] = {}
    for node in nodes.values():
        columns.setdefault(node.column, []).append(node)
    tallest = max(len(column) for column in columns.values())
    boxes: dict[str, Placed] = {}
    for place, column in sorted(columns.items()):
        x = _MARGIN + (place - first) * _ACROSS
        for row, node in enumerate(column):
            boxes[node.key] = Placed(_cut(node), x, _MARGIN + row * _DOWN, node.title)
    wide = _MARGIN * 2 + (max(columns) - first) * _ACROSS + _WIDTH
    curves = tuple(_curve(boxes[start], boxes[end]) for start, end in dict.fromkeys(edges))
    return Drawing(tuple(boxes.values()), curves, wide, tallest * _DOWN + _MARGIN)


def _cut(node: Node) -> Node:
    title, words = _short(node.title, _LONGEST), _short(node.words, _LONGEST_SMALL)
    return Node(node.key, node.column, title, words, node.look, node.address)


def _short(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def _curve(start: Placed, end: Placed) -> str:
    x0, y0 = start.x + _WIDTH, start.y + _HEIGHT // 2
    x1, y1 = end.x, end.y + _HEIGHT // 2
    middle = (x0 + x1) // 2
    return f"M{x0} {y0}C{middle} {y0} {middle} {y1} {x1} {y1}"
