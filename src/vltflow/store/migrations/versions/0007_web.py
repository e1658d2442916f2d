"""Accounts, sessions and tokens of the web; indices that keep its pages fast."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")
WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
UNDECIDED = sa.text("decision = '' AND state IN ('SUCCEEDED', 'PARTIAL')")


def upgrade() -> None:
    """Go to this version; the way back is a backup."""
    op.create_table(
        "account",
        sa.Column("name", TEXT, nullable=False),
        sa.Column("full_name", TEXT, nullable=False),
        sa.Column("role", TEXT, nullable=False),
        sa.Column("password_hash", TEXT, nullable=False),
        sa.Column("created", TEXT, nullable=False),
        sa.Column("disabled", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_account")),
    )
    op.create_table(
        "session",
        sa.Column("token_hash", TEXT, nullable=False),
        sa.Column("account", TEXT, nullable=False),
        sa.Column("csrf", TEXT, nullable=False),
        sa.Column("created", TEXT, nullable=False),
        sa.Column("expires", TEXT, nullable=False),
        sa.Column("seen", TEXT, nullable=False),
        sa.ForeignKeyConstraint(["account"], ["account.name"], name=op.f("fk_session_account")),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_session")),
    )
    op.create_index("ix_session_account", "session", ["account"])
    op.create_table(
        "api_token",
        sa.Column("number", WHOLE, nullable=False),
        sa.Column("token_hash", TEXT, nullable=False),
        sa.Column("account", TEXT, nullable=False),
        sa.Column("label", TEXT, nullable=False),
        sa.Column("scopes", TEXT, nullable=False),
        sa.Column("created", TEXT, nullable=False),
        sa.Column("expires", TEXT, nullable=False),
        sa.Column("revoked", TEXT, server_default="", nullable=False),
        sa.ForeignKeyConstraint(["account"], ["account.name"], name=op.f("fk_api_token_account")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_api_token")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_api_token_token_hash")),
    )
    op.create_index("ix_api_token_account", "api_token", ["account"])
    op.create_table(
        "failed_login",
        sa.Column("number", WHOLE, nullable=False),
        sa.Column("account", TEXT, nullable=False),
        sa.Column("address", TEXT, nullable=False),
        sa.Column("time", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_failed_login")),
    )
    op.create_index("ix_failed_login_time", "failed_login", ["time"])
    op.add_column("report", sa.Column("elapsed_s", sa.Double(), nullable=True))
    op.create_index("ix_block_instrument", "block", ["instrument", "night", "state"])
    op.create_index(
        "ix_block_undecided",
        "block",
        ["instrument", "night"],
        postgresql_where=UNDECIDED,
        sqlite_where=UNDECIDED,
    )
