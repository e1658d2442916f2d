"""QC1 values of raw frames that have a threshold, where the recipe that took them tells none."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vltflow.core.errors import VltflowError
from vltflow.fits import RawImage, materialise
from vltflow.instruments import Instrument
from vltflow.instruments.model import ChipSection
from vltflow.qc.dossier import Dossier
from vltflow.records import Product

_STEP = 5
"""Every fifth row tells how bright a frame is."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Light:
    """How bright one chip of a frame is."""

    saturated: int
    """Number of saturated pixels."""
    peak: float
    """ADU above the darkest column (a frame's overscan) that 1 % of the pixels exceed."""


def raw_values(
    instrument: Instrument, dossier: Dossier, told: Collection[tuple[str, str]], folder: Path
) -> Iterator[tuple[Product, str, float]]:
    """Product, parameter and value: light and saturated pixels of the frames of a flat.

    Native recipes tell them; of ESO's some tell nothing at all. The faintest frame and the
    most saturated one count: a mean would hide them.

    Parameters
    ----------
    told
        Categories and parameters that headers hold: these are not measured again.
    folder
        For temporary files.
    """
    limited = {
        (category, one.parameter)
        for one in instrument.scores.thresholds
        for category in one.categories
    }
    for product, chip in _chips(instrument, dossier):
        names = ("QC FLAT PEAK", f"QC OUT{chip.output} NSAT RAW")
        wanted = limited.intersection((product.category, name) for name in names) - set(told)
        if not wanted:
            continue
        found = [_light_of(frame.location, chip, folder) for frame in dossier.frames]
        lights = [one for one in found if one is not None]
        values = (
            min((one.peak for one in lights), default=0.0),
            float(max((one.saturated for one in lights), default=0)),
        )
        for name, value in zip(names, values, strict=True):
            if lights and (product.category, name) in wanted:
                yield product, name, value


def _chips(instrument: Instrument, dossier: Dossier) -> Iterator[tuple[Product, ChipSection]]:
    """Each product with the chip that it is of."""
    types = instrument.products_of(dossier.block.raw_type)
    detector = instrument.raw_types[dossier.block.raw_type].detector
    for product in dossier.products:
        for section in instrument.header.detectors[detector]:
            kind = types.get(product.category)
            if kind and kind.category.replace("{chip}", section.name) == product.category:
                yield product, section


def _light_of(location: str, chip: ChipSection, folder: Path) -> _Light | None:
    """None if the raw frame is away."""
    try:
        with RawImage(materialise(location, folder), chip.extension) as image:
            pixels = image.rows(0, image.shape[0])
            saturated = int(np.count_nonzero(pixels >= chip.saturation))
            looked_at = np.array(pixels[::_STEP])
    except (OSError, VltflowError) as error:
        _log.warning("raw=%s reason=%s", location, error)
        return None
    darkest = float(np.median(looked_at, axis=0).min())
    return _Light(saturated, float(np.percentile(looked_at, 99)) - darkest)
