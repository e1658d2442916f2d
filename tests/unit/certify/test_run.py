import pytest

from vltflow.certify import decide, run, waiting
from vltflow.flow import decisions as flow
from vltflow.records import Colour, Decision, ProductState

GREEN, RED, GREY = Colour.GREEN, Colour.RED, Colour.GREY


def _states(store, made):
    with store.read() as tx:
        return [product.state for product in tx.products.of_block(made.block.name)]


def test_green_blocks_are_certified_with_their_products(store, small_instrument, add_block, judge):
    made = add_block(store, "good")
    judge(store, made, GREEN, GREEN)
    (verdict,) = run(store, small_instrument)
    assert (verdict.block, verdict.decision, verdict.who) == ("good", Decision.AUTO, "certify")
    assert _states(store, made) == [ProductState.CERTIFIED]
    with store.read() as tx:
        assert tx.blocks.decisions(["good"]) == {"good": "AUTO"}
        log = [one.change for one in tx.events.find(kind="verdict")]
    assert log == ["AUTO: all 2 scores are green"]


def test_others_stay_undecided_and_wait(store, small_instrument, add_block, judge):
    made = add_block(store, "bad")
    judge(store, made, GREEN, RED)
    assert run(store, small_instrument) == []
    assert _states(store, made) == [ProductState.CREATED]
    (one,) = waiting(store, definition=lambda _: small_instrument)
    assert (one.block, one.score, one.reason) == ("bad", "(1/2)", "1 of 2 scores is red: M QC 1")


def test_nothing_is_decided_before_it_was_scored(sqlite_store, small_instrument, add_block):
    add_block(sqlite_store, "new")
    assert run(sqlite_store, small_instrument) == []
    assert waiting(sqlite_store, definition=lambda _: small_instrument) == []


def test_a_second_run_decides_nothing_twice(sqlite_store, small_instrument, add_block, judge):
    judge(sqlite_store, add_block(sqlite_store, "good"), GREEN)
    assert len(run(sqlite_store, small_instrument)) == 1
    assert run(sqlite_store, small_instrument) == []


def test_chosen_blocks_only(sqlite_store, small_instrument, add_block, judge):
    for number, name in enumerate(("one", "two")):
        judge(sqlite_store, add_block(sqlite_store, name, mjd=57080.0 + number), GREEN)
    assert [one.block for one in run(sqlite_store, small_instrument, blocks=["two"])] == ["two"]


def test_the_worst_waits_first(sqlite_store, small_instrument, add_block, judge):
    for number, colours in enumerate(([GREY], [RED], [RED, RED])):
        made = add_block(sqlite_store, f"b{number}", mjd=57080.0 + number)
        judge(sqlite_store, made, *colours)
    assert [one.block for one in waiting(sqlite_store, definition=lambda _: small_instrument)] == [
        "b2",
        "b1",
        "b0",
    ]


def test_a_reopened_block_is_decided_anew(store, small_instrument, add_block, judge, reopen_block):
    made = add_block(store, "late")
    judge(store, made, GREEN)
    run(store, small_instrument)
    again = reopen_block(store, made, {"MASTER_BIAS_BLUE": {}})
    judge(store, again, RED)
    assert run(store, small_instrument) == []
    assert [one.block for one in waiting(store, definition=lambda _: small_instrument)] == ["late"]
    assert _states(store, made) == [ProductState.CERTIFIED, ProductState.CREATED]
    decide(store, "late", Decision.ACCEPTED, who="Anna", comment="lamp was changed")
    assert _states(store, made) == [ProductState.CERTIFIED, ProductState.CERTIFIED]


def test_without_an_instrument_all_are_listed(sqlite_store, add_block, judge):
    assert waiting(sqlite_store) == []


@pytest.fixture
def chain(store, add_block, judge):
    """bias (red) -> dark (green) -> deep (green), the later made with the former."""
    bias = add_block(store, "bias", mjd=57080.3)  # taken after what it serves
    dark = add_block(
        store, "dark", mjd=57080.1, raw_type="DARK_BLUE", products={"MASTER_DARK_BLUE": {}},
        calibrations=[("MASTER_BIAS_BLUE", 0, bias.products[0], "bias")],
    )  # fmt: skip
    deep = add_block(
        store, "deep", mjd=57080.2, raw_type="DARK_BLUE", products={"MASTER_DARK_BLUE": {}},
        calibrations=[("MASTER_DARK_BLUE", 0, dark.products[0], "dark")],
    )  # fmt: skip
    for made, colour in ((bias, RED), (dark, GREEN), (deep, GREEN)):
        judge(store, made, colour)
    return bias


def test_what_was_made_with_a_master_that_waits_waits_for_it(store, small_instrument, chain):
    assert run(store, small_instrument) == []
    reasons = {
        one.block: one.reason for one in waiting(store, definition=lambda _: small_instrument)
    }
    assert reasons["dark"] == "made with MASTER_BIAS_BLUE of bias, which is not certified yet"
    assert reasons["deep"] == "made with MASTER_DARK_BLUE of dark, which is not certified yet"


def test_an_accepted_master_lets_all_pass_that_waited_for_it_only(store, small_instrument, chain):
    run(store, small_instrument)
    flow.decide(store, small_instrument, "bias", Decision.ACCEPTED, who="Anna", comment="fine")
    with store.read() as tx:
        found = tx.blocks.decisions(["bias", "dark", "deep"])
    assert found == {"bias": "ACCEPTED", "dark": "AUTO", "deep": "AUTO"}


def test_what_was_made_with_a_rejected_master_is_left_to_a_person(store, small_instrument, chain):
    flow.decide(store, small_instrument, "bias", Decision.REJECTED, who="Anna", comment="lamp off")
    assert run(store, small_instrument) == []
    found = waiting(store, definition=lambda _: small_instrument)
    assert found[0].reason == "made with MASTER_BIAS_BLUE of bias, which is REJECTED"


def test_a_master_that_is_certified_in_the_same_run_takes_along_what_was_made_with_it(
    store, small_instrument, chain, judge
):
    """Also what was looked at before it, as it is earlier in time."""
    judge(store, chain, GREEN)
    assert [one.block for one in run(store, small_instrument)] == ["bias", "dark", "deep"]


def test_what_was_scored_before_is_certified_with_its_master(store, small_instrument, chain, judge):
    run(store, small_instrument)
    judge(store, chain, GREEN)
    found = run(store, small_instrument, blocks=["bias"])
    assert [one.block for one in found] == ["bias", "dark", "deep"]
