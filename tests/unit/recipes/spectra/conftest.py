"""Extracted orders as a perfect extraction would give them: the simulator's light and noise."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import SimpleNamespace

import numpy as np
import pytest

from vltflow.algorithms.orders import OrderSpectra
from vltflow.instruments import load
from vltflow.instruments.uves import statics
from vltflow.process.runners.frames import chip_of, tables_of
from vltflow.recipes import MasterTable, RecipeInputs
from vltflow.simulate.plan import PlannedFrame
from vltflow.simulate.uves import MODEL

WINDOW = 8.0
"""Pixels along the slit whose read noise an optimal extraction collects."""


@dataclass(frozen=True)
class Frame:
    """A raw frame of which only the header is looked at."""

    name: str
    header: dict
    shape: tuple[int, int] = (3000, 2148)

    def rows(self, start, stop):
        raise NotImplementedError


@dataclass(frozen=True)
class Exposure:
    """Orders of one simulated exposure, with what its light was."""

    spectra: OrderSpectra
    inputs: RecipeInputs
    wave_air: np.ndarray
    flux: np.ndarray
    """erg/s/cm2/Angstrom above the air, on the pixels of the orders."""
    electrons: np.ndarray
    truth: dict


def planned(night, raw_type, wavelength):
    for template in MODEL.templates(night):
        setup = template.setup
        if (template.raw_type, setup.wavelength, setup.binning) == (raw_type, wavelength, 1):
            return PlannedFrame(night, template, 1, "UVES.")
    raise LookupError(f"no {raw_type} at {wavelength} nm on {night}")


def light_of(frame, chip):
    setup = frame.template.setup
    number = [one.label for one in MODEL.chips(setup)].index(chip.lower())
    layouts = [MODEL.layout(one, setup, small=False) for one in MODEL.chips(setup)]
    scene = MODEL.scene(frame, layouts[number])
    hdus = MODEL.cards(frame, layouts)
    cards = [*hdus[0], *(hdus[number + 1] if len(hdus) > 1 else [])]
    header = {card.keyword.removeprefix("HIERARCH "): card.value for card in cards}
    return scene, header, layouts[number]


def whole(arrays, rows):
    """Wavelengths at every pixel: the truth tells them at every eighth."""
    x = np.arange(rows) + 1.0
    series = np.polynomial.Chebyshev.fit
    return np.array([series(arrays["x"], one, 7)(x) for one in arrays["wave_air"]])


def expose(night, raw_type, wavelength, chip="BLUE", *, seed=1, flat_night=None):
    """One exposure of the simulator, extracted perfectly: same light, fresh noise."""
    frame = planned(night, raw_type, wavelength)
    scene, header, layout = light_of(frame, chip)
    arm = "BLUE" if chip == "BLUE" else "RED"
    lamp, _, _ = light_of(planned(flat_night or night, f"FLAT_{arm}", wavelength), chip)
    (section,) = [one for one in load("UVES").header.detectors[arm] if one.name == chip]
    given = chip_of(section.model_dump(), header, frame.name)
    orders = [int(one) for one in scene.arrays["orders"] if one in lamp.arrays["orders"]]
    mine, theirs = (
        [int(np.flatnonzero(one.arrays["orders"] == order)[0]) for order in orders]
        for one in (scene, lamp)
    )
    electrons = scene.arrays["object"][mine].astype(float)
    sky = WINDOW * scene.arrays["sky"][mine].astype(float)
    blaze = lamp.arrays["spectrum"][theirs].astype(float)
    rng = np.random.default_rng(seed)
    variance = electrons + sky + WINDOW * given.ron**2
    noisy = electrons + rng.normal(size=electrons.shape) * np.sqrt(variance)
    wave = whole(scene.arrays, layout.rows)[mine]
    spectra = OrderSpectra(
        np.array(orders), wave, noisy / given.conad, variance / given.conad**2,
        np.zeros(wave.shape, np.uint8), sky / given.conad, blaze / blaze.mean(),
    )  # fmt: skip
    inputs = RecipeInputs((Frame(frame.name, header),), {}, given)
    return Exposure(spectra, inputs, wave, scene.arrays["flux"][mine], electrons, scene.truth)


def with_tables(inputs, **tables):
    return replace(inputs, tables={**inputs.tables, **tables})


def as_table(tables, header, name):
    """What the runner reads back from a product of tables."""
    return MasterTable({one.name: one.rows for one in tables}, header, name)


@pytest.fixture(scope="session")
def sky_tables(tmp_path_factory):
    """Static calibrations of a response, as the runner reads them."""
    folder = tmp_path_factory.mktemp("statics")
    built = {
        "EXTCOEFF_TABLE": statics.extinction,
        "FLUX_STD_TABLE": statics.standard_fluxes,
        "RESP_FIT_POINTS_CATALOG": statics.fit_points,
    }
    for role, build in built.items():
        build(folder / f"{role}.fits")
    return {role: tables_of(folder / f"{role}.fits", role) for role in built}


@pytest.fixture(scope="session")
def standard():
    return expose("2015-02-26", "STANDARD_BLUE", 437.0)


@pytest.fixture(scope="session")
def science():
    return expose("2015-02-27", "SCI_POINT_BLUE", 437.0)


@pytest.fixture(scope="session")
def perfect():
    return SimpleNamespace(expose=expose, with_tables=with_tables, as_table=as_table, Frame=Frame)
