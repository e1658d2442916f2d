"""Real light of UVES, painted back on its chip, calibrated and compared with real line tables."""

from __future__ import annotations

import dataclasses
import gzip
import shutil
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from astropy.io import fits

from vltflow.core.errors import AlgorithmFailure
from vltflow.instruments import load
from vltflow.instruments.uves import statics
from vltflow.process.runners.frames import FrameImage, chip_of, tables_of
from vltflow.recipes import MasterTable, RecipeInputs, find_recipe
from vltflow.recipes.echelle.surfaces import read_surface

pytestmark = pytest.mark.slow

EXPOSURE = "390_06"


class RealExposure:
    """Raw frames of one exposure, and the real line table of its reduction."""

    def __init__(self, folder, real_data, exposure=EXPOSURE):
        tool = real_data.parent / "tools" / "repaint_uves.py"
        if not tool.is_file():
            pytest.skip(f"no tool {tool} that paints real spectra as raw frames")
        spectra = real_data / "uves" / "HE1341-1020"
        call = [sys.executable, str(tool), str(spectra), exposure, str(folder)]
        done = subprocess.run(
            [*call, "--bias", "1", "--flats", "1"], check=True, capture_output=True, text=True
        )
        self.folder = folder
        self.frames = {line.split()[1]: folder / line.split()[0] for line in done.stdout.split("\n")
                       if line.strip()}  # fmt: skip
        with fits.open(next(spectra.glob(f"wpol_*{exposure}_b.fits.gz"))) as hdus:
            rows = hdus[4].data
            self.lines = np.array(rows[rows["NLinSol"] > 0])
        self.statics = {}
        for role, build in (
            ("SPECTRAL_FORMAT_TAB", statics.spectral_format),
            ("LINE_REFER_TABLE", statics.line_reference),
        ):
            build(folder / f"{role}.fits")
            self.statics[role] = tables_of(folder / f"{role}.fits", role)

    def inputs(self, kind, **tables):
        (section,) = load("UVES").header.detectors["BLUE"]
        path = self.frames[kind]
        image = FrameImage(path, section.extension, name=path.name, repairs={})
        chip = chip_of(section.model_dump(), image.header, path.name)
        return RecipeInputs((image,), {}, chip, 2, {**self.statics, **tables})

    def esorex(self, recipe, options, *lines):
        """Run a recipe of ESO in the folder."""
        (self.folder / "set.sof").write_text("\n".join(lines) + "\n")
        call = ["esorex", "--log-dir=.", recipe, *options, "set.sof"]
        subprocess.run(call, cwd=self.folder, check=True, capture_output=True)


@pytest.fixture(scope="module")
def real(tmp_path_factory, real_data):
    return RealExposure(tmp_path_factory.mktemp("real"), real_data)


@pytest.fixture(scope="module")
def calibrated(real):
    return _calibrated(real)


def _calibrated(real):
    recipes = [find_recipe(f"echelle.{name}") for name in
               ("order_definition", "wavelength_calibration")]  # fmt: skip
    first, second = recipes
    orders = first.process(real.inputs("ORDER_FLAT_BLUE"), first.parameters()).products[0]
    given = real.inputs("ARC_LAMP_BLUE", ORDER_TABLE=_tables(orders))
    lines = second.process(given, second.parameters()).products[0]
    return SimpleNamespace(orders=orders, lines=lines)


def _tables(product):
    return MasterTable({one.name: one.rows for one in product.tables}, {}, product.role)


def _distances(solution, lines):
    """Ours minus the real solution at its lines, pixels."""
    x, order = lines["X"] - 1.0, lines["Order"].astype(float)
    slope = solution.slope(x, order)
    return (solution(x, order) - order * lines["WaveC"]) / slope


def test_orders_run_where_the_real_line_table_has_them(real, calibrated):
    trace = read_surface(_tables(calibrated.orders), "TRACE", pixels=True)
    y = trace(real.lines["X"] - 1.0, real.lines["Order"].astype(float)) + 1.0
    assert calibrated.orders.qc["QC ORD NDET"] >= 40
    assert np.std(y - real.lines["Ynew"]) < 0.05


