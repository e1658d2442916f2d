"""Order definition and arc through all rooms, by the native recipes."""

from __future__ import annotations

import pytest

from vltflow.cli.app import run as run_command
from vltflow.core.site import load_site
from vltflow.simulate import simulate_day
from vltflow.store import Store

NIGHT = "2015-02-26"


@pytest.mark.slow
def test_an_order_table_is_certified_and_calibrates_the_arc_of_its_night(tmp_path):
    setups = ["blue_2x2_390nm_1.2", "blue_2x2_390nm_0.6"]
    kinds = ["ORDER_FLAT_BLUE", "ARC_LAMP_BLUE"]
    day = simulate_day("uves", NIGHT, tmp_path / "raw", raw_types=kinds, setups=setups)
    site = tmp_path / "site"
    assert run_command(["init", str(site), "--cores", "2", "--memory-mb", "4000"]) == 0
    assert run_command(["ingest", str(day.folder), "--site", str(site)]) == 0
    assert run_command(["night", NIGHT, "--instrument", "UVES", "--site", str(site)]) == 0
    opened = load_site(site)
    store = Store(opened.database, opened.vault)
    try:
        with store.read() as tx:
            blocks = {block.raw_type: block for block in tx.blocks.find(instrument="UVES")}
            made = {kind: tx.products.of_block(block.name) for kind, block in blocks.items()}
    finally:
        store.close()
    assert {kind: [one.category for one in several] for kind, several in made.items()} == {
        "ORDER_FLAT_BLUE": ["ORDER_TABLE_BLUE"],
        "ARC_LAMP_BLUE": ["LINE_TABLE_BLUE"],
    }
    used = {match.category for match in blocks["ARC_LAMP_BLUE"].masters if match.product_id}
    assert used >= {"ORDER_TABLE_BLUE", "LINE_REFER_TABLE", "SPECTRAL_FORMAT_TAB"}
