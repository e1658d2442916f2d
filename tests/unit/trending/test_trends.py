"""Trends over both stores: nothing that sticks out is lost, nothing hidden counts."""

from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from scipy.stats import spearmanr

from vltflow.core.errors import Conflict, UnknownName, UserError
from vltflow.core.time import now_iso
from vltflow.instruments.health import HealthFile
from vltflow.plots.decimate import decimate_points, one_a_cell
from vltflow.records import Colour, HiddenValue, QcValue, Score
from vltflow.trending import (
    Question,
    average,
    correlate,
    exported,
    health_scores,
    part,
    series_of,
    time_range,
    view,
)

KIND = ("LAMP", "MASTER_BIAS_BLUE", "QC RON")
HEALTH = HealthFile.model_validate(
    {"groups": [{"name": "chips", "title": "Chips", "reports": [
        {"name": "bias", "title": "Bias", "about": "Noise", "plots": [
            {"title": "Noise", "about": "flat", "series": [
                {"parameter": "QC RON", "category": "MASTER_BIAS_BLUE", "label": "blue"}]}]}]}]}
)  # fmt: skip


@pytest.fixture
def add_value(add_block):
    """Function that adds an AB with a value, its score, and a second parameter."""

    def add(store, name, mjd, value, colour=Colour.GREEN):
        made = add_block(store, name, mjd=mjd)
        product = made.products[0]
        one = QcValue(
            name, 1, product.product_id, "LAMP", made.block.night, "BIAS_BLUE", made.block.setup,
            product.category, "QC RON", value, "ADU", mjd,
        )  # fmt: skip
        score = Score(name, 1, product.category, "QC RON", value, 1.0, 4.0, colour, "FIXED", "")
        level = replace(one, parameter="QC LEVEL", value=10 * value)
        with store.write(by="qc", why="made for a test") as tx:
            tx.quality.add_values([one, level])
            tx.quality.set_scores(name, 1, [score])
        return one

    return add


def _hide(store, value, reason="lamp off"):
    hidden = HiddenValue(value.product_id, value.parameter, "anna", reason, now_iso())
    with store.write(by="anna", why=reason) as tx:
        tx.health.hide(hidden)


def test_a_series_knows_its_limits_outliers_and_what_is_hidden(store, small_instrument, add_value):
    add_value(store, "A", 57080.0, 2.0)
    bad = add_value(store, "B", 57081.0, 50.0, Colour.RED)
    add_value(store, "C", 57082.0, 2.2)
    with store.read() as tx:
        found = series_of(tx, small_instrument, Question(KIND))
    assert found.value.tolist() == [2.0, 50.0, 2.2]
    assert found.is_outlier.tolist() == [False, True, False]
    assert (found.low, found.high) == (1.0, 4.0)
    assert average(found, "mean") == pytest.approx(2.1)
    assert view((found,))[1] < 50
    _hide(store, bad)
    with store.read() as tx:
        assert series_of(tx, small_instrument, Question(KIND)).value.tolist() == [2.0, 2.2]
        shown = series_of(tx, small_instrument, Question(KIND, with_hidden=True))
        assert shown.is_hidden.tolist() == [False, True, False]
        assert tx.events.find(record=bad.product_id)[-1].who == "anna"


def test_running_thresholds_do_not_count_what_is_hidden(store, add_value):
    first = add_value(store, "A", 57080.0, 2.0)
    add_value(store, "B", 57081.0, 2.2)
    last = add_value(store, "C", 57082.0, 2.4)
    with store.write(by="certify", why="green") as tx:
        for name in ("A", "B"):
            for product in tx.products.of_block(name):
                tx.products.set_state(product.product_id, "CERTIFIED")
        assert tx.quality.history(last, 5) == [2.0, 2.2]
    _hide(store, first)
    with store.read() as tx:
        assert tx.quality.history(last, 5) == [2.2]


