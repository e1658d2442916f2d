"""Synthetic raw frames with their truth, made here: no other part of the house has a hand in."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from types import SimpleNamespace

import numpy as np
import pytest

from vltflow.instruments import load
from vltflow.instruments.uves import statics
from vltflow.process.runners.frames import FrameImage, chip_of, tables_of
from vltflow.recipes import Chip, MasterImage, MasterTable, RecipeInputs, find_recipe
from vltflow.recipes.echelle.extraction import ExtractionParameters, extract_orders
from vltflow.recipes.echelle.surfaces import read_surface
from vltflow.simulate import simulate_day
from vltflow.simulate.source import Source
from vltflow.simulate.uves import night as nights
from vltflow.simulate.uves.programme import Exposure, science_night


@dataclass(frozen=True)
class ArraySource:
    name: str
    data: np.ndarray
    header: dict = field(default_factory=dict)

    @property
    def shape(self):
        return self.data.shape

    def rows(self, start, stop):
        return self.data[start:stop]


@dataclass(frozen=True)
class Detector:
    """Truth of a small chip, raw orientation without prescan and overscan."""

    chip: Chip
    level: float
    noise: float
    pattern: np.ndarray
    response: np.ndarray
    hot: np.ndarray
    """Dark current of each pixel, ADU per hour."""

    def expose(self, light, *, seed, exptime=0.0, drift=0.0, cosmics=0):
        """Raw frame of `light` ADU per pixel before pixel response."""
        rng = np.random.default_rng(seed)
        chip = self.chip
        electrons = (light * self.response + self.hot * exptime / 3600) * chip.conad
        signal = rng.poisson(np.broadcast_to(electrons, self.pattern.shape)) / chip.conad
        rows, columns = self.pattern.shape
        if cosmics:
            signal[rng.integers(0, rows, cosmics), rng.integers(0, columns, cosmics)] += 900
        full = np.full((rows, columns + chip.prescan + chip.overscan), self.level + drift)
        full[:, chip.prescan : chip.prescan + columns] += signal + self.pattern
        full += rng.normal(0, self.noise, full.shape)
        header = {
            "EXPTIME": exptime,
            "MJD-OBS": 57080.5 + seed / 1440,
            "ESO DET WIN1 BINX": chip.binning[0],
            "ESO DET WIN1 BINY": chip.binning[1],
        }
        return ArraySource(f"frame{seed}", np.rint(full).clip(0, 65535).astype("u2"), header)

    def biases(self, count=5, *, drift=0.0, seed=0):
        return tuple(self.expose(0, seed=seed + i, drift=drift * i) for i in range(count))

    def turned(self, raw):
        turned = np.rot90(raw, self.chip.quarter_turns)
        return turned[:, ::-1] if self.chip.mirrored else turned


def make_detector(name, binning, *, rows=300, columns=256, seed=7):
    rng = np.random.default_rng(seed)
    over = 50 // binning[0]
    turns, mirrored, output = {"BLUE": (3, False, 1), "REDL": (1, True, 4)}[name]
    chip = Chip(
        name, output, over, over, binning, 1.84 if name == "BLUE" else 1.42,
        3.8, 60000.0, turns, mirrored,
    )  # fmt: skip
    x = np.arange(columns) / columns
    hot = np.full((rows, columns), 6.0 * binning[0] * binning[1])
    where = rng.integers(0, rows * columns, 60)
    hot.flat[where] += rng.exponential(3000, 60) + 400
    return Detector(
        chip=chip,
        level=151.37 if name == "BLUE" else 203.81,
        noise=2.07,
        pattern=0.4 * np.sin(6 * x)[None, :] + 0.3 * np.cos(np.arange(rows) / 40)[:, None],
        response=1 + 0.01 * rng.normal(size=(rows, columns)),
        hot=hot,
    )


CASES = [("BLUE", (1, 1)), ("BLUE", (2, 2)), ("REDL", (1, 1)), ("REDL", (2, 2))]


@pytest.fixture(params=CASES, ids=lambda case: f"{case[0]}_{case[1][0]}x{case[1][1]}")
def detector(request):
    return make_detector(*request.param)


@pytest.fixture
def blue():
    return make_detector("BLUE", (1, 1))


def run(name, frames, chip, *, masters=None, **parameters):
    recipe = find_recipe(name)
    return recipe.process(
        RecipeInputs(tuple(frames), masters or {}, chip), recipe.parameters(**parameters)
    ).products


def as_master(product):
    """What the runner reads back from a product's file."""
    cards = {**product.header, **{f"ESO {key}": value for key, value in product.qc.items()}}
    return MasterImage(product.data, product.variance, product.quality, cards, product.role)


