"""Positions and programmes of science products, to be searched, and who took which."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")
WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_KEY = "lower(replace(replace(target, ' ', ''), '_', ''))"


def upgrade() -> None:
    """Go to this version; the way back is a backup."""
    for name in ("ra", "dec", "unit_x", "unit_y", "unit_z"):
        op.add_column("science_product", sa.Column(name, sa.Double(), nullable=True))
    key = sa.Column("target_key", TEXT, server_default="", nullable=False)
    op.add_column("science_product", key)
    op.execute(f"UPDATE science_product SET target_key = {_KEY}")  # noqa: S608 - a constant
    for name, column in (("category", "category"), ("instrument", "mjd_obs")):
        op.create_index(f"ix_science_product_{name}", "science_product", ["instrument", column])
    op.create_index("ix_science_product_dec", "science_product", ["dec"])
    op.create_index("ix_science_product_target_key", "science_product", ["target_key"])
    op.create_index("ix_science_product_mjd_obs", "science_product", ["mjd_obs", "number"])
    op.create_table(
        "science_programme",
        sa.Column("science_id", TEXT, nullable=False),
        sa.Column("position", WHOLE, nullable=False),
        sa.Column("programme", TEXT, nullable=False),
        sa.ForeignKeyConstraint(
            ["science_id"],
            ["science_product.science_id"],
            name=op.f("fk_science_programme_science_id"),
        ),
        sa.PrimaryKeyConstraint("science_id", "position", name=op.f("pk_science_programme")),
    )
    op.create_index("ix_science_programme_programme", "science_programme", ["programme"])
    op.create_table(
        "download",
        sa.Column("number", WHOLE, nullable=False),
        sa.Column("science_id", TEXT, nullable=False),
        sa.Column("file_id", TEXT, nullable=False),
        sa.Column("time", TEXT, nullable=False),
        sa.Column("who", TEXT, server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["science_id"], ["science_product.science_id"], name=op.f("fk_download_science_id")
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_download")),
    )
    op.create_index("ix_download_science_id", "download", ["science_id"])
