"""Accounts, logins and API tokens in the registry; secrets only as hashes."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from vltflow.core.errors import Conflict, UnknownName
from vltflow.core.time import now_iso
from vltflow.records import Account, ApiToken, Right, Role, Session
from vltflow.store import account_tables as tables
from vltflow.store.events import Events
from vltflow.store.rows import pack_list, unpack_list, values_of

_ACCOUNT = [column for column in tables.account.c if column.name != "password_hash"]


class Accounts:
    """Who may do something, who is logged in, who failed to."""

    def __init__(self, connection: Connection, events: Events) -> None:
        self._connection = connection
        self._events = events

    def add(self, account: Account, password_hash: str) -> None:
        """Register a new account.

        Raises
        ------
        Conflict
            If the name is taken.
        """
        if self.find(account.name) is not None:
            raise Conflict(f"there is an account {account.name} already")
        row = values_of(account) | {"password_hash": password_hash}
        self._connection.execute(insert(tables.account).values(row))
        self._events.add("account", account.name, f"created as {account.role}")

    def find(self, name: str) -> Account | None:
        """Account with this name, disabled or not; None if there is none."""
        found = self._select(tables.account.c.name == name)
        return found[0] if found else None

    def all(self) -> list[Account]:
        """All accounts, by name."""
        return self._select()

    def password_hash(self, name: str) -> str:
        """Hash of the password; empty if there is no such account."""
        column = tables.account.c.password_hash
        statement = select(column).where(tables.account.c.name == name)
        return self._connection.scalar(statement) or ""

    def set_password(self, name: str, password_hash: str) -> None:
        """Give an account a new password; whoever is logged in with the old one is logged out.

        Raises
        ------
        UnknownName
            If there is no such account.
        """
        self._change(name, "new password", password_hash=password_hash)
        self.end_sessions(name)

    def set_role(self, name: str, role: Role) -> None:
        """Give an account another role, from its next request on.

        Raises
        ------
        UnknownName
            If there is no such account.
        """
        self._change(name, f"role {role}", role=role)

    def set_disabled(self, name: str, *, disabled: bool) -> None:
        """Switch an account off, with its sessions and tokens, or on again.

        Raises
        ------
        UnknownName
            If there is no such account.
        """
        self._change(name, "disabled" if disabled else "enabled", disabled=disabled)
        if disabled:
            self.end_sessions(name)

    def open_session(self, session: Session, address: str) -> None:
        """Note a login, from an address; forgets sessions that are over."""
        table = tables.session
        self._connection.execute(delete(table).where(table.c.expires < now_iso()))
        self._connection.execute(insert(table).values(values_of(session)))
        self._events.add("account", session.account, f"logged in from {address}")

    def session(self, token_hash: str) -> Session | None:
        """Session of a cookie's secret, over or not; None if it is not known."""
        statement = select(tables.session).where(tables.session.c.token_hash == token_hash)
        row = self._connection.execute(statement).mappings().first()
        return None if row is None else Session(**row)

    def touch_session(self, token_hash: str, seen: str) -> None:
        """Note that a session was used."""
        table = tables.session
        same = table.c.token_hash == token_hash
        self._connection.execute(update(table).where(same).values(seen=seen))

    def end_session(self, token_hash: str) -> None:
        """Log out one browser."""
        table = tables.session
        self._connection.execute(delete(table).where(table.c.token_hash == token_hash))

    def end_sessions(self, account: str) -> None:
        """Log an account out everywhere."""
        table = tables.session
        self._connection.execute(delete(table).where(table.c.account == account))

    def add_failed_login(self, account: str, address: str, *, forget_before: str) -> None:
        """Note a login that failed; forgets those before a time."""
        table = tables.failed_login
        self._connection.execute(delete(table).where(table.c.time < forget_before))
        row = {"account": account, "address": address, "time": now_iso()}
        self._connection.execute(insert(table).values(row))

    def failed_logins(self, *, since: str, account: str = "", address: str = "") -> int:
        """Number of failed logins since a time, of an account, from an address, or both."""
        table = tables.failed_login.c
        conditions = [table.time >= since]
        if account:
            conditions.append(table.account == account)
        if address:
            conditions.append(table.address == address)
        statement = select(func.count()).select_from(tables.failed_login).where(*conditions)
        return self._connection.scalar(statement) or 0

    def add_token(self, token: ApiToken) -> int:
        """Register an API token, its number aside; gives its number."""
        row = values_of(token, without=("number",)) | {"scopes": pack_list(token.scopes)}
        key = self._connection.execute(insert(tables.api_token).values(row)).inserted_primary_key
        scopes = ", ".join(token.scopes)
        self._events.add("account", token.account, f"API token {token.label!r} for {scopes}")
        return int(key[0]) if key else 0

    def token(self, token_hash: str) -> ApiToken | None:
        """API token of a secret, whether or not it counts; None if it is not known."""
        found = self._tokens(tables.api_token.c.token_hash == token_hash)
        return found[0] if found else None

    def tokens(self, account: str) -> list[ApiToken]:
        """API tokens of an account, oldest first."""
        return self._tokens(tables.api_token.c.account == account)

    def revoke_token(self, account: str, number: int) -> None:
        """Let an API token of an account count no more.

        Raises
        ------
        UnknownName
            If the account has no such token.
        """
        table = tables.api_token
        same = (table.c.number == number) & (table.c.account == account)
        statement = update(table).where(same).values(revoked=now_iso())
        if not self._connection.execute(statement).rowcount:
            raise UnknownName(f"{account} has no API token {number}")
        self._events.add("account", account, f"API token {number} revoked")

    def _change(self, name: str, change: str, **values: Any) -> None:
        table = tables.account
        statement = update(table).where(table.c.name == name).values(**values)
        if not self._connection.execute(statement).rowcount:
            raise UnknownName(
                f"there is no account {name!r}", hint="`vltflow users list` shows all"
            )
        self._events.add("account", name, change)

    def _select(self, *conditions: Any) -> list[Account]:
        statement = select(*_ACCOUNT).where(*conditions).order_by(tables.account.c.name)
        rows = self._connection.execute(statement).mappings()
        return [Account(**dict(row) | {"role": Role(row["role"])}) for row in rows]

    def _tokens(self, *conditions: Any) -> list[ApiToken]:
        table = tables.api_token
        statement = select(table).where(*conditions).order_by(table.c.number)
        rows = self._connection.execute(statement).mappings()
        return [
            ApiToken(**dict(row) | {"scopes": tuple(map(Right, unpack_list(row["scopes"])))})
            for row in rows
        ]
