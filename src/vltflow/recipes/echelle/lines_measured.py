"""What a wavelength solution tells of its lines: QC1 values, rows, figures."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from vltflow.recipes.declaration import QcDeclaration, TableData
from vltflow.records import QcFigure

if TYPE_CHECKING:
    from vltflow.algorithms.identify import Lines, Solution
    from vltflow.recipes.echelle.tilt import SlitImage

_PM = 100.0
"""Picometre per Angstrom."""
_BRIGHTEST = 10
"""Lines of the catalogue that each order should show."""
_SHOWN = 4000
"""Points of a figure at most."""

DECLARED = (
    QcDeclaration("QC FWHMAVG", "pixel", "Mean width of the lines used, along x"),
    QcDeclaration("QC FWHMRMS", "pixel", "Scatter of the width of the lines used"),
    QcDeclaration("QC FWHMMED", "pixel", "Median width of the lines used, along x"),
    QcDeclaration("QC RESOLAVG", "", "Mean resolving power of the lines used"),
    QcDeclaration("QC RESOLRMS", "", "Scatter of the resolving power"),
    QcDeclaration("QC RESOLMED", "", "Median resolving power of the lines used"),
    QcDeclaration("QC LINE RESIDAVG", "pm", "Mean residual of the lines used"),
    QcDeclaration("QC LINE RESIDRMS", "pm", "Rms residual of the lines used"),
    QcDeclaration("QC LINE RESIDRMS PIX", "pixel", "Rms residual of the lines used"),
    QcDeclaration("QC LINE RESIDRMS SPEED", "m/s", "Rms residual of the lines used"),
    QcDeclaration("QC LINE DORDER", "", "Correction of the numbers of the order table"),
    QcDeclaration(
        "QC LINE SHIFT", "pixel", "Median shift of the rough model's wavelengths to the lines"
    ),
    QcDeclaration("QC LINE DGUESS", "pixel", "The same of the format check's, where there is one"),
    QcDeclaration("QC LINE DWLEN", "nm", "Central wavelength by the orders' places - header"),
    QcDeclaration("QC LINE HALFBRIG", "%", "Share of the brighter half of the lines identified"),
    QcDeclaration("QC LINE FRACSEL", "%", "Share of the lines that an arc should show identified"),
    QcDeclaration("QC LINE CONTRAST", "", "Votes for the shift over those of the runner-up"),
    QcDeclaration("QC NLINTOT", "", "Lines found"),
    QcDeclaration("QC NLINSEL", "", "Lines identified with the catalogue"),
    QcDeclaration("QC NLINSOL", "", "Lines used in the solution"),
    QcDeclaration("QC WLENMIN", "nm", "Lowest wavelength on the chip, in air"),
    QcDeclaration("QC WLENMAX", "nm", "Highest wavelength on the chip, in air"),
    QcDeclaration("QC ORDMIN", "", "Lowest order with lines used"),
    QcDeclaration("QC ORDMAX", "", "Highest order with lines used"),
    QcDeclaration("QC TILT MED", "", "Median tilt of the slit, pixel along x a pixel along it"),
    QcDeclaration("QC TILT RMS", "", "Scatter of the tilt of single lines"),
)
_LINE = np.dtype(
    [("X", "f8"), ("XERR", "f8"), ("ORDER", "i4"), ("PEAK", "f8"), ("FWHM", "f8"),
     ("WAVEC", "f8"), ("IDENT", "f8"), ("RESIDUAL", "f8"), ("USED", "i2")]
)  # fmt: skip
_UNITS = {
    "X": "pixel", "XERR": "pixel", "FWHM": "pixel", "PEAK": "adu", "WAVEC": "Angstrom",
    "IDENT": "Angstrom", "RESIDUAL": "pixel",
}  # fmt: skip


def _residuals(lines: Lines, solution: Solution) -> tuple[np.ndarray, np.ndarray]:
    """Residuals of the identified lines: pixels, and Angstrom."""
    order = lines.order[solution.index] + solution.vote.orders
    wave = solution.fit.residuals / order
    return wave / solution.dispersion, wave


def measure(
    lines: Lines, fwhm: np.ndarray, solution: Solution, slit: SlitImage, width: int
) -> dict[str, float]:
    """QC1 values of a solution; see `DECLARED`."""
    used = solution.fit.used
    index, wave = solution.index[used], solution.wave[used]
    pixels, angstrom = (values[used] for values in _residuals(lines, solution))
    widths = fwhm[index]
    power = wave / (widths * np.abs(solution.dispersion[used]))
    orders = lines.order[index] + solution.vote.orders
    bright = np.argsort(lines.strength)[len(lines.x) // 2 :]
    ends = solution(np.array([[0.0], [width - 1.0]]), np.unique(orders)[None, :].astype(float))
    return {
        "QC FWHMAVG": float(widths.mean()),
        "QC FWHMRMS": float(widths.std()),
        "QC FWHMMED": float(np.median(widths)),
        "QC RESOLAVG": float(power.mean()),
        "QC RESOLRMS": float(power.std()),
        "QC RESOLMED": float(np.median(power)),
        "QC LINE RESIDAVG": float(angstrom.mean()) * _PM,
        "QC LINE RESIDRMS": float(angstrom.std()) * _PM,
        "QC LINE RESIDRMS PIX": float(pixels.std()),
        "QC LINE RESIDRMS SPEED": float((angstrom / wave).std()) * 299_792_458.0,
        "QC LINE DORDER": solution.vote.orders,
        "QC LINE HALFBRIG": 100.0 * float(np.isin(bright, solution.index).mean()),
        "QC LINE CONTRAST": solution.vote.contrast / max(solution.vote.runner_up, 1e-9),
        "QC NLINTOT": len(lines.x),
        "QC NLINSEL": len(solution.index),
        "QC NLINSOL": int(used.sum()),
        "QC WLENMIN": float(ends.min()) / 10.0,
        "QC WLENMAX": float(ends.max()) / 10.0,
        "QC ORDMIN": int(orders.min()),
        "QC ORDMAX": int(orders.max()),
        "QC TILT MED": slit.median,
        "QC TILT RMS": slit.rms,
    }


def share_identified(
    lines: Lines, solution: Solution, catalogue: np.ndarray, width: int
) -> dict[str, float]:
    """QC LINE FRACSEL: how many of the brightest lines of the catalogue were identified, percent.

    The ten brightest within the chip's columns of every order with lines: each setting has
    such lines, whatever their number. Some are blends, or on the rim of the chip.

    Parameters
    ----------
    catalogue
        Rows with WAVE (in the medium of the solution) and INTENSITY; without INTENSITY
        nothing is told.
    """
    if "INTENSITY" not in (catalogue.dtype.names or ()):
        return {}
    identified = lines.order[solution.index] + solution.vote.orders
    found = []
    for order in np.unique(lines.order) + solution.vote.orders:
        ends = np.sort(solution(np.array([0.0, width - 1.0]), float(order)))
        inside = catalogue[(catalogue["WAVE"] > ends[0]) & (catalogue["WAVE"] < ends[1])]
        brightest = np.argsort(-inside["INTENSITY"], kind="stable")[:_BRIGHTEST]
        found.append(np.isin(inside["WAVE"][brightest], solution.wave[identified == order]))
    every = np.concatenate(found)
    return {"QC LINE FRACSEL": 100.0 * float(every.mean())} if every.size else {}


def line_rows(
    lines: Lines,
    fwhm: np.ndarray,
    solution: Solution,
    medium: Callable[[np.ndarray], np.ndarray],
) -> TableData:
    """All detected lines; IDENT and RESIDUAL are NaN where none was identified.

    Parameters
    ----------
    medium
        Turns wavelengths in air into those of the product.
    """
    rows = np.zeros(len(lines.x), _LINE)
    order = lines.order + solution.vote.orders
    rows["X"], rows["XERR"], rows["ORDER"] = lines.x + 1.0, lines.sigma, order
    rows["PEAK"], rows["FWHM"] = lines.strength, fwhm
    rows["WAVEC"] = medium(solution(lines.x, order.astype(float)))
    rows["IDENT"] = rows["RESIDUAL"] = np.nan
    rows["IDENT"][solution.index] = medium(solution.wave)
    rows["RESIDUAL"][solution.index] = _residuals(lines, solution)[0]
    rows["USED"][solution.index] = solution.fit.used
    return TableData("LINES", rows, _UNITS)


def figures(lines: Lines, solution: Solution) -> tuple[QcFigure, ...]:
    """Residuals over the wavelength and their distribution."""
    used = solution.fit.used
    pixels = _residuals(lines, solution)[0][used]
    place = np.argsort(solution.wave[used], kind="stable")
    place = place[:: -(-len(place) // _SHOWN)]
    counts, edges = np.histogram(pixels, bins=80)
    about = ("QC LINE RESIDRMS PIX",)
    return (
        QcFigure("residuals", "Residuals of the lines used", "line",
                 solution.wave[used][place] / 10.0, pixels[place], "wavelength [nm]",
                 "residual [pixel]", parameters=about),
        QcFigure("residual_histogram", "Residuals of the lines used", "histogram", edges, counts,
                 "residual [pixel]", "lines", parameters=about),
    )  # fmt: skip
