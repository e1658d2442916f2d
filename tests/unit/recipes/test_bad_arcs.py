"""Arcs that are not what they should be: a solution that is right, or a clear refusal."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from vltflow.algorithms.air import air_from_vacuum
from vltflow.core.errors import AlgorithmFailure, UnprocessableData
from vltflow.instruments.data import thorium_argon
from vltflow.recipes import MasterTable, find_recipe
from vltflow.recipes.echelle.surfaces import read_surface
from vltflow.recipes.echelle.wavelength import check_orders

pytestmark = pytest.mark.slow


class Altered:
    """A frame whose light, above the level of its overscan, is changed by a function."""

    def __init__(self, frame, change):
        self.name, self.shape, self.header, self._frame = (
            frame.name, frame.shape, frame.header, frame,
        )  # fmt: skip
        data = frame.rows(0, frame.shape[0]).astype(float)
        self._level = float(np.median(data[:, -20:]))
        self._data = np.clip(change(data - self._level) + self._level, 0, 65535).round()

    def rows(self, start, stop):
        return self._data[start:stop].astype("u2")


def run(echelle, table, kit, change=None, **statics):
    inputs = echelle.inputs("ARC_LAMP", "BLUE", ORDER_TABLE=kit.as_tables(table), **statics)
    if change is not None:
        inputs = dataclasses.replace(inputs, frames=(Altered(inputs.frames[0], change),))
    recipe = find_recipe("echelle.wavelength_calibration")
    return recipe.process(inputs, recipe.parameters()).products[0]


def shifted(light, along, across):
    """Dispersion runs along the raw columns; what leaves the chip is dark."""
    moved = np.zeros_like(light)
    rows, columns = light.shape
    moved[max(0, along) : rows + min(0, along), max(0, across) : columns + min(0, across)] = light[
        max(0, -along) : rows - max(0, along), max(0, -across) : columns - max(0, across)
    ]
    return moved


def test_an_empty_arc_is_refused(echelle, echelle_products, kit):
    noise = np.random.default_rng(1)
    with pytest.raises(AlgorithmFailure, match="too few lines"):
        run(echelle, echelle_products[0], kit, lambda light: noise.normal(0, 2, light.shape))


def distance(made, expected, kit):
    """Largest difference of two solutions over the orders that both have lines in, pixels."""
    one, other = (read_surface(kit.as_tables(table), "MLAMBDA_AIR") for table in (made, expected))
    first = max(made.qc["QC ORDMIN"], expected.qc["QC ORDMIN"]) + 1
    last = min(made.qc["QC ORDMAX"], expected.qc["QC ORDMAX"]) - 1
    x, order = np.arange(50.0, 1450.0, 50.0)[:, None], np.arange(first, last + 1.0)[None, :]
    return np.abs((one(x, order) - other(x, order)) / other.slope(x, order)).max()


def test_an_arc_with_half_of_the_lines_is_calibrated(echelle, echelle_products, kit):
    """A weak lamp."""
    made, expected = run(echelle, echelle_products[0], kit, lambda x: x / 80.0), echelle_products[1]
    assert made.qc["QC NLINTOT"] < 0.6 * expected.qc["QC NLINTOT"]
    assert distance(made, expected, kit) < 0.1


@pytest.mark.parametrize("along", [-10, 10])
def test_an_arc_shifted_along_the_orders_is_calibrated(along, echelle, echelle_products, kit):
    """10 pixels of 2 each."""
    made = run(echelle, echelle_products[0], kit, lambda light: shifted(light, along, 0))
    expected = echelle_products[1].qc["QC LINE SHIFT"]
    assert abs(made.qc["QC LINE SHIFT"] - expected) == pytest.approx(10, abs=2.1)
    assert made.qc["QC LINE RESIDRMS PIX"] < 0.03


def test_an_arc_shifted_out_of_its_orders_is_calibrated_or_refused(echelle, echelle_products, kit):
    """Order table and arc do not belong together: 10 pixels of 2, more than the slit's half."""
    try:
        made = run(echelle, echelle_products[0], kit, lambda light: shifted(light, 0, 10))
    except AlgorithmFailure:
        return
    assert made.qc["QC LINE RESIDRMS PIX"] < 0.03
    assert made.qc["QC NLINSOL"] > 0.5 * echelle_products[1].qc["QC NLINSOL"]


def lying(inputs, wavelength):
    """The same frame, the central wavelength in its header changed."""
    (frame,) = inputs.frames
    header = dict(frame.header) | {"ESO INS GRAT1 WLEN": wavelength}
    return dataclasses.replace(inputs, frames=(Reworded(frame, header),))


@pytest.mark.parametrize(("wavelength", "where"), [(437.0, "below"), (346.0, "above")])
@pytest.mark.parametrize("name", ["order_definition", "wavelength_calibration"])
def test_a_frame_whose_header_tells_another_setting_is_refused(
    wavelength, where, name, echelle, echelle_products, kit
):
    kind = {"order_definition": "ORDER_FLAT", "wavelength_calibration": "ARC_LAMP"}[name]
    recipe = find_recipe(f"echelle.{name}")
    inputs = echelle.inputs(kind, "BLUE", ORDER_TABLE=kit.as_tables(echelle_products[0]))
    with pytest.raises(AlgorithmFailure, match=f"nm {where} that of its header"):
        recipe.process(lying(inputs, wavelength), recipe.parameters())


