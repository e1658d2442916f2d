"""Stacks of other ABs' products, score bits, and what is handed to astronomers."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")
REAL: sa.Double[float] = sa.Double()
WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
SCIENCE = sa.text("dpr_catg = 'SCIENCE'")


def upgrade() -> None:
    """Go to this version; the way back is a backup."""
    _matches()
    _observations()
    op.add_column("score", sa.Column("bit", WHOLE, nullable=True))
    _science_products()


def _matches() -> None:
    """A stack takes the same category from several ABs: the source is part of the key."""
    op.execute("ALTER TABLE block_master RENAME TO block_master_before")
    op.drop_index("ix_block_master_source", table_name="block_master_before")
    if op.get_bind().dialect.name == "postgresql":  # names of constraints are unique there
        op.execute("ALTER TABLE block_master_before DROP CONSTRAINT pk_block_master")
        op.execute("ALTER TABLE block_master_before DROP CONSTRAINT fk_block_master_block")
    op.create_table(
        "block_master",
        sa.Column("block", TEXT, nullable=False),
        sa.Column("category", TEXT, nullable=False),
        sa.Column("required", sa.Boolean(), nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("source_block", TEXT, server_default="", nullable=False),
        sa.Column("product_id", TEXT, server_default="", nullable=False),
        sa.Column("level", WHOLE, nullable=True),
        sa.Column("distance_days", REAL, nullable=True),
        sa.Column("distance_celsius", REAL, nullable=True),
        sa.Column("member", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.ForeignKeyConstraint(["block"], ["block.name"], name=op.f("fk_block_master_block")),
        sa.PrimaryKeyConstraint("block", "category", "source_block", name=op.f("pk_block_master")),
    )
    op.execute(
        "INSERT INTO block_master (block, category, required, state, source_block, product_id, "
        "level, distance_days) SELECT block, category, required, state, source_block, product_id, "
        "level, distance_days FROM block_master_before"
    )
    op.drop_table("block_master_before")
    op.create_index("ix_block_master_source", "block_master", ["source_block"])


def _observations() -> None:
    for name, column in (("observation", "obs_id"), ("target", "object_name")):
        op.create_index(
            f"ix_frame_{name}",
            "frame",
            [column],
            postgresql_where=SCIENCE,
            sqlite_where=SCIENCE,
        )


def _science_products() -> None:
    op.create_table(
        "science_product",
        sa.Column("number", WHOLE, nullable=False),
        sa.Column("science_id", TEXT, nullable=False),
        sa.Column("block", TEXT, nullable=False),
        sa.Column("revision", WHOLE, nullable=False),
        sa.Column("instrument", TEXT, nullable=False),
        sa.Column("night", TEXT, nullable=False),
        sa.Column("category", TEXT, nullable=False),
        sa.Column("target", TEXT, nullable=False),
        sa.Column("setup", TEXT, nullable=False),
        sa.Column("mjd_obs", REAL, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("version", WHOLE, nullable=False),
        sa.Column("archive_name", TEXT, nullable=False),
        sa.Column("file_id", TEXT, nullable=False),
        sa.Column("size", WHOLE, nullable=False),
        sa.Column("snr", REAL, nullable=False),
        sa.Column("bits", TEXT, server_default="", nullable=False),
        sa.Column("created", TEXT, nullable=False),
        sa.Column("inputs", TEXT, server_default="[]", nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("problem", TEXT, server_default="", nullable=False),
        sa.ForeignKeyConstraint(["block"], ["block.name"], name=op.f("fk_science_product_block")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_science_product")),
        sa.UniqueConstraint("science_id", name=op.f("uq_science_product_science_id")),
        sa.UniqueConstraint("archive_name", name=op.f("uq_science_product_archive_name")),
        sa.UniqueConstraint("name", "version", name=op.f("uq_science_product_name_version")),
    )
    op.create_index("ix_science_product_block", "science_product", ["block"])
    op.create_index("ix_science_product_target", "science_product", ["instrument", "target"])
    op.create_table(
        "science_file",
        sa.Column("science_id", TEXT, nullable=False),
        sa.Column("position", WHOLE, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("category", TEXT, nullable=False),
        sa.Column("file_id", TEXT, nullable=False),
        sa.Column("size", WHOLE, nullable=False),
        sa.Column("md5", TEXT, server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["science_id"],
            ["science_product.science_id"],
            name=op.f("fk_science_file_science_id"),
        ),
        sa.PrimaryKeyConstraint("science_id", "position", name=op.f("pk_science_file")),
    )
