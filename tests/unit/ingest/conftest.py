"""An instrument, and frames of it as files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from vltflow.core.time import iso_from_mjd
from vltflow.instruments.model import (
    ClassificationFile,
    Instrument,
    InstrumentFile,
    QcFile,
    RecipesFile,
    ScoresFile,
    StaticsFile,
)
from vltflow.instruments.raw_types import AssociationFile

FIRST_MJD = 57079.5


@pytest.fixture
def instrument() -> Instrument:
    """An instrument with one repair: a known wrong DPR TYPE."""
    return Instrument(
        header=InstrumentFile.model_validate(
            {
                "name": "UVES",
                "title": "test",
                "prefix": "UV",
                "instrume": ["UVES"],
                "mandatory": ["INSTRUME", "DATE-OBS", "DPR.CATG", "DPR.TYPE"],
                "repairs": [
                    {
                        "name": "bais_is_bias",
                        "when": {"DPR.TYPE": "BAIS"},
                        "set": {"DPR.TYPE": "BIAS"},
                        "reason": "a template of 2015 wrote it so",
                    }
                ],
                "detectors": {},
            }
        ),
        classification=ClassificationFile(rules=()),
        association=AssociationFile(raw_types={}),
        recipes=RecipesFile(recipes={}),
        statics=StaticsFile(),
        qc=QcFile(parameters=()),
        scores=ScoresFile(thresholds=()),
        context="test",
        folder="",
    )


def raw_hdu(number: int, changes: dict | None = None) -> fits.PrimaryHDU:
    """Frame `number` of a night, 10 minutes after the one before; None takes a keyword away."""
    pixels = np.random.default_rng(number).integers(180, 230, (40, 50)).astype(np.uint16)
    hdu = fits.PrimaryHDU(pixels)
    mjd = FIRST_MJD + number / 144
    keywords = {
        "INSTRUME": "UVES",
        "MJD-OBS": mjd,
        "DATE-OBS": iso_from_mjd(mjd),
        "EXPTIME": 0.0,
        "ARCFILE": f"UVES.{iso_from_mjd(mjd)}.fits",
        "HIERARCH ESO DPR CATG": "CALIB",
        "HIERARCH ESO DPR TYPE": "BIAS",
        "HIERARCH ESO DPR TECH": "IMAGE",
        "HIERARCH ESO TPL START": iso_from_mjd(FIRST_MJD),
        "HIERARCH ESO TPL NEXP": 5,
        "HIERARCH ESO TPL EXPNO": number % 5 + 1,
        "HIERARCH ESO OBS ID": 200203911,
        **(changes or {}),
    }
    hdu.header.update({key: value for key, value in keywords.items() if value is not None})
    return hdu


WriteFrame = Callable[..., Path]


@pytest.fixture
def write_frame(tmp_path: Path) -> WriteFrame:
    """Write frame `number` as `name` under the folder `raw`, with changed keywords."""
    folder = tmp_path / "raw"
    folder.mkdir()

    def write(number: int, name: str = "", changes: dict | None = None) -> Path:
        path = folder / (name or f"frame{number:03}.fits")
        path.parent.mkdir(parents=True, exist_ok=True)
        hdu = raw_hdu(number, changes)
        if path.suffix == ".fz":
            hdus = [fits.PrimaryHDU(), fits.CompImageHDU(hdu.data, hdu.header)]
            fits.HDUList(hdus).writeto(path)
        else:
            hdu.writeto(path)
        return path

    return write
