"""Historical QC1 values: entered once, kept with their origin, used for limits only if told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from vltflow.records import HistoricalProduct, HistoricalValue

PRODUCT = HistoricalProduct(
    source_id="ab" * 32,
    instrument="UVES",
    raw_type="BIAS_BLUE",
    setup="1x1_390nm",
    setup_keys='{"DET.WIN1.BINX":1}',
    category="MASTER_BIAS_BLUE",
    name="masterbias_blue.fits",
    night="2010-05-07",
    mjd=55324.0,
    pipeline="uves/4.7.8",
    recipe="uves_cal_mbias",
    origin="/archive/headers.json",
    imported="2026-01-01T00:00:00",
)
RON = "QC OUT1 RON MASTER"


def add(store, product, *numbers):
    values = [HistoricalValue(product, f"{RON}{n or ''}", x, "ADU") for n, x in enumerate(numbers)]
    with store.write(by="qc", why="test") as tx:
        return tx.history.add(product, values)


def test_values_come_back_with_where_they_come_from(store):
    assert add(store, PRODUCT, 2.0, 3.0)
    with store.read() as look:
        found = look.history.values(instrument="UVES", parameter=RON)
        assert found == [HistoricalValue(PRODUCT, RON, 2.0, "ADU")]
        assert look.history.values(setup="2x2") == []
        assert len(look.history.values(setup="1x1_390nm", mjd=(55323.0, 55325.0))) == 2


def test_the_same_values_are_entered_once(store):
    assert add(store, PRODUCT, 2.0)
    assert not add(store, replace(PRODUCT, name="copy.fits", origin="/elsewhere"), 2.0)
    with store.read() as look:
        (found,) = look.history.values()
        assert found.source == PRODUCT


@pytest.mark.parametrize("allowed", [False, True])
def test_running_thresholds_look_back_on_them_only_if_a_person_said_so(store, make, allowed):
    add(store, replace(PRODUCT, for_thresholds=allowed), 2.0)
    value = replace(
        make.value(1), parameter=RON, category="MASTER_BIAS_BLUE", mjd=57080.0, setup="1x1_390nm"
    )
    with store.read() as look:
        assert look.quality.history(value, 20) == ([2.0] if allowed else [])
        assert look.quality.history(replace(value, mjd=55323.0), 20) == []


def test_that_word_can_be_taken_back(store):
    add(store, replace(PRODUCT, for_thresholds=True), 2.0)
    assert not add(store, PRODUCT, 2.0)
    with store.read() as look:
        assert not look.history.values()[0].source.for_thresholds
        assert look.events.find(record=PRODUCT.source_id)[-1].change == "not for thresholds"
