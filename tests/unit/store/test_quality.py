import math
from dataclasses import replace

import numpy as np
import pytest

from vltflow.core.errors import Conflict
from vltflow.records import BlockState, Colour, Decision, ProductState, QcParameter, Score

RON = QcParameter("UVES", "QC OUT1 RON MASTER", "ADU", "read noise")


def write(store):
    return store.write(by="qc", why="test")


def score(make, number, **changes) -> Score:
    fixed = Score(
        block=make.block(number).name,
        revision=1,
        category="MASTER_BIAS_BLUE",
        parameter=RON.name,
        value=2.0,
        low=1.0,
        high=3.0,
        colour=Colour.GREEN,
        method="FIXED",
        reason="within limits",
    )
    return replace(fixed, **changes)


def test_the_catalogue_of_parameters_follows_the_definition(store):
    gain = QcParameter("UVES", "QC GAIN", "e/ADU", "gain")
    with write(store) as tx:
        tx.quality.declare([RON, gain, replace(RON, instrument="HARPS")])
        tx.quality.declare([replace(RON, unit="e")])
        assert tx.quality.parameters("UVES") == [gain, replace(RON, unit="e")]
        assert len(tx.quality.parameters("HARPS")) == 1


def test_declaring_the_same_again_changes_and_logs_nothing(store):
    with write(store) as tx:
        tx.quality.declare([RON])
        tx.quality.declare([RON])
        assert len(tx.events.find(kind="qc_parameter")) == 1


def test_values_come_back_by_time_and_are_found_by_every_filter(filled, make):
    values = [make.value(number) for number in (2, 0, 1)]
    with write(filled) as tx:
        tx.quality.add_values(values)
    second, zeroth, first = values
    with filled.read() as tx:
        assert tx.quality.values() == [zeroth, first, second]
        assert tx.quality.values(block=first.block) == [first]
        assert tx.quality.values(instrument="HARPS") == []
        assert tx.quality.values(parameter=RON.name, limit=1) == [zeroth]
        assert tx.quality.values(category="MASTER_FLAT_BLUE") == []
        assert tx.quality.values(setup=first.setup, mjd=(first.mjd, second.mjd)) == [first, second]
        assert tx.quality.values(setup="other") == []


def test_a_value_registered_twice_stays_as_it_was(filled, make):
    with write(filled) as tx:
        tx.quality.add_values([make.value(1)])
        tx.quality.add_values([make.value(1, value=99.0)])
        assert tx.quality.values() == [make.value(1)]


@pytest.mark.parametrize("wrong", [{"block": "nobody"}, {"product_id": "nobody"}])
def test_a_value_of_nothing_is_refused(filled, make, wrong):
    with pytest.raises(Conflict, match=r"nobody|refused"), write(filled) as tx:
        tx.quality.add_values([make.value(1, **wrong)])


def test_what_could_not_be_measured_comes_back_as_nan_and_infinity_as_itself(filled, make):
    numbers = [math.nan, math.inf, -math.inf]
    with write(filled) as tx:
        tx.quality.add_values([make.value(n, value=number) for n, number in enumerate(numbers)])
        found = [value.value for value in tx.quality.values()]
    np.testing.assert_equal(found, numbers)


def test_single_precision_of_numpy_is_stored_as_a_number(filled, make):
    with write(filled) as tx:
        tx.quality.add_values([make.value(1, value=np.float32(0.1))])
        assert tx.quality.values()[0].value == float(np.float32(0.1))


def test_history_is_what_was_certified_before_of_the_same_kind(store, make):
    with write(store) as tx:
        for number in range(8):
            tx.blocks.add([make.block(number)])
            tx.jobs.add([make.job(number)])
            tx.products.add([make.product(number)])
        values = [make.value(number) for number in range(8)]
        values[2] = replace(values[2], value=math.nan)
        values[3] = replace(values[3], value=math.inf)
        values[4] = replace(values[4], parameter="QC GAIN")
        tx.quality.add_values(values)
        for number in (1, 2, 3, 4, 5, 6, 7):
            tx.products.set_state(f"product{number}", ProductState.CERTIFIED)
    with store.read() as tx:
        assert tx.quality.history(values[7], 10) == [3.0, 7.0, 8.0]
        assert tx.quality.history(values[7], 2) == [7.0, 8.0]
        assert tx.quality.trend(values[7], 1) == [(values[6].mjd, 8.0)]
        assert tx.quality.history(replace(values[7], setup="other"), 10) == []
        assert tx.quality.history(values[1], 10) == []


def test_scores_come_back_and_are_written_anew(filled, make):
    red = score(make, 1, parameter="QC GAIN", colour=Colour.RED)
    grey = score(make, 1, parameter="QC DARK", colour=Colour.GREY, value=None, low=None, high=None)
    with write(filled) as tx:
        tx.quality.set_scores(red.block, 1, [score(make, 1), red, grey])
        assert tx.quality.scores([red.block]) == {red.block: [grey, red, score(make, 1)]}
        assert tx.events.find(kind="block", record=red.block)[-1].change == "scored (1/2)"
        tx.quality.set_scores(red.block, 1, [grey])
        assert tx.quality.scores([red.block]) == {red.block: [grey]}


def test_a_score_of_nan_is_a_score_without_value(filled, make):
    with write(filled) as tx:
        tx.quality.set_scores(make.block(1).name, 1, [score(make, 1, value=math.nan)])
        assert tx.quality.scores([make.block(1).name])[make.block(1).name][0].value is None


def test_only_scores_of_the_present_revision_count(filled, make):
    name = make.block(1).name
    with write(filled) as tx:
        tx.quality.set_scores(name, 1, [score(make, 1)])
        tx.blocks.replace(make.block(1, revision=2), "late frame")
        assert tx.quality.scores([name]) == {}


def test_the_latest_report_counts(filled, make):
    name = make.block(1).name
    with write(filled) as tx:
        tx.quality.set_report(name, 2, "b" * 64, "2026")
        tx.quality.set_report(name, 1, "a" * 64, "2026")
        tx.quality.set_report(name, 2, "c" * 64, "2026")
        assert tx.quality.reports([name, make.block(2).name]) == {name: "c" * 64}


def test_decisions_stay_in_order_even_if_the_clock_went_back(filled, make):
    first = make.verdict(1, decided="2030", comment="fine")
    second = make.verdict(1, decided="1999", decision=Decision.REVOKED, comment="not fine")
    with write(filled) as tx:
        tx.quality.add_verdict(first)
        tx.quality.add_verdict(second)
        assert tx.quality.verdicts([first.block]) == {first.block: [first, second]}
        event = tx.events.find(kind="verdict", record=first.block)[-1]
    assert event.change == "REVOKED: not fine"


def test_blocks_wait_first_for_a_report_and_then_for_a_decision(filled, make):
    name = make.block(1).name
    with write(filled) as tx:
        assert tx.quality.unscored("UVES") == []
        tx.blocks.set_state(name, BlockState.SUCCEEDED)
        assert tx.quality.unscored("UVES") == [name]
        tx.quality.set_report(name, 1, "a" * 64, "2026")
        assert tx.quality.unscored("UVES") == []
        assert tx.quality.undecided() == tx.quality.undecided("UVES", only=[name]) == [name]
        tx.quality.add_verdict(make.verdict(1))
        assert tx.quality.undecided() == []
