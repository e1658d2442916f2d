"""Historical QC1 values: entered once, kept with their origin, used for limits only if told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from vltflow.records import HistoricalValue

RON = "QC OUT1 RON MASTER"


def add(store, product, *numbers):
    values = [HistoricalValue(product, f"{RON}{n or ''}", x, "ADU") for n, x in enumerate(numbers)]
    with store.write(by="qc", why="test") as tx:
        return tx.history.add(product, values)


def test_values_come_back_with_where_they_come_from(store, make):
    assert add(store, make.historical(), 2.0, 3.0)
    with store.read() as look:
        found = look.history.values(instrument="UVES", parameter=RON)
        assert found == [HistoricalValue(make.historical(), RON, 2.0, "ADU")]
        assert look.history.values(setup="2x2") == []
        assert len(look.history.values(setup="1x1_390nm", mjd=(55323.0, 55325.0))) == 2


def test_the_same_values_are_entered_once(store, make):
    assert add(store, make.historical(), 2.0)
    assert not add(store, make.historical(name="copy.fits", origin="/elsewhere"), 2.0)
    with store.read() as look:
        (found,) = look.history.values()
        assert found.source == make.historical()


@pytest.mark.parametrize("allowed", [False, True])
def test_running_thresholds_look_back_on_them_only_if_a_person_said_so(store, make, allowed):
    add(store, make.historical(for_thresholds=allowed), 2.0)
    value = replace(
        make.value(1), parameter=RON, category="MASTER_BIAS_BLUE", mjd=57080.0, setup="1x1_390nm"
    )
    with store.read() as look:
        assert look.quality.history(value, 20) == ([2.0] if allowed else [])
        assert look.quality.history(replace(value, mjd=55323.0), 20) == []


def test_that_word_can_be_taken_back(store, make):
    add(store, make.historical(for_thresholds=True), 2.0)
    assert not add(store, make.historical(), 2.0)
    with store.read() as look:
        assert not look.history.values()[0].source.for_thresholds
        assert (
            look.events.find(record=make.historical().source_id)[-1].change == "not for thresholds"
        )