def test_a_format_check_of_real_light_is_a_good_first_guess(real):
    recipe = find_recipe("echelle.format_check")
    lines, orders = recipe.process(real.inputs("ARC_LAMP_FORM_BLUE"), recipe.parameters()).products
    assert lines.qc["QC MODEL FRACSEL"] > 70
    inner = real.lines[np.isin(real.lines["Order"], orders.tables[0].rows["ORDER"][1:-1])]
    trace = read_surface(_tables(orders), "TRACE", pixels=True)
    y = trace(inner["X"] - 1.0, inner["Order"].astype(float)) + 1.0
    assert np.std(y - inner["Ynew"]) < 0.1
    assert np.std(_distances(read_surface(_tables(lines), "MLAMBDA_AIR"), inner)) < 0.3


def test_a_real_format_check_whose_header_tells_another_setting_is_refused(real):
    """Some of its lines lie where that setting has some; the few bright ones on one solution."""
    inputs = real.inputs("ARC_LAMP_FORM_BLUE")
    (frame,) = inputs.frames
    header = dict(frame.header) | {"ESO INS GRAT1 WLEN": 409.5}
    lying = SimpleNamespace(name=frame.name, shape=frame.shape, rows=frame.rows, header=header)
    recipe = find_recipe("echelle.format_check")
    with pytest.raises(AlgorithmFailure, match="does not show the format"):
        recipe.process(dataclasses.replace(inputs, frames=(lying,)), recipe.parameters())


def test_wavelengths_are_those_of_the_real_line_table(real, calibrated):
    distance = _distances(read_surface(_tables(calibrated.lines), "MLAMBDA_AIR"), real.lines)
    # The spectrum that was painted is displaced by 0.03 pixel against the lines of the table,
    # and the catalogues differ by 0.009: see the page on echelle recipes.
    assert np.median(distance) == pytest.approx(-0.04, abs=0.02)
    assert np.std(distance) < 0.05


@pytest.mark.long
@pytest.mark.parametrize("number", range(1, 11))
def test_wavelengths_of_each_exposure_are_those_of_its_line_table(number, tmp_path, real_data):
    """To a twentieth of a pixel, with more lines than the table has."""
    real = RealExposure(tmp_path, real_data, f"390_{number:02d}")
    lines = _calibrated(real).lines
    assert np.std(_distances(read_surface(_tables(lines), "MLAMBDA_AIR"), real.lines)) < 0.05
    assert lines.qc["QC NLINSOL"] > len(real.lines)
    shutil.rmtree(tmp_path)


def test_lines_and_resolution_are_those_of_esos_recipe_or_better(calibrated):
    """NLINSOL 711, RESOLMED 57,761 of ESO's recipe with the real reduction's parameters."""
    assert calibrated.lines.qc["QC NLINSOL"] > 711
    assert abs(calibrated.lines.qc["QC LINE DWLEN"]) < 1
    assert calibrated.lines.qc["QC RESOLMED"] > 57_761


def test_a_real_arc_is_within_all_limits_that_need_no_past(real, calibrated):
    check, recipe = (
        find_recipe(f"echelle.{name}") for name in ("format_check", "wavelength_calibration")
    )
    guess = check.process(real.inputs("ARC_LAMP_FORM_BLUE"), check.parameters()).products[0]
    tables = {"ORDER_TABLE": _tables(calibrated.orders), guess.role: _tables(guess)}
    lines = recipe.process(real.inputs("ARC_LAMP_BLUE", **tables), recipe.parameters()).products[0]
    limits = [one for one in load("UVES").scores.thresholds
              if "LINE_TABLE_BLUE" in one.categories and one.runner == "native"
              and one.method == "FIXED"]  # fmt: skip
    assert {"QC LINE FRACSEL", "QC LINE RESIDRMS PIX"} < {one.parameter for one in limits}
    for one in limits:
        value = lines.qc[one.parameter]
        assert one.low is None or value >= one.low, one.parameter
        assert one.high is None or value <= one.high, one.parameter


