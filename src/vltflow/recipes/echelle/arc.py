"""Lines of an arc lamp: found in the middle of the slit, measured in windows along it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from vltflow.algorithms.blocks import over_blocks
from vltflow.algorithms.identify import Lines
from vltflow.algorithms.peaks import PEAK, find_peaks, measure_peaks, measure_widths
from vltflow.algorithms.surface import fit_surface
from vltflow.algorithms.windows import mean_spectra
from vltflow.recipes.echelle.light import Light, keyword_number
from vltflow.recipes.echelle.order_table import orders_of
from vltflow.recipes.echelle.parameters import SettingParameters

if TYPE_CHECKING:
    from vltflow.recipes.declaration import RecipeInputs
    from vltflow.recipes.echelle.guess import Guess

_LEAST = 60
"""Lines from which the width of lines is taken as a function of the place."""
_WIDER = (0.6, 1.7)
"""Width of lines at the rims of a chip, in units of the median: what to believe at most."""
_SEARCH = 2
"""Pixels within which a line of a window is the same as that of the middle."""


class ArcParameters(SettingParameters):
    """Parameters of the search for lines."""

    slit_length: str = Field(
        default="INS.SLIT2.LEN|INS.SLIT3.LEN", description="Keywords of the slit's length [arcsec]."
    )
    pixel_scale: str = Field(
        default="INS.PIXSCALE", description="Keywords of the scale across the orders [arcsec]."
    )
    nwindows: int = Field(
        default=3, ge=1, le=9, description="Windows along the slit that tell its tilt [count]."
    )
    fwhm: float = Field(default=3.0, gt=1, description="Expected width of a line [pixel].")
    fwhm_tolerance: float = Field(
        default=0.25,
        gt=0,
        description="Lines wider or narrower by this share are left out [ratio].",
    )
    threshold: float = Field(default=8.0, gt=0, description="Least height of a line [sigma].")


@dataclass(frozen=True)
class Arc:
    """Lines of an arc, as detected in the middle of the slit, and what is left of its image."""

    lines: Lines
    fwhm: np.ndarray
    """Width of each line, pixels."""
    detected: int
    """Lines detected, blends included."""
    orders: np.ndarray
    """Of the spectra, as the order table numbers them."""
    centres: np.ndarray
    """y of each order in the middle column, pixels."""
    spectra: np.ndarray
    """Shape (windows, orders, columns)."""
    variances: np.ndarray
    offsets: np.ndarray
    """Distance of the windows from the slit's middle, pixels."""
    expected: np.ndarray
    """Width of a line in each pixel, shape (orders, columns)."""

    @property
    def height(self) -> float:
        """Pixels along the slit that the windows cover together."""
        step = float(self.offsets[1] - self.offsets[0]) if len(self.offsets) > 1 else 0.0
        return step * len(self.offsets)


