"""Type and format of QC1 parameters, as ESO's dictionaries give them."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    """Go to this version; the way back is a backup."""
    for name in ("type", "format"):
        op.add_column("qc_parameter", sa.Column(name, TEXT, server_default="", nullable=False))
