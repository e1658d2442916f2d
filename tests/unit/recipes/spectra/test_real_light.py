"""Real orders of HE1341-1020 (ten nights of 2010 to 2012), merged and added."""

from __future__ import annotations

import numpy as np
import pytest
from astropy.io import fits

from vltflow.algorithms.merge import merge_orders
from vltflow.algorithms.orders import OrderSpectra
from vltflow.algorithms.quality import Quality
from vltflow.algorithms.smooth import smooth_level
from vltflow.recipes import Chip, RecipeInputs
from vltflow.recipes.echelle.coaddition import Coaddition, CoadditionParameters
from vltflow.recipes.echelle.spectrum import SpectrumParameters, grid_of, merged_spectrum

pytestmark = pytest.mark.slow

CHIP = Chip("BLUE", 1, 50, 50, (1, 1), 1.84, 3.8, 60_000.0)
NOISE = 12 * (3.8 / 1.84) ** 2
"""Read noise of an extraction, ADU squared: twelve pixels along the slit."""


def wavelengths(lines, orders, columns):
    """m * wavelength over (x, m), through the lines of ESO's table, middle window."""
    rows = lines[np.isfinite(lines["WaveC"]) & (lines["WaveC"] > 0)]
    x, m = (rows["X"] - 1500.0) / 1500.0, (rows["Order"] - 122.5) / 21.0
    basis = np.polynomial.chebyshev.chebvander2d(x, m, [5, 5])
    fit = np.linalg.lstsq(basis, rows["WaveC"] * rows["Order"], rcond=None)[0].reshape(6, 6)
    places = np.meshgrid((np.arange(1.0, columns + 1) - 1500.0) / 1500.0, (orders - 122.5) / 21.0)
    return np.polynomial.chebyshev.chebval2d(*places, fit) / orders[:, None]


def read(folder, number):
    """Orders of one night: ESO divides by the flat, whose shape its errors betray."""
    name = f"hem1341m1020_sci_390_{number:02d}_b.fits.gz"
    with (
        fits.open(folder / f"fxb_{name}") as science,
        fits.open(folder / f"err_{name}") as errors,
        fits.open(folder / f"wpol_{name}") as arc,
    ):
        flux, error = (np.nan_to_num(one[0].data.astype(float)) for one in (science, errors))
        header = {key: value for key, value in science[1].header.items() if key}
        table = arc[4].data
        orders = int(np.median(table["Order"] + table["Y"])) - np.arange(1, len(flux) + 1)
        wave = wavelengths(table, orders.astype(float), flux.shape[1])
    on_chip = (flux != 0) & (error > 0)
    safe = np.where(on_chip, error, 1.0)
    signal = np.clip(flux, 0, None) / 1.84
    blaze = (signal + np.sqrt(signal**2 + 4 * safe**2 * NOISE)) / (2 * safe**2)
    blaze = np.stack([smooth_level(row, good) for row, good in zip(blaze, on_chip, strict=True)])
    # Errors and values blow up where there is next to no flat, above all at the chip's rims.
    on_chip &= blaze > 0.02
    on_chip[:, :40] = on_chip[:, -40:] = False
    # Cosmic rays that the real reduction left: nothing real rises so far in one pixel.
    level = np.stack([smooth_level(row, good) for row, good in zip(flux, on_chip, strict=True)])
    spike = on_chip & (flux > 4 * np.abs(level) + 12 * error)
    good = on_chip & ~spike
    values = (np.where(good, one, np.nan)[::-1] for one in (flux * blaze, (error * blaze) ** 2))
    quality = np.where(good, 0, int(Quality.NO_DATA)).astype(np.uint8)[::-1]
    return header, OrderSpectra(
        orders[::-1], wave[::-1], *values, quality, np.zeros_like(flux), blaze[::-1]
    )


class Frame:
    shape = (3000, 2148)

    def __init__(self, name, header):
        self.name, self.header = name, header

    def rows(self, start, stop):
        raise NotImplementedError


@pytest.fixture(scope="module")
def nights(real_data):
    folder = real_data / "uves" / "HE1341-1020"
    return [read(folder, number) for number in range(1, 11)]


def plainly(spectra, grid):
    """Each order interpolated on its own, averaged with the square of the blaze."""
    total, norm = np.zeros(len(grid.centres)), np.zeros(len(grid.centres))
    for row in range(len(spectra.orders)):
        ratio = spectra.flux[row] / spectra.blaze[row]
        value = np.interp(grid.centres, spectra.wave[row], ratio, left=np.nan, right=np.nan)
        blaze = np.interp(grid.centres, spectra.wave[row], spectra.blaze[row])
        good = np.isfinite(value)
        total[good] += (value * blaze**2)[good]
        norm[good] += (blaze**2)[good]
    return np.where(norm > 0, total / np.where(norm > 0, norm, 1.0), np.nan)


def test_real_orders_merge_as_plain_interpolation_does(nights):
    for _, spectra in nights[:3]:
        pixel = float(np.mean(np.diff(spectra.wave, axis=1)))
        grid = grid_of(spectra, pixel, SpectrumParameters())
        merged = merge_orders(spectra, grid, faintest=0.03, threads=2)
        plain = plainly(spectra, grid)
        both = np.isfinite(merged.flux) & np.isfinite(plain)
        assert both.mean() > 0.94
        difference = (merged.flux[both] * pixel - plain[both]) / (
            np.sqrt(merged.variance[both]) * pixel
        )
        assert abs(np.median(difference)) < 0.05
        # Linear interpolation smooths; single bins differ by a part of their noise.
        assert 1.4826 * np.median(np.abs(difference)) < 0.5
        size = len(difference) // 400 * 400
        sums = [
            one[both][:size].reshape(-1, 400).sum(axis=1) for one in (merged.flux * pixel, plain)
        ]
        bright = sums[1] > 0.2 * np.median(sums[1])
        assert np.abs(np.median(sums[0][bright] / sums[1][bright]) - 1) < 0.003


def test_ten_real_nights_gain_what_ten_nights_should(nights):
    products = []
    for number, (header, spectra) in enumerate(nights):
        inputs = RecipeInputs((Frame(f"night{number}", header),), {}, CHIP, 2)
        made = merged_spectrum(spectra, inputs, SpectrumParameters())
        assert made.header["ESO DRS VRAD STATUS"] == "OK"
        assert abs(made.qc["QC VRAD BARYCOR"] - header["ESO QC VRAD BARYCOR"]) < 0.045
        cards = {**header, **made.header, **{f"ESO {key}": v for key, v in made.qc.items()}}
        products.append((made, cards, f"night{number}"))
    tables = tuple(as_table(*one) for one in products)
    inputs = RecipeInputs((), {}, CHIP, 2, {}, tables)
    (stack,) = Coaddition().process(inputs, CoadditionParameters()).products
    assert stack.qc["QC STACK NEXP"] == 10
    single = np.array([made.qc["QC MERGE SN"] for made, _, _ in products])
    assert stack.qc["QC STACK SN"] == pytest.approx(np.sqrt(np.sum(single**2)), rel=0.12)
    assert stack.qc["QC STACK CHI2"] == pytest.approx(1.3, abs=0.3)
    assert stack.qc["QC STACK REJECTED"] < 1.0


def as_table(made, cards, name):
    from vltflow.recipes import MasterTable  # noqa: PLC0415

    return MasterTable({one.name: one.rows for one in made.tables}, cards, name)
