import logging
import math
from dataclasses import replace

import numpy as np

from vltflow.plots import save_figures
from vltflow.qc import report_page, run
from vltflow.qc.measure import qc_value
from vltflow.records import BlockState, Colour, Decision, ProductState, QcFigure, Verdict
from vltflow.store import Store

RED = {"MASTER_BIAS_BLUE": {"QC RON": 99.0}}
LEVELS = QcFigure(
    name="rows", title="Row medians", kind="line", x=np.arange(10.0), y=np.arange(10.0),
    x_label="row [pixel]", y_label="level [ADU]", parameters=("QC LEVEL",), marks={"median": 4.5},
)  # fmt: skip


def _scores(store: Store, name: str):
    with store.read() as tx:
        found = tx.quality.scores([name]).get(name, [])
    return {(score.category, score.parameter): score for score in found}


def _certify(store: Store, *made):
    with store.write(by="test", why="history") as tx:
        for one in made:
            for product in one.products:
                tx.products.set_state(product.product_id, ProductState.CERTIFIED)


def test_values_scores_and_report_of_a_new_block_are_recorded(store, small_instrument, add_block):
    add_block(store, "first", products={"MASTER_BIAS_BLUE": {"QC RON": 2.5, "QC SLOPE": 1e-4}})
    (result,) = run(store, small_instrument)
    assert (result.block, result.red, result.scored, result.score) == ("first", 0, 1, "(0/1)")
    with store.read() as tx:
        values = {value.parameter: (value.value, value.unit) for value in tx.quality.values()}
        assert tx.quality.reports(["first"]) == {"first": ""}
    assert values == {"QC RON": (2.5, "ADU"), "QC SLOPE": (1e-4, "ADU/pixel")}
    assert b"<h1>BIAS_BLUE" in report_page(store, small_instrument, "first")


def test_the_report_of_a_red_block_is_drawn_at_once(store, small_instrument, add_block):
    add_block(store, "red", products=RED)
    (result,) = run(store, small_instrument)
    assert result.red == 1
    assert store.vault.get_bytes(result.report) == report_page(store, small_instrument, "red")


def test_a_campaign_leaves_pages_of_red_blocks_to_who_looks(
    sqlite_store, small_instrument, add_block
):
    add_block(sqlite_store, "red", products=RED)
    (result,) = run(sqlite_store, small_instrument, pages=False)
    assert (result.red, result.report) == (1, "")
    assert b"99" in report_page(sqlite_store, small_instrument, "red")


def test_a_second_run_has_nothing_to_do(sqlite_store, small_instrument, add_block):
    add_block(sqlite_store, "first")
    assert len(run(sqlite_store, small_instrument)) == 1
    assert run(sqlite_store, small_instrument) == []


def test_a_new_revision_is_scored_anew(store, small_instrument, add_block, reopen_block):
    made = add_block(store, "first", products={"MASTER_BIAS_BLUE": {"QC RON": 9.0}})
    run(store, small_instrument)
    reopen_block(store, made, {"MASTER_BIAS_BLUE": {"QC RON": 2.0}})
    (result,) = run(store, small_instrument)
    assert (result.revision, result.score) == (2, "(0/1)")
    assert _scores(store, "first")["MASTER_BIAS_BLUE", "QC RON"].colour is Colour.GREEN


def test_blocks_without_products_are_left_alone(sqlite_store, small_instrument, add_block):
    for state in (BlockState.PLANNED, BlockState.BLOCKED, BlockState.RUNNING, BlockState.FAILED):
        add_block(sqlite_store, f"one {state}", products={}, state=state)
    assert run(sqlite_store, small_instrument) == []


def test_a_missing_value_is_grey_and_a_missing_product_too(store, small_instrument, add_block):
    add_block(
        store,
        "red",
        raw_type="BIAS_RED",
        products={"MASTER_BIAS_REDL": {}},
        state=BlockState.PARTIAL,
    )
    (result,) = run(store, small_instrument)
    assert (result.red, result.scored, result.grey) == (0, 0, 2)
    scores = _scores(store, "red")
    assert scores["MASTER_BIAS_REDL", "QC RON"].reason.startswith("MASTER_BIAS_REDL has no QC RON")
    assert scores["MASTER_BIAS_REDU", "QC RON"].reason.startswith("MASTER_BIAS_REDU was not made")


def test_a_value_that_is_no_number_is_red(store, small_instrument, add_block):
    add_block(store, "first", products={"MASTER_BIAS_BLUE": {"QC RON": math.nan}})
    (result,) = run(store, small_instrument)
    score = _scores(store, "first")["MASTER_BIAS_BLUE", "QC RON"]
    assert (result.red, score.colour, score.value) == (1, Colour.RED, None)
    assert "'nan', which is no number" in score.reason


def test_a_running_threshold_waits_for_history_and_then_scores(store, small_instrument, add_block):
    earlier = [
        add_block(
            store,
            f"day {day}",
            mjd=57080.0 + day,
            products={"MASTER_BIAS_BLUE": {"QC LEVEL": level}},
        )
        for day, level in enumerate((149.0, 150.0, 151.0, 180.0))
    ]
    run(store, small_instrument)
    waits = _scores(store, "day 3")["MASTER_BIAS_BLUE", "QC LEVEL"]
    assert (waits.colour, waits.low) == (Colour.GREY, None)
    assert waits.reason == "too little history: 0 of 3 certified values"
    _certify(store, *earlier[:3])
    add_block(store, "day 4", mjd=57084.0, products={"MASTER_BIAS_BLUE": {"QC LEVEL": 170.0}})
    run(store, small_instrument)
    score = _scores(store, "day 4")["MASTER_BIAS_BLUE", "QC LEVEL"]
    assert (score.colour, score.low, score.high) == (Colour.RED, 135.0, 165.0)


