"""Run migrations inside the connection that ``vltflow.store.migrate`` hands over."""

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext

from vltflow.store.columns import metadata
from vltflow.store.types import Real, Text, Whole


def _frozen(kind: str, item: Any, _context: AutogenContext) -> str | Literal[False]:
    # A migration spells its types out (see script.py.mako): later changes must not reach it.
    if kind != "type":
        return False
    if item is Text:
        return "TEXT"
    if isinstance(item, Real):
        return "REAL"
    return "WHOLE" if isinstance(item, Whole) else False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    render_item=_frozen,
)
context.run_migrations()
