"""Order definition and arc through all rooms, by the native recipes."""

from __future__ import annotations

import pytest

from vltflow.cli.app import run as run_command
from vltflow.core.site import load_site
from vltflow.records import Colour
from vltflow.simulate import simulate_day
from vltflow.store import Store

NIGHT = "2015-02-26"


@pytest.mark.slow
def test_format_check_and_order_table_are_certified_and_serve_the_arc_of_their_night(tmp_path):
    setups = [f"blue_2x2_390nm_{slit}" for slit in ("0.7", "1.2", "0.6")]
    kinds = ["ARC_LAMP_FORM_BLUE", "ORDER_FLAT_BLUE", "ARC_LAMP_BLUE"]
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
            scores = [one for block in blocks.values() for one in _scores(tx, block)]
            made = {kind: tx.products.of_block(block.name) for kind, block in blocks.items()}
    finally:
        store.close()
    assert {kind: sorted(one.category for one in several) for kind, several in made.items()} == {
        "ARC_LAMP_FORM_BLUE": ["LINE_GUESS_TAB_BLUE", "ORDER_GUESS_TAB_BLUE"],
        "ORDER_FLAT_BLUE": ["ORDER_TABLE_BLUE"],
        "ARC_LAMP_BLUE": ["LINE_TABLE_BLUE"],
    }
    assert [one.parameter for one in scores if one.colour is Colour.RED] == []
    assert _used(blocks["ORDER_FLAT_BLUE"]) == {"SPECTRAL_FORMAT_TAB", "ORDER_GUESS_TAB_BLUE"}
    assert _used(blocks["ARC_LAMP_BLUE"]) >= {
        "ORDER_TABLE_BLUE", "LINE_GUESS_TAB_BLUE", "LINE_REFER_TABLE", "SPECTRAL_FORMAT_TAB",
    }  # fmt: skip


def _scores(tx, block):
    return tx.quality.scores([block.name]).get(block.name, [])


def _used(block):
    return {match.category for match in block.masters if match.product_id}
