"""Which line is which: from a rough guess of the wavelengths to a solution for all orders.

A guess may be shifted, stretched and off by whole orders. First the guess is moved over the
catalogue until most lines fall on one (a vote, so wrong lines do not matter); then lines are
taken nearest to where the solution puts them, within less and less distance, while the
solution gains freedom. The solution is m * wavelength as a surface over (x, m): by the
grating equation it depends on m weakly (Ballester et al. 2000, ESO Messenger 101, 31).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from vltflow.algorithms.blocks import over_blocks
from vltflow.algorithms.compiled import compiled
from vltflow.algorithms.likely_surface import LikelyFit, fit_likely_surface
from vltflow.algorithms.surface import fit_surface

Guess = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Wavelength at (x, order); arrays that broadcast."""

_BIN = 2.0
"""Pixels of a bin of the vote."""
_RIM = np.arange(-24.0, 24.1, 3.0)
"""Pixels by which stretch or turn move the lines at the rim, as tried in the vote."""
_STAGES = ((1, 1, 16.0), (2, 1, 9.0), (2, 2, 5.0), (3, 3, 3.0), (4, 4, 1.5))
"""Degrees in x and order, and distance (pixels) within which a line is taken."""
_SHARPEST = 0.005
"""Pixels to which a line is known at best."""


@dataclass(frozen=True)
class Lines:
    """Detected lines; arrays of one length."""

    x: np.ndarray
    """Pixels."""
    sigma: np.ndarray
    """Errors of x."""
    order: np.ndarray
    """As numbered until now."""
    strength: np.ndarray


@dataclass(frozen=True)
class Vote:
    """How the guess has to be moved."""

    orders: int
    """Added to the numbers of the orders."""
    shift: float
    """Of the lines against the guess, pixels, in the middle of the chip."""
    stretch: float
    """Relative change of the shift along x."""
    turn: float
    """Change of the shift from the first to the last order, pixels."""
    contrast: float
    """Votes over those expected by chance, in units of their scatter."""
    runner_up: float
    """Contrast of the best other number of orders."""


@dataclass(frozen=True)
class Solution:
    """Wavelengths over a chip."""

    fit: LikelyFit
    """m * wavelength over (x, m); one point an identified line."""
    index: np.ndarray
    """Which of the lines were identified."""
    wave: np.ndarray
    """Catalogue wavelength of each of them."""
    dispersion: np.ndarray
    """Wavelength per pixel at each of them."""
    vote: Vote

    def __call__(self, x: np.ndarray | float, order: np.ndarray | float) -> np.ndarray:
        """Wavelength at (x, order), in the medium and unit of the catalogue."""
        return np.asarray(self.fit.surface(x, order) / order)


def cast_votes(
    lines: Lines,
    guess: Guess,
    catalogue: np.ndarray,
    *,
    width: int,
    reach: float = 80.0,
    orders: int = 2,
    brightest: int = 30,
    threads: int = 1,
) -> Vote:
    """Find how the guess must be moved so that most bright lines fall on the catalogue.

    Parameters
    ----------
    lines
        Detected lines.
    guess
        Rough wavelengths.
    catalogue
        Wavelengths, ascending.
    width
        Columns of the chip.
    reach
        Largest shift, pixels.
    orders
        Largest mistake in the numbers of the orders.
    brightest
        Lines an order that vote.
    threads
        Numbers of orders that are tried at the same time.
    """
    chosen = _brightest(lines, brightest)
    x, order = lines.x[chosen], lines.order[chosen].astype(float)
    u, v = 2.0 * x / width - 1.0, _centred(order)

    def vote(change: int, _: int) -> tuple[float, float, float, float]:
        return _vote_of(x, order + change, u, v, guess, catalogue, reach)

    changes = [(change, change + 1) for change in range(-orders, orders + 1)]
    best = over_blocks(vote, changes, threads=threads)
    place = int(np.argmax([one[3] for one in best]))
    shift, stretch, turn, contrast = best[place]
    other = max((one[3] for n, one in enumerate(best) if n != place), default=0.0)
    return Vote(place - orders, shift, 2.0 * stretch / width, 2.0 * turn, contrast, other)