def measure_arc(inputs: RecipeInputs, parameters: ArcParameters, light: Light, guess: Guess) -> Arc:
    """Find the lines of an arc along the orders of ORDER_TABLE."""
    orders, trace = orders_of(inputs, parameters, light.data.shape, guess)
    x = np.arange(light.data.shape[1], dtype=float)
    centres = trace(x[None, :], orders[:, None].astype(float))
    height, offsets = _windows(inputs, parameters)
    spectra, variances = mean_spectra(
        light.data, light.variance, centres, height=height, offsets=offsets,
        saturation=light.saturation, threads=inputs.cores,
    )  # fmt: skip
    whole, noise = spectra.mean(axis=0), variances.mean(axis=0) / len(offsets)
    rough = _found(whole, noise, np.full(whole.shape, parameters.fwhm), parameters, inputs.cores)
    expected = _expected(rough, orders, whole.shape, parameters.fwhm)
    peaks = _found(whole, noise, expected, parameters, inputs.cores)
    row = np.repeat(np.arange(len(orders)), [len(one) for one in peaks])
    found = np.concatenate(peaks)
    # Blends are wider than lines, residues of hot pixels narrower: neither is where it seems.
    usual = expected[row, np.clip(found["x"].round().astype(int), 0, len(x) - 1)]
    single = np.abs(found["fwhm"] / usual - 1.0) < parameters.fwhm_tolerance
    lines = Lines(
        found["x"][single], found["sigma_x"][single], orders[row[single]], found["height"][single]
    )
    widths = _widths(lines, orders, whole, noise, expected)
    widths = np.where(np.isfinite(widths), widths, found["fwhm"][single])
    middles = centres[:, len(x) // 2]
    return Arc(lines, widths, len(found), orders, middles, spectra, variances, offsets, expected)


def _windows(inputs: RecipeInputs, parameters: ArcParameters) -> tuple[float, np.ndarray]:
    """Height of a window and the distances of their middles from the slit's, pixels."""
    binning = inputs.chip.binning[0 if inputs.chip.quarter_turns % 2 else 1]
    scale = keyword_number(inputs.frames[0], parameters.pixel_scale) * binning
    # The rim of the slit is left out: its image is blurred by the optics.
    usable = max(1.0, 0.8 * keyword_number(inputs.frames[0], parameters.slit_length) / scale)
    height = usable / parameters.nwindows
    return height, (np.arange(parameters.nwindows) - 0.5 * (parameters.nwindows - 1)) * height


def _found(
    spectra: np.ndarray,
    variances: np.ndarray,
    fwhm: np.ndarray,
    parameters: ArcParameters,
    threads: int,
) -> list[np.ndarray]:
    """Peaks of each order."""

    def work(row: int, _: int) -> np.ndarray:
        return find_peaks(
            spectra[row], variances[row], fwhm=fwhm[row], threshold=parameters.threshold
        )

    return over_blocks(work, [(row, row + 1) for row in range(len(spectra))], threads=threads)


def _expected(
    peaks: list[np.ndarray], orders: np.ndarray, shape: tuple[int, int], fwhm: float
) -> np.ndarray:
    """Width of a line in each pixel: anamorphism and focus change it over a chip."""
    found = np.concatenate(peaks)
    if not len(found):
        return np.full(shape, fwhm)
    number = np.repeat(orders, [len(one) for one in peaks]).astype(float)
    middle = float(np.median(found["fwhm"]))
    if len(found) < _LEAST:
        return np.full(shape, middle)
    intervals = ((0.0, shape[1] - 1.0), (float(orders.min()) - 0.5, float(orders.max()) + 0.5))
    fit = fit_surface(
        found["x"], number, found["fwhm"], intervals=intervals, degrees=(2, 1), kappa=2.0
    )
    usual = fit.surface(np.arange(shape[1])[None, :], orders[:, None].astype(float))
    return np.asarray(np.clip(usual, _WIDER[0] * middle, _WIDER[1] * middle))


def _widths(
    lines: Lines,
    orders: np.ndarray,
    spectra: np.ndarray,
    variances: np.ndarray,
    expected: np.ndarray,
) -> np.ndarray:
    widths = np.full(len(lines.x), np.nan)
    for row, order in enumerate(orders):
        mine = lines.order == order
        widths[mine] = measure_widths(
            spectra[row], variances[row], lines.x[mine], fwhm=expected[row]
        )
    return widths


def measured_again(arc: Arc, window: int) -> np.ndarray:
    """Measure the lines of an arc in one window along the slit.

    Returns
    -------
    numpy.ndarray
        Of dtype `PEAK`, one for each line; NaN where the window does not show it.
    """
    found = np.empty(len(arc.lines.x), PEAK)
    for row, order in enumerate(arc.orders):
        mine = np.flatnonzero(arc.lines.order == order)
        found[mine] = measure_peaks(
            arc.spectra[window, row], arc.variances[window, row], arc.lines.x[mine],
            fwhm=arc.expected[row], search=_SEARCH,
        )  # fmt: skip
    return found
