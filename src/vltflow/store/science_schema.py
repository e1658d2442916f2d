"""Tables of what is handed to astronomers."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Table, UniqueConstraint

from vltflow.store.columns import metadata, text_column
from vltflow.store.types import Real, Text, Whole

science_product = Table(
    "science_product",
    metadata,
    Column("number", Whole, primary_key=True),
    Column("science_id", Text, nullable=False, unique=True),
    Column("block", Text, ForeignKey("block.name"), nullable=False),
    Column("revision", Whole, nullable=False),
    Column("instrument", Text, nullable=False),
    Column("night", Text, nullable=False),
    Column("category", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("setup", Text, nullable=False),
    Column("mjd_obs", Real, nullable=False),
    Column("name", Text, nullable=False),
    Column("version", Whole, nullable=False),
    Column("archive_name", Text, nullable=False, unique=True),
    Column("file_id", Text, nullable=False),
    Column("size", Whole, nullable=False),
    Column("snr", Real, nullable=False),
    text_column("bits"),
    Column("created", Text, nullable=False),
    text_column("inputs", default="[]"),
    Column("state", Text, nullable=False),
    text_column("problem"),
    UniqueConstraint("name", "version"),
)
Index("ix_science_product_block", science_product.c.block)
Index("ix_science_product_target", science_product.c.instrument, science_product.c.target)

science_file = Table(
    "science_file",
    metadata,
    Column("science_id", Text, ForeignKey("science_product.science_id"), primary_key=True),
    Column("position", Whole, primary_key=True),
    Column("name", Text, nullable=False),
    Column("category", Text, nullable=False),
    Column("file_id", Text, nullable=False),
    Column("size", Whole, nullable=False),
    text_column("md5"),
)
