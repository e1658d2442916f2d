"""Static calibrations of MUSE, built by code from open sources: the same bytes every time.

Formats are those of the data format chapter of ESO's MUSE pipeline; numbers come from ``data``
and `geometry`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from astropy.io import fits

from vltflow.instruments.muse.geometry import IFUS, SLICE_WIDTH, slices
from vltflow.instruments.muse.lamps import Line, arc_lines, paranal_extinction

if TYPE_CHECKING:
    from collections.abc import Sequence

FOLDER = Path(__file__).parent
"""Folder of the definition."""
_BLEND = 8.0
"""Angstrom: three times the width of a line; a neighbour within it disturbs the centre."""
_FAINT, _BRIGHT = 0.02, 0.10
"""Of the lamp's brightest line: below, a line is of no use; above, it serves the LSF too."""
_DISTURBING = 0.05
"""A neighbour of less than this share of a line's light does not matter."""


def line_catalog(path: Path) -> None:
    """LINE_CATALOG: lines of the Ne, Xe and HgCd lamps in air, with a quality each.

    Quality 5 is a bright line that stands alone, 3 a fainter one, 1 a blend, 0 one too faint.
    Blends count within a lamp, since the lamps burn one after the other.
    """
    lines = arc_lines()
    rows = np.array(
        [
            (air(line.wave_vac), line.intensity, line.ion, quality(line, lines), line.lamp)
            for line in lines
        ],
        dtype=[
            ("lambda", "f4"), ("flux", "f4"), ("ion", "S8"), ("quality", "i4"), ("comment", "S8"),
        ],
    )  # fmt: skip
    _write(path, "LINE_CATALOG", [fits.BinTableHDU(rows)], VERSION=3)


def air(wave_vac: float) -> float:
    """Wavelength in standard air, Angstrom: Morton 2000, ApJS 130, 403, equation 8.

    Parameters
    ----------
    wave_vac
        Wavelength in vacuum, Angstrom.
    """
    s2 = (1e4 / wave_vac) ** 2
    return wave_vac / (1.0 + 8.34254e-5 + 2.406147e-2 / (130.0 - s2) + 1.5998e-4 / (38.9 - s2))


def quality(line: Line, lines: Sequence[Line]) -> int:
    """Quality of a line among others, as ESO's recipes read it (see `line_catalog`)."""
    own = [other for other in lines if other.lamp == line.lamp]
    share = line.intensity / max(other.intensity for other in own)
    if share < _FAINT:
        return 0
    near = [other for other in own if 0 < abs(other.wave_vac - line.wave_vac) < _BLEND]
    if any(other.intensity > _DISTURBING * line.intensity for other in near):
        return 1
    return 5 if share >= _BRIGHT else 3


def geometry_table(path: Path) -> None:
    """GEOMETRY_TABLE: the nominal place of all 1152 slices, all level and of one width."""
    rows = np.array(
        [
            (one.ifu, one.ccd, one.sky, one.x, one.y, 0.0, SLICE_WIDTH)
            for ifu in range(1, IFUS + 1)
            for one in slices(ifu)
        ],
        dtype=[
            ("SubField", "i4"), ("SliceCCD", "i4"), ("SliceSky", "i4"), ("x", "f8"), ("y", "f8"),
            ("angle", "f8"), ("width", "f8"),
        ],
    )  # fmt: skip
    table = fits.BinTableHDU(rows)
    for number, unit in enumerate(("", "", "", "pix", "pix", "deg", "pix"), 1):
        if unit:
            table.header[f"TUNIT{number}"] = unit
    _write(path, "GEOMETRY_TABLE", [table])


def extinct_table(path: Path) -> None:
    """EXTINCT_TABLE: extinction over Paranal, mag per airmass."""
    rows = np.array(list(paranal_extinction()), dtype=[("lambda", "f8"), ("extinction", "f8")])
    table = fits.BinTableHDU(rows)
    table.header["TUNIT1"] = "Angstrom"
    _write(path, "EXTINCT_TABLE", [table])


def _write(path: Path, category: str, tables: Sequence[fits.BinTableHDU], **cards: int) -> None:
    primary = fits.PrimaryHDU()
    primary.header["INSTRUME"] = "MUSE"
    primary.header.update(cards)
    primary.header["HIERARCH ESO PRO CATG"] = category
    fits.HDUList([primary, *tables]).writeto(path)
