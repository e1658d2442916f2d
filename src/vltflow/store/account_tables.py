"""Tables of accounts: who may do what, and who is logged in."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Index, Table

from vltflow.store.columns import metadata
from vltflow.store.types import Text, Whole

account = Table(
    "account",
    metadata,
    Column("name", Text, primary_key=True),
    Column("full_name", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("password_hash", Text, nullable=False),
    Column("created", Text, nullable=False),
    Column("disabled", Boolean, nullable=False),
)

session = Table(
    "session",
    metadata,
    Column("token_hash", Text, primary_key=True),
    Column("account", Text, ForeignKey("account.name"), nullable=False),
    Column("csrf", Text, nullable=False),
    Column("created", Text, nullable=False),
    Column("expires", Text, nullable=False),
    Column("seen", Text, nullable=False),
)
Index("ix_session_account", session.c.account)

api_token = Table(
    "api_token",
    metadata,
    Column("number", Whole, primary_key=True),
    Column("token_hash", Text, nullable=False, unique=True),
    Column("account", Text, ForeignKey("account.name"), nullable=False),
    Column("label", Text, nullable=False),
    Column("scopes", Text, nullable=False),
    Column("created", Text, nullable=False),
    Column("expires", Text, nullable=False),
    Column("revoked", Text, nullable=False, server_default=""),
)
Index("ix_api_token_account", api_token.c.account)

failed_login = Table(
    "failed_login",
    metadata,
    Column("number", Whole, primary_key=True),
    Column("account", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("time", Text, nullable=False),
)
Index("ix_failed_login_time", failed_login.c.time)
