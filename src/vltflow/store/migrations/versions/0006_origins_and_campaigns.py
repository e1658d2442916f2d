"""What products owe to (definitions, software), and campaigns of mass production."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")
REAL: sa.Double[float] = sa.Double()


def upgrade() -> None:
    """Go to this version; the way back is a backup."""
    op.add_column("job", sa.Column("context", TEXT, server_default="", nullable=False))
    op.add_column("job", sa.Column("software", TEXT, server_default="", nullable=False))
    op.create_index("ix_product_file_id", "product", ["file_id"])
    op.create_table(
        "definition",
        sa.Column("context", TEXT, nullable=False),
        sa.Column("instrument", TEXT, nullable=False),
        sa.Column("file_id", TEXT, nullable=False),
        sa.Column("recorded", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("context", name=op.f("pk_definition")),
    )
    op.create_table(
        "software",
        sa.Column("software_id", TEXT, nullable=False),
        sa.Column("versions", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("software_id", name=op.f("pk_software")),
    )
    op.create_table(
        "campaign",
        sa.Column("name", TEXT, nullable=False),
        sa.Column("instrument", TEXT, nullable=False),
        sa.Column("selection", TEXT, nullable=False),
        sa.Column("created", TEXT, nullable=False),
        sa.Column("who", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_campaign")),
    )
    op.create_table(
        "batch",
        sa.Column("campaign", TEXT, nullable=False),
        sa.Column("month", TEXT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("context", TEXT, nullable=False),
        sa.Column("started", TEXT, nullable=False),
        sa.Column("ended", TEXT, server_default="", nullable=False),
        sa.Column("elapsed_s", REAL, nullable=True),
        sa.Column("numbers", TEXT, server_default="{}", nullable=False),
        sa.Column("report", TEXT, server_default="", nullable=False),
        sa.ForeignKeyConstraint(["campaign"], ["campaign.name"], name=op.f("fk_batch_campaign")),
        sa.PrimaryKeyConstraint("campaign", "month", name=op.f("pk_batch")),
    )
