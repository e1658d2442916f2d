"""Speed of resampling, merging and adding echelle spectra, beside specutils.

    python benches/bench_spectra.py [--json FILE]

Forty orders of 3,000 pixels, as a blue frame has, onto bins of 2/3 pixel. The peer resamples
the same orders one after the other (`FluxConservingResampler`, errors included) and merges
nothing. Warm process, median of five; then ten times the pixels, and exposures by number with
the memory that they take.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import astropy.units as u
import numpy as np
from astropy.nddata import StdDevUncertainty
from specutils import Spectrum
from specutils.manipulation import FluxConservingResampler

from vltflow.algorithms.coadd import Exposures, coadd, scales_of
from vltflow.algorithms.merge import mean_pixel, merge_orders
from vltflow.algorithms.orders import OrderSpectra
from vltflow.algorithms.resample import Grid, linear_grid

REPEATS = 5
ORDERS = np.arange(103, 143)


def median_s(function: Callable[[], object]) -> float:
    times = []
    for _ in range(REPEATS):
        begin = time.perf_counter()
        function()
        times.append(time.perf_counter() - begin)
    return statistics.median(times)


def orders(columns: int) -> OrderSpectra:
    rng = np.random.default_rng(1)
    u_ = np.linspace(-1, 1, columns)
    wave = 466_000.0 / ORDERS[:, None] * (1 + 0.0052 * u_ + 0.0002 * u_**2)
    blaze = np.sinc(0.9 * (ORDERS[:, None] - 466_000.0 / wave)) ** 2
    variance = 500.0 * blaze + 30.0
    flux = 1000.0 * blaze + rng.normal(size=wave.shape) * np.sqrt(variance)
    zero = np.zeros(wave.shape)
    return OrderSpectra(ORDERS, wave, flux, variance, zero.astype(np.uint8), zero, blaze)


def bins(spectra: OrderSpectra) -> Grid:
    low, high = float(spectra.wave.min()), float(spectra.wave.max())
    return linear_grid(low, high, 2 / 3 * mean_pixel(spectra))


def peer(spectra: OrderSpectra, grid: Grid) -> float:
    """Seconds that specutils takes for all orders, once: it is slow."""
    resampler, total = FluxConservingResampler(), 0.0
    for row in range(len(spectra.orders)):
        wave = spectra.wave[row]
        inside = (grid.centres > wave[1]) & (grid.centres < wave[-2])
        one = Spectrum(
            spectral_axis=wave * u.AA,
            flux=spectra.flux[row] * u.adu,
            uncertainty=StdDevUncertainty(np.sqrt(spectra.variance[row])),
        )
        begin = time.perf_counter()
        resampler(one, grid.centres[inside] * u.AA)
        total += time.perf_counter() - begin
    return total


def merging() -> dict[str, float]:
    small, large = orders(3000), orders(30_000)
    grids = bins(small), bins(large)
    merge_orders(small, grids[0], threads=2)
    found = {
        "merge_s": median_s(lambda: merge_orders(small, grids[0], threads=2)),
        "merge_ten_times_s": median_s(lambda: merge_orders(large, grids[1], threads=2)),
    }
    found["specutils_s"] = peer(small, grids[0])
    return found


def adding(number: int) -> tuple[float, float]:
    """Seconds, and megabytes beyond the exposures themselves."""
    rng = np.random.default_rng(2)
    wave = 3300.0 + 0.013 * np.arange(100_000)
    flux = 100.0 + 8.0 * rng.normal(size=(number, len(wave)))
    variance = np.full(flux.shape, 64.0)
    given = Exposures(flux, variance, 1.7 * variance, flux, np.zeros(flux.shape, np.int32))
    times = np.full(number, 1000.0)

    def run() -> None:
        coadd(given, scales_of(wave, given, times), threads=2)

    run()
    tracemalloc.start()
    run()
    peak = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    return median_s(run), peak


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    found = merging()
    ratio = found["specutils_s"] / found["merge_s"]
    print(
        f"resampling and merging 40 orders of 3,000 pixels {found['merge_s']:.3f} s, "
        f"specutils' resampling alone {found['specutils_s']:.2f} s: {ratio:.0f} times as long"
    )
    growth = found["merge_ten_times_s"] / found["merge_s"]
    print(f"ten times the pixels: {growth:.1f} times as long")
    for number in (5, 50):
        seconds, megabytes = adding(number)
        found[f"add_{number}_s"], found[f"add_{number}_mb"] = seconds, megabytes
        print(f"adding {number} exposures of 100,000 bins: {seconds:.2f} s, {megabytes:.0f} MB")
    if given.json:
        given.json.write_text(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
