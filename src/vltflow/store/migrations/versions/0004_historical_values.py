"""QC1 values of products that others made, before or elsewhere."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")
REAL: sa.Double[float] = sa.Double()
WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Go to this version; the way back is a backup."""
    op.create_table(
        "historical_product",
        sa.Column("source_id", TEXT, nullable=False),
        sa.Column("instrument", TEXT, nullable=False),
        sa.Column("raw_type", TEXT, nullable=False),
        sa.Column("setup_number", WHOLE, nullable=False),
        sa.Column("category", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("night", TEXT, nullable=False),
        sa.Column("mjd", REAL, nullable=False),
        sa.Column("pipeline", TEXT, server_default="", nullable=False),
        sa.Column("recipe", TEXT, server_default="", nullable=False),
        sa.Column("origin", TEXT, nullable=False),
        sa.Column("imported", TEXT, nullable=False),
        sa.Column("for_thresholds", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["setup_number"],
            ["setup.number"],
            name=op.f("fk_historical_product_setup_number"),
        ),
        sa.PrimaryKeyConstraint("source_id", name=op.f("pk_historical_product")),
    )
    op.create_index(
        "ix_historical_product_time", "historical_product", ["instrument", "category", "mjd"]
    )
    op.create_table(
        "historical_value",
        sa.Column("source_id", TEXT, nullable=False),
        sa.Column("parameter", TEXT, nullable=False),
        sa.Column("value", REAL, nullable=False),
        sa.Column("unit", TEXT, server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["source_id"],
            ["historical_product.source_id"],
            name=op.f("fk_historical_value_source_id"),
        ),
        sa.PrimaryKeyConstraint("source_id", "parameter", name=op.f("pk_historical_value")),
    )
    op.create_index("ix_historical_value_parameter", "historical_value", ["parameter"])
