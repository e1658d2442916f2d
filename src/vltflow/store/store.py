"""The store: registry and vault behind one small facade."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import AbstractContextManager

from sqlalchemy import Connection, exc, make_url

from vltflow.core.errors import Conflict, StoreError
from vltflow.store.association import Association
from vltflow.store.blocks import Blocks
from vltflow.store.database import exclusive, open_engine
from vltflow.store.events import Events
from vltflow.store.frames import Frames, Quarantine
from vltflow.store.jobs import Jobs
from vltflow.store.migrate import migrate
from vltflow.store.products import Masters, Products
from vltflow.store.quality import Quality
from vltflow.store.rows import Setups
from vltflow.store.vault import Vault


class Transaction:
    """Everything that happens in one ``with store.write(...)``: all of it or nothing."""

    def __init__(self, connection: Connection, who: str, why: str) -> None:
        setups = Setups(connection)
        self.events = Events(connection, who, why)
        self.frames = Frames(connection, self.events, setups)
        self.quarantine = Quarantine(connection, self.events)
        self.blocks = Blocks(connection, self.events, setups)
        self.association = Association(connection, self.events, setups)
        self.jobs = Jobs(connection, self.events)
        self.products = Products(connection, self.events, setups)
        self.masters = Masters(connection, self.events, setups)
        self.quality = Quality(connection, self.events, setups)


class Store:
    """What exists and in which state (registry), and its bytes (vault).

    Parameters
    ----------
    database
        SQLAlchemy URL: ``sqlite:///PATH`` or ``postgresql+psycopg://...``.
    vault
        Folder or fsspec URL.

    Raises
    ------
    StoreError
        If the database cannot be opened or belongs to a newer version.
    """

    def __init__(self, database: str, vault: str) -> None:
        self.database = database
        self.vault = Vault(vault)
        self._engine = open_engine(database)
        with _explained(database):
            migrate(self._engine)

    @contextlib.contextmanager
    def write(self, *, by: str, why: str) -> Iterator[Transaction]:
        """One transaction that changes records, in the name of `by` and for the reason `why`."""
        with (
            _explained(self.database),
            self._engine.connect().execution_options(writes=True) as connection,
            connection.begin(),
        ):
            yield Transaction(connection, by, why)

    @contextlib.contextmanager
    def read(self) -> Iterator[Transaction]:
        """One consistent look at the records."""
        with _explained(self.database), self._engine.connect() as connection, connection.begin():
            yield Transaction(connection, "", "")

    def exclusive(self, role: str) -> AbstractContextManager[None]:
        """Hold a role that only one process on this store may have, such as ``scheduler``.

        Raises
        ------
        SiteBusy
            On entering, if another process holds it.
        """
        return exclusive(self._engine, role)

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()


@contextlib.contextmanager
def _explained(database: str) -> Iterator[None]:
    try:
        yield
    except exc.IntegrityError as error:
        raise Conflict(f"the registry refused a record: {error.orig}") from error
    except exc.DBAPIError as error:
        raise StoreError(
            f"registry {_without_password(database)}: {error.orig}",
            hint="Nothing was changed by this step",
        ) from error


def _without_password(database: str) -> str:

    return make_url(database).render_as_string(hide_password=True)
