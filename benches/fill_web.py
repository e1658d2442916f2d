"""A registry as years of work leave it, written by SQL within SQLite or PostgreSQL."""

# ruff: noqa: E501, ISC004 - statements of SQL

from __future__ import annotations

from datetime import date, timedelta

from sqlalchemy import Connection, create_engine, event, text

from vltflow.store import schema
from vltflow.store.columns import metadata

NIGHT_SIZE = 500
"""ABs of an instrument and night."""
INSTRUMENTS = ("UVES", "GIRAFFE", "MUSE")
DONE = 4 / 5
"""Part of the ABs that has products."""
VALUES = 25
"""QC1 values of a product: a million ABs have 20 million."""
YEARS = 10
_FIRST, _FIRST_MJD = date(2010, 1, 1), 55197
_KEYS = '{"DET.READ.SPEED": "225kHz,1x1,lg", "DET.WIN1.BINX": 1, "DET.WIN1.BINY": 1}'
_PARAMETERS = (
    "QC OUT1 RON RAW", "QC OUT1 RON MASTER", "QC BIAS MASTER MEDIAN", "QC OUT1 STRUCTX",
    "QC OUT1 STRUCTY", "QC OUT1 OVSC RANGE", *(f"QC P{n:02d}" for n in range(VALUES - 6)),
)  # fmt: skip
HASH = "0" * 64


def nights(count: int) -> list[tuple[int, str, str, float]]:
    """Number, instrument, night and MJD of each full night."""
    return [
        (
            number,
            INSTRUMENTS[number % len(INSTRUMENTS)],
            (_FIRST + timedelta(days=number // len(INSTRUMENTS))).isoformat(),
            _FIRST_MJD + 0.6 + number // len(INSTRUMENTS),
        )
        for number in range(count // NIGHT_SIZE)
    ]


def fill(url: str, blocks: int, points: int) -> None:
    """Rows as the house leaves them.

    Parameters
    ----------
    url
        Of a registry with empty tables.
    blocks
        ABs in full nights, and as many science products.
    points
        ABs of the ten years before with two values each: all in one Health Check plot, and
        one over the other in a correlation.
    """
    engine = create_engine(url)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _hurry)
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":  # no checks of foreign keys, row by row
            connection.execute(text("SET LOCAL session_replication_role = replica"))
            connection.execute(text("SET LOCAL maintenance_work_mem = '1GB'"))
        tables = [metadata.tables[name] for name in ("qc_value", "science_product", "score")]
        indexes = [index for table in tables for index in table.indexes]
        for index in indexes:
            index.drop(connection)
        _names(connection, blocks)
        for statement in (*_NIGHTS, *_DECADE):
            connection.execute(text(statement), _numbers(statement, blocks, points))
        for index in indexes:
            index.create(connection)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))
    engine.dispose()


def _hurry(connection: object, _record: object) -> None:
    for setting in ("synchronous = OFF", "journal_mode = OFF", "cache_size = -500000"):
        connection.execute(f"PRAGMA {setting}")


def _names(connection: Connection, blocks: int) -> None:
    connection.execute(
        text(
            "CREATE TEMPORARY TABLE night (number INTEGER, instrument TEXT, night TEXT, mjd FLOAT)"
        )
    )
    connection.execute(text("CREATE TEMPORARY TABLE parameter (number INTEGER, name TEXT)"))
    columns = ("number", "instrument", "night", "mjd")
    rows = [dict(zip(columns, row, strict=True)) for row in nights(blocks)]
    connection.execute(text("INSERT INTO night VALUES (:number, :instrument, :night, :mjd)"), rows)
    named = [{"number": n, "name": name} for n, name in enumerate(_PARAMETERS)]
    connection.execute(text("INSERT INTO parameter VALUES (:number, :name)"), named)
    setups = [{"number": 1, "label": "1x1", "match_keys": _KEYS}]
    connection.execute(schema.setup.insert(), setups)


