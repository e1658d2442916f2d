from vltflow.certify import decide, run, waiting
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
