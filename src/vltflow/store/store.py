"""The store: registry and vault behind one small facade."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

from sqlalchemy import Connection

from vltflow.core.errors import StoreError
from vltflow.store.accounts import Accounts
from vltflow.store.association import Association
from vltflow.store.blocks import Blocks
from vltflow.store.campaigns import Campaigns
from vltflow.store.database import BUSY_SECONDS, open_engine, reading, writing
from vltflow.store.downloads import Downloads
from vltflow.store.events import Events
from vltflow.store.failures import without_password
from vltflow.store.frames import Frames
from vltflow.store.health import Health
from vltflow.store.history import History
from vltflow.store.jobs import Jobs
from vltflow.store.masters import Masters
from vltflow.store.migrate import migrate
from vltflow.store.origins import Origins
from vltflow.store.overview import Overview
from vltflow.store.products import Products
from vltflow.store.quality import Quality
from vltflow.store.quarantine import Quarantine
from vltflow.store.roles import exclusive
from vltflow.store.science import Science
from vltflow.store.setups import KnownSetups, Setups
from vltflow.store.statics import Statics
from vltflow.store.trends import Trends
from vltflow.store.vault import Vault


class Transaction:
    """Everything that happens in one ``with store.write(...)``: all of it or nothing.

    Rows that are still being read must not be written: make a list of an iterator first.
    """

    def __init__(self, connection: Connection, who: str, why: str, known: KnownSetups) -> None:
        self.setups = Setups(connection, known)
        self.events = Events(connection, who, why)
        self.frames = Frames(connection, self.events, self.setups)
        self.quarantine = Quarantine(connection, self.events)
        self.blocks = Blocks(connection, self.events, self.setups)
        self.association = Association(connection, self.events, self.setups)
        self.jobs = Jobs(connection, self.events)
        self.products = Products(connection, self.events, self.setups)
        self.masters = Masters(connection, self.events, self.setups)
        self.history = History(connection, self.events, self.setups)
        self.quality = Quality(connection, self.events, self.setups, self.history)
        self.statics = Statics(connection, self.events)
        self.campaigns = Campaigns(connection, self.events)
        self.origins = Origins(connection, self.events)
        self.science = Science(connection, self.events)
        self.downloads = Downloads(connection)
        self.overview = Overview(connection, self.setups)
        self.accounts = Accounts(connection, self.events)
        self.health = Health(connection, self.events)
        self.trends = Trends(connection, self.setups)


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
        self._known_setups = KnownSetups()
        self._known_definitions: set[str] = set()
        self._turn = threading.Lock()
        self._writer: int | None = None
        self._engine = open_engine(database)
        try:
            migrate(self._engine)
        except BaseException:
            self._engine.dispose()
            raise

    @contextlib.contextmanager
    def write(self, *, by: str, why: str) -> Iterator[Transaction]:
        """One transaction that changes records, in the name of `by` and for the reason `why`.

        Writers queue: nobody else writes to this registry until it ends, so keep it short.

        Raises
        ------
        Conflict
            If a record exists already or refers to one that does not.
        StoreError
            If the registry fails, or stays busy for a minute; nothing was changed.
        """
        with self._own_turn(), writing(self._engine) as connection:
            transaction = Transaction(connection, by, why, self._known_setups)
            yield transaction
        transaction.setups.share()

    @contextlib.contextmanager
    def read(self) -> Iterator[Transaction]:
        """One consistent look at the records, which waits for no writer and cannot write."""
        with reading(self._engine) as connection:
            transaction = Transaction(connection, "", "", self._known_setups)
            yield transaction
            transaction.setups.share()

    def exclusive(self, role: str) -> AbstractContextManager[None]:
        """Hold a role that only one process on this store may have, such as ``scheduler``.

        Raises
        ------
        SiteBusy
            On entering, if another process holds it.
        """
        return exclusive(self._engine, role)

    def keep_definition(
        self, context: str, instrument: str, content: Callable[[], bytes], *, by: str
    ) -> None:
        """Keep the files of an instrument definition, if they are not kept already.

        Parameters
        ----------
        context, instrument
            Hash of the definition, and name of its instrument.
        content
            Gives the packed files; called only if they are needed.
        by
            Who works by this definition.

        Raises
        ------
        VaultError
            If the disk refuses.
        """
        if context in self._known_definitions:
            return
        with self.read() as tx:
            known = tx.origins.has_definition(context)
        if not known:
            file_id = self.vault.put_bytes(content())
            with self.write(by=by, why="works by this definition") as tx:
                tx.origins.add_definition(context, instrument, file_id)
        self._known_definitions.add(context)

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    @contextlib.contextmanager
    def _own_turn(self) -> Iterator[None]:
        # Threads of one process queue here, fairly and awake at once; processes in the database.
        if self._writer == threading.get_ident():
            raise StoreError("a writing transaction inside another one could only wait for itself")
        if not self._turn.acquire(timeout=BUSY_SECONDS):
            raise StoreError(
                f"registry {without_password(self.database)}: another thread has been writing "
                f"for more than {BUSY_SECONDS} s",
                hint="Nothing was changed by this step",
            )
        self._writer = threading.get_ident()
        try:
            yield
        finally:
            self._writer = None
            self._turn.release()