def _numbers(statement: str, blocks: int, points: int) -> dict[str, object]:
    known = {"blocks": blocks, "points": points, "hash": HASH, "days": 365.25 * YEARS}
    return {name: value for name, value in known.items() if f":{name}" in statement}


_COUNT = """
WITH RECURSIVE counted(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM counted WHERE i + 1 < {until}),
one AS ({one})
"""
_ONE = """
SELECT i, i % 500 AS place, i % 500 % 5 > 0 AS done, night.instrument, night.night,
  night.mjd + (i % 500) / 1000.0 AS mjd, night.instrument || '.' || night.night || 'T' ||
  (100000 + i % 500) || '.000_tpl' AS name,
  CASE WHEN i % 500 % 5 = 2 THEN 'DARK_BLUE' ELSE 'BIAS_BLUE' END AS raw_type
FROM counted JOIN night ON night.number = i / 500
"""
# Ten years before, every hour or so: some are red.
_OLD = """
SELECT i, 'UVES.OLD.' || (10000000 + i) || '_tpl' AS name, 51544.5 + i * (:days / :points) AS mjd,
  3.0 + 0.2 * ((i * 7919) % 1000 / 1000.0 - 0.5) + 0.3 * (i % 20000) / 20000.0
  + CASE WHEN i % 211 = 7 THEN 1.5 ELSE 0.0 END AS value, i % 211 = 7 AS red
FROM counted
"""
_NEW = _COUNT.format(until=":blocks", one=_ONE)
_BEFORE = _COUNT.format(until=":points", one=_OLD)


def _into(table: str, columns: str, count: str, values: str) -> str:
    return f"INSERT INTO {table} ({columns}) {count} SELECT {values}"


