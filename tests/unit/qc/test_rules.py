from datetime import date
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vltflow.instruments.quality import ScoreEntry
from vltflow.qc.rules import Subject, applicable, limits_text, score
from vltflow.qc.thresholds import resolve
from vltflow.records import Colour, Score, score_text


def entry(method: str = "FIXED", **fields) -> ScoreEntry:
    given_fields = {
        "parameter": "QC RON",
        "categories": ["M"],
        "method": method,
        "reason": "tested",
    }
    return ScoreEntry.model_validate(given_fields | fields)


def subject(value: float | None, **fields) -> Subject:
    return Subject(block="b", revision=1, category="M", parameter="QC RON", value=value, **fields)


PERCENT = entry("PERCENT", width=10, window=5, minimum=3)
SIGMA = entry("SIGMA", width=3, window=5, minimum=3)
finite = st.floats(-1e6, 1e6)
histories = st.lists(finite, min_size=3, max_size=30)


@pytest.mark.parametrize(
    ("low", "high", "value", "colour"),
    [
        (1.0, 4.0, 2.0, Colour.GREEN),
        (1.0, 4.0, 1.0, Colour.GREEN),
        (1.0, 4.0, 4.0, Colour.GREEN),
        (1.0, 4.0, 0.999, Colour.RED),
        (1.0, 4.0, 4.001, Colour.RED),
        (None, 4.0, -1e9, Colour.GREEN),
        (1.0, None, 1e9, Colour.GREEN),
        (1.0, None, 0.0, Colour.RED),
        (0.0, 0.0, 0.0, Colour.GREEN),
    ],
)
def test_fixed_limits_are_inclusive(low, high, value, colour):
    assert score(subject(value), [entry(low=low, high=high)], []).colour is colour


def test_a_reason_names_value_limits_and_where_they_come_from():
    judged = score(subject(5.0), [entry(low=1, high=4, reason="data sheet")], [])
    assert judged.reason == "5 is too high, wanted 1 to 4 (fixed limits; data sheet)"
    assert (judged.low, judged.high, judged.method) == (1.0, 4.0, "FIXED")


def test_percent_limits_lie_around_the_median_of_the_last_values():
    limits = resolve(PERCENT, [1e6, 100.0, 90.0, 110.0, 100.0, 5000.0])
    assert limits is not None
    assert (limits.low, limits.high) == (90.0, 110.0)


def test_percent_limits_of_a_negative_median_are_in_order():
    limits = resolve(PERCENT, [-10.0, -10.0, -10.0])
    assert limits is not None
    assert (limits.low, limits.high) == (-11.0, -9.0)


def test_sigma_limits_ignore_an_outlier_in_the_history():
    limits = resolve(SIGMA, [10.0, 11.0, 9.0, 10.0, 1000.0])
    assert limits is not None
    assert limits.high == pytest.approx(10 + 3 * 1.4826)


def test_the_floor_keeps_limits_apart_when_history_is_constant():
    limits = resolve(entry("SIGMA", width=3, floor=0.5, minimum=3), [7.0] * 10)
    assert limits is not None
    assert (limits.low, limits.high) == (6.5, 7.5)


def test_too_little_history_is_grey_and_counts_aloud():
    judged = score(subject(2.0), [PERCENT], [2.0, 2.0])
    assert judged.colour is Colour.GREY
    assert judged.reason == "too little history: 2 of 3 certified values"


def test_the_next_threshold_speaks_while_the_first_has_too_little_history():
    judged = score(subject(9.0), [PERCENT, entry(low=1, high=4)], [2.0])
    assert (judged.colour, judged.method) == (Colour.RED, "FIXED")
    assert judged.reason.endswith("PERCENT: too little history: 1 of 3 certified values")


def test_the_first_threshold_that_can_speak_counts():
    judged = score(subject(9.0), [PERCENT, entry(low=1, high=4)], [9.0, 9.0, 9.0])
    assert (judged.colour, judged.method) == (Colour.GREEN, "PERCENT")


def test_a_missing_value_is_grey_even_with_limits():
    judged = score(subject(None, missing="M has no QC RON"), [entry(low=1)], [])
    assert (judged.colour, judged.low) == (Colour.GREY, 1.0)


@pytest.mark.parametrize("entries", [[entry(low=1)], [PERCENT]])
def test_no_number_is_red_whatever_the_limits(entries):
    judged = score(subject(None, undefined="inf"), entries, [])
    assert (judged.colour, judged.value) == (Colour.RED, None)
    assert judged.reason.startswith("the product says 'inf'")


@given(histories, finite, st.sampled_from(["PERCENT", "SIGMA"]), st.floats(0.1, 100))
def test_a_value_at_the_median_is_always_green_and_limits_are_around_it(
    history, value, method, width
):
    threshold = entry(method, width=width, window=30, minimum=3)
    middle = median(history)
    assert score(subject(middle), [threshold], history).colour is Colour.GREEN
    judged = score(subject(value), [threshold], history)
    assert judged.low <= middle <= judged.high
    assert (judged.colour is Colour.GREEN) == (judged.low <= value <= judged.high)


@given(histories, finite)
def test_only_the_window_is_looked_at(history, older):
    assert (
        resolve(SIGMA, [older, *history[-5:]]) == resolve(SIGMA, history[-5:]) or len(history) < 5
    )


def test_thresholds_hold_for_their_category_setup_and_dates(
    small_instrument, add_block, sqlite_store
):
    block = add_block(sqlite_store, "b").block  # night 2015-02-26
    rules = [
        entry(low=1, categories=["OTHER"]),
        entry(low=2, setup={"DET.BINX": 2}),
        entry(low=3, valid_to=date(2015, 2, 25)),
        entry(low=4, valid_from=date(2015, 2, 27)),
        entry(low=5, valid_from=date(2015, 2, 26), valid_to=date(2015, 2, 26)),
        entry(low=6),
    ]
    scores = small_instrument.scores.model_copy(update={"thresholds": tuple(rules)})
    instrument = small_instrument.model_copy(update={"scores": scores})
    found = applicable(instrument, block, "M")
    assert [one.low for one in found["QC RON"]] == [5.0, 6.0]


def test_scores_add_up_to_red_of_total_without_grey_ones():
    def one(colour: Colour) -> Score:
        return Score("b", 1, "M", str(colour), 1.0, None, None, colour, "FIXED", "")

    assert score_text([one(Colour.RED), one(Colour.GREEN), one(Colour.GREY)]) == "(1/2)"
    assert score_text([]) == ""


def test_limits_read_as_a_person_writes_them():
    texts = [limits_text(1, 2), limits_text(None, 2), limits_text(1, None), limits_text(None, None)]
    assert texts == ["1 to 2", "at most 2", "at least 1", "none"]