@pytest.mark.parametrize("wavelength", [386.0, 394.0])
def test_a_header_that_is_a_little_wrong_is_measured_and_misleads_nobody(
    wavelength, echelle, echelle_products, kit
):
    """4 nm: more than one order, as the order definition numbers them by its header."""
    recipe = find_recipe("echelle.order_definition")
    inputs = lying(echelle.inputs("ORDER_FLAT", "BLUE"), wavelength)
    (table,) = recipe.process(inputs, recipe.parameters()).products
    assert table.qc["QC ORD DWLEN"] == pytest.approx(390 - wavelength, abs=1.0)
    recipe = find_recipe("echelle.wavelength_calibration")
    inputs = echelle.inputs("ARC_LAMP", "BLUE", ORDER_TABLE=kit.as_tables(table))
    (made,) = recipe.process(lying(inputs, wavelength), recipe.parameters()).products
    assert made.qc["QC LINE DWLEN"] == pytest.approx(390 - wavelength, abs=0.5)
    assert distance(made, echelle_products[1], kit) < 0.01


class Reworded:
    """A frame with another header."""

    def __init__(self, frame, header):
        self.name, self.shape, self.header, self.rows = frame.name, frame.shape, header, frame.rows


def test_a_temperature_that_stretches_the_spectrum_is_followed(echelle, echelle_products, kit):
    """Four parts in a thousand: 6 pixels of 2 at the rim, ten times a warm night."""

    def stretch(light):
        rows = np.arange(light.shape[0])
        from_rows = (rows - rows.mean()) * 1.004 + rows.mean()
        low = np.clip(from_rows.astype(int), 0, len(rows) - 2)
        part = (from_rows - low)[:, None]
        return light[low] * (1 - part) + light[low + 1] * part

    made = run(echelle, echelle_products[0], kit, stretch)
    assert made.qc["QC NLINSOL"] > 0.5 * echelle_products[1].qc["QC NLINSOL"]
    assert made.qc["QC LINE RESIDRMS PIX"] < 0.1


def test_saturated_lines_are_left_out(echelle, echelle_products, kit):
    made = run(echelle, echelle_products[0], kit, lambda light: 40.0 * light)
    assert made.qc["QC NLINSOL"] < echelle_products[1].qc["QC NLINSOL"]
    assert distance(made, echelle_products[1], kit) < 0.1


def test_a_lamp_that_is_saturated_everywhere_is_refused(echelle, echelle_products, kit):
    with pytest.raises(AlgorithmFailure, match="too few lines"):
        run(echelle, echelle_products[0], kit, lambda light: np.full_like(light, 65_535))


def test_lines_of_a_gas_that_the_catalogue_lacks_mislead_nobody(echelle, echelle_products, kit):
    """Lamp and catalogue differ by argon, of which this setting shows few lines."""
    lines = thorium_argon()
    argon = air_from_vacuum(lines.wave_vac[lines.argon]).round(6)
    assert np.isin(echelle_products[1].tables[0].rows["IDENT"].round(6), argon).any()
    table = echelle.statics["LINE_REFER_TABLE"]
    rows = table.tables["LINES"]
    thorium = rows[~np.isin(rows["WAVE"].round(6), argon)]
    made = run(
        echelle, echelle_products[0], kit,
        LINE_REFER_TABLE=dataclasses.replace(table, tables={"LINES": thorium}),
    )  # fmt: skip
    assert distance(made, echelle_products[1], kit) < 0.1


def test_a_table_without_wavelengths_is_named(echelle, echelle_products, kit):
    table = echelle.statics["LINE_REFER_TABLE"]
    empty = dataclasses.replace(table, tables={"LINES": table.tables["LINES"][:0]})
    with pytest.raises(UnprocessableData, match="has no rows"):
        run(echelle, echelle_products[0], kit, LINE_REFER_TABLE=empty)


@pytest.mark.parametrize(
    ("column", "lacking"),
    [("WaveC", "a window has no polynomial"), ("Coeff", "a polynomial has no rows")],
)
def test_a_line_table_of_eso_that_lacks_a_part_is_refused(column, lacking):
    rows = np.zeros(3, [(column, "f8")])
    table = MasterTable({"1": rows}, {}, "line_table.fits", {"1": ("TRACEID 0", "WINDOW 1")})
    with pytest.raises(UnprocessableData, match=f"line_table.fits: {lacking}"):
        read_surface(table, "MLAMBDA_AIR")


def test_lines_of_one_order_hold_no_solution_for_seven():
    measured = np.repeat(np.arange(62, 69), 5)
    check_orders("arc", measured, measured[:20], {})
    with pytest.raises(AlgorithmFailure, match="its lines span 1 of 7 orders"):
        check_orders("arc", measured, measured[:5], {})
