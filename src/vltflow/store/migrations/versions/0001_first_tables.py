"""First tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")
REAL: sa.Double[float] = sa.Double()
WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Go to this version; the way back is a backup."""
    op.create_table(
        "event",
        sa.Column("number", WHOLE, nullable=False),
        sa.Column("time", TEXT, nullable=False),
        sa.Column("who", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("record", TEXT, nullable=False),
        sa.Column("change", TEXT, nullable=False),
        sa.Column("why", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_event")),
    )
    with op.batch_alter_table("event", schema=None) as batch_op:
        batch_op.create_index("ix_event_record", ["record", "number"], unique=False)

    op.create_table(
        "qc_parameter",
        sa.Column("instrument", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("unit", TEXT, nullable=False),
        sa.Column("description", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("instrument", "name", name=op.f("pk_qc_parameter")),
    )
    op.create_table(
        "quarantine",
        sa.Column("location", TEXT, nullable=False),
        sa.Column("reason", TEXT, nullable=False),
        sa.Column("code", TEXT, nullable=False),
        sa.Column("size", WHOLE, nullable=False),
        sa.Column("fingerprint", TEXT, server_default="", nullable=False),
        sa.Column("found", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("location", name=op.f("pk_quarantine")),
    )
    op.create_table(
        "setup",
        sa.Column("number", WHOLE, nullable=False),
        sa.Column("label", TEXT, nullable=False),
        sa.Column("match_keys", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_setup")),
        sa.UniqueConstraint("label", "match_keys", name=op.f("uq_setup_label_match_keys")),
    )
    with op.batch_alter_table("setup", schema=None) as batch_op:
        batch_op.create_index("ix_setup_keys", ["match_keys"], unique=False)

    op.create_table(
        "block",
        sa.Column("name", TEXT, nullable=False),
        sa.Column("instrument", TEXT, nullable=False),
        sa.Column("night", TEXT, nullable=False),
        sa.Column("raw_type", TEXT, nullable=False),
        sa.Column("setup_number", WHOLE, nullable=False),
        sa.Column("recipe", TEXT, nullable=False),
        sa.Column("grouping", TEXT, nullable=False),
        sa.Column("group_key", TEXT, nullable=False),
        sa.Column("expected", WHOLE, nullable=False),
        sa.Column("complete", sa.Boolean(), nullable=False),
        sa.Column("mjd_start", REAL, nullable=False),
        sa.Column("mjd_mid", REAL, nullable=False),
        sa.Column("mjd_end", REAL, nullable=False),
        sa.Column("context", TEXT, nullable=False),
        sa.Column("revision", WHOLE, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("problem", TEXT, server_default="", nullable=False),
        sa.Column("decision", TEXT, server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["setup_number"], ["setup.number"], name=op.f("fk_block_setup_number")
        ),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_block")),
    )
    with op.batch_alter_table("block", schema=None) as batch_op:
        batch_op.create_index("ix_block_group", ["group_key"], unique=False)
        batch_op.create_index("ix_block_night", ["night", "instrument"], unique=False)
        batch_op.create_index(
            "ix_block_open",
            ["state"],
            unique=False,
            postgresql_where=sa.text("state IN ('PLANNED', 'RUNNING')"),
            sqlite_where=sa.text("state IN ('PLANNED', 'RUNNING')"),
        )
        batch_op.create_index("ix_block_time", ["instrument", "raw_type", "mjd_mid"], unique=False)

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
        sa.ForeignKeyConstraint(["block"], ["block.name"], name=op.f("fk_block_master_block")),
        sa.PrimaryKeyConstraint("block", "category", name=op.f("pk_block_master")),
    )
    with op.batch_alter_table("block_master", schema=None) as batch_op:
        batch_op.create_index("ix_block_master_source", ["source_block"], unique=False)

    op.create_table(
        "frame",
        sa.Column("number", WHOLE, nullable=False),
        sa.Column("frame_id", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("instrument", TEXT, nullable=False),
        sa.Column("location", TEXT, nullable=False),
        sa.Column("size", WHOLE, nullable=False),
        sa.Column("mjd_obs", REAL, nullable=False),
        sa.Column("night", TEXT, nullable=False),
        sa.Column("exptime", REAL, nullable=False),
        sa.Column("dpr_catg", TEXT, server_default="", nullable=False),
        sa.Column("dpr_type", TEXT, server_default="", nullable=False),
        sa.Column("dpr_tech", TEXT, server_default="", nullable=False),
        sa.Column("tpl_id", TEXT, server_default="", nullable=False),
        sa.Column("tpl_start", TEXT, server_default="", nullable=False),
        sa.Column("tpl_nexp", WHOLE, nullable=False),
        sa.Column("tpl_expno", WHOLE, nullable=False),
        sa.Column("obs_id", WHOLE, nullable=False),
        sa.Column("prog_id", TEXT, server_default="", nullable=False),
        sa.Column("object_name", TEXT, server_default="", nullable=False),
        sa.Column("repairs", TEXT, server_default="[]", nullable=False),
        sa.Column("raw_type", TEXT, server_default="", nullable=False),
        sa.Column("setup_number", WHOLE, nullable=True),
        sa.Column("context", TEXT, server_default="", nullable=False),
        sa.Column("block", TEXT, nullable=True),
        sa.ForeignKeyConstraint(["block"], ["block.name"], name=op.f("fk_frame_block")),
        sa.ForeignKeyConstraint(
            ["setup_number"], ["setup.number"], name=op.f("fk_frame_setup_number")
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_frame")),
        sa.UniqueConstraint("frame_id", name=op.f("uq_frame_frame_id")),
        sa.UniqueConstraint("name", name=op.f("uq_frame_name")),
    )
    with op.batch_alter_table("frame", schema=None) as batch_op:
        batch_op.create_index(
            "ix_frame_block",
            ["block"],
            unique=False,
            postgresql_where=sa.text("block IS NOT NULL"),
            sqlite_where=sa.text("block IS NOT NULL"),
        )
        batch_op.create_index("ix_frame_night", ["night", "instrument"], unique=False)
        batch_op.create_index(
            "ix_frame_waiting",
            ["instrument", "mjd_obs"],
            unique=False,
            postgresql_where=sa.text("block IS NULL"),
            sqlite_where=sa.text("block IS NULL"),
        )

    op.create_table(
        "job",
        sa.Column("number", WHOLE, nullable=False),
        sa.Column("job_id", TEXT, nullable=False),
        sa.Column("block", TEXT, nullable=False),
        sa.Column("revision", WHOLE, nullable=False),
        sa.Column("recipe", TEXT, nullable=False),
        sa.Column("recipe_version", TEXT, nullable=False),
        sa.Column("runner", TEXT, nullable=False),
        sa.Column("parameters", TEXT, nullable=False),
        sa.Column("input_hash", TEXT, nullable=False),
        sa.Column("cores", WHOLE, nullable=False),
        sa.Column("memory_mb", WHOLE, nullable=False),
        sa.Column("wall_s", WHOLE, nullable=False),
        sa.Column("created", TEXT, nullable=False),
        sa.Column("attempt", WHOLE, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("executor", TEXT, server_default="", nullable=False),
        sa.Column("handle", TEXT, server_default="", nullable=False),
        sa.Column("started", TEXT, server_default="", nullable=False),
        sa.Column("ended", TEXT, server_default="", nullable=False),
        sa.Column("elapsed_s", REAL, nullable=True),
        sa.Column("cpu_s", REAL, nullable=True),
        sa.Column("peak_mb", REAL, nullable=True),
        sa.Column("error_code", TEXT, server_default="", nullable=False),
        sa.Column("error", TEXT, server_default="", nullable=False),
        sa.Column("log_file", TEXT, server_default="", nullable=False),
        sa.ForeignKeyConstraint(["block"], ["block.name"], name=op.f("fk_job_block")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_job")),
        sa.UniqueConstraint("job_id", name=op.f("uq_job_job_id")),
    )
    with op.batch_alter_table("job", schema=None) as batch_op:
        batch_op.create_index("ix_job_block", ["block"], unique=False)
        batch_op.create_index("ix_job_input_hash", ["input_hash"], unique=False)
        batch_op.create_index(
            "ix_job_running",
            ["state"],
            unique=False,
            postgresql_where=sa.text("state = 'RUNNING'"),
            sqlite_where=sa.text("state = 'RUNNING'"),
        )

    op.create_table(
        "report",
        sa.Column("block", TEXT, nullable=False),
        sa.Column("revision", WHOLE, nullable=False),
        sa.Column("file_id", TEXT, nullable=False),
        sa.Column("created", TEXT, nullable=False),
        sa.ForeignKeyConstraint(["block"], ["block.name"], name=op.f("fk_report_block")),
        sa.PrimaryKeyConstraint("block", "revision", name=op.f("pk_report")),
    )
    op.create_table(
        "score",
        sa.Column("block", TEXT, nullable=False),
        sa.Column("revision", WHOLE, nullable=False),
        sa.Column("category", TEXT, nullable=False),
        sa.Column("parameter", TEXT, nullable=False),
        sa.Column("value", REAL, nullable=True),
        sa.Column("low", REAL, nullable=True),
        sa.Column("high", REAL, nullable=True),
        sa.Column("colour", TEXT, nullable=False),
        sa.Column("method", TEXT, nullable=False),
        sa.Column("reason", TEXT, nullable=False),
        sa.ForeignKeyConstraint(["block"], ["block.name"], name=op.f("fk_score_block")),
        sa.PrimaryKeyConstraint(
            "block", "revision", "category", "parameter", name=op.f("pk_score")
        ),
    )
    op.create_table(
        "verdict",
        sa.Column("number", WHOLE, nullable=False),
        sa.Column("block", TEXT, nullable=False),
        sa.Column("revision", WHOLE, nullable=False),
        sa.Column("decision", TEXT, nullable=False),
        sa.Column("who", TEXT, nullable=False),
        sa.Column("comment", TEXT, nullable=False),
        sa.Column("decided", TEXT, nullable=False),
        sa.ForeignKeyConstraint(["block"], ["block.name"], name=op.f("fk_verdict_block")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_verdict")),
    )
    with op.batch_alter_table("verdict", schema=None) as batch_op:
        batch_op.create_index("ix_verdict_block", ["block"], unique=False)

    op.create_table(
        "frame_header",
        sa.Column("frame_id", TEXT, nullable=False),
        sa.Column("headers", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["frame_id"], ["frame.frame_id"], name=op.f("fk_frame_header_frame_id")
        ),
        sa.PrimaryKeyConstraint("frame_id", name=op.f("pk_frame_header")),
    )
    op.create_table(
        "product",
        sa.Column("number", WHOLE, nullable=False),
        sa.Column("product_id", TEXT, nullable=False),
        sa.Column("block", TEXT, nullable=False),
        sa.Column("revision", WHOLE, nullable=False),
        sa.Column("job_id", TEXT, nullable=False),
        sa.Column("instrument", TEXT, nullable=False),
        sa.Column("night", TEXT, nullable=False),
        sa.Column("category", TEXT, nullable=False),
        sa.Column("setup_number", WHOLE, nullable=False),
        sa.Column("mjd", REAL, nullable=False),
        sa.Column("file_id", TEXT, nullable=False),
        sa.Column("size", WHOLE, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("created", TEXT, nullable=False),
        sa.Column("figures_file", TEXT, server_default="", nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.ForeignKeyConstraint(["block"], ["block.name"], name=op.f("fk_product_block")),
        sa.ForeignKeyConstraint(["job_id"], ["job.job_id"], name=op.f("fk_product_job_id")),
        sa.ForeignKeyConstraint(
            ["setup_number"], ["setup.number"], name=op.f("fk_product_setup_number")
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_product")),
        sa.UniqueConstraint("name", name=op.f("uq_product_name")),
        sa.UniqueConstraint("product_id", name=op.f("uq_product_product_id")),
    )
    with op.batch_alter_table("product", schema=None) as batch_op:
        batch_op.create_index("ix_product_block", ["block"], unique=False)

    op.create_table(
        "master",
        sa.Column("product_id", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("instrument", TEXT, nullable=False),
        sa.Column("category", TEXT, nullable=False),
        sa.Column("setup_number", WHOLE, nullable=False),
        sa.Column("mjd", REAL, nullable=False),
        sa.Column("valid_from", REAL, nullable=False),
        sa.Column("valid_to", REAL, nullable=False),
        sa.Column("file_id", TEXT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.ForeignKeyConstraint(
            ["product_id"], ["product.product_id"], name=op.f("fk_master_product_id")
        ),
        sa.ForeignKeyConstraint(
            ["setup_number"], ["setup.number"], name=op.f("fk_master_setup_number")
        ),
        sa.PrimaryKeyConstraint("product_id", name=op.f("pk_master")),
    )
    with op.batch_alter_table("master", schema=None) as batch_op:
        batch_op.create_index(
            "ix_master_validity", ["instrument", "category", "setup_number", "mjd"], unique=False
        )

    op.create_table(
        "product_input",
        sa.Column("product_id", TEXT, nullable=False),
        sa.Column("position", WHOLE, nullable=False),
        sa.Column("source", TEXT, nullable=False),
        sa.ForeignKeyConstraint(
            ["product_id"], ["product.product_id"], name=op.f("fk_product_input_product_id")
        ),
        sa.PrimaryKeyConstraint("product_id", "position", name=op.f("pk_product_input")),
    )
    with op.batch_alter_table("product_input", schema=None) as batch_op:
        batch_op.create_index("ix_product_input_source", ["source"], unique=False)

    op.create_table(
        "qc_value",
        sa.Column("number", WHOLE, nullable=False),
        sa.Column("block", TEXT, nullable=False),
        sa.Column("revision", WHOLE, nullable=False),
        sa.Column("product_id", TEXT, nullable=False),
        sa.Column("instrument", TEXT, nullable=False),
        sa.Column("night", TEXT, nullable=False),
        sa.Column("raw_type", TEXT, nullable=False),
        sa.Column("setup_number", WHOLE, nullable=False),
        sa.Column("category", TEXT, nullable=False),
        sa.Column("parameter", TEXT, nullable=False),
        sa.Column("value", REAL, nullable=True),
        sa.Column("unit", TEXT, server_default="", nullable=False),
        sa.Column("mjd", REAL, nullable=False),
        sa.ForeignKeyConstraint(["block"], ["block.name"], name=op.f("fk_qc_value_block")),
        sa.ForeignKeyConstraint(
            ["product_id"], ["product.product_id"], name=op.f("fk_qc_value_product_id")
        ),
        sa.ForeignKeyConstraint(
            ["setup_number"], ["setup.number"], name=op.f("fk_qc_value_setup_number")
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_qc_value")),
        sa.UniqueConstraint(
            "product_id", "parameter", name=op.f("uq_qc_value_product_id_parameter")
        ),
    )
    with op.batch_alter_table("qc_value", schema=None) as batch_op:
        batch_op.create_index("ix_qc_value_block", ["block"], unique=False)
        batch_op.create_index(
            "ix_qc_value_trend",
            ["instrument", "category", "parameter", "setup_number", "mjd", "value"],
            unique=False,
        )

    _forbid_changes_of_events()


def _forbid_changes_of_events() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for change in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER event_no_{change.lower()} BEFORE {change} ON event "
                "BEGIN SELECT RAISE(ABORT, 'the event log is append-only'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION refuse_change_of_event() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the event log is append-only'; END $$"
    )
    op.execute(
        "CREATE TRIGGER event_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON event "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_event()"
    )
