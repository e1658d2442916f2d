"""Health checks: events of instruments, hidden QC1 values, saved plots; red scores by index."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")
WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
REAL: sa.Double[float] = sa.Double()
RED = sa.text("colour = 'red'")


def upgrade() -> None:
    """Go to this version; the way back is a backup."""
    op.create_table(
        "health_event",
        sa.Column("number", WHOLE, nullable=False),
        sa.Column("instrument", TEXT, nullable=False),
        sa.Column("mjd", REAL, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("text", TEXT, nullable=False),
        sa.Column("who", TEXT, nullable=False),
        sa.Column("recorded", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_health_event")),
    )
    op.create_index("ix_health_event_time", "health_event", ["instrument", "mjd"])
    op.create_table(
        "hidden_value",
        sa.Column("record", TEXT, nullable=False),
        sa.Column("parameter", TEXT, nullable=False),
        sa.Column("who", TEXT, nullable=False),
        sa.Column("reason", TEXT, nullable=False),
        sa.Column("hidden", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("record", "parameter", name=op.f("pk_hidden_value")),
    )
    op.create_index("ix_hidden_value_parameter", "hidden_value", ["parameter"])
    op.create_table(
        "saved_plot",
        sa.Column("number", WHOLE, nullable=False),
        sa.Column("owner", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("is_shared", sa.Boolean(), nullable=False),
        sa.Column("question", TEXT, nullable=False),
        sa.Column("created", TEXT, nullable=False),
        sa.ForeignKeyConstraint(["owner"], ["account.name"], name=op.f("fk_saved_plot_owner")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_saved_plot")),
        sa.UniqueConstraint("owner", "name", name=op.f("uq_saved_plot_owner_name")),
    )
    op.create_index(
        "ix_score_red",
        "score",
        ["parameter", "category", "block", "revision"],
        postgresql_where=RED,
        sqlite_where=RED,
    )
