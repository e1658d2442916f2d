"""Figures of the detector recipes, from the arrays that gave the numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from vltflow.algorithms import downsample
from vltflow.records import QcFigure

if TYPE_CHECKING:
    from vltflow.algorithms import Histogram

BINS = 200


def profile_figure(
    name: str,
    title: str,
    profile: np.ndarray,
    *,
    axes: tuple[str, str],
    parameters: tuple[str, ...],
) -> QcFigure:
    """A profile over pixels."""
    return QcFigure(
        name, title, "line", np.arange(1, len(profile) + 1, dtype=np.float64), profile, *axes,
        parameters=parameters, marks={"mean": float(np.nanmean(profile))},
    )  # fmt: skip


def frames_figure(
    name: str, title: str, values: np.ndarray, *, label: str, parameters: tuple[str, ...]
) -> QcFigure:
    """One value a frame, in the order of the frames."""
    return QcFigure(
        name, title, "line", np.arange(1, len(values) + 1, dtype=np.float64),
        np.asarray(values, np.float64), "frame", label, parameters=parameters,
    )  # fmt: skip


def histogram_figure(
    name: str,
    title: str,
    histogram: Histogram,
    *,
    label: str,
    parameters: tuple[str, ...],
    marks: dict[str, float],
) -> QcFigure:
    """A histogram, cut to where its values are and joined to at most `BINS` bins."""
    low, high = (
        (histogram.quantile(0.0005), histogram.quantile(0.9995)) if histogram.total else (-1.0, 1.0)
    )
    margin = max(0.25 * (high - low), 2 * histogram.width)
    start = int(np.searchsorted(histogram.edges, low - margin))
    stop = max(start + 1, int(np.searchsorted(histogram.edges, high + margin)))
    counts = histogram.counts[start:stop]
    step = -(-len(counts) // BINS)
    counts = counts[: len(counts) // step * step].reshape(-1, step).sum(axis=1)
    edges = histogram.start + histogram.width * (start + step * np.arange(len(counts) + 1))
    return QcFigure(
        name, title, "histogram", edges, counts, label, "pixels",
        parameters=parameters, marks=marks,
    )  # fmt: skip


def image_figure(name: str, title: str, image: np.ndarray) -> QcFigure:
    """An image of at most 512 pixels a side; x holds the pixels that one of its own spans."""
    small = downsample(image)
    step = max(1, -(-max(image.shape) // 512))
    return QcFigure(
        name, title, "image", np.array([float(step)]), small, "x [pixel]", "y [pixel]",
        marks={"pixels joined": float(step)},
    )  # fmt: skip
