"""Figures of a merged spectrum, from the arrays that gave its numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from vltflow.records import QcFigure

if TYPE_CHECKING:
    from vltflow.algorithms.merge import Merged

_SHOWN = 2000
"""Points of a figure at most."""


def spectrum_figures(merged: Merged) -> tuple[QcFigure, ...]:
    """The spectrum, its signal to noise, and the steps between orders."""
    wave = merged.grid.centres
    good = np.where(merged.quality == 0, 1.0, np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = merged.flux / np.sqrt(merged.variance)
    return (
        line_figure(
            "spectrum", "Merged spectrum", wave, merged.flux * merged.grid.widths * good,
            "flux [adu/bin]",
        ),
        line_figure(
            "snr", "Signal to noise of a bin", wave, ratio * good, "signal to noise",
            ("QC MERGE SN",),
        ),
        _steps(merged),
    )  # fmt: skip


def line_figure(
    name: str,
    title: str,
    wave: np.ndarray,
    values: np.ndarray,
    label: str,
    parameters: tuple[str, ...] = (),
) -> QcFigure:
    """Medians of the values over wavelength (Angstrom, shown in nm), at most 2000 of them."""
    size = max(1, -(-len(wave) // _SHOWN))
    starts = np.arange(0, len(wave), size)
    places = np.add.reduceat(wave, starts) / np.diff(np.append(starts, len(wave))) / 10.0
    blocks = np.full(len(starts) * size, np.nan)
    blocks[: len(values)] = np.where(np.isfinite(values), values, np.nan)
    # NaN are sorted behind all values.
    ordered = np.sort(blocks.reshape(-1, size), axis=1)
    told = np.isfinite(ordered).sum(axis=1)
    row = np.arange(len(starts))
    medians = 0.5 * (
        ordered[row, np.maximum(told - 1, 0) // 2] + ordered[row, np.minimum(told // 2, size - 1)]
    )
    return QcFigure(
        name, title, "line", places, medians, "wavelength [nm]", label,
        parameters=parameters,
    )  # fmt: skip


def _steps(merged: Merged) -> QcFigure:
    steps = sorted(merged.steps, key=lambda one: one.wave)
    return QcFigure(
        "steps", "Steps from an order to the next bluer one", "line",
        np.array([one.wave / 10.0 for one in steps]),
        np.array([100.0 * (one.ratio - 1.0) for one in steps]),
        "wavelength [nm]", "step [%]",
        parameters=("QC MERGE STEPAVG", "QC MERGE STEPRMS", "QC MERGE STEPMAX"),
    )  # fmt: skip
