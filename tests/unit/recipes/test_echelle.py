"""Order definition and wavelength calibration against the truth of simulated frames."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from vltflow.core.errors import AlgorithmFailure, UnprocessableData
from vltflow.recipes import find_recipe
from vltflow.recipes.echelle.surfaces import read_surface

SETTINGS = [("blue", 346), ("blue", 437), ("red", 580), ("red", 860)]


def distance_of_traces(day, orders, kit, chip):
    """Found minus true centre of all orders where they lie on the chip, pixels."""
    trace = read_surface(kit.as_tables(orders), "TRACE", pixels=True)
    x, truth, _ = day.truth("ORDER_FLAT", chip)
    rows = next(t.rows for t in orders.tables if t.name == "ORDERS")
    inside = [(x + 1 >= row["XMIN"] + 3) & (x + 1 <= row["XMAX"] - 3) for row in rows]
    found = [trace(x, float(row["ORDER"])) - truth[row["ORDER"]] for row in rows]
    return np.concatenate([one[part] for one, part in zip(found, inside, strict=True)])


def distance_of_waves(day, lines, kit, chip):
    """Found minus true wavelength at the lines used, pixels."""
    solution = read_surface(kit.as_tables(lines), "MLAMBDA_AIR")
    x, _, truth = day.truth("ARC_LAMP", chip)
    rows = next(t.rows for t in lines.tables if t.name == "LINES")
    rows = rows[(rows["USED"] == 1) & (rows["X"] - 1 <= x[-1])]
    result = []
    for order in np.unique(rows["ORDER"]):
        at = rows["X"][rows["ORDER"] == order] - 1
        wave, step = truth[order], np.gradient(truth[order], x)
        error = solution(at, float(order)) / order - np.interp(at, x, wave)
        result.append(error / np.interp(at, x, step))
    return result


def judge(day, kit, chip):
    orders = day.orders(chip)
    assert orders.qc["QC ORD NDET"] >= orders.qc["QC ORD NPRED"] - 1
    assert distance_of_traces(day, orders, kit, chip).std() < 0.02
    lines = day.lines(chip, orders)
    errors = distance_of_waves(day, lines, kit, chip)
    assert abs(np.mean(np.concatenate(errors))) < 0.02
    assert np.abs(np.concatenate(errors)).max() < 0.1


def test_centres_and_wavelengths_are_those_put_in(echelle, kit):
    judge(echelle, kit, "BLUE")


@pytest.mark.parametrize(("arm", "setting"), [("blue", 390), ("red", 580)])
def test_the_model_is_right_in_a_window_of_the_chip(arm, setting, kit, tmp_path):
    day = kit.EchelleDay(tmp_path, arm, setting, window=True)
    chip = "BLUE" if arm == "blue" else "REDU"
    orders = day.orders(chip)
    assert abs(orders.qc["QC ORD SHIFT"]) < 10
    assert orders.qc["QC ORD NMISS"] == 0
    assert orders.qc["QC ORD FRACSEL"] > 90
    lines = day.lines(chip, orders)
    assert (lines.qc["QC LINE DORDER"], lines.qc["QC LINE HALFBRIG"] > 70) == (0, True)
    assert abs(np.mean(np.concatenate(distance_of_waves(day, lines, kit, chip)))) < 0.02


@pytest.mark.slow
@pytest.mark.parametrize(("arm", "setting"), SETTINGS)
def test_centres_and_wavelengths_of_all_chips_are_those_put_in(arm, setting, kit, tmp_path):
    day = kit.EchelleDay(tmp_path, arm, setting)
    for chip in ("BLUE",) if arm == "blue" else ("REDL", "REDU"):
        judge(day, kit, chip)


@pytest.mark.parametrize("shift", [-20.0, 20.0])
def test_a_format_shifted_across_the_orders_keeps_its_numbers(echelle, echelle_products, shift):
    model = echelle.statics["SPECTRAL_FORMAT_TAB"]
    places = {name: rows.copy() for name, rows in model.tables.items()}
    places["FORMAT"]["Y0"] += shift
    moved = dataclasses.replace(model, tables=places)
    recipe = find_recipe("echelle.order_definition")
    inputs = echelle.inputs("ORDER_FLAT", "BLUE", SPECTRAL_FORMAT_TAB=moved)
    qc, expected = (
        recipe.process(inputs, recipe.parameters()).products[0].qc,
        echelle_products[0].qc,
    )
    assert (qc["QC ORDMIN"], qc["QC ORD NDET"]) == (expected["QC ORDMIN"], expected["QC ORD NDET"])
    # The table counts unbinned pixels, the frame is binned.
    assert qc["QC ORD SHIFT"] == pytest.approx(expected["QC ORD SHIFT"] - shift / 2, abs=0.1)


@pytest.mark.slow
@pytest.mark.parametrize("shift", [(20, 20), (20, -20), (-20, 20), (-20, -20)])
def test_a_format_shifted_along_both_axes_is_calibrated_as_before(
    echelle, echelle_products, kit, shift
):
    """Unbinned pixels, in both frames."""
    model = echelle.statics["SPECTRAL_FORMAT_TAB"]
    places = {name: rows.copy() for name, rows in model.tables.items()}
    for axis, distance in zip(("X0", "Y0"), shift, strict=True):
        places["FORMAT"][axis] += distance
    moved = {"SPECTRAL_FORMAT_TAB": dataclasses.replace(model, tables=places)}
    orders, wave = (
        find_recipe(f"echelle.{name}") for name in ("order_definition", "wavelength_calibration")
    )
    inputs = echelle.inputs("ORDER_FLAT", "BLUE", **moved)
    (table,) = orders.process(inputs, orders.parameters()).products
    inputs = echelle.inputs("ARC_LAMP", "BLUE", ORDER_TABLE=kit.as_tables(table), **moved)
    (made,) = wave.process(inputs, wave.parameters()).products
    qc, expected = made.qc, echelle_products[1].qc
    assert qc["QC LINE DORDER"] == 0
    assert qc["QC NLINSOL"] == pytest.approx(expected["QC NLINSOL"], rel=0.02)
    assert qc["QC WLENMIN"] == pytest.approx(expected["QC WLENMIN"], abs=1e-3)
    assert abs(qc["QC LINE DWLEN"] - expected["QC LINE DWLEN"]) < 1.6


@pytest.mark.slow
@pytest.mark.parametrize(("shift", "orders"), [(20.0, 1), (-20.0, -1), (20.0, -2)])
def test_a_shifted_format_and_wrong_numbers_of_orders_do_not_mislead(
    echelle, echelle_products, kit, shift, orders
):
    """The rough model is shifted along x, and the order table misnumbered."""
    table, expected = echelle_products
    moved = kit.as_tables(table)
    trace, rows = moved.tables["TRACE"].copy(), moved.tables["ORDERS"].copy()
    rows["ORDER"] += orders
    trace["LIMITS"][:, 2:] += orders
    moved = dataclasses.replace(moved, tables={**moved.tables, "TRACE": trace, "ORDERS": rows})
    model = echelle.statics["SPECTRAL_FORMAT_TAB"]
    places = {name: rows.copy() for name, rows in model.tables.items()}
    places["FORMAT"]["X0"] += shift
    inputs = echelle.inputs(
        "ARC_LAMP", "BLUE", ORDER_TABLE=moved,
        SPECTRAL_FORMAT_TAB=dataclasses.replace(model, tables=places),
    )  # fmt: skip
    recipe = find_recipe("echelle.wavelength_calibration")
    (made,) = recipe.process(inputs, recipe.parameters()).products
    assert made.qc["QC LINE DORDER"] == -orders
    assert made.qc["QC NLINSOL"] == pytest.approx(expected.qc["QC NLINSOL"], rel=0.02)
    assert made.qc["QC WLENMIN"] == pytest.approx(expected.qc["QC WLENMIN"], abs=1e-3)


def test_wavelengths_can_be_those_in_vacuum(echelle, echelle_products):
    table, air = echelle_products
    vacuum = echelle.lines("BLUE", table, medium="vacuum")
    assert (air.header["ESO DRS WAVE MEDIUM"], vacuum.header["ESO DRS WAVE MEDIUM"]) == (
        "AIR",
        "VACUUM",
    )
    ratio = vacuum.tables[0].rows["WAVEC"] / air.tables[0].rows["WAVEC"]
    assert np.all((ratio > 1.00027) & (ratio < 1.0003))


def test_the_tilt_of_the_slit_is_the_one_put_in(echelle, echelle_products, kit):
    tilt = read_surface(kit.as_tables(echelle_products[1]), "TILT")
    x, truth = echelle.tilt("ARC_LAMP", "BLUE")
    error = [tilt(x, float(order)) - row for order, row in truth.items()]
    length = 16.0
    assert np.abs(np.concatenate(error)).max() * length < 0.03
    assert np.std(error) * length < 0.005


def test_a_frame_without_light_has_no_orders(echelle):
    recipe = find_recipe("echelle.order_definition")
    inputs = echelle.inputs("ORDER_FLAT", "BLUE")
    dark = dataclasses.replace(inputs, frames=(Dark(inputs.frames[0]),))
    with pytest.raises(AlgorithmFailure, match="The lamp was off"):
        recipe.process(dark, recipe.parameters())


def test_an_arc_that_fits_no_order_nearby_is_refused(echelle, echelle_products, kit):
    table = kit.as_tables(echelle_products[0])
    rows, trace = table.tables["ORDERS"].copy(), table.tables["TRACE"].copy()
    rows["ORDER"] += 7
    trace["LIMITS"][:, 2:] += 7
    wrong = dataclasses.replace(table, tables={**table.tables, "ORDERS": rows, "TRACE": trace})
    recipe = find_recipe("echelle.wavelength_calibration")
    with pytest.raises(AlgorithmFailure, match="do not fit the catalogue"):
        recipe.process(echelle.inputs("ARC_LAMP", "BLUE", ORDER_TABLE=wrong), recipe.parameters())


def test_a_missing_table_is_named(echelle):
    recipe = find_recipe("echelle.wavelength_calibration")
    with pytest.raises(UnprocessableData, match="no ORDER_TABLE was given"):
        recipe.process(echelle.inputs("ARC_LAMP", "BLUE"), recipe.parameters())


class Dark:
    """A frame like another one, with the level and noise of its overscan everywhere."""

    def __init__(self, frame):
        self.name, self.shape, self.header = frame.name, frame.shape, frame.header

    def rows(self, start, stop):
        rng = np.random.default_rng(start)
        return rng.normal(150, 2.1, (stop - start, self.shape[1])).round().astype("u2")
