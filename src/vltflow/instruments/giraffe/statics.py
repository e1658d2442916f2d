"""Static calibrations that code builds: gratings, slit geometry and the lines of the lamp.

Each function writes one FITS file; the same bytes whenever it is called. They describe the
nominal instrument of `spectrograph`, as a first guess; real frames want ESO's own tables.
"""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING

import numpy as np
from astropy.io import fits

from vltflow.instruments.giraffe.spectrograph import (
    CALIBRATION_FIBRES,
    FCOLL,
    FIBRES,
    GCAM,
    HR,
    LR,
    SETTINGS,
    Grating,
    slit_places,
    subslit_of,
)

if TYPE_CHECKING:
    from pathlib import Path

_SLITS = ("Medusa1", "Medusa2")


def grating_data_hr(path: Path) -> None:
    """Write GRATING_DATA of the high-resolution grating."""
    _grating_data(path, HR)


def grating_data_lr(path: Path) -> None:
    """Write GRATING_DATA of the low-resolution grating."""
    _grating_data(path, LR)


def slit_geometry_medusa1(path: Path) -> None:
    """Write SLIT_GEOMETRY_SETUP of the first Medusa slit."""
    _slit_geometry(path, "Medusa1")


def slit_geometry_medusa2(path: Path) -> None:
    """Write SLIT_GEOMETRY_SETUP of the second Medusa slit."""
    _slit_geometry(path, "Medusa2")


def line_catalog(path: Path) -> None:
    """Write LINE_CATALOG: lines of thorium and argon, in standard air, nm."""
    text = (resources.files("vltflow.instruments.giraffe") / "data" / "thar_lines.csv").read_text(
        "ascii"
    )
    rows = [row.split(",") for row in text.splitlines()[2:]]
    columns = [
        fits.Column("WLEN", "D", "nm", array=[float(row[0]) for row in rows]),
        fits.Column("FLUX", "E", array=[float(row[2]) for row in rows]),
        fits.Column("COMMENT", "12A", array=[row[1] for row in rows]),
    ]
    _write(path, "LINE_CATALOG", "LINE_CATALOG", columns, {})


def _grating_data(path: Path, grating: Grating) -> None:
    rows = [
        (setting, slit)
        for setting in SETTINGS.values()
        if setting.grating == grating
        for slit in _SLITS
    ]
    settings = [setting for setting, _ in rows]
    count = len(rows)
    columns = [
        fits.Column("SETUP", "12A", array=[one.name for one in settings]),
        fits.Column("FILTER", "12A", array=[one.filter for one in settings]),
        fits.Column("SLIT", "12A", array=[slit for _, slit in rows]),
        fits.Column("GRATNAME", "8A", array=[grating.name] * count),
        fits.Column("ORDER", "J", array=[one.order for one in settings]),
        fits.Column("WLEN0", "D", "nm", array=[one.wavelength for one in settings]),
        fits.Column("WLMIN", "D", "nm", array=[one.edges[0] for one in settings]),
        fits.Column("WLMAX", "D", "nm", array=[one.edges[1] for one in settings]),
        fits.Column("BAND", "D", "nm", array=[one.edges[1] - one.edges[0] for one in settings]),
        fits.Column("RMED", "J", array=[round(one.resolving_power) for one in settings]),
        fits.Column("RIFA", "J", array=[round(1.5 * one.resolving_power) for one in settings]),
        fits.Column("THETA", "D", "rad", array=[one.theta for one in settings]),
        fits.Column("FCOLL", "D", "mm", array=np.full(count, FCOLL)),
        fits.Column("GCAM", "D", array=np.full(count, GCAM)),
        fits.Column("SDX", "D", "mm", array=np.zeros(count)),
        fits.Column("SDY", "D", "mm", array=np.zeros(count)),
        fits.Column("SPHI", "D", array=np.zeros(count)),
    ]
    _write(path, "GRATING_DATA", "GRATING_DATA", columns, {"INS GRAT ID": grating.name})


def _slit_geometry(path: Path, slit: str) -> None:
    fps = np.arange(1, FIBRES + 1)
    science = ~np.isin(fps, CALIBRATION_FIBRES)
    x, y = slit_places(slit)
    columns = [
        fits.Column("INDEX", "J", array=fps),
        fits.Column("FPS", "J", array=fps),
        fits.Column("SSN", "J", array=subslit_of(fps)),
        fits.Column("PSSN", "J", array=(fps - 1) % 9 + 1),
        fits.Column("RP", "J", array=np.where(science, 2 * np.cumsum(science), -1)),
        fits.Column("XF", "D", "mm", array=x),
        fits.Column("YF", "D", "mm", array=y),
    ]
    # The recipes ask whether there is an INS MODE, and then look at the slit's name.
    keys = {"INS MODE": slit.upper(), "INS SLIT NAME": slit}
    _write(path, "SLIT_GEOMETRY_SETUP", "SLIT_GEOMETRY_SETUP", columns, keys)


def _write(
    path: Path, category: str, extension: str, columns: list[fits.Column], keys: dict[str, str]
) -> None:
    primary = fits.PrimaryHDU()
    primary.header["INSTRUME"] = "GIRAFFE"
    primary.header["HIERARCH ESO PRO CATG"] = category
    for name, value in keys.items():
        primary.header[f"HIERARCH ESO {name}"] = value
    table = fits.BinTableHDU.from_columns(columns, name=extension)
    fits.HDUList([primary, table]).writeto(path)
