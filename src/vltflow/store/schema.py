"""Tables of the registry. SQL stands in this package and nowhere else."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _text(name: str, *, default: str | None = "", **options: bool) -> Column[str]:
    return Column(name, String, nullable=False, server_default=default, **options)  # type: ignore[arg-type]


setup = Table(
    "setup",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("label", String, nullable=False),
    Column("match_keys", Text, nullable=False),
    UniqueConstraint("label", "match_keys"),
)

frame = Table(
    "frame",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("frame_id", String(64), nullable=False, unique=True),
    Column("name", String, nullable=False, unique=True),
    Column("instrument", String, nullable=False),
    Column("location", String, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("mjd_obs", Float, nullable=False),
    Column("night", String(10), nullable=False),
    Column("exptime", Float, nullable=False),
    _text("dpr_catg"),
    _text("dpr_type"),
    _text("dpr_tech"),
    _text("tpl_id"),
    _text("tpl_start"),
    Column("tpl_nexp", Integer, nullable=False),
    Column("tpl_expno", Integer, nullable=False),
    Column("obs_id", BigInteger, nullable=False),
    _text("prog_id"),
    _text("object_name"),
    _text("repairs", default="[]"),
    _text("raw_type"),
    Column("setup_number", Integer, ForeignKey("setup.number")),
    _text("context"),
    Column("block", String),
)
Index("ix_frame_night", frame.c.instrument, frame.c.night)
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

frame_header = Table(
    "frame_header",
    metadata,
    Column("frame_id", String(64), ForeignKey("frame.frame_id"), primary_key=True),
    Column("headers", LargeBinary, nullable=False),
)

quarantine = Table(
    "quarantine",
    metadata,
    Column("location", String, primary_key=True),
    Column("reason", Text, nullable=False),
    Column("code", String, nullable=False),
    Column("size", BigInteger, nullable=False),
    _text("fingerprint"),
    Column("found", String, nullable=False),
)

block = Table(
    "block",
    metadata,
    Column("name", String, primary_key=True),
    Column("instrument", String, nullable=False),
    Column("night", String(10), nullable=False),
    Column("raw_type", String, nullable=False),
    Column("setup_number", Integer, ForeignKey("setup.number"), nullable=False),
    Column("recipe", String, nullable=False),
    Column("grouping", String, nullable=False),
    Column("group_key", String, nullable=False),
    Column("expected", Integer, nullable=False),
    Column("complete", Boolean, nullable=False),
    Column("mjd_start", Float, nullable=False),
    Column("mjd_mid", Float, nullable=False),
    Column("mjd_end", Float, nullable=False),
    Column("context", String, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("state", String, nullable=False),
    _text("problem"),
    _text("decision"),
)
Index("ix_block_night", block.c.instrument, block.c.night)
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
    Column("block", String, ForeignKey("block.name"), primary_key=True),
    Column("category", String, primary_key=True),
    Column("required", Boolean, nullable=False),
    Column("state", String, nullable=False),
    _text("source_block"),
    _text("product_id"),
    Column("level", Integer),
    Column("distance_days", Float),
)
Index("ix_block_master_source", block_master.c.source_block)

job = Table(
    "job",
    metadata,
    Column("job_id", String(32), primary_key=True),
    Column("block", String, ForeignKey("block.name"), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("recipe", String, nullable=False),
    Column("recipe_version", String, nullable=False),
    Column("runner", String, nullable=False),
    Column("parameters", Text, nullable=False),
    Column("input_hash", String(64), nullable=False),
    Column("cores", Integer, nullable=False),
    Column("memory_mb", Integer, nullable=False),
    Column("wall_s", Integer, nullable=False),
    Column("created", String, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("state", String, nullable=False),
    _text("executor"),
    _text("handle"),
    _text("started"),
    _text("ended"),
    Column("elapsed_s", Float),
    Column("cpu_s", Float),
    Column("peak_mb", Float),
    _text("error_code"),
    _text("error"),
    _text("log_file"),
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
    Column("product_id", String(32), primary_key=True),
    Column("block", String, ForeignKey("block.name"), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("job_id", String(32), ForeignKey("job.job_id"), nullable=False),
    Column("instrument", String, nullable=False),
    Column("night", String(10), nullable=False),
    Column("category", String, nullable=False),
    Column("setup_number", Integer, ForeignKey("setup.number"), nullable=False),
    Column("mjd", Float, nullable=False),
    Column("file_id", String(64), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("name", String, nullable=False, unique=True),
    Column("created", String, nullable=False),
    _text("figures_file"),
    Column("state", String, nullable=False),
)
Index("ix_product_block", product.c.block)

product_input = Table(
    "product_input",
    metadata,
    Column("product_id", String(32), ForeignKey("product.product_id"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("source", String(64), nullable=False),
)
Index("ix_product_input_source", product_input.c.source)

master = Table(
    "master",
    metadata,
    Column("product_id", String(32), ForeignKey("product.product_id"), primary_key=True),
    Column("name", String, nullable=False),
    Column("instrument", String, nullable=False),
    Column("category", String, nullable=False),
    Column("setup_number", Integer, ForeignKey("setup.number"), nullable=False),
    Column("mjd", Float, nullable=False),
    Column("valid_from", Float, nullable=False),
    Column("valid_to", Float, nullable=False),
    Column("file_id", String(64), nullable=False),
    Column("state", String, nullable=False),
)
Index(
    "ix_master_validity",
    master.c.instrument,
    master.c.category,
    master.c.setup_number,
    master.c.mjd,
)

qc_parameter = Table(
    "qc_parameter",
    metadata,
    Column("instrument", String, primary_key=True),
    Column("name", String, primary_key=True),
    Column("unit", String, nullable=False),
    Column("description", Text, nullable=False),
)

qc_value = Table(
    "qc_value",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("block", String, ForeignKey("block.name"), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("product_id", String(32), ForeignKey("product.product_id"), nullable=False),
    Column("instrument", String, nullable=False),
    Column("night", String(10), nullable=False),
    Column("raw_type", String, nullable=False),
    Column("setup_number", Integer, ForeignKey("setup.number"), nullable=False),
    Column("category", String, nullable=False),
    Column("parameter", String, nullable=False),
    Column("value", Float, nullable=False),
    _text("unit"),
    Column("mjd", Float, nullable=False),
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
    Column("block", String, ForeignKey("block.name"), primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("category", String, primary_key=True),
    Column("parameter", String, primary_key=True),
    Column("value", Float),
    Column("low", Float),
    Column("high", Float),
    Column("colour", String, nullable=False),
    Column("method", String, nullable=False),
    Column("reason", Text, nullable=False),
)

report = Table(
    "report",
    metadata,
    Column("block", String, ForeignKey("block.name"), primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("file_id", String(64), nullable=False),
    Column("created", String, nullable=False),
)

verdict = Table(
    "verdict",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("block", String, ForeignKey("block.name"), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("decision", String, nullable=False),
    Column("who", String, nullable=False),
    Column("comment", Text, nullable=False),
    Column("decided", String, nullable=False),
)
Index("ix_verdict_block", verdict.c.block)

event = Table(
    "event",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("time", String, nullable=False),
    Column("who", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("record", String, nullable=False),
    Column("change", Text, nullable=False),
    Column("why", Text, nullable=False),
)
Index("ix_event_record", event.c.kind, event.c.record)