def test_hiding_twice_or_nothing_is_an_error_and_showing_again_undoes_it(store, add_value):
    one = add_value(store, "A", 57080.0, 2.0)
    _hide(store, one)
    with pytest.raises(Conflict):
        _hide(store, one)
    with pytest.raises(UnknownName):
        _hide(store, replace(one, parameter="QC NONE"))
    with store.write(by="anna", why="it was right") as tx:
        tx.health.unhide(one.product_id, "QC RON")
        assert tx.health.hidden("QC RON") == {}
        with pytest.raises(UnknownName):
            tx.health.unhide(one.product_id, "QC RON")


def test_the_last_score_of_seven_nights_counts(store, small_instrument, add_value):
    instrument = small_instrument.model_copy(update={"health": HEALTH})
    add_value(store, "A", 57080.1, 9.0, Colour.RED)
    with store.read() as tx:
        night = time_range(tx, "LAMP", "health").last
        assert health_scores(tx, instrument, night).now is Colour.RED
    add_value(store, "B", 57082.1, 2.0)
    with store.read() as tx:
        night = time_range(tx, "LAMP", "health").last
        scores = health_scores(tx, instrument, night)
        assert scores.now is Colour.GREEN
        assert [str(one) for one in scores.groups[0].nights[-3:]] == ["red", "grey", "green"]
        assert health_scores(tx, instrument, "2016-01-01").now is Colour.GREY


def test_two_parameters_are_paired_by_ab(store, add_value):
    for number in range(4):
        add_value(store, f"A{number}", 57080.0 + number, 2.0 + number)
    level = (KIND[0], KIND[1], "QC LEVEL")
    with store.read() as tx:
        found = correlate(tx, Question(KIND), Question(level))
    assert found.total == 4
    assert found.coefficient == pytest.approx(1.0)
    assert (found.y == 10 * found.x).all()


def test_the_coefficient_is_spearmans_also_with_equal_values(store, add_value):
    values = [2.0, 3.5, 2.0, 2.5, 3.5, 3.0]
    for number, value in enumerate(values):
        one = add_value(store, f"A{number}", 57080.0 + number, value)
        other = replace(one, parameter="QC OTHER", value=[1.0, 2.0, 3.0, 3.0, 5.0, 4.0][number])
        with store.write(by="qc", why="made for a test") as tx:
            tx.quality.add_values([other])
    with store.read() as tx:
        found = correlate(tx, Question(KIND), Question((*KIND[:2], "QC OTHER")))
    expected = spearmanr(values, [1.0, 2.0, 3.0, 3.0, 5.0, 4.0]).statistic
    assert found.coefficient == pytest.approx(expected)


def test_what_is_hidden_or_undefined_has_no_pair(store, add_value):
    several = [
        add_value(store, f"A{number}", 57080.0 + number, 2.0 + number) for number in range(4)
    ]
    add_value(store, "A4", 57084.0, float("nan"))
    _hide(store, several[0])
    _hide(store, replace(several[1], parameter="QC LEVEL"))
    with store.read() as tx:
        found = correlate(tx, Question(KIND), Question((KIND[0], KIND[1], "QC LEVEL")))
    assert (found.total, found.x.tolist()) == (2, [4.0, 5.0])
    with store.read() as tx:
        assert correlate(tx, Question(KIND), Question((*KIND[:2], "QC NONE"))).total == 0


def test_files_hold_every_value_and_no_formula(store, small_instrument, add_value):
    add_value(store, "=cmd", 57080.0, 2.0)
    with store.read() as tx:
        keys = series_of(tx, small_instrument, Question(KIND)).keys(np.arange(1))
        rows = list(tx.trends.measured(KIND, keys).values())
    assert b"'=cmd" in exported(rows, "csv", name="QC RON", unit="ADU")
    assert b"<TABLEDATA>" in exported(rows, "vot", name="QC RON", unit="ADU")
    assert b"<VOTABLE" in exported([], "vot", name="QC RON", unit="ADU")
    with pytest.raises(UserError, match="no format 'exe'"):
        exported(rows, "exe", name="QC RON", unit="ADU")


