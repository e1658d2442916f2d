"""Migrations: bring any older registry to the tables of this version."""

from __future__ import annotations

import threading

from sqlalchemy import Connection, Engine, inspect, text

from vltflow.core.errors import StoreError
from vltflow.store.database import reading, writing

HEAD = "0009"
"""Version of the tables that this code works with: the latest migration."""
_ONE_AT_A_TIME = threading.Lock()  # alembic keeps its context in module globals


def migrate(engine: Engine) -> None:
    """Create or upgrade the tables, in one transaction; tables of this version are only looked at.

    Raises
    ------
    StoreError
        If the registry was made by a newer version.
    """
    with reading(engine) as connection:
        if _version(connection) == HEAD:
            return
    with _ONE_AT_A_TIME, writing(engine) as connection:
        if _version(connection) != HEAD:
            _upgrade(connection)


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    version: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return version


def _upgrade(connection: Connection) -> None:
    # Imported here: seldom needed, and slow to import for a command that only looks.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", "vltflow.store:migrations")
    config.set_main_option("path_separator", "os")
    scripts = ScriptDirectory.from_config(config)
    version = _version(connection)
    known = {script.revision for script in scripts.walk_revisions()}
    if version is not None and version not in known:
        raise StoreError(
            f"the registry has tables of a newer version ({version}, this vltflow knows {HEAD})",
            hint="Install the newer vltflow; an old one must not write here",
        )
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
