"""Nominal geometry of MUSE's field: where each slice of each IFU looks on the sky.

The field is cut into 24 strips, one an IFU; a slicer cuts each strip into 4 stacks of 12
slices. On the detector the 48 slices lie side by side in another order. Order on the
detector and on the sky: the table of MPDAF (``mpdaf.MUSE.Slicer``, after VLT-TRE-MUSE-14670-0657).
"""

from __future__ import annotations

from dataclasses import dataclass

IFUS, SLICES = 24, 48
CCD_TO_SKY = (
    9, 8, 1, 10, 7, 2, 11, 6, 3, 12, 5, 4,
    21, 20, 13, 22, 19, 14, 23, 18, 15, 24, 17, 16,
    33, 32, 25, 34, 31, 26, 35, 30, 27, 36, 29, 28,
    45, 44, 37, 46, 43, 38, 47, 42, 39, 48, 41, 40,
)  # fmt: skip
"""Number on the sky of the slices as they lie on the detector, left to right."""
SLICE_WIDTH = 77.0
"""Pixels along a slice, 0.2 arcsec each."""
_STACK_PITCH = 75.0
_SLICE_PITCH = 1.03
"""Pixels of 0.2 arcsec across the slices: 60 arcsec over 288 slices and their gaps."""
_ROWS = 12


@dataclass(frozen=True, slots=True)
class SliceOnSky:
    """Where one slice looks."""

    ifu: int
    ccd: int
    """Number on the detector, 1 to 48, left to right."""
    sky: int
    """Number on the sky: 1 to 12 are the first stack."""
    x: float
    """Centre, pixels of 0.2 arcsec from the middle of the field."""
    y: float


def slices(ifu: int) -> tuple[SliceOnSky, ...]:
    """The 48 slices of an IFU in their order on the detector."""
    return tuple(_slice(ifu, ccd, sky) for ccd, sky in enumerate(CCD_TO_SKY, 1))


def _slice(ifu: int, ccd: int, sky: int) -> SliceOnSky:
    stack, row = divmod(sky - 1, _ROWS)
    x = (stack - 1.5) * _STACK_PITCH
    middle = ((IFUS + 1) / 2 - ifu) * _ROWS
    return SliceOnSky(ifu, ccd, sky, x, _SLICE_PITCH * (middle + (_ROWS - 1) / 2 - row))