def _brightest(lines: Lines, count: int) -> np.ndarray:
    chosen = []
    for order in np.unique(lines.order):
        mine = np.flatnonzero(lines.order == order)
        chosen.append(mine[np.argsort(lines.strength[mine])[::-1][:count]])
    return np.concatenate(chosen)


def _centred(order: np.ndarray) -> np.ndarray:
    span = max(1.0, float(np.ptp(order)))
    return (order - 0.5 * (order.min() + order.max())) / span * 2.0


def _vote_of(
    x: np.ndarray,
    order: np.ndarray,
    u: np.ndarray,
    v: np.ndarray,
    guess: Guess,
    catalogue: np.ndarray,
    reach: float,
) -> tuple[float, float, float, float]:
    """Best shift, stretch, turn (pixels at the rim) and their contrast."""
    wave = guess(x, order)
    dispersion = guess(x + 0.5, order) - guess(x - 0.5, order)
    first = np.searchsorted(catalogue, wave - reach * np.abs(dispersion))
    last = np.searchsorted(catalogue, wave + reach * np.abs(dispersion))
    line = np.repeat(np.arange(len(x)), last - first)
    within = np.arange(len(line)) - np.repeat(
        np.cumsum(last - first) - (last - first), last - first
    )
    distance = (catalogue[first[line] + within] - wave[line]) / dispersion[line]
    weight = 1.0 / np.maximum(last - first, 1)[line]
    tried = _tried(distance, weight, u[line], v[line], reach, _RIM)
    row, column = np.unravel_index(int(np.argmax(tried[0])), tried[0].shape)
    shift, contrast = float(tried[1, row, column]), float(tried[0, row, column])
    return shift, float(_RIM[row]), float(_RIM[column]), contrast


@compiled
def _tried(
    distance: np.ndarray,
    weight: np.ndarray,
    u: np.ndarray,
    v: np.ndarray,
    reach: float,
    rim: np.ndarray,
) -> np.ndarray:
    """Contrast and shift of the best bin for each stretch and turn, shape (2, rim, rim)."""
    bins = int(2 * reach / _BIN)
    result = np.empty((2, len(rim), len(rim)))
    counts, votes = np.empty(bins), np.empty(bins - 4)
    for i in range(len(rim)):
        for j in range(len(rim)):
            counts[:] = 0.0
            for k in range(len(distance)):
                place = int((distance[k] - rim[i] * u[k] - rim[j] * v[k] + reach) / _BIN)
                counts[min(max(place, 0), bins - 1)] += weight[k]
            for k in range(bins - 4):
                votes[k] = counts[k + 1] + counts[k + 2] + counts[k + 3]
            usual = np.median(votes)
            scatter = 1.4826 * np.median(np.abs(votes - usual))
            top = int(np.argmax(votes))
            result[0, i, j] = (votes[top] - usual) / max(scatter, 1e-9)
            result[1, i, j] = (top + 2.5) * _BIN - reach
    return result