@pytest.mark.parametrize("number", [2, 6])
def test_line_tables_of_pipeline_4_are_read_as_native_ones(number, real_data, tmp_path):
    """Their tables have no names."""
    (packed,) = (real_data / "uves" / "HE1341-1020").glob(f"wpol_*390_{number:02d}_b.fits.gz")
    path = tmp_path / "line_table.fits"
    path.write_bytes(gzip.decompress(packed.read_bytes()))
    table = tables_of(path, path.name)
    with fits.open(path) as hdus:
        rows = np.array(hdus[4].data)
    np.testing.assert_allclose(_distances(read_surface(table, "MLAMBDA_AIR"), rows), 0, atol=1e-3)
    # All windows have the same light in these: it was extracted with the object's profile.
    assert np.abs(read_surface(table, "TILT")(np.array([500.0, 2500.0]), 120.0)).max() < 1e-3


@pytest.fixture(scope="module")
def eso(real, esorex):
    """Folder of ESO's ordertable_blue.fits and linetable_blue.fits of the same frames."""
    reference = "LINE_REFER_TABLE.fits LINE_REFER_TABLE"
    frame = {kind: f"{path} {kind}" for kind, path in real.frames.items()}
    real.esorex("uves_cal_mbias", (), frame["BIAS_BLUE"])
    bias = "masterbias_blue.fits MASTER_BIAS_BLUE"
    guess = ("--trans_x=0.1", "--trans_y=-10.5")
    real.esorex("uves_cal_predict", guess, frame["ARC_LAMP_FORM_BLUE"], reference)
    real.esorex("uves_cal_orderpos", (), frame["ORDER_FLAT_BLUE"],
                "orderguesstable_blue.fits ORDER_GUESS_TAB_BLUE")  # fmt: skip
    # The parameters that keep ESO's recipe from lines taken for their neighbours.
    real.esorex("uves_cal_wavecal", ("--tolerance=0.1",), frame["ARC_LAMP_BLUE"], reference, bias,
                "ordertable_blue.fits ORDER_TABLE_BLUE",
                "lineguesstable_blue.fits LINE_GUESS_TAB_BLUE")  # fmt: skip
    return real.folder


def test_tables_of_esos_recipes_are_read_as_native_ones(real, calibrated, eso):
    table = tables_of(eso / "ordertable_blue.fits", "ordertable_blue.fits")
    recipe = find_recipe("echelle.wavelength_calibration")
    made = recipe.process(
        real.inputs("ARC_LAMP_BLUE", ORDER_TABLE=table), recipe.parameters()
    ).products[0]
    assert made.qc["QC LINE DORDER"] == 0
    assert made.qc["QC NLINSOL"] == pytest.approx(calibrated.lines.qc["QC NLINSOL"], rel=0.05)
    theirs = tables_of(eso / "linetable_blue.fits", "linetable_blue.fits")
    solution, tilt = read_surface(theirs, "MLAMBDA_AIR"), read_surface(theirs, "TILT")
    np.testing.assert_allclose(_distances(solution, _middle_window(eso)), 0.0, atol=1e-4)
    assert np.abs(tilt(np.array([500.0, 1500.0, 2500.0]), 120.0)).max() < 1e-3


def _middle_window(folder):
    with fits.open(folder / "linetable_blue.fits") as hdus:
        return np.array(hdus[4].data)


def test_lines_are_as_narrow_as_esos_recipe_finds_them(calibrated, eso):
    """Line by line: medians of all lines depend on which lines a solution takes."""
    ours, theirs = calibrated.lines.tables[0].rows, _middle_window(eso)
    ours, theirs = ours[ours["USED"] == 1], theirs[theirs["NLinSol"] == 1]
    apart = np.abs(ours["X"] - theirs["X"][:, None])
    apart[ours["ORDER"] != theirs["Order"][:, None]] = np.inf
    both = apart.min(axis=1) < 1.0
    ratio = ours["FWHM"][apart.argmin(axis=1)][both] / theirs["deltaX"][both]
    assert both.sum() > 600
    assert np.median(ratio) < 1.001
