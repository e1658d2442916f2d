"""AMBER in numbers: detector, regions, beams.

Sources: AMBER User Manual (ESO, VLT-MAN-ESO-15830-3522) for the detector, the order of its
regions and the modes; the widths of the regions and the levels of light are ours. The first 16
columns are shielded from light: ESO's recipe amber_detector takes them for the bias, and
counts them as bad when there is light on them.
"""

from __future__ import annotations

SIZE = 512
"""Pixels along each side of the part of the detector that is used."""
SHIELDED = 16
"""Columns without light at the left edge."""
CONAD = 4.2
"""Electrons per ADU."""
READ_NOISE = 11.0
"""Electrons."""
BIAS_LEVEL = 200.0
"""ADU."""
DARK_CURRENT = 42.0
"""Electrons per second and pixel."""
DEAD_PIXELS = 400
"""Pixels that hardly see light."""
RESPONSE_RMS = 0.03
FLAT_LEVELS = tuple(5000.0 * step / 7 for step in range(1, 8))
"""ADU of the flats of a detector template, of rising integration time."""
DITS = tuple(0.1 * step for step in range(1, 8))
"""Seconds: integration time of the darks and flats of a detector template."""
FRAMES = (100, 61)
"""Read-outs of a file of the detector template: full day, small day. The recipe leaves out the
first twenty, and with fewer than forty of the others it takes noisy pixels for bad ones."""
SPECTRA_FRAMES = (100, 20)
"""Read-outs of a file with spectra: full day, small day."""
REGIONS = (
    # name, first column from 1, width: shielded pixels, two beams, fringes, third beam
    ("DARK", 1, 16),
    ("P1", 40, 32),
    ("P2", 104, 32),
    ("INTERF", 200, 32),
    ("P3", 296, 32),
)
SPECTRUM_ROWS, SPECTRUM_FIRST = 36, 240
"""Rows that the spectrum at low resolution covers, and the first of them."""
DIT = 0.05
"""Seconds: integration time of frames with spectra."""
FRINGE_PERIODS = (4.0, 6.5, 10.5)
"""Pixels per fringe of the three baselines."""
