"""No page reads a big table from end to end, on either database."""

import re

import pytest
from sqlalchemy import event

BIG = (
    "block", "block_master", "event", "frame", "historical_value", "job", "master", "product",
    "product_input", "qc_value", "report", "science_product", "score", "verdict",
)  # fmt: skip
FEW = ("ix_block_undecided", "ix_frame_waiting")
"""Indexes of the few rows that wait."""
QC1 = "instrument=LAMP&category=MASTER_BIAS_BLUE&parameter=QC+RON"
PAGES = (
    "/", "/monitor/LAMP/2015-02-26", "/monitor/LAMP/2015-02-26/changes?since=1", "/ab/A",
    "/ab/A/report", "/desk", "/desk/A", "/health", "/health/UVES", "/health/UVES/wave_blue",
    "/api/health/UVES/wave_blue/5?range=full", "/api/health/UVES/wave_blue/9",
    "/qc1", f"/qc1?{QC1}",
    f"/api/qc1?{QC1}&since=1e9&until=2e9", f"/api/qc1?{QC1}&x_parameter=QC+RON",
    f"/api/qc1/values.csv?{QC1}", "/qc1?ab=A", "/products",
    "/products?target=x&first=2015-01-01", "/products?programme=1", "/products?position=1+1",
)  # fmt: skip


@pytest.fixture
def asked(web, add_judged):
    """Statements of a page with their values; an AB named A has a value and a red score."""
    add_judged(web.store, "A")
    engine, found = web.store._engine, []

    def keep(_connection, _cursor, statement, parameters, _context, _many):
        found.append((statement, parameters))

    def of(path):
        event.listen(engine, "before_cursor_execute", keep)
        assert web.get(path).status_code in {200, 204}
        event.remove(engine, "before_cursor_execute", keep)
        return [one for one in found if one[0].startswith("SELECT") and "pg_" not in one[0]]

    return web, of


@pytest.mark.slow
@pytest.mark.parametrize("path", PAGES)
def test_no_page_reads_a_big_table_from_end_to_end(asked, path):
    web, of = asked
    statements = of(path)
    with web.store._engine.connect() as connection:
        for statement, parameters in statements:
            whole = _read_whole(connection, statement, parameters)
            ends = "LIMIT" in statement
            assert ends or not whole.intersection(BIG), f"{path}: all of {whole}: {statement}"


@pytest.mark.slow
def test_what_products_can_be_chosen_from_is_found_by_jumps(asked, shop):
    web, of = asked
    assert shop.quasar, "nothing can be chosen where nothing is"
    statements = [one for one in of("/products") if "category" in one[0] and "WHERE" in one[0]]
    with web.store._engine.connect() as connection:
        if connection.dialect.name != "sqlite":
            pytest.skip("PostgreSQL compares pairs along an index, SQLite walks all of a first one")
        for statement, parameters in statements:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            assert not [row[3] for row in plan if ")>(" in row[3]], statement


def _read_whole(connection, statement, parameters):
    """Tables that the database means to read in full."""
    if connection.dialect.name == "sqlite":
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        lines = [row[3] for row in plan]
        lines = [line for line in lines if not line.endswith(FEW)]
        return {found[1] for line in lines if (found := re.match(r"SCAN (\w+)", line))}
    # The tables are small here: a whole read is chosen only where no index can help.
    connection.exec_driver_sql("SET enable_seqscan = off")
    plan = connection.exec_driver_sql(f"EXPLAIN {statement}", parameters)
    return {found[1] for (line,) in plan if (found := re.search(r"Seq Scan on (\w+)", line))}
