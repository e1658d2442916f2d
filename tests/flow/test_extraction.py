"""A science frame through all rooms, by the native recipes."""

from __future__ import annotations

import pytest

from vltflow.cli.app import run as run_command
from vltflow.core.site import load_site
from vltflow.simulate import simulate_day
from vltflow.simulate.uves.programme import SCIENCE, science_night
from vltflow.store import Store

NIGHT = "2015-02-26"


@pytest.mark.slow
def test_a_science_frame_becomes_a_spectrum_with_the_masters_of_its_night(tmp_path):
    plan = science_night(NIGHT, SCIENCE["point"][:1], window=True, standard=False)
    day = simulate_day("uves", NIGHT, tmp_path / "raw", templates=plan)
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
    assert {one.category for one in made["FLAT_BLUE"]} == {
        "MASTER_FLAT_BLUE",
        "PIXEL_RESPONSE_FLAT_BLUE",
        "BLAZE_FLAT_BLUE",
    }
    assert [one.category for one in made["SCI_POINT_BLUE"]] == ["RED_SCI_POINT_BLUE"]
    used = {match.category for match in blocks["SCI_POINT_BLUE"].masters if match.product_id}
    assert used >= {"ORDER_TABLE_BLUE", "LINE_TABLE_BLUE", "BLAZE_FLAT_BLUE", "MASTER_BIAS_BLUE"}