_BLOCK = (
    "name, instrument, night, raw_type, setup_number, recipe, grouping, group_key, expected, "
    "complete, mjd_start, mjd_mid, mjd_end, context, revision, state, problem, decision"
)
_JOB = (
    "number, job_id, block, revision, recipe, recipe_version, runner, parameters, input_hash, "
    "cores, memory_mb, wall_s, created, attempt, state, elapsed_s, log_file"
)
_PRODUCT = (
    "number, product_id, block, revision, job_id, instrument, night, category, setup_number, mjd, "
    "file_id, size, name, created, state"
)
_VALUE = (
    "block, revision, product_id, instrument, night, raw_type, setup_number, category, parameter, "
    "value, unit, mjd"
)
_SCORE = "block, revision, category, parameter, value, low, high, colour, method, reason"
_NIGHTS = (
    _into(
        "block", _BLOCK, _NEW,
        "name, instrument, night, raw_type, 1, 'uves_cal_mbias', 'tpl', name, 1, TRUE, mjd, mjd, "
        "mjd, 'c', 1, CASE WHEN done THEN 'SUCCEEDED' ELSE 'BLOCKED' END, CASE WHEN done THEN '' "
        "ELSE 'no MASTER_BIAS_BLUE within 30 days' END, "
        "CASE WHEN done AND NOT (place = 1 AND instrument = 'UVES' AND i + 1500 >= :blocks) THEN 'AUTO' ELSE '' END FROM one",
    ),
    _into(
        "frame",
        "number, frame_id, name, instrument, location, size, mjd_obs, night, exptime, raw_type, "
        "setup_number, block, tpl_nexp, tpl_expno, obs_id",
        _NEW,
        "1 + i, 'f' || (10000000 + i), 'F' || i, instrument, '/x', 1, mjd, night, 1.0, raw_type, 1, "
        "name, 1, 1, 0 FROM one",
    ),
    _into(
        "job", _JOB, _NEW,
        "1 + i, 'j' || (10000000 + i), name, 1, 'r', '1', 'native', '{}', 'h' || i, 1, 1, 1, '', 1, "
        "'SUCCEEDED', 2.5, :hash FROM one WHERE done",
    ),
    _into(
        "product", _PRODUCT, _NEW,
        "1 + i, 'p' || (10000000 + i), name, 1, 'j' || (10000000 + i), instrument, night, "
        "'MASTER_' || raw_type, 1, mjd, :hash, 1, 'P' || (10000000 + i), '', 'CERTIFIED' "
        "FROM one WHERE done",
    ),
    "INSERT INTO report (block, revision, file_id, created, elapsed_s) SELECT block, 1, :hash, '', "
    "1.5 FROM product",
    "INSERT INTO verdict (block, revision, decision, who, comment, decided) SELECT name, 1, 'AUTO', "
    "'certify', 'green', '' FROM block WHERE decision = 'AUTO'",
    "INSERT INTO event (time, who, kind, record, change, why) SELECT '2015', 'x', 'block', name, "
    "'created, PLANNED', '' FROM block",
    f"INSERT INTO score ({_SCORE}) SELECT block, 1, category, parameter.name, 3.0, 1.0, 4.0, "
    "CASE WHEN product.number % 500 = 4 THEN 'red' ELSE 'green' END, 'FIXED', '' "
    "FROM product JOIN parameter ON parameter.number < 2",
    f"INSERT INTO qc_value ({_VALUE}) SELECT product.block, 1, product_id, instrument, night, "
    "substr(category, 8), 1, category, parameter.name, 3.0 + (product.number % 97) / 97.0, 'ADU', "
    "mjd FROM product CROSS JOIN parameter ORDER BY product_id, parameter.number",
    _into(
        "science_product",
        "science_id, block, revision, instrument, night, category, target, setup, mjd_obs, name, "
        "version, archive_name, file_id, size, snr, bits, created, ra, dec, unit_x, unit_y, unit_z, "
        "target_key, state",
        _NEW,
        "'s' || (10000000 + i), name, 1, instrument, night, 'SCI_' || raw_type, 'T' || i % 5000, "
        "'1x1', mjd, 'N' || (10000000 + i), 1, 'ADP.' || (10000000 + i), :hash, 1, 20.0, '000', '', "
        "10.0, (i % 17000) / 100.0 - 85.0, 0.9698, 0.171, 0.1736, 't' || i % 5000, 'PUBLISHED' FROM one",
    ),
)  # fmt: skip
_DECADE = (
    _into(
        "block", _BLOCK, _BEFORE,
        "name, 'UVES', '2009-12-31', 'ARC_LAMP_BLUE', 1, 'uves_cal_wavecal', 'tpl', name, 1, TRUE, "
        "mjd, mjd, mjd, 'c', 1, 'SUCCEEDED', '', 'AUTO' FROM one",
    ),
    _into(
        "product", _PRODUCT, _BEFORE,
        "20000000 + i, 'q' || (10000000 + i), name, 1, 'j' || (10000001), 'UVES', '2009-12-31', "
        "'LINE_TABLE_BLUE', 1, mjd, :hash, 1, 'Q' || (10000000 + i), '', 'CERTIFIED' FROM one",
    ),
    _into(
        "qc_value", _VALUE, _BEFORE,
        "name, 1, 'q' || (10000000 + i), 'UVES', '2009-12-31', 'ARC_LAMP_BLUE', 1, "
        "'LINE_TABLE_BLUE', 'QC FWHMMED', value, 'pixel', mjd FROM one",
    ),
    _into(
        "qc_value", _VALUE, _BEFORE,
        "name, 1, 'q' || (10000000 + i), 'UVES', '2009-12-31', 'ARC_LAMP_BLUE', 1, "
        "'LINE_TABLE_BLUE', 'QC RESOLMED', 150000 / value + (i * 6131) % 1000, '', mjd FROM one",
    ),
    _into(
        "score", _SCORE, _BEFORE,
        "name, 1, 'LINE_TABLE_BLUE', 'QC FWHMMED', value, 2.5, 4.0, "
        "CASE WHEN red THEN 'red' ELSE 'green' END, 'FIXED', '' FROM one",
    ),
)  # fmt: skip