def identify(
    lines: Lines,
    guess: Guess,
    catalogue: np.ndarray,
    *,
    width: int,
    degrees: tuple[int, int] = (5, 4),
    tolerance: float = 0.6,
    kappa: float = 4.0,
    vote: Vote | None = None,
) -> Solution:
    """Identify lines and solve for the wavelengths of all orders.

    Parameters
    ----------
    lines
        Detected lines.
    guess
        Rough wavelengths at (x, order).
    catalogue
        Wavelengths, ascending; air or vacuum, which the solution then also is.
    width
        Columns of the chip.
    degrees
        Of the final solution in x and order.
    tolerance
        Largest distance of a line from the solution, pixels.
    kappa
        Lines off by so many times the robust scatter are left out.
    vote
        How the guess has to be moved; found here if not given.

    Raises
    ------
    ValueError
        If the lines do not fit the catalogue at all, or too few are left.
    """
    vote = vote or cast_votes(lines, guess, catalogue, width=width)
    order = lines.order.astype(float) + vote.orders
    u, v = 2.0 * lines.x / width - 1.0, _centred(order)
    move = vote.shift + 0.5 * width * vote.stretch * u + 0.5 * vote.turn * v
    base = guess(lines.x, order)
    dispersion = _dispersion(guess, lines.x, order)
    predicted = base + move * dispersion
    intervals = ((0.0, width - 1.0), (float(order.min()) - 0.5, float(order.max()) + 0.5))
    for first, second, distance in _STAGES:
        wave = catalogue[_nearest(catalogue, predicted)]
        taken = np.abs((wave - predicted) / dispersion) <= distance
        fit = fit_surface(
            lines.x[taken], order[taken], ((wave - base) / dispersion)[taken],
            intervals=intervals, degrees=(first, second), kappa=2.5, floor=0.1,
        )  # fmt: skip
        predicted = base + dispersion * fit.surface(lines.x, order)
    return _solved(
        lines, order, predicted, dispersion, catalogue, intervals, degrees, tolerance, kappa, vote
    )


def _dispersion(guess: Guess, x: np.ndarray, order: np.ndarray) -> np.ndarray:
    return guess(x + 0.5, order) - guess(x - 0.5, order)


def _nearest(catalogue: np.ndarray, wave: np.ndarray) -> np.ndarray:
    """Index of the catalogue line nearest to each wavelength."""
    right = np.searchsorted(catalogue, wave).clip(1, len(catalogue) - 1)
    left = right - 1
    return np.where(wave - catalogue[left] < catalogue[right] - wave, left, right)


def _solved(
    lines: Lines,
    order: np.ndarray,
    predicted: np.ndarray,
    dispersion: np.ndarray,
    catalogue: np.ndarray,
    intervals: tuple[tuple[float, float], tuple[float, float]],
    degrees: tuple[int, int],
    tolerance: float,
    kappa: float,
    vote: Vote,
) -> Solution:
    """The final solution: lines taken within the tolerance, until they stay the same.

    Within twice of it at first, and further where the solution may be off itself.
    """
    error, blended = np.zeros(len(lines.x)), _SHARPEST
    for factor in (2.0, 1.0):
        before = np.zeros(0, int)
        for _ in range(12):
            wave = catalogue[_nearest(catalogue, predicted)]
            reach = factor * tolerance + kappa * np.minimum(error, tolerance)
            index = np.flatnonzero(np.abs((wave - predicted) / dispersion) <= reach)
            scale = np.abs(order * dispersion)
            fit = fit_likely_surface(
                lines.x[index], order[index], (order * wave)[index], intervals=intervals,
                degrees=degrees, sigma=(scale * np.hypot(lines.sigma, blended))[index],
                kappa=kappa,
            )  # fmt: skip
            predicted = fit.surface(lines.x, order) / order
            dispersion = fit.surface.slope(lines.x, order) / order
            error = fit.error(lines.x, order) / scale
            used = index[fit.used]
            blended = _beyond_errors(fit.residuals[fit.used] / scale[used], lines.sigma[used])
            if np.array_equal(index, before):
                break
            before = index
    return Solution(fit, index, wave[index], dispersion[index], vote)


def _beyond_errors(residuals: np.ndarray, sigma: np.ndarray) -> float:
    """Scatter of lines beyond their errors, pixels: others, in no catalogue, lie under them."""
    low, high = _SHARPEST, max(2.0 * _SHARPEST, 2.0 * float(np.max(np.abs(residuals))))
    for _ in range(20):
        middle = (low * high) ** 0.5
        pulls = np.abs(residuals) / np.hypot(sigma, middle)
        low, high = (middle, high) if 1.4826 * np.median(pulls) > 1.0 else (low, middle)
    return low
