"""A spectrum for the eye: all of it with fewer points, a part of it in full resolution."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from vltflow.algorithms import Quality
from vltflow.core.errors import UserError
from vltflow.plots.decimate import decimate_line
from vltflow.plots.spectrum import SpectrumPreview
from vltflow.publish.preview import preview_of
from vltflow.store import Store
from vltflow.web.pages import as_json
from vltflow.web.product import Version, chosen, versions_of
from vltflow.web.service import Serving

router = APIRouter()
_GAP = 10.0
"""Steps after which the line is broken: between two chips."""
_DIGITS, _VALUE_DIGITS = 9, 5
_MOST_BANDS = 400
Wavelength = Annotated[float | None, Query(allow_inf_nan=False)]


@dataclass(frozen=True, slots=True)
class Part:
    """Which part of a spectrum, with how many bins."""

    start: Wavelength = None
    """In the unit of the product; None: from its beginning."""
    stop: Wavelength = None
    bins: Annotated[int, Query(ge=50, le=4000)] = 1200
    """More points than three a bin are made fewer; extremes stay."""


@router.get("/api/science/{name}/spectrum")
def spectrum_json(
    request: Request,
    service: Serving,
    name: str,
    part: Annotated[Part, Depends()],
    version: Version = 0,
) -> Response:
    """Flux, error, signal to noise and flagged ranges of a spectrum or a part of it."""
    product = chosen(versions_of(service.store, name), version)
    shown = _read(service.store, product.file_id)
    low = shown.wave[0] if part.start is None else part.start
    high = shown.wave[-1] if part.stop is None else part.stop
    if not low < high:
        raise UserError(f"{low:g} to {high:g} is no range of wavelengths")
    return as_json(request, seen(shown, low, high, part.bins))


@lru_cache(maxsize=8)
def _read(store: Store, file_id: str) -> SpectrumPreview:
    with tempfile.TemporaryDirectory() as folder:
        return preview_of(store.vault.local_path(file_id, Path(folder)))


def seen(shown: SpectrumPreview, low: float, high: float, bins: int) -> dict[str, Any]:
    """Plain values of a part of a spectrum.

    Of each bin of equally many elements the lowest and the highest flux, error and signal to
    noise stay, so that no line and no glitch is lost; where there are no more than three
    elements a bin, all stay. Undefined values are None, and so are gaps.
    """
    first, last = np.searchsorted(shown.wave, [low, high])
    inside = slice(max(int(first) - 1, 0), int(last) + 1)
    wave, flux, error = shown.wave[inside], shown.flux[inside], shown.error[inside]
    snr = np.divide(flux, error, out=np.full(flux.shape, np.nan), where=error > 0)
    place = np.arange(wave.size)
    kept = np.unique(
        np.concatenate([decimate_line(place, one, bins)[0] for one in (flux, error, snr)])
    )
    breaks = _breaks(shown.wave, wave, kept)
    return {
        "wave": [float(f"{one:.{_DIGITS}g}") for one in np.insert(wave[kept], *breaks)],
        "flux": _values(flux, kept, breaks[0]),
        "error": _values(error, kept, breaks[0]),
        "snr": _values(snr, kept, breaks[0]),
        "flags": _bands(wave, shown.quality[inside], bins),
        "wave_label": shown.wave_label,
        "flux_label": shown.flux_label,
        "elements": int(wave.size),
        "complete": bool(kept.size == wave.size),
        "range": [float(shown.wave[0]), float(shown.wave[-1])],
    }


def flag_words(flags: int) -> str:
    """Names of quality flags that are set."""
    names = [(bit.name or "").lower().replace("_", " ") for bit in Quality if bit & flags]
    rest = flags & ~sum(Quality)
    return ", ".join(names + ([f"flag {rest}"] if rest else []))


def _breaks(whole: np.ndarray, wave: np.ndarray, kept: np.ndarray) -> tuple[Any, Any]:
    """Places in `kept` and wavelengths where a point without value breaks the line."""
    gaps = np.flatnonzero(np.diff(wave) > _GAP * np.median(np.diff(whole))) + 1
    return np.searchsorted(kept, gaps), (wave[gaps] + wave[gaps - 1]) / 2.0


def _values(values: np.ndarray, kept: np.ndarray, breaks: Any) -> list[float | None]:
    found = np.insert(values[kept].astype(float), breaks, np.nan)
    return [float(f"{one:.{_VALUE_DIGITS}g}") if np.isfinite(one) else None for one in found]


def _bands(wave: np.ndarray, quality: np.ndarray, bins: int) -> list[dict[str, Any]]:
    """Flagged ranges: what lies closer together than the screen shows is one."""
    places = np.flatnonzero(quality)
    if not places.size:
        return []
    near = max(1, wave.size // min(bins, _MOST_BANDS))
    groups = np.split(places, np.flatnonzero(np.diff(places) > near) + 1)
    return [
        {
            "from": float(wave[group[0]]),
            "to": float(wave[group[-1]]),
            "elements": int(group.size),
            "words": flag_words(int(np.bitwise_or.reduce(quality[group]))),
        }
        for group in groups
    ]
