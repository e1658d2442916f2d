"""QC1 parameters and figures of extracted orders; names as uves_obs_scired 6.1.8 has them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from vltflow.algorithms import Quality
from vltflow.recipes.declaration import QcDeclaration
from vltflow.records import QcFigure

if TYPE_CHECKING:
    from vltflow.algorithms.background import Background
    from vltflow.algorithms.extraction import TraceLight
    from vltflow.algorithms.orders import OrderSpectra
    from vltflow.algorithms.profile_table import ProfileTable
    from vltflow.algorithms.slit import SlitImage
    from vltflow.algorithms.source import Source
    from vltflow.recipes.echelle.slit_light import SlitLight, Traces

DECLARED = (
    QcDeclaration(
        "QC OBJ FOUND",
        "",
        "1 if there is a source in the slit, 0 if not; not told where none is looked for",
    ),
    QcDeclaration("QC OBJ SN", "", "Signal to noise ratio of the source's trace, whole chip"),
    QcDeclaration("QC OBJ POS", "pixel", "Median place of the source above the slit's lower end"),
    QcDeclaration("QC OBJ FWHM", "pixel", "Median width of the source along the slit"),
    QcDeclaration("QC OBJ EDGE", "", "Distance of the source from the slit's end, in widths"),
    QcDeclaration("QC SN MED", "", "Median signal to noise ratio of a column, all orders"),
    QcDeclaration("QC SN MAX", "", "Highest of the orders' mean signal to noise ratios"),
    QcDeclaration("QC EX NORD", "", "Orders extracted"),
    QcDeclaration("QC EX XSIZE", "pixel", "Columns of an extracted order"),
    QcDeclaration("QC EX CHI2", "", "Median reduced chi square of the columns' fits"),
    QcDeclaration(
        "QC EX COVERED", "%", "Largest share of an order's slit that the next orders' slits cover"
    ),
    QcDeclaration("QC EX FLATERR", "%", "Median error of the blaze, which error bars do not have"),
    QcDeclaration("QC NCRH", "pixel", "Pixels left out as cosmic rays"),
    QcDeclaration("QC NPIXSAT", "pixel", "Saturated pixels in the raw frame"),
    QcDeclaration("QC NSATCOL", "pixel", "Extracted columns whose source is saturated"),
    QcDeclaration("QC NEGFRAC", "%", "Share of extracted columns with negative counts"),
    QcDeclaration("QC SKY LEVEL", "ADU", "Median sky in one pixel along the slit"),
    QcDeclaration("QC SKY DARK", "pixel", "Rows at the slit's ends without sky, where it shows"),
    QcDeclaration("QC BKG LEVEL", "ADU", "Median light between the orders"),
    QcDeclaration("QC BKG RMS", "ADU", "Scatter of the light between orders about its model"),
    QcDeclaration("QC BKG GAPS", "%", "Share of the gaps between orders that are wide enough"),
)
"""For every order i (from the chip's lower rim) also QC ORDi OBJ SN, POS, FWHM and RPLPAR."""

_LAGS = slice(8, 120)
"""Columns between crossings of a trace from one row to the next."""
_UNKNOWN = -1.0
"""ESO's value of a place that cannot be measured (dictionary UVES_QC, QC ORDi OBJ POS)."""
_DRAWN = 3000


def measure(
    spectra: OrderSpectra,
    light: TraceLight,
    traces: Traces,
    source: Source | None,
    pixels: SlitLight,
) -> dict[str, float]:
    """QC1 parameters of the chip and of every order."""
    known = np.isfinite(spectra.flux)
    ratio = np.where(known, spectra.flux / np.sqrt(np.where(known, spectra.variance, 1.0)), np.nan)
    saturated = known & ((spectra.quality & int(Quality.SATURATED)) != 0)
    qc = {
        "QC OBJ SN": source.snr if source is not None else _UNKNOWN,
        "QC SN MED": _median(ratio),
        "QC EX NORD": float(known.any(axis=1).sum()),
        "QC EX XSIZE": float(spectra.flux.shape[1]),
        "QC EX CHI2": _median(light.chi2),
        "QC EX COVERED": _covered(traces.whole),
        "QC NCRH": float(light.rejected.sum()),
        "QC NPIXSAT": float(pixels.saturated),
        "QC NSATCOL": float(saturated.sum()),
        "QC NEGFRAC": 100.0 * float(np.sum(spectra.flux[known] < 0)) / max(1, int(known.sum())),
        "QC SKY LEVEL": _median(light.level),
    }
    qc |= _orders(spectra, traces, source, ratio)
    place = [qc[name] for name in qc if name.endswith("OBJ POS")]
    width = [qc[name] for name in qc if name.endswith("OBJ FWHM")]
    if source is not None:
        qc["QC OBJ FOUND"] = float(source.found)
        qc |= {"QC OBJ EDGE": _edge(source, traces.slit), "QC SKY DARK": source.dark}
    qc["QC OBJ POS"] = float(np.median(place)) if place else _UNKNOWN
    qc["QC OBJ FWHM"] = float(np.median(width)) if width else _UNKNOWN
    qc["QC SN MAX"] = max(qc[name] for name in qc if name.endswith("OBJ SN") and "ORD" in name)
    return qc


def _covered(slit: SlitImage) -> float:
    """Percent of the slit that the windows of an order leave out, median over its columns."""
    seen = np.minimum(slit.high, slit.half) - np.maximum(slit.low, -slit.half)
    shares = [1.0 - np.median(one[np.isfinite(one)]) / (2.0 * slit.half)
              for one in seen if np.isfinite(one).any()]  # fmt: skip
    return 100.0 * float(max(shares, default=0.0))


def _edge(source: Source, slit: SlitImage) -> float:
    """Distance of a source from the nearer end of the slit, in its widths; NaN without one."""
    middle = slit.centre.shape[1] // 2
    place, width = source.centre[:, middle], source.width[:, source.width.shape[1] // 2]
    distance = np.minimum(place - slit.low[:, middle], slit.high[:, middle] - place) / width
    known = np.isfinite(distance)
    return float(np.median(distance[known])) if source.found and known.any() else np.nan


def _median(values: np.ndarray) -> float:
    good = values[np.isfinite(values)]
    return float(np.median(good)) if good.size else _UNKNOWN


def _orders(
    spectra: OrderSpectra, traces: Traces, source: Source | None, ratio: np.ndarray
) -> dict[str, float]:
    """Of every order, counted from the chip's lower rim as ESO's recipe does."""
    slit = traces.slit
    middle = slit.centre.shape[1] // 2
    qc: dict[str, float] = {}
    for number, n in enumerate(np.argsort(slit.centre[:, middle]), 1):
        name = f"QC ORD{number} OBJ"
        good = ratio[n][np.isfinite(ratio[n])]
        seen = source is not None and source.found
        qc[f"{name} SN"] = float(good.mean()) if good.size else _UNKNOWN
        qc[f"{name} POS"] = (
            float(source.centre[n, middle] - slit.low[n, middle])
            if source is not None and seen and np.isfinite(slit.low[n, middle])
            else _UNKNOWN
        )
        qc[f"{name} FWHM"] = (
            float(source.width[n, source.width.shape[1] // 2])
            if source is not None and seen
            else _UNKNOWN
        )
        qc[f"{name} RPLPAR"] = ripple(spectra.flux[n])
    return qc


def ripple(flux: np.ndarray) -> float:
    """Relative amplitude of waves in a spectrum as wide as a trace's steps from row to row.

    The highest autocovariance at lags of 8 to 120 pixels, of the flux divided by its running
    mean over 121 pixels, is half the square of the wave's amplitude. Noise has none at any lag.
    """
    good = np.isfinite(flux)
    if good.sum() < 400:
        return _UNKNOWN
    values = np.where(good, flux, 0.0)
    window = np.ones(121)
    mean = np.convolve(values, window, "same") / np.maximum(np.convolve(good, window, "same"), 1)
    inside = good & (mean > 0)
    wave = np.where(inside, np.clip(values / np.where(inside, mean, 1.0) - 1.0, -1.0, 1.0), 0.0)
    size = 2 * len(wave)
    power = np.abs(np.fft.rfft(wave, size)) ** 2
    covariance = np.fft.irfft(power, size)[: len(wave)] / max(1, int(inside.sum()))
    first = covariance[_LAGS]
    # What falls off from lag 0 is the spectrum itself: a wave has its peak inside the range.
    peaks = first[1:-1][(first[1:-1] > first[:-2]) & (first[1:-1] >= first[2:])]
    return float(np.sqrt(2.0 * max(0.0, float(peaks.max(initial=0.0)))))


def blaze_qc(spectra: OrderSpectra, error: np.ndarray) -> dict[str, float]:
    """What the flat's own error adds to that of the flux divided by it; NaN without a blaze."""
    used = np.isfinite(spectra.flux) & (spectra.blaze > 0) & np.isfinite(error)
    share = error[used] / spectra.blaze[used]
    return {"QC EX FLATERR": 100.0 * float(np.median(share)) if share.size else np.nan}


def background_qc(background: Background | None) -> dict[str, float]:
    """Of the light between the orders; ESO's -1 where it was not measured."""
    if background is None or background.surface is None:
        share = 0.0 if background is None else background.boxes.share
        return {"QC BKG LEVEL": 0.0, "QC BKG RMS": _UNKNOWN, "QC BKG GAPS": 100.0 * share}
    boxes = background.boxes
    return {
        "QC BKG LEVEL": float(np.median(boxes.level[~boxes.carried])),
        "QC BKG RMS": background.rms,
        "QC BKG GAPS": 100.0 * boxes.share,
    }


def figures(spectra: OrderSpectra, traces: Traces, profile: ProfileTable) -> tuple[QcFigure, ...]:
    """Profile along the slit, signal to noise ratio of the orders, the brightest order."""
    with np.errstate(invalid="ignore"):
        ratio = spectra.flux / np.sqrt(spectra.variance)
    known = np.isfinite(ratio)
    mean = np.where(known, ratio, 0.0).sum(axis=1) / np.maximum(1, known.sum(axis=1))
    best = int(np.argmax(mean))
    middle = profile.values.shape[1] // 2
    place = profile.start + np.arange(profile.values.shape[2]) / 16.0
    shown = np.abs(place) <= traces.slit.half
    light = profile.values[best, middle][shown]
    order = int(spectra.orders[best])
    every = -(-spectra.flux.shape[1] // _DRAWN)
    x = np.arange(1, spectra.flux.shape[1] + 1, dtype=float)[::every]
    return (
        QcFigure("profile", f"Source along the slit, order {order}", "line", place[shown],
                 light, "distance from the source [pixel]", "share of its light per pixel",
                 parameters=("QC OBJ FWHM", "QC OBJ POS"),
                 marks={"half of its peak": 0.5 * float(light.max())}),
        QcFigure("sn_orders", "Signal to noise ratio of the orders", "line",
                 spectra.orders.astype(float), mean, "order", "mean SNR per column",
                 parameters=("QC SN MED", "QC SN MAX")),
        QcFigure("order", f"Extracted light of order {order}", "line", x,
                 spectra.flux[best][::every], "x [pixel]", "flux [ADU]",
                 parameters=("QC NEGFRAC", "QC NCRH")),
    )  # fmt: skip