@pytest.fixture
def kit():
    return SimpleNamespace(
        run=run, as_master=as_master, ArraySource=ArraySource, replace=replace,
        make_detector=make_detector, EchelleDay=EchelleDay, as_tables=as_tables,
        robust=robust,
    )  # fmt: skip


NIGHT = "2015-02-26"


class EchelleDay:
    """Simulated order definition and arc frames of one setting, with their truth."""

    def __init__(self, folder, arm, setting, binning="1x1", *, window=False):
        self.folder, self.arm = folder, arm
        kinds = [f"{kind}_{arm.upper()}" for kind in ("ORDER_FLAT", "ARC_LAMP")]
        if window:
            exposures = [Exposure(Source(), arm, float(setting))]
            plan = {"templates": science_night(NIGHT, exposures, window=True)}
        else:
            widths = ("1.2", "0.6")
            plan = {"setups": [f"{arm}_{binning}_{setting}nm_{width}" for width in widths]}
        day = simulate_day("uves", NIGHT, folder, raw_types=kinds, **plan)
        # The same setting may have an arc of the night as well: the first one will do.
        self.frames = {block["raw_type"]: block["files"][0] for block in day.blocks[::-1]}
        self.statics = {}
        for role, build in (
            ("SPECTRAL_FORMAT_TAB", statics.spectral_format),
            ("LINE_REFER_TABLE", statics.line_reference),
        ):
            build(folder / f"{role}.fits")
            self.statics[role] = tables_of(folder / f"{role}.fits", role)

    def inputs(self, kind, chip, **tables):
        """What a recipe gets of the frame of a kind."""
        (section,) = [
            one for one in load("UVES").header.detectors[self.arm.upper()] if one.name == chip
        ]
        name = self.frames[f"{kind}_{self.arm.upper()}"]
        image = FrameImage(self.folder / name, section.extension, name=name, repairs={})
        given = chip_of(section.model_dump(), image.header, name)
        return RecipeInputs((image,), {}, given, 2, {**self.statics, **tables})

    def truth(self, kind, chip):
        """x, y and air wavelength by order in the frame of a kind; pixels from 0."""
        arrays = self.arrays(kind, chip)
        y = {int(m): row - 1 for m, row in zip(arrays["orders"], arrays["y"], strict=True)}
        wave = {int(m): row for m, row in zip(arrays["orders"], arrays["wave_air"], strict=True)}
        return arrays["x"] - 1, y, wave

    def tilt(self, kind, chip):
        """x and tilt of the slit's image by order; pixels from 0."""
        arrays = self.arrays(kind, chip)
        rows = zip(arrays["orders"], arrays["tilt"], strict=True)
        return arrays["x"] - 1, {int(m): row for m, row in rows}

    def arrays(self, kind, chip):
        """The light that fell on a chip in the frame of a kind."""
        name = self.frames[f"{kind}_{self.arm.upper()}"].replace(".fits", ".truth.json")
        chips = json.loads((self.folder / name).read_text())["chips"]
        (mine,) = [one for one in chips if one["label"] == chip.lower()]
        return np.load(self.folder / mine["light"]["arrays"])

    def orders(self, chip, **parameters):
        """ORDER_TABLE of a chip."""
        recipe = find_recipe("echelle.order_definition")
        inputs = self.inputs("ORDER_FLAT", chip)
        return recipe.process(inputs, recipe.parameters(**parameters)).products[0]

    def lines(self, chip, orders, **parameters):
        """LINE_TABLE of a chip."""
        recipe = find_recipe("echelle.wavelength_calibration")
        inputs = self.inputs("ARC_LAMP", chip, ORDER_TABLE=as_tables(orders))
        return recipe.process(inputs, recipe.parameters(**parameters)).products[0]


