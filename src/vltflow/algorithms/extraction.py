"""Light of traces: optimal weights along the slit, sky fitted with the source, cosmic rays out.

Horne 1986, PASP 98, 609, with three changes. Source and sky are solved for together, so that
what the wings give is not taken for sky. Weights and errors come from the *model's* photons,
never from a pixel's own count, which would make low values count more. Along a tilted slit,
pixels of equal wavelength are gathered by whole shifts along x; what is left of the shift (half a
pixel at most) is corrected in the model (Zechmeister et al. 2014, A&A 561, A59 for profiles
that are not resampled): the data are never interpolated, and extracted pixels stay independent.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from vltflow.algorithms.blocks import over_blocks
from vltflow.algorithms.column_fit import MOST_PIXELS
from vltflow.algorithms.compiled import compiled
from vltflow.algorithms.cosmic_rays import FAINT, fit_column, near_rejected
from vltflow.algorithms.misfit import note_misfit, scatter_of, set_tolerance
from vltflow.algorithms.profile_table import ProfileTable, profile_at
from vltflow.algorithms.quality import Quality
from vltflow.algorithms.slit import SlitImage, window_pixels
from vltflow.algorithms.slit_sum import add_up, missing_part
from vltflow.algorithms.straighten import TOLD, fill_gaps, remember, remember_lean, straighten

_REJECTED, _SATURATED, _NO_DATA = (
    int(Quality.REJECTED), int(Quality.SATURATED), int(Quality.NO_DATA)
)  # fmt: skip

Weights = Literal["optimal", "sum"]


@dataclass(frozen=True)
class Detector:
    """The light on the chip and what is known of its errors."""

    image: np.ndarray
    """Light, background subtracted, divided by the pixel response, float32 (rows, columns)."""
    quality: np.ndarray
    """Bits of `Quality`, uint8, same shape."""
    response_variance: np.ndarray | None
    """Squared relative error of the pixel response that was divided out, same shape."""
    variance: np.ndarray
    """Squared error at each trace without any light in the slit, shape (traces, columns)."""
    conad: float
    """Electrons per unit of the image."""


@dataclass(frozen=True)
class Rules:
    """How light is extracted."""

    weights: Weights = "optimal"
    """Optimal weights for one source, or all light in the slit, every pixel weighted alike."""
    sky_terms: int = 1
    """0: none; 1: constant; 2: linear along the slit."""
    kappa: float = 6.0
    """Pixels further from the model are cosmic rays (or dead), sigma."""
    tolerance: float | np.ndarray = 0.05
    """Relative deviation of the profile from the model that is no cosmic ray's: of all traces, or
    of each, shape (traces,)."""
    unusable: int = int(Quality.DEAD | Quality.HOT | Quality.SATURATED | Quality.NO_DATA)
    """Bits that a pixel must not have."""


@dataclass(frozen=True)
class TraceLight:
    """What was extracted; arrays (traces, columns) in the units of the image."""

    flux: np.ndarray
    variance: np.ndarray
    sky: np.ndarray
    """Sky in the source's effective aperture."""
    level: np.ndarray
    """Sky in one pixel along the slit."""
    quality: np.ndarray
    chi2: np.ndarray
    """Of the good pixels, per degree of freedom."""
    rejected: np.ndarray
    """Pixels left out as cosmic rays, bool, shape (rows, columns)."""


def extract(
    detector: Detector,
    slit: SlitImage,
    profile: ProfileTable,
    rules: Rules,
    *,
    whole: SlitImage | None = None,
    threads: int = 1,
) -> TraceLight:
    """Extract the light of all traces.

    Parameters
    ----------
    detector
        Light and errors.
    slit
        Windows.
    profile
        Of the source.
    rules
        Weights, sky and rejection.
    whole
        Windows with the blurred rims of the slit, which sums are taken over; the same as `slit`
        if not given.

    Returns
    -------
    TraceLight
        NaN with `Quality.NO_DATA` where the window is off the chip, or too few pixels are good.
    """
    shape = slit.centre.shape
    flux, variance, sky, level, chi2 = (np.full(shape, np.nan) for _ in range(5))
    quality = np.full(shape, _NO_DATA, np.uint8)
    rejected = np.zeros(detector.image.shape, np.uint8)
    relative = detector.response_variance
    noisy = relative if relative is not None else np.zeros((1, 1), np.float32)
    bad = detector.quality & np.uint8(rules.unusable)
    outer = slit if whole is None else whole
    tolerance = np.broadcast_to(np.asarray(rules.tolerance, float), shape[:1])
    # Light that is not on the chip cannot be added up.
    low, high = (np.where(np.isfinite(outer.low), end, np.nan) for end in (slit.low, slit.high))

    def work(start: int, stop: int) -> None:
        for n in range(start, stop):
            _trace((detector.image, bad, noisy, rejected),
                   slit.centre[n], slit.lean(n), low[n], high[n],
                   outer.low[n], outer.high[n],
                   profile.centre[n], profile.values[n], profile.start, profile.spacing,
                   detector.variance[n], detector.conad, rules.sky_terms,
                   int(rules.weights == "optimal"), rules.kappa, float(tolerance[n]),
                   (flux[n], variance[n], sky[n], level[n], quality[n], chi2[n]))  # fmt: skip

    over_blocks(work, [(n, n + 1) for n in range(shape[0])], threads=threads)
    return TraceLight(flux, variance, sky, level, quality, chi2, rejected.view(bool))