def test_setup_conditions_decide_which_thresholds_apply(sqlite_store, small_instrument, add_block):
    add_block(sqlite_store, "binned", binning=2)
    run(sqlite_store, small_instrument)
    assert list(_scores(sqlite_store, "binned")) == [("MASTER_BIAS_BLUE", "QC RON")]


def test_parameters_outside_the_catalogue_are_kept_and_logged(
    sqlite_store, small_instrument, add_block, caplog
):
    add_block(
        sqlite_store, "first", products={"MASTER_BIAS_BLUE": {"QC NEW": 7, "QC DID": "LAMP-1"}}
    )
    with caplog.at_level(logging.WARNING):
        run(sqlite_store, small_instrument)
    with sqlite_store.read() as tx:
        (value,) = tx.quality.values()
    assert (value.parameter, value.value, value.unit) == ("QC NEW", 7.0, "")
    assert "['QC NEW']" in caplog.text


def test_a_damaged_product_becomes_the_problem_of_its_block_alone(
    sqlite_store, small_instrument, add_block
):
    bad = add_block(
        sqlite_store, "bad", mjd=57079.0, products={"MASTER_BIAS_BLUE": {"QC RON": 3.0}}
    )
    add_block(sqlite_store, "good")
    path = sqlite_store.vault.local_path(bad.products[0].file_id, None)
    path.chmod(0o600)
    path.write_bytes(b"no FITS")
    for _ in range(2):
        done = run(sqlite_store, small_instrument)
    assert [one.block for one in done] == []
    with sqlite_store.read() as tx:
        problem = tx.blocks.get("bad").problem
        assert tx.quality.reports(["bad", "good"]).keys() == {"good"}
        events = [one for one in tx.events.find(record="bad") if "problem" in one.change]
    assert problem.startswith("QC: ")
    assert "is damaged" in problem
    assert len(events) == 1


def test_an_ab_whose_scores_the_registry_refuses_keeps_no_other_from_being_scored(
    sqlite_store, small_instrument, add_block, monkeypatch
):
    for number, name in enumerate(("bad", "good")):
        add_block(sqlite_store, name, mjd=57080.0 + number)

    def measured(block, *rest):
        value = qc_value(block, *rest)
        return replace(value, unit="\ud800") if block.name == "bad" else value

    monkeypatch.setattr("vltflow.qc.measure.qc_value", measured)
    assert [one.block for one in run(sqlite_store, small_instrument)] == ["good"]
    with sqlite_store.read() as tx:
        assert tx.blocks.get("bad").problem.startswith("QC: registry")
        assert tx.quality.unscored("LAMP") == ["bad"]


def test_a_problem_of_ours_goes_when_the_product_is_readable_again(
    sqlite_store, small_instrument, add_block
):
    made = add_block(sqlite_store, "first")
    path = sqlite_store.vault.local_path(made.products[0].file_id, None)
    content = path.read_bytes()
    path.chmod(0o600)
    path.write_bytes(b"")
    run(sqlite_store, small_instrument)
    path.write_bytes(content)
    assert len(run(sqlite_store, small_instrument)) == 1
    with sqlite_store.read() as tx:
        assert tx.blocks.get("first").problem == ""


def test_chosen_blocks_only_and_again_on_demand(sqlite_store, small_instrument, add_block):
    add_block(sqlite_store, "one")
    add_block(sqlite_store, "two", mjd=57081.0)
    assert [one.block for one in run(sqlite_store, small_instrument, blocks=["two"])] == ["two"]
    again = run(sqlite_store, small_instrument, blocks=["two"], again=True)
    assert [one.block for one in again] == ["two"]
    with sqlite_store.write(by="test", why="decided") as tx:
        tx.quality.add_verdict(Verdict("two", 1, Decision.ACCEPTED, "A", "c", "2015-02-27"))
    assert run(sqlite_store, small_instrument, blocks=["two"], again=True) == []


def test_equal_records_give_an_equal_report(sqlite_store, small_instrument, add_block):
    add_block(sqlite_store, "first", figures=[LEVELS], products=RED)
    (first,) = run(sqlite_store, small_instrument)
    (second,) = run(sqlite_store, small_instrument, blocks=["first"], again=True)
    assert first.report == second.report != ""


def test_an_unreadable_figure_file_is_told_at_the_block(
    sqlite_store, small_instrument, add_block, tmp_path
):
    save_figures(tmp_path / "f.npz", [LEVELS])
    made = add_block(sqlite_store, "first", figures=[LEVELS], products=RED)
    path = sqlite_store.vault.local_path(made.products[0].figures_file, tmp_path)
    path.chmod(0o600)
    path.write_bytes(b"0" * 100)
    assert run(sqlite_store, small_instrument) == []
    with sqlite_store.read() as tx:
        assert "damaged" in tx.blocks.get("first").problem


def test_the_catalogue_is_declared_once(sqlite_store, small_instrument):
    run(sqlite_store, small_instrument)
    run(sqlite_store, small_instrument)
    with sqlite_store.read() as tx:
        names = [parameter.name for parameter in tx.quality.parameters("LAMP")]
        assert tx.quality.parameters("LAMP")[0].unit == "ADU"
    assert names == ["QC LEVEL", "QC RON", "QC SLOPE"]