def test_parquet_holds_the_same_columns_or_says_what_it_needs(
    store, small_instrument, add_value, monkeypatch
):
    parquet = pytest.importorskip("pyarrow.parquet", reason="no Parquet: needs pyarrow")
    add_value(store, "A", 57080.0, 2.0)
    with store.read() as tx:
        keys = series_of(tx, small_instrument, Question(KIND)).keys(np.arange(1))
        rows = list(tx.trends.measured(KIND, keys).values())
    table = parquet.read_table(BytesIO(exported(rows, "parquet", name="QC RON", unit="ADU")))
    (row,) = table.to_pylist()
    assert (row["mjd"], row["value"], row["high"], row["ab"]) == (57080.0, 2.0, 4.0, "A")
    assert table.schema.field("value").metadata[b"unit"] == b"ADU"
    empty = parquet.read_table(BytesIO(exported([], "parquet", name="QC RON", unit="ADU")))
    assert empty.schema.equals(table.schema)
    monkeypatch.setattr("vltflow.trending.export.find_spec", lambda _name: None)
    with pytest.raises(UserError) as said:
        exported(rows, "parquet", name="QC RON", unit="ADU")
    assert "vltflow[parquet]" in str(said.value)


def test_limits_far_off_do_not_flatten_the_values(store, small_instrument, add_value):
    for number in range(5):
        add_value(store, f"A{number}", 57080.0 + number, 2.0 + 0.01 * number)
    with store.read() as tx:
        low, high = view((series_of(tx, small_instrument, Question(KIND)),))
    assert (low > 1.0, high < 4.0) == (True, True)
    with store.read() as tx:
        found = replace(series_of(tx, small_instrument, Question(KIND)), low=1.99, high=None)
    assert view((found,))[0] < 1.99


def test_a_close_up_is_a_part_with_the_limits_of_the_whole(store, small_instrument, add_value):
    for number in range(4):
        add_value(store, f"A{number}", 57080.0 + number, 2.0 + number)
    with store.read() as tx:
        whole = series_of(tx, small_instrument, Question(KIND))
    near = part(whole, (57081.0, 57082.0))
    assert near.value.tolist() == [3.0, 4.0]
    assert (near.low, near.high) == (whole.low, whole.high)


def test_a_wrong_range_or_night_is_the_mistake_of_who_asks(store):
    with store.read() as tx:
        for name, night in (("decade", ""), ("health", "yesterday"), ("health", "0001-01-01")):
            with pytest.raises(UserError):
                time_range(tx, "LAMP", name, night)


def test_decimation_keeps_extremes_of_each_column_and_all_that_must_stay():
    random = np.random.default_rng(7)
    x, y = np.sort(random.uniform(0, 1, 50_000)), random.normal(size=50_000)
    y[[100, 30_000]] = 40.0, -40.0
    always = np.zeros(50_000, dtype=bool)
    always[random.choice(50_000, 500, replace=False)] = True
    kept = decimate_points(x, y, 400, always)
    assert kept.size <= 2 * 400 + 500
    assert {100, 30_000, *np.flatnonzero(always)} <= set(kept.tolist())
    column = np.minimum(((x - x[0]) / (x[-1] - x[0]) * 400).astype(int), 399)
    for one in range(0, 400, 37):
        here = np.flatnonzero(column == one)
        own = y[np.intersect1d(here, kept)]
        assert (own.min(), own.max()) == (y[here].min(), y[here].max())


def test_every_cell_of_a_cloud_keeps_a_point():
    x = np.repeat(np.arange(5.0), 100)
    assert one_a_cell(x, x, (5, 5)).size == 5
    assert one_a_cell(np.arange(0.0), np.arange(0.0), (5, 5)).size == 0