@compiled
def _trace(
    planes: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray],
    centre: np.ndarray,
    lean: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    outer_low: np.ndarray,
    outer_high: np.ndarray,
    source: np.ndarray,
    values: np.ndarray,
    start: float,
    spacing: float,
    floor: np.ndarray,
    conad: float,
    sky_terms: int,
    optimal: int,
    kappa: float,
    tolerance: float,
    made: tuple[np.ndarray, ...],
) -> None:
    image, bad, relative, rejected = planes
    flux, variance, sky, level, quality, chi2 = made
    columns = len(centre)
    first = np.full((TOLD, columns), math.nan)
    pixels, basis = np.empty((6, MOST_PIXELS)), np.empty((5, MOST_PIXELS))
    noise, out = np.empty(MOST_PIXELS), np.empty(5)
    # No ray holds the core of a wide profile captive, but lines bend along it.
    least, allowed = tolerance, 0.0 if optimal else tolerance
    told = np.full((columns, 3), math.nan)
    misfit = np.zeros((columns, _tallest(low, high)), np.float32)
    # First round: each column alone. Then its neighbours tell how steep the spectrum is (tilted
    # slits), how noisy, how wrong the profile. Third: where the faint ends of cosmic rays are.
    for round_ in range(3):
        if round_ == 1:
            fill_gaps(first)
            least = kappa * scatter_of(told)
        for x in range(columns):
            if not (high[x] > low[x]):
                continue
            count = window_pixels(image, bad, centre, lean, low[x], high[x], x, source[x], pixels)
            untouched = round_ == 2 and not _touched(pixels, count, rejected)
            if count < sky_terms + 3 or untouched:
                continue
            _describe(pixels, basis, count, values, start, spacing, x, source[x], relative)
            set_tolerance(pixels, basis, count, x, told, misfit, (least, tolerance))
            if round_ > 0:
                straighten(pixels, basis, count, first, x)
            fit_column(pixels, basis, noise, count, floor[x], conad, sky_terms, kappa, allowed,
                    rejected, round_, _around(first, x, columns), out)  # fmt: skip
            _remember(first, x, round_, pixels, basis, noise, count, optimal, out)
            if round_ == 0:
                told[x] = note_misfit(pixels, basis, noise, count, out, bad, misfit[x])
                continue
            _store(pixels, basis, noise, count, bad, rejected, optimal, sky_terms, out, x,
                   flux, variance, sky, level, quality, chi2)  # fmt: skip
            if not optimal:
                below = (centre[x] + low[x], centre[x] + high[x], floor[x], conad, kappa)
                _sum_up(image, bad, relative, rejected, centre, lean, outer_low[x], outer_high[x],
                        source[x], values, start, spacing, first, below, pixels, basis, out, x,
                        flux, variance, quality)  # fmt: skip


@compiled
def _tallest(low: np.ndarray, high: np.ndarray) -> int:
    """Pixels of the longest window."""
    longest = 0.0
    for x in range(len(low)):
        if high[x] > low[x]:
            longest = max(longest, high[x] - low[x])
    return int(longest) + 2