def as_tables(product):
    """What the runner reads back from the file of a product of tables."""
    cards = {**product.header, **{f"ESO {key}": value for key, value in product.qc.items()}}
    return MasterTable({one.name: one.rows for one in product.tables}, cards, product.role)


class ScienceDay:
    """Exposures of one setup, and masters made of the same night's calibrations."""

    def __init__(self, folder, exposures, *, chip="BLUE", window=True, night=NIGHT, standard=False):
        arm = exposures[0].arm
        plan = science_night(night, exposures, window=window, standard=standard)
        # Rows that are warm from a trap on look like nothing else than a dark.
        dark = nights._dark(arm)
        setup = replace(dark.setup, binning=exposures[0].binning, window=plan[0].setup.window)
        darks = nights.one_by_one([replace(dark, setup=setup)], 3600.0)
        plan = (*plan, replace(darks[0], ordinal=len(plan)))
        day = simulate_day("uves", night, folder, templates=plan)
        self.folder, self.arm = folder, arm
        blocks = sorted(day.blocks, key=lambda block: block["files"][0])
        self.files = [block["files"] for block in blocks if block["raw_type"].startswith("SCI")]
        self.kinds = {block["raw_type"]: block["files"] for block in blocks}
        self.calibrate(chip)

    def calibrate(self, chip):
        """Make the masters of a chip: the one that is looked at from now on."""
        self.chip, suffix, kinds = chip, self.arm.upper(), self.kinds
        (self.section,) = [one for one in load("UVES").header.detectors[suffix] if one.name == chip]
        self.masters, self.tables = {}, self._statics()
        self.masters["MASTER_BIAS"] = as_master(
            self.run("detector.master_bias", kinds[f"BIAS_{suffix}"])[0]
        )
        self.masters["MASTER_DARK"] = as_master(
            self.run("detector.master_dark", kinds[f"DARK_{suffix}"])[0]
        )
        self.tables["ORDER_TABLE"] = as_tables(
            self.run("echelle.order_definition", kinds[f"ORDER_FLAT_{suffix}"])[0]
        )
        self.tables["LINE_TABLE"] = as_tables(
            self.run("echelle.wavelength_calibration", kinds[f"ARC_LAMP_{suffix}"])[0]
        )
        self.flat_files = kinds[f"FLAT_{suffix}"]
        self.flat = self.run("echelle.order_flat", self.flat_files)
        self.masters["PIXEL_RESPONSE"] = as_master(self.flat[1])
        self.tables["BLAZE"] = as_tables(self.flat[2])

    def _statics(self):
        tables = {}
        for role, build in (
            ("SPECTRAL_FORMAT_TAB", statics.spectral_format),
            ("LINE_REFER_TABLE", statics.line_reference),
        ):
            build(self.folder / f"{role}.fits")
            tables[role] = tables_of(self.folder / f"{role}.fits", role)
        return tables

    def inputs(self, names, **tables):
        """What a recipe gets of some frames."""
        images = tuple(
            FrameImage(self.folder / name, self.section.extension, name=name, repairs={})
            for name in names
        )
        chip = chip_of(self.section.model_dump(), images[0].header, names[0])
        return RecipeInputs(images, dict(self.masters), chip, 2, {**self.tables, **tables})

    def run(self, name, names, **parameters):
        recipe = find_recipe(name)
        return recipe.process(self.inputs(names), recipe.parameters(**parameters)).products

    def extracted(self, number, **parameters):
        """Orders of an exposure, numbered as it was asked for."""
        names = self.files[number][:1]
        return extract_orders(self.inputs(names), ExtractionParameters(**parameters))

    def truth(self, name, key="object"):
        """Light put in, ADU, by order number; and all that is known of it."""
        told = json.loads((self.folder / name.replace(".fits", ".truth.json")).read_text())
        (mine,) = [one for one in told["chips"] if one["label"] == self.chip.lower()]
        arrays = np.load(self.folder / mine["light"]["arrays"])
        rows = arrays[key] / mine["conad_e_per_adu"]
        return {
            int(m): (np.interp(np.arange(rows.shape[1]), arrays["x"] - 1, wave), row)
            for m, wave, row in zip(arrays["orders"], arrays["wave_air"], rows, strict=True)
        }, mine

    def drift(self, number):
        """How far the format moved along x from the arc to an exposure, pixels."""
        names = self.files[number][0], self.kinds[f"ARC_LAMP_{self.arm.upper()}"][0]
        science, arc = (self.truth(name, "wave_air")[1]["light"] for name in names)
        step = self.inputs(names[:1]).chip.binning[0]
        return (science["drift_x_pixel"] - arc["drift_x_pixel"]) / step

    def expected(self, number, spectra, key="object"):
        """Light put in, at the wavelengths of the extracted orders, ADU."""
        light, _ = self.truth(self.files[number][0], key)
        result = np.full(spectra.flux.shape, np.nan)
        for row, order, wave in zip(result, spectra.orders, spectra.wave, strict=True):
            if int(order) in light:
                true_wave, values = light[int(order)]
                place = np.argsort(true_wave)
                at = np.interp(wave, true_wave[place], np.arange(len(wave))[place])
                row[:] = _cubic(values, at)
        return result

    def wave_errors(self):
        """Found minus true wavelength at the lines used in the slit's middle, pixels."""
        table = self.tables["LINE_TABLE"]
        solution, rows = read_surface(table, "MLAMBDA_AIR"), table.tables["LINES"]
        light, _ = self.truth(self.kinds[f"ARC_LAMP_{self.arm.upper()}"][0], "spectrum")
        errors = []
        for order, x in zip(rows["ORDER"], rows["X"] - 1, strict=True):
            wave = light[int(order)][0]
            # The truth is told at every eighth pixel: beyond the last of them it is not.
            i = min(int(x), len(wave) - 9)
            step = wave[i + 1] - wave[i]
            error = solution(np.array([x]), float(order))[0] / order - wave[i] - (x - i) * step
            errors.append(error / abs(step))
        inside = (rows["USED"] == 1) & (rows["X"] - 1 < len(wave) - 8)
        return np.array(errors)[inside]

    def pulls(self, number, extracted, *, rim=25):
        """Extracted minus put in, over the errors; rims of the chip left out."""
        spectra = extracted.spectra
        pulls = (spectra.flux - self.expected(number, spectra)) / np.sqrt(spectra.variance)
        pulls[:, :rim] = pulls[:, -rim:] = np.nan
        return pulls


