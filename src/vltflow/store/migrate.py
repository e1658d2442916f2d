"""Migrations: bring any older registry to the tables of this version."""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine

from vltflow.core.errors import StoreError


def migrate(engine: Engine) -> None:
    """Create or upgrade the tables, in one transaction.

    Raises
    ------
    StoreError
        If the registry was made by a newer version.
    """
    config = _configuration()
    scripts = ScriptDirectory.from_config(config)
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        current = MigrationContext.configure(connection).get_current_revision()
        known = {script.revision for script in scripts.walk_revisions()}
        if current is not None and current not in known:
            raise StoreError(
                f"the registry has tables of a newer version ({current})",
                hint="Install the newer vltflow; an old one must not write here",
            )
        if current != scripts.get_current_head():
            config.attributes["connection"] = connection
            command.upgrade(config, "head")


def _configuration() -> Config:
    config = Config()
    config.set_main_option("script_location", "vltflow.store:migrations")
    config.set_main_option("path_separator", "os")
    return config