@compiled
def _sum_up(
    image: np.ndarray,
    bad: np.ndarray,
    relative: np.ndarray,
    rejected: np.ndarray,
    centre: np.ndarray,
    lean: np.ndarray,
    low: float,
    high: float,
    source: float,
    values: np.ndarray,
    start: float,
    spacing: float,
    first: np.ndarray,
    below: tuple[float, float, float, float, float],
    pixels: np.ndarray,
    basis: np.ndarray,
    out: np.ndarray,
    x: int,
    flux: np.ndarray,
    variance: np.ndarray,
    quality: np.ndarray,
) -> None:
    """Add up the whole slit of a column whose inner part was fitted."""
    if not math.isfinite(out[0]):
        return
    count = window_pixels(image, bad, centre, lean, low, high, x, source, pixels)
    _describe(pixels, basis, count, values, start, spacing, x, source, relative)
    straighten(pixels, basis, count, first, x)
    light = out[0]
    if light < FAINT * math.sqrt(max(out[1], 0.0)):
        light = _around(first, x, len(centre))[0]
    missing = missing_part(pixels, count, values, start, spacing, x, source)
    add_up(pixels, basis, count, rejected, below, light, missing, out, x, flux, variance, quality)


@compiled
def _describe(
    pixels: np.ndarray,
    basis: np.ndarray,
    count: int,
    values: np.ndarray,
    start: float,
    spacing: float,
    x: int,
    source: float,
    relative: np.ndarray,
) -> None:
    """Profile, 1, distance, and squared relative error of the response at each pixel."""
    for i in range(count):
        basis[0, i] = profile_at(values, start, spacing, x, pixels[1, i] - source)
        basis[1, i], basis[2, i] = 1.0, pixels[1, i]
        row, column = int(pixels[4, i]), int(pixels[5, i])
        basis[3, i] = relative[row, column] if len(relative) > 1 else 0.0


@compiled
def _remember(
    first: np.ndarray,
    x: int,
    round_: int,
    pixels: np.ndarray,
    basis: np.ndarray,
    noise: np.ndarray,
    count: int,
    optimal: int,
    out: np.ndarray,
) -> None:
    """Keep what the first round tells; where all was hit, light is as the neighbours have it."""
    if round_ == 0:
        remember(first, x, out)
        if not optimal:
            remember_lean(first, x, pixels, basis, noise, count, out[0])
    elif not math.isfinite(out[0]):
        first[0, x] = _around(first, x, first.shape[1])[1]


@compiled
def _around(first: np.ndarray, x: int, columns: int) -> tuple[float, float]:
    """Mean light of five columns, and median of the three on each side."""
    total, count = 0.0, 0
    for k in range(max(0, x - 2), min(columns, x + 3)):
        total += first[0, k]
        count += 1
    sides, n = np.empty(6), 0
    for k in (x - 3, x - 2, x - 1, x + 1, x + 2, x + 3):
        if 0 <= k < columns:
            sides[n] = first[0, k]
            n += 1
    return max(total / count, 0.0), np.median(sides[:n])


@compiled
def _touched(pixels: np.ndarray, count: int, rejected: np.ndarray) -> bool:
    """Whether the column has a rejected pixel, or one beside it."""
    for i in range(count):  # noqa: SIM110 - numba knows no generators
        if near_rejected(rejected, int(pixels[4, i]), int(pixels[5, i])):
            return True
    return False


@compiled
def _store(
    pixels: np.ndarray,
    basis: np.ndarray,
    noise: np.ndarray,
    count: int,
    bad: np.ndarray,
    rejected: np.ndarray,
    optimal: int,
    sky_terms: int,
    out: np.ndarray,
    x: int,
    flux: np.ndarray,
    variance: np.ndarray,
    sky: np.ndarray,
    level: np.ndarray,
    quality: np.ndarray,
    chi2: np.ndarray,
) -> None:
    flags, squares, good = 0, 0.0, 0.0
    weight, shares = 0.0, 0.0
    for i in range(count):
        row, column = int(pixels[4, i]), int(pixels[5, i])
        p, under = basis[0, i], out[2] + out[3] * pixels[1, i]
        if pixels[3, i] > 0.0:
            rest = pixels[0, i] - out[0] * p - under
            squares += rest * rest / noise[i]
            good += 1.0
            weight += p * p / noise[i]
            shares += p / noise[i]
            continue
        if bad[row, column] == 0:
            rejected[row, column] = 1
            # In the wings it cost nothing.
            flags |= _REJECTED if p > 0.02 or not optimal else 0
        elif p > 0.02 or not optimal:
            flags |= _SATURATED if (bad[row, column] & _SATURATED) != 0 else 0
    quality[x] = flags
    if not math.isfinite(out[0]):
        flux[x] = variance[x] = sky[x] = level[x] = math.nan
        quality[x] = flags | _NO_DATA
        return
    chi2[x] = squares / max(good - 1.0 - sky_terms, 1.0)
    flux[x], variance[x], sky[x], level[x] = out[0], out[1], 0.0, 0.0
    if optimal:
        sky[x], level[x] = out[2] * shares / weight, out[2]
