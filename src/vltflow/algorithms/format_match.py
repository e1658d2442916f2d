"""Which spot of an arc is which line: a rough model is moved until its lines fall on spots.

Single spots say nothing, and the model may be off by more than the distance of the orders. But
the distances of all spots to all lines nearby pile up where the model's own error is, and nowhere
else: lines of the wrong orders spread evenly. From there the nearest spot is taken within less and
less distance, while the correction gains freedom.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from scipy.spatial import KDTree

from vltflow.algorithms.spots import Spots
from vltflow.algorithms.surface import fit_surface

_BIN = 3.0
"""Pixels of a bin of the vote, along both axes."""
_APART = 10
"""Bins around the best one that belong to it: the model's errors differ over the chip."""
_STAGES = (
    (1, 1, 24.0, 8.0), (1, 1, 16.0, 6.0), (2, 1, 12.0, 5.0), (2, 2, 9.0, 4.0), (3, 2, 5.0, 3.0),
    (3, 3, 3.0, 2.0), (4, 3, 1.5, 1.5),
)  # fmt: skip
"""Degrees along x and over the orders; distances along x and y within which a spot is taken."""
_LEAST = 30
"""Lines without which there is no solution."""


@dataclass(frozen=True)
class Predicted:
    """Lines as a model places them, pixels from 0; arrays of one length."""

    x: np.ndarray
    y: np.ndarray
    order: np.ndarray
    wave: np.ndarray


@dataclass(frozen=True)
class FormatVote:
    """How the model has to be moved."""

    x: float
    y: float
    contrast: float
    """Votes over those expected by chance, in units of their scatter."""
    runner_up: float
    """The same for the best other place."""


def vote_format(
    spots: Spots, lines: Predicted, reach: tuple[float, float], brightest: int = 1200
) -> FormatVote:
    """Find the shift along both axes that brings most spots onto lines.

    Parameters
    ----------
    spots
        Those found.
    lines
        Those of the catalogue, in all orders that might be on the chip.
    reach
        Largest shifts along x and y, pixels.
    brightest
        Spots that vote.

    Raises
    ------
    ValueError
        No spot is anywhere near a line.
    """
    chosen = spots[np.argsort(spots.height)[::-1][:brightest]]
    # One tree over coordinates in units of the reach: a square around each spot.
    tree = KDTree(np.column_stack([lines.x / reach[0], lines.y / reach[1]]))
    places = np.column_stack([chosen.x / reach[0], chosen.y / reach[1]])
    near = tree.query_ball_point(places, 1.0, p=np.inf)
    spot = np.repeat(np.arange(len(near)), [len(one) for one in near])
    if not len(spot):
        raise ValueError("no spot is near a line of the catalogue")
    line = np.concatenate([np.asarray(one, int) for one in near])
    edges = [np.arange(-one, one + _BIN, _BIN) for one in reach]
    counts, *_ = np.histogram2d(
        chosen.x[spot] - lines.x[line], chosen.y[spot] - lines.y[line], bins=edges
    )
    votes = 9.0 * ndimage.uniform_filter(counts, 3, mode="constant")
    usual = float(np.median(votes))
    scatter = max(1.0, 1.4826 * float(np.median(np.abs(votes - usual))))
    column, row = np.unravel_index(int(np.argmax(votes)), votes.shape)
    others = votes.copy()
    others[
        max(0, column - _APART) : column + _APART + 1, max(0, row - _APART) : row + _APART + 1
    ] = 0.0
    centres = [0.5 * (one[1:] + one[:-1]) for one in edges]
    return FormatVote(
        float(centres[0][column]), float(centres[1][row]),
        (float(votes[column, row]) - usual) / scatter, (float(others.max()) - usual) / scatter,
    )  # fmt: skip


@dataclass(frozen=True)
class Matched:
    """Pairs of spots and lines."""

    spot: np.ndarray
    line: np.ndarray


def match_format(spots: Spots, lines: Predicted, vote: FormatVote, width: int) -> Matched:
    """Pair spots with lines.

    Parameters
    ----------
    spots, lines, vote
        Those of `vote_format`.
    width
        Columns of the chip.

    Raises
    ------
    ValueError
        Too few are left.
    """
    moved_x, moved_y = lines.x + vote.x, lines.y + vote.y
    intervals = ((0.0, width - 1.0), (lines.order.min() - 0.5, lines.order.max() + 0.5))
    for first, second, along, across in _STAGES:
        pairs = _paired(spots, moved_x, moved_y, along, across)
        if len(pairs.spot) < _LEAST:
            raise ValueError(f"only {len(pairs.spot)} spots are where the format has lines")
        x, order = lines.x[pairs.line], lines.order[pairs.line].astype(float)
        corrections = [
            fit_surface(
                x, order, found, intervals=intervals, degrees=(first, second), kappa=2.5, floor=0.1
            ).surface(lines.x, lines.order.astype(float))
            for found in (spots.x[pairs.spot] - x, spots.y[pairs.spot] - lines.y[pairs.line])
        ]
        moved_x, moved_y = lines.x + corrections[0], lines.y + corrections[1]
    return _paired(spots, moved_x, moved_y, *_STAGES[-1][2:])


def _paired(spots: Spots, x: np.ndarray, y: np.ndarray, along: float, across: float) -> Matched:
    """Each spot with the line nearest to it, if it is also the nearest spot of that line."""
    found = np.column_stack([spots.x / along, spots.y / across])
    places = np.column_stack([x / along, y / across])
    distance, line = KDTree(places).query(found)
    back = KDTree(found).query(places)[1]
    mutual = (distance <= 1.0) & (back[np.minimum(line, len(places) - 1)] == np.arange(len(found)))
    return Matched(np.flatnonzero(mutual), line[mutual])
