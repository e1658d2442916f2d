"""What products owe to: instrument definitions and software versions in the registry."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from sqlalchemy import Connection, insert, select

from vltflow.core.errors import NotFound
from vltflow.core.identity import content_hash
from vltflow.core.time import now_iso
from vltflow.store.events import Events
from vltflow.store.origins_schema import definition, software
from vltflow.store.rows import chunks


class Origins:
    """Definitions by their context, and versions of software by their id; never changed."""

    def __init__(self, connection: Connection, events: Events) -> None:
        self._connection = connection
        self._events = events

    def add_definition(self, context: str, instrument: str, file_id: str) -> None:
        """Note where the files of a definition are kept; a known context stays as it is."""
        if self.has_definition(context):
            return
        row = {"context": context, "instrument": instrument, "file_id": file_id}
        self._connection.execute(insert(definition), row | {"recorded": now_iso()})
        self._events.add("definition", context, f"{instrument}, kept as {file_id}")

    def has_definition(self, context: str) -> bool:
        """Whether the definition of a context is kept."""
        statement = select(definition.c.context).where(definition.c.context == context)
        return self._connection.scalar(statement) is not None

    def definition(self, context: str) -> str:
        """Vault id of the packed files of a definition.

        Raises
        ------
        NotFound
            If it was never kept.
        """
        statement = select(definition.c.file_id).where(definition.c.context == context)
        found: str | None = self._connection.scalar(statement)
        if found is None:
            raise NotFound(f"no instrument definition with the context {context or 'unknown'}")
        return found

    def add_versions(self, versions: Iterable[Mapping[str, str]]) -> None:
        """Note versions of software, by name; known ones stay as they are."""
        wanted = {software_id(one): one for one in versions}
        known = self.versions(wanted)
        for name, one in wanted.items():
            if name not in known:
                text = json.dumps(dict(one), sort_keys=True)
                row = {"software_id": name, "versions": text}
                self._connection.execute(insert(software), row)
                self._events.add("software", name, text)

    def versions(self, software_ids: Iterable[str]) -> dict[str, dict[str, str]]:
        """Versions by name for each of the ids that is known."""
        return {
            row.software_id: json.loads(row.versions)
            for chunk in chunks(software_ids)
            for row in self._connection.execute(
                select(software).where(software.c.software_id.in_(chunk))
            )
        }


def software_id(versions: Mapping[str, str]) -> str:
    """Id of a set of versions: 16 hex digits; empty for none."""
    return content_hash(dict(versions))[:16] if versions else ""
