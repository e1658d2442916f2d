"""Tables of the registry. SQL stands in this package and nowhere else."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    Table,
    UniqueConstraint,
    false,
    text,
)

from vltflow.store.columns import metadata, text_column
from vltflow.store.types import Real, Text, Whole

setup = Table(
    "setup",
    metadata,
    Column("number", Whole, primary_key=True),
    Column("label", Text, nullable=False),
    Column("match_keys", Text, nullable=False),
    UniqueConstraint("label", "match_keys"),
    Index("ix_setup_keys", "match_keys"),
)

frame = Table(
    "frame",
    metadata,
    Column("number", Whole, primary_key=True),
    Column("frame_id", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False, unique=True),
    Column("instrument", Text, nullable=False),
    Column("location", Text, nullable=False),
    Column("size", Whole, nullable=False),
    Column("mjd_obs", Real, nullable=False),
    Column("night", Text, nullable=False),
    Column("exptime", Real, nullable=False),
    text_column("dpr_catg"),
    text_column("dpr_type"),
    text_column("dpr_tech"),
    text_column("tpl_id"),
    text_column("tpl_start"),
    Column("tpl_nexp", Whole, nullable=False),
    Column("tpl_expno", Whole, nullable=False),
    Column("obs_id", Whole, nullable=False),
    text_column("prog_id"),
    text_column("object_name"),
    text_column("repairs", default="[]"),
    text_column("raw_type"),
    Column("setup_number", Whole, ForeignKey("setup.number")),
    text_column("context"),
    Column("block", Text, ForeignKey("block.name")),
)
Index("ix_frame_night", frame.c.night, frame.c.instrument)
Index(
    "ix_frame_block",
    frame.c.block,
    postgresql_where=frame.c.block.is_not(None),
    sqlite_where=frame.c.block.is_not(None),
)
# What waits for classification or association is a handful among millions: partial indexes.
Index(
    "ix_frame_waiting",
    frame.c.instrument,
    frame.c.mjd_obs,
    postgresql_where=frame.c.block.is_(None),
    sqlite_where=frame.c.block.is_(None),
)

# Exposures of one observation, or of one target, whose products make a stack.
Index(
    "ix_frame_observation",
    frame.c.obs_id,
    postgresql_where=frame.c.dpr_catg == "SCIENCE",
    sqlite_where=frame.c.dpr_catg == "SCIENCE",
)
Index(
    "ix_frame_target",
    frame.c.object_name,
    postgresql_where=frame.c.dpr_catg == "SCIENCE",
    sqlite_where=frame.c.dpr_catg == "SCIENCE",
)

frame_header = Table(
    "frame_header",
    metadata,
    Column("frame_id", Text, ForeignKey("frame.frame_id"), primary_key=True),
    Column("headers", LargeBinary, nullable=False),
)

quarantine = Table(
    "quarantine",
    metadata,
    Column("location", Text, primary_key=True),
    Column("reason", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("size", Whole, nullable=False),
    text_column("fingerprint"),
    Column("found", Text, nullable=False),
)

block = Table(
    "block",
    metadata,
    Column("name", Text, primary_key=True),
    Column("instrument", Text, nullable=False),
    Column("night", Text, nullable=False),
    Column("raw_type", Text, nullable=False),
    Column("setup_number", Whole, ForeignKey("setup.number"), nullable=False),
    Column("recipe", Text, nullable=False),
    Column("grouping", Text, nullable=False),
    Column("group_key", Text, nullable=False),
    Column("expected", Whole, nullable=False),
    Column("complete", Boolean, nullable=False),
    Column("mjd_start", Real, nullable=False),
    Column("mjd_mid", Real, nullable=False),
    Column("mjd_end", Real, nullable=False),
    Column("context", Text, nullable=False),
    Column("revision", Whole, nullable=False),
    Column("state", Text, nullable=False),
    text_column("problem"),
    text_column("decision"),
)
Index("ix_block_night", block.c.night, block.c.instrument)
Index("ix_block_time", block.c.instrument, block.c.raw_type, block.c.mjd_mid)
Index("ix_block_group", block.c.group_key)
Index(
    "ix_block_open",
    block.c.state,
    postgresql_where=text("state IN ('PLANNED', 'RUNNING')"),
    sqlite_where=text("state IN ('PLANNED', 'RUNNING')"),
)

block_master = Table(
    "block_master",
    metadata,
    Column("block", Text, ForeignKey("block.name"), primary_key=True),
    Column("category", Text, primary_key=True),
    Column("required", Boolean, nullable=False),
    Column("state", Text, nullable=False),
    Column("source_block", Text, primary_key=True, server_default=""),
    text_column("product_id"),
    Column("level", Whole),
    Column("distance_days", Real),
    Column("distance_celsius", Real),
    Column("member", Boolean, nullable=False, server_default=false()),
)
Index("ix_block_master_source", block_master.c.source_block)

job = Table(
    "job",
    metadata,
    Column("number", Whole, primary_key=True),
    Column("job_id", Text, nullable=False, unique=True),
    Column("block", Text, ForeignKey("block.name"), nullable=False),
    Column("revision", Whole, nullable=False),
    Column("recipe", Text, nullable=False),
    Column("recipe_version", Text, nullable=False),
    Column("runner", Text, nullable=False),
    Column("parameters", Text, nullable=False),
    Column("input_hash", Text, nullable=False),
    text_column("context"),
    text_column("software"),
    Column("cores", Whole, nullable=False),
    Column("memory_mb", Whole, nullable=False),
    Column("wall_s", Whole, nullable=False),
    Column("created", Text, nullable=False),
    Column("attempt", Whole, nullable=False),
    Column("state", Text, nullable=False),
    text_column("executor"),
    text_column("handle"),
    text_column("started"),
    text_column("ended"),
    Column("elapsed_s", Real),
    Column("cpu_s", Real),
    Column("peak_mb", Real),
    text_column("error_code"),
    text_column("error"),
    text_column("log_file"),
)
Index("ix_job_block", job.c.block)
Index("ix_job_input_hash", job.c.input_hash)
Index(
    "ix_job_running",
    job.c.state,
    postgresql_where=text("state = 'RUNNING'"),
    sqlite_where=text("state = 'RUNNING'"),
)

product = Table(
    "product",
    metadata,
    Column("number", Whole, primary_key=True),
    Column("product_id", Text, nullable=False, unique=True),
    Column("block", Text, ForeignKey("block.name"), nullable=False),
    Column("revision", Whole, nullable=False),
    Column("job_id", Text, ForeignKey("job.job_id"), nullable=False),
    Column("instrument", Text, nullable=False),
    Column("night", Text, nullable=False),
    Column("category", Text, nullable=False),
    Column("setup_number", Whole, ForeignKey("setup.number"), nullable=False),
    Column("mjd", Real, nullable=False),
    Column("file_id", Text, nullable=False),
    Column("size", Whole, nullable=False),
    Column("name", Text, nullable=False, unique=True),
    Column("created", Text, nullable=False),
    text_column("figures_file"),
    Column("state", Text, nullable=False),
)
Index("ix_product_block", product.c.block)
Index("ix_product_file_id", product.c.file_id)

product_input = Table(
    "product_input",
    metadata,
    Column("product_id", Text, ForeignKey("product.product_id"), primary_key=True),
    Column("position", Whole, primary_key=True),
    Column("source", Text, nullable=False),
)
Index("ix_product_input_source", product_input.c.source)

master = Table(
    "master",
    metadata,
    Column("product_id", Text, ForeignKey("product.product_id"), primary_key=True),
    Column("name", Text, nullable=False),
    Column("instrument", Text, nullable=False),
    Column("category", Text, nullable=False),
    Column("setup_number", Whole, ForeignKey("setup.number"), nullable=False),
    Column("mjd", Real, nullable=False),
    Column("valid_from", Real, nullable=False),
    Column("valid_to", Real, nullable=False),
    Column("file_id", Text, nullable=False),
    Column("state", Text, nullable=False),
)
Index(
    "ix_master_validity",
    master.c.instrument,
    master.c.category,
    master.c.setup_number,
    master.c.mjd,
)

static = Table(
    "static",
    metadata,
    Column("static_id", Text, primary_key=True),
    Column("instrument", Text, nullable=False),
    Column("category", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("file_id", Text, nullable=False),
    Column("size", Whole, nullable=False),
    Column("keys", Text, nullable=False),
    text_column("builder"),
    Column("origin", Text, nullable=False),
    Column("licence", Text, nullable=False),
    Column("valid_from", Real, nullable=False),
    Column("valid_to", Real, nullable=False),
    Column("added", Text, nullable=False),
    Column("state", Text, nullable=False),
)
Index("ix_static_category", static.c.instrument, static.c.category)

comparison = Table(
    "comparison",
    metadata,
    Column("block", Text, ForeignKey("block.name"), primary_key=True),
    Column("revision", Whole, primary_key=True),
    Column("file_id", Text, nullable=False),
    Column("created", Text, nullable=False),
)

qc_parameter = Table(
    "qc_parameter",
    metadata,
    Column("instrument", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("unit", Text, nullable=False),
    Column("description", Text, nullable=False),
    text_column("type"),
    text_column("format"),
)

qc_value = Table(
    "qc_value",
    metadata,
    Column("number", Whole, primary_key=True),
    Column("block", Text, ForeignKey("block.name"), nullable=False),
    Column("revision", Whole, nullable=False),
    Column("product_id", Text, ForeignKey("product.product_id"), nullable=False),
    Column("instrument", Text, nullable=False),
    Column("night", Text, nullable=False),
    Column("raw_type", Text, nullable=False),
    Column("setup_number", Whole, ForeignKey("setup.number"), nullable=False),
    Column("category", Text, nullable=False),
    Column("parameter", Text, nullable=False),
    Column("value", Real),  # NULL: could not be measured
    text_column("unit"),
    Column("mjd", Real, nullable=False),
    UniqueConstraint("product_id", "parameter"),
)
Index("ix_qc_value_block", qc_value.c.block)
# Covering index for trends: one parameter of one product category over all time.
Index(
    "ix_qc_value_trend",
    qc_value.c.instrument,
    qc_value.c.category,
    qc_value.c.parameter,
    qc_value.c.setup_number,
    qc_value.c.mjd,
    qc_value.c.value,
)

score = Table(
    "score",
    metadata,
    Column("block", Text, ForeignKey("block.name"), primary_key=True),
    Column("revision", Whole, primary_key=True),
    Column("category", Text, primary_key=True),
    Column("parameter", Text, primary_key=True),
    Column("value", Real),
    Column("low", Real),
    Column("high", Real),
    Column("colour", Text, nullable=False),
    Column("method", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("bit", Whole),
)

report = Table(
    "report",
    metadata,
    Column("block", Text, ForeignKey("block.name"), primary_key=True),
    Column("revision", Whole, primary_key=True),
    Column("file_id", Text, nullable=False),
    Column("created", Text, nullable=False),
)

verdict = Table(
    "verdict",
    metadata,
    Column("number", Whole, primary_key=True),
    Column("block", Text, ForeignKey("block.name"), nullable=False),
    Column("revision", Whole, nullable=False),
    Column("decision", Text, nullable=False),
    Column("who", Text, nullable=False),
    Column("comment", Text, nullable=False),
    Column("decided", Text, nullable=False),
)
Index("ix_verdict_block", verdict.c.block)

event = Table(
    "event",
    metadata,
    Column("number", Whole, primary_key=True),
    Column("time", Text, nullable=False),
    Column("who", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("record", Text, nullable=False),
    Column("change", Text, nullable=False),
    Column("why", Text, nullable=False),
)
Index("ix_event_record", event.c.record, event.c.number)

historical_product = Table(
    "historical_product",
    metadata,
    Column("source_id", Text, primary_key=True),
    Column("instrument", Text, nullable=False),
    Column("raw_type", Text, nullable=False),
    Column("setup_number", Whole, ForeignKey("setup.number"), nullable=False),
    Column("category", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("night", Text, nullable=False),
    Column("mjd", Real, nullable=False),
    text_column("pipeline"),
    text_column("recipe"),
    Column("origin", Text, nullable=False),
    Column("imported", Text, nullable=False),
    Column("for_thresholds", Boolean, nullable=False),
)
Index(
    "ix_historical_product_time",
    historical_product.c.instrument,
    historical_product.c.category,
    historical_product.c.mjd,
)

historical_value = Table(
    "historical_value",
    metadata,
    Column("source_id", Text, ForeignKey("historical_product.source_id"), primary_key=True),
    Column("parameter", Text, primary_key=True),
    Column("value", Real, nullable=False),
    text_column("unit"),
)
Index("ix_historical_value_parameter", historical_value.c.parameter)
