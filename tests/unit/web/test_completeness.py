"""Calibration completeness: pages, their JSON, hostile and mistaken input."""

from dataclasses import replace

import pytest

from vltflow.records import BlockState, Decision

SCRIPT = "<script>alert(1)</script>"


@pytest.fixture
def lacking(web, add_block):
    """A dark of two nights after its only bias was taken, which was then rejected."""
    add_block(web.store, "bias", mjd=57080.0)
    add_block(
        web.store, "dark", mjd=57082.0, raw_type="DARK_BLUE", products={}, state=BlockState.PLANNED
    )
    with web.store.write(by="anna", why="noisy") as tx:
        tx.blocks.set_decision("bias", Decision.REJECTED)
    return web


def test_all_instruments_stand_in_a_line_each(lacking):
    page = lacking.text("/completeness")
    assert "/completeness/LAMP" in page
    assert "MISSING" in page
    assert "No data yet" not in page


def test_a_page_tells_what_lacks_why_and_what_to_take(lacking):
    page = lacking.text("/completeness/LAMP")
    assert 'href="/ab/bias" title="bias">one was taken</a>, but its products were rejected' in page
    assert "What the plan demands: 1" in page
    found = lacking.get("/api/completeness/LAMP").json()
    [task] = found["tasks"]
    assert (task["raw_types"], task["state"], task["setup"]) == (["BIAS_BLUE"], "MISSING", "1")
    assert found["setups"][0]["nights"][0]["checks"][0]["refused"] == "bias"


def test_a_good_one_makes_it_ok_and_says_what_became_of_it(lacking, add_block):
    add_block(lacking.store, "again", mjd=57081.0)
    page = lacking.text("/completeness/LAMP")
    assert "Nothing: all setups have their calibrations." in page
    assert "made, nobody has decided yet" in page
    assert lacking.get("/api/completeness/LAMP").json()["state"] == "OK"


def test_without_data_pages_say_so(web):
    assert "No data yet" in web.text("/completeness")
    assert "Nothing was observed" in web.text("/completeness/UVES")
    assert web.get("/api/completeness/UVES").json()["state"] is None


MISTAKES = (
    ("/completeness/NOBODY", 404),
    ("/api/completeness/..%2fetc", 404),
    ("/completeness/LAMP?night=2015-99-99", 400),
    (f"/completeness/LAMP?night={SCRIPT}", 400),
    ("/completeness/LAMP?night=9999-12-31", 200),
    ("/completeness/LAMP?night=0001-01-01", 400),
)


def test_hostile_or_mistaken_addresses_get_a_clear_answer(web):
    for path, status in MISTAKES:
        answer = web.get(path)
        assert answer.status_code == status
        assert "<script>alert" not in answer.text


def test_texts_of_others_are_shown_as_text(lacking):
    with lacking.store.write(by="test", why="test") as tx:
        tx.blocks.replace(replace(tx.blocks.get("dark"), setup=SCRIPT), "hostile")
        frame = tx.frames.of_block("bias")[0]
        tx.blocks.set_problem("bias", SCRIPT)
        assert frame.tpl_id == ""
    page = lacking.text("/completeness/LAMP")
    assert SCRIPT not in page
    assert "&lt;script&gt;alert(1)" in page
