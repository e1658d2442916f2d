"""Optics: where orders and wavelengths fall."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from vltflow.simulate.echelle import EchelleFormat
from vltflow.simulate.light import air_from_vacuum
from vltflow.simulate.models import model
from vltflow.simulate.plan import Setup
from vltflow.simulate.uves import constants
from vltflow.simulate.uves.light_path import format_on_pixels

CENTRAL = [346.0, 390.0, 437.0, 520.0, 564.0, 580.0, 760.0, 860.0]


def _format(wavelength: float, label: str, *, small: bool = False) -> EchelleFormat:
    arm = "blue" if label == "blue" else "red"
    chip = next(chip for chip in constants.CHIPS[arm] if chip.label == label)
    layout = model("uves").layout(chip, Setup(arm), small=small)
    return format_on_pixels(arm, wavelength, layout, (0.0, 0.0))


@pytest.mark.parametrize("wavelength", CENTRAL)
def test_the_central_wavelength_is_on_the_detector(wavelength: float) -> None:
    labels = ["blue"] if wavelength < 500 else ["redl", "redu"]
    formats = [_format(wavelength, label) for label in labels]
    lowest = min(fmt.wave_vac.min() for fmt in formats)
    highest = max(fmt.wave_vac.max() for fmt in formats)
    assert lowest < 10 * wavelength < highest


@pytest.mark.parametrize("wavelength", CENTRAL)
def test_wavelength_rises_along_orders_and_from_order_to_order(wavelength: float) -> None:
    fmt = _format(wavelength, "blue" if wavelength < 500 else "redl")
    assert np.all(np.diff(fmt.wave_vac, axis=1) > 0)
    assert np.all(np.diff(fmt.wave_vac, axis=0) < 0)
    assert np.all(np.diff(fmt.trace, axis=0) < 0)


# Orders found by ESO's pipeline in archive data of 2010 to 2012 (QC ORDMIN, ORDMAX).
@pytest.mark.parametrize(
    ("wavelength", "label", "first", "last"),
    [(390.0, "blue", 103, 142), (437.0, "blue", 94, 124), (580.0, "redl", 106, 128),
     (580.0, "redu", 90, 105), (564.0, "redl", 109, 132), (760.0, "redl", 81, 107),
     (760.0, "redu", 65, 80)],
)  # fmt: skip
def test_the_orders_of_real_data_are_there(
    wavelength: float, label: str, first: int, last: int
) -> None:
    fmt = _format(wavelength, label)
    middle = fmt.trace[:, fmt.trace.shape[1] // 2]
    inside = fmt.orders[(middle > 0) & (middle < 2048)]
    assert inside.min() == pytest.approx(first, abs=1)
    assert inside.max() == pytest.approx(last, abs=1)


def test_a_small_detector_shows_the_same_wavelengths() -> None:
    full, small = _format(390.0, "blue"), _format(390.0, "blue", small=True)
    row = list(full.orders).index(small.orders[0])
    assert small.wave_vac[0, 100] == pytest.approx(full.wave_vac[row, 803:805].mean(), abs=0.01)


def test_the_middle_of_the_blaze_is_near_the_middle_of_the_chip() -> None:
    fmt = _format(390.0, "blue")
    assert np.all(np.abs(np.argmax(fmt.blaze, axis=1) - 1500) < 400)


def test_lines_fall_where_they_did_in_real_data(real_data: Path) -> None:
    path = real_data / "uves/HE1341-1020/wpol_hem1341m1020_sci_390_02_b.fits.gz"
    with gzip.open(path) as stream, fits.open(stream) as hdus:
        table = hdus[4].data
        good = np.isfinite(table["Ynew"]) & (table["WaveC"] > 0)
        lines = {name: np.array(table[name][good]) for name in ("X", "Ynew", "Order", "WaveC")}
    fmt = _format(390.0, "blue")
    wave = air_from_vacuum(fmt.wave_vac)
    dx, dy = [], []
    for order, along, trace in zip(fmt.orders, wave, fmt.trace, strict=True):
        mine = lines["Order"] == order
        x = np.interp(lines["WaveC"][mine], along, np.arange(3000.0))
        dx += list(x + 1.0 - lines["X"][mine])
        dy += list(np.interp(x, np.arange(3000.0), trace) + 1.0 - lines["Ynew"][mine])
    assert len(dx) > 4000
    assert abs(np.median(dx)) < 8.0
    assert abs(np.median(dy)) < 4.0
    assert np.std(dx) < 2.5
    assert np.std(dy) < 2.0
