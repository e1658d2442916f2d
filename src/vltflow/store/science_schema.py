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
    Column("ra", Real),
    Column("dec", Real),
    Column("unit_x", Real),
    Column("unit_y", Real),
    Column("unit_z", Real),
    text_column("target_key"),
    Column("state", Text, nullable=False),
    text_column("problem"),
    UniqueConstraint("name", "version"),
)
Index("ix_science_product_block", science_product.c.block)
Index("ix_science_product_target", science_product.c.instrument, science_product.c.target)

Index("ix_science_product_category", science_product.c.instrument, science_product.c.category)
Index("ix_science_product_instrument", science_product.c.instrument, science_product.c.mjd_obs)
Index("ix_science_product_dec", science_product.c.dec)
Index("ix_science_product_target_key", science_product.c.target_key)
Index("ix_science_product_mjd_obs", science_product.c.mjd_obs, science_product.c.number)

science_programme = Table(
    "science_programme",
    metadata,
    Column("science_id", Text, ForeignKey("science_product.science_id"), primary_key=True),
    Column("position", Whole, primary_key=True),
    Column("programme", Text, nullable=False),
)
Index("ix_science_programme_programme", science_programme.c.programme)

download = Table(
    "download",
    metadata,
    Column("number", Whole, primary_key=True),
    Column("science_id", Text, ForeignKey("science_product.science_id"), nullable=False),
    Column("file_id", Text, nullable=False),
    Column("time", Text, nullable=False),
    text_column("who"),
)
Index("ix_download_science_id", download.c.science_id)

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
