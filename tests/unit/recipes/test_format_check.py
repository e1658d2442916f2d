"""The format check against the truth of simulated frames, and on frames that are wrong."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from vltflow.core.errors import AlgorithmFailure
from vltflow.recipes import find_recipe
from vltflow.recipes.echelle.surfaces import read_surface

pytestmark = pytest.mark.slow


class Changed:
    """A frame with other light, which is given as a function of its rows, or another header."""

    def __init__(self, frame, change=lambda rows: rows, **cards):
        self.name, self.shape = frame.name, frame.shape
        self.header = dict(frame.header) | cards
        self._data = change(np.array(frame.rows(0, frame.shape[0])))

    def rows(self, start, stop):
        return self._data[start:stop]


def run(format_day, change=lambda rows: rows, cards=None):
    inputs = format_day.inputs("ARC_LAMP_FORM", "BLUE")
    frame = Changed(inputs.frames[0], change, **(cards or {}))
    recipe = find_recipe("echelle.format_check")
    result = recipe.process(dataclasses.replace(inputs, frames=(frame,)), recipe.parameters())
    return result.products


def test_wavelengths_and_orders_are_those_put_in(format_day, kit):
    lines, orders = run(format_day)
    x, places, waves = format_day.truth("ARC_LAMP_FORM", "BLUE")
    wave = read_surface(kit.as_tables(lines), "MLAMBDA_AIR")
    trace = read_surface(kit.as_tables(orders), "TRACE", pixels=True)
    found = orders.tables[0].rows["ORDER"][1:-1]
    dispersion = [np.gradient(waves[m], x) for m in found]
    error = [
        (wave(x, float(m)) / m - waves[m]) / step for m, step in zip(found, dispersion, strict=True)
    ]
    assert np.std(error) < 0.1
    assert np.std([trace(x, float(m)) - places[m] for m in found]) < 0.1
    assert lines.qc["QC MODEL FRACSEL"] > 90


@pytest.mark.parametrize("across", [-30, 30])
def test_orders_keep_their_numbers_in_a_format_shifted_by_more_than_their_distance(
    format_day, across
):
    """Orders run along the raw columns: 30 pixels of 2, three times their distance."""
    expected = run(format_day)[0]
    made = run(format_day, lambda rows: np.roll(rows, across, axis=1))[0]
    moved = made.qc["QC MODEL DIFFYMED"] - expected.qc["QC MODEL DIFFYMED"]
    assert abs(moved) == pytest.approx(30, abs=1)
    assert made.qc["QC MODEL DIFFXMED"] == pytest.approx(expected.qc["QC MODEL DIFFXMED"], abs=0.5)


def test_a_frame_without_light_is_refused(format_day):
    noise = np.random.default_rng(1)
    with pytest.raises(AlgorithmFailure, match="does not show the format"):
        run(format_day, lambda rows: noise.normal(150, 2, rows.shape).round().astype("u2"))


def test_a_frame_of_another_setting_is_refused(format_day):
    with pytest.raises(AlgorithmFailure, match="does not show the format"):
        run(format_day, cards={"ESO INS GRAT1 WLEN": 437.0})


def test_a_weak_lamp_gives_the_same_format_with_fewer_lines(format_day):
    def weaker(rows):
        level = np.median(rows)
        return np.clip((rows - level) / 20.0 + level, 0, 65535).round().astype("u2")

    expected, made = run(format_day)[0], run(format_day, weaker)[0]
    assert made.qc["QC MODEL NLINSEL"] < 0.8 * expected.qc["QC MODEL NLINSEL"]
    assert made.qc["QC MODEL DIFFYMED"] == pytest.approx(expected.qc["QC MODEL DIFFYMED"], abs=0.5)


def test_a_weak_lamp_whose_brightest_lines_the_catalogue_lacks_gives_the_same_format(format_day):
    """As of a lamp that warms up: the bright lines of each stretch of the rows are elsewhere."""
    random = np.random.default_rng(1)

    def strange(rows):
        level = np.median(rows)
        light = np.clip(rows - level, 0, None)
        stretches = np.array_split(np.where(light > 1000, light, 0), 20)
        elsewhere = [np.roll(one, random.integers(10, 60), axis=0) for one in stretches]
        return (light / 20.0 + np.concatenate(elsewhere) + level).clip(0, 65535).astype("u2")

    expected, made = run(format_day)[0], run(format_day, strange)[0]
    assert made.qc["QC MODEL FRACSEL"] < 30
    assert made.qc["QC MODEL DIFFYMED"] == pytest.approx(expected.qc["QC MODEL DIFFYMED"], abs=0.5)
    assert made.qc["QC MODEL DIFFXMED"] == pytest.approx(expected.qc["QC MODEL DIFFXMED"], abs=0.5)


def moved(echelle, **columns):
    """The rough model, off by some unbinned pixels."""
    model = echelle.statics["SPECTRAL_FORMAT_TAB"]
    rows = model.tables["FORMAT"].copy()
    for name, distance in columns.items():
        rows[name] += distance
    return dataclasses.replace(model, tables={"FORMAT": rows})


def test_orders_get_the_numbers_of_the_format_check_where_the_model_is_off_by_an_order(
    format_day, echelle, echelle_products, kit
):
    guess = {"ORDER_GUESS_TAB": kit.as_tables(run(format_day)[1])}
    recipe = find_recipe("echelle.order_definition")
    lowest = []
    for tables in ({}, guess):
        inputs = echelle.inputs(
            "ORDER_FLAT", "BLUE", SPECTRAL_FORMAT_TAB=moved(echelle, Y0=40.0), **tables
        )
        (made,) = recipe.process(inputs, recipe.parameters()).products
        lowest.append(made.qc["QC ORDMIN"])
    expected = echelle_products[0].qc
    assert lowest[0] != expected["QC ORDMIN"]
    assert lowest[1] == expected["QC ORDMIN"]
    # What is told of the model does not depend on the guess.
    assert made.qc["QC ORD SHIFT"] == pytest.approx(expected["QC ORD SHIFT"] - 20, abs=0.1)


@pytest.mark.parametrize("distance", [0, 8])
def test_an_arc_tells_how_far_it_moved_against_its_format_check(
    format_day, echelle, echelle_products, kit, distance
):
    """Dispersion runs along the raw rows."""
    inputs = echelle.inputs(
        "ARC_LAMP", "BLUE", ORDER_TABLE=kit.as_tables(echelle_products[0]),
        LINE_GUESS_TAB=kit.as_tables(run(format_day)[0]),
    )  # fmt: skip
    moved_arc = Changed(inputs.frames[0], lambda rows: np.roll(rows, distance, axis=0))
    recipe = find_recipe("echelle.wavelength_calibration")
    (made,) = recipe.process(
        dataclasses.replace(inputs, frames=(moved_arc,)), recipe.parameters()
    ).products
    assert abs(made.qc["QC LINE DGUESS"]) == pytest.approx(distance, abs=0.5)


def test_lines_are_found_by_the_format_check_where_the_model_is_off_by_more_than_shiftmax(
    format_day, echelle, echelle_products, kit
):
    guess = {"LINE_GUESS_TAB": kit.as_tables(run(format_day)[0])}
    model = {"SPECTRAL_FORMAT_TAB": moved(echelle, X0=300.0)}
    table = {"ORDER_TABLE": kit.as_tables(echelle_products[0])}
    recipe = find_recipe("echelle.wavelength_calibration")
    inputs = echelle.inputs("ARC_LAMP", "BLUE", **model, **table)
    with pytest.raises(AlgorithmFailure, match="do not fit the catalogue"):
        recipe.process(inputs, recipe.parameters())
    inputs = echelle.inputs("ARC_LAMP", "BLUE", **model, **table, **guess)
    (made,) = recipe.process(inputs, recipe.parameters()).products
    expected = echelle_products[1].qc
    assert made.qc["QC NLINSOL"] == pytest.approx(expected["QC NLINSOL"], rel=0.02)
    assert made.qc["QC LINE SHIFT"] == pytest.approx(expected["QC LINE SHIFT"] + 150, abs=5)
