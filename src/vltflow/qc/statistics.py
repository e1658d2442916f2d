"""Statistical process QC: all science spectra of a mode together, and those that stand out.

No single spectrum is looked at: each is one point, and what does not follow the others is listed.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from vltflow.algorithms.photon_law import PhotonLaw, far_below, fit_photon_law
from vltflow.instruments import Instrument
from vltflow.instruments.naming import render
from vltflow.records import QcValue, score_bits
from vltflow.store import Transaction

if TYPE_CHECKING:
    from vltflow.plots.style import FileFormat

FACTOR = 0.6
"""Share of the law's signal to noise below which a product is an anomaly."""
RATIO = (0.6, 1.6)
"""Range of measured over expected signal to noise that is none."""
_PARAMETERS = {
    "snr": "QC SPEC SNR",
    "electrons": "QC SPEC COUNTS",
    "ratio": "QC SPEC SNRRATIO",
}
_NAN = float("nan")


@dataclass(frozen=True, slots=True)
class SciencePoint:
    """One reduced spectrum of one chip; NaN where nothing was measured."""

    block: str
    category: str
    mode: str
    mjd: float
    electrons: float
    """Median flux of a bin."""
    snr: float
    ratio: float
    """Signal to noise as bins scatter, over that of the error bars."""
    days: float
    """Distance in time to the first of the masters that ``idp.yaml`` names in `distances`."""
    celsius: float
    bits: str
    """Score bits of the AB."""


@dataclass(frozen=True, slots=True)
class ModeStatistics:
    """Spectra of one mode, their law, and those that stand out."""

    mode: str
    points: tuple[SciencePoint, ...]
    """By time."""
    law: PhotonLaw
    anomalies: tuple[tuple[SciencePoint, str], ...]
    """With what is wrong."""

    @property
    def is_anomalous(self) -> np.ndarray:
        """Which points stand out, (n,) of bool."""
        listed = {(point.block, point.category) for point, _ in self.anomalies}
        return np.array([(one.block, one.category) in listed for one in self.points], dtype=bool)

    def column(self, name: str) -> np.ndarray:
        """Values of all points, (n,)."""
        return np.array([getattr(one, name) for one in self.points], dtype=float)


def science_statistics(
    tx: Transaction,
    instrument: Instrument,
    *,
    mjd: tuple[float, float] | None = None,
    blocks: Collection[str] | None = None,
) -> list[ModeStatistics]:
    """Statistics of all modes of an instrument, by mode.

    Parameters
    ----------
    mjd
        Closed range of the exposures; all by default.
    blocks
        Names of the ABs that count; all by default.
    """
    modes: dict[str, list[SciencePoint]] = defaultdict(list)
    for point in _points(tx, instrument, mjd):
        if blocks is None or point.block in blocks:
            modes[point.mode].append(point)
    return [_statistics(mode, modes[mode]) for mode in sorted(modes)]


def picture(
    title: str,
    modes: Sequence[ModeStatistics],
    *,
    file_format: FileFormat = "png",
    prefix: str = "",
) -> bytes:
    """The statistics as `plots.science` draws them."""
    from vltflow.plots.science import ModePoints, draw_statistics  # noqa: PLC0415 - slow to load

    points = [
        ModePoints(
            label=one.mode,
            electrons=one.column("electrons"),
            snr=one.column("snr"),
            ratio=one.column("ratio"),
            days=one.column("days"),
            celsius=one.column("celsius"),
            scale=one.law.scale,
            anomalous=one.is_anomalous,
        )
        for one in modes
    ]
    return draw_statistics(title, points, file_format=file_format, prefix=prefix)


def _statistics(mode: str, points: Sequence[SciencePoint]) -> ModeStatistics:
    plain = ModeStatistics(mode, tuple(points), PhotonLaw(_NAN, 0), ())
    electrons, snr = plain.column("electrons"), plain.column("snr")
    law = fit_photon_law(electrons, snr)
    below = far_below(electrons, snr, law, factor=FACTOR)
    anomalies = [
        (point, reason)
        for point, is_below in zip(points, below, strict=True)
        if (reason := _anomaly(point, law, is_below=bool(is_below)))
    ]
    return ModeStatistics(mode, tuple(points), law, tuple(anomalies))


def _anomaly(point: SciencePoint, law: PhotonLaw, *, is_below: bool) -> str:
    reasons = []
    if is_below:
        wanted = float(law.snr(np.array([point.electrons]))[0])
        reasons.append(f"SNR {point.snr:.3g} of {wanted:.3g} that {point.electrons:.3g} e- allow")
    if not np.isnan(point.ratio) and not RATIO[0] <= point.ratio <= RATIO[1]:
        reasons.append(f"scatter tells {point.ratio:.2g} of the SNR that the error bars tell")
    return "; ".join(reasons)


def _points(
    tx: Transaction, instrument: Instrument, mjd: tuple[float, float] | None
) -> Iterable[SciencePoint]:
    word = next(iter(instrument.idp.distances), "")
    names = _PARAMETERS | {"days": f"QC CAL DT {word}", "celsius": f"QC CAL DTEMP {word}"}
    found: dict[tuple[str, str], dict[str, QcValue]] = defaultdict(dict)
    for field, parameter in names.items():
        for value in tx.quality.values(instrument=instrument.name, parameter=parameter, mjd=mjd):
            found[value.block, value.category][field] = value
    blocks = tx.blocks.by_name({block for block, _ in found})
    scores = tx.quality.scores(blocks)
    chips = [chip.name for several in instrument.header.detectors.values() for chip in several]
    points = []
    for (name, category), values in found.items():
        block = blocks[name]
        latest = {key: one.value for key, one in values.items() if one.revision == block.revision}
        if "snr" not in latest:
            continue
        chip = next((one for one in chips if category.endswith(f"_{one}")), category)
        mode = render(instrument.idp.mode, json.loads(block.setup_keys))
        points.append(
            SciencePoint(
                block=name,
                category=category,
                mode=f"{chip} {mode}".strip(),
                mjd=block.mjd_mid,
                electrons=latest.get("electrons", _NAN),
                snr=latest["snr"],
                ratio=latest.get("ratio", _NAN),
                days=latest.get("days", _NAN),
                celsius=latest.get("celsius", _NAN),
                bits=score_bits(scores.get(name, [])),
            )
        )
    return sorted(points, key=lambda one: (one.mjd, one.category))
