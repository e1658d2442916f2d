"""Static calibrations; comparisons of two runners."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")
REAL: sa.Double[float] = sa.Double()
WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Go to this version; the way back is a backup."""
    op.create_table(
        "static",
        sa.Column("static_id", TEXT, nullable=False),
        sa.Column("instrument", TEXT, nullable=False),
        sa.Column("category", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("file_id", TEXT, nullable=False),
        sa.Column("size", WHOLE, nullable=False),
        sa.Column("keys", TEXT, nullable=False),
        sa.Column("builder", TEXT, server_default="", nullable=False),
        sa.Column("origin", TEXT, nullable=False),
        sa.Column("licence", TEXT, nullable=False),
        sa.Column("valid_from", REAL, nullable=False),
        sa.Column("valid_to", REAL, nullable=False),
        sa.Column("added", TEXT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("static_id", name=op.f("pk_static")),
    )
    op.create_index("ix_static_category", "static", ["instrument", "category"])
    op.create_table(
        "comparison",
        sa.Column("block", TEXT, nullable=False),
        sa.Column("revision", WHOLE, nullable=False),
        sa.Column("file_id", TEXT, nullable=False),
        sa.Column("created", TEXT, nullable=False),
        sa.ForeignKeyConstraint(["block"], ["block.name"], name=op.f("fk_comparison_block")),
        sa.PrimaryKeyConstraint("block", "revision", name=op.f("pk_comparison")),
    )