def _cubic(values, at):
    """Between pixels by the cubic through four of them: it keeps a line's flux and place."""
    i = np.clip(np.floor(at).astype(int), 1, len(values) - 3)
    t = at - i
    a, b, c, d = (values[i + k].astype(float) for k in (-1, 0, 1, 2))
    return (
        b * (1 + t) * (1 - t) * (2 - t) / 2
        + c * t * (1 + t) * (2 - t) / 2
        - a * t * (1 - t) * (2 - t) / 6
        - d * t * (1 - t) * (1 + t) / 6
    )


def robust(values):
    """Width of a distribution from its median absolute deviation."""
    good = values[np.isfinite(values)]
    return 1.4826 * np.median(np.abs(good - np.median(good)))


@pytest.fixture(scope="session")
def science_day():
    return ScienceDay


@pytest.fixture(scope="session")
def echelle(tmp_path_factory):
    """The cheapest setting at full size: blue, 2x2."""
    return EchelleDay(tmp_path_factory.mktemp("echelle"), "blue", 390, "2x2")


@pytest.fixture(scope="session")
def echelle_products(echelle):
    orders = echelle.orders("BLUE")
    return orders, echelle.lines("BLUE", orders)


@pytest.fixture(scope="session")
def format_day(tmp_path_factory, echelle):
    """Blue, 390 nm, 2x2: the statics of the other recipes' day will do."""
    folder = tmp_path_factory.mktemp("format")
    made = simulate_day(
        "uves",
        "2015-02-26",
        folder,
        raw_types=["ARC_LAMP_FORM_BLUE"],
        setups=["blue_2x2_390nm_0.7"],
    )
    day = object.__new__(type(echelle))
    day.folder, day.arm, day.statics = folder, "blue", echelle.statics
    day.frames = {"ARC_LAMP_FORM_BLUE": made.blocks[0]["files"][0]}
    return day
