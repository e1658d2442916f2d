"""A detector of MUSE: four quadrants, each with its output, prescan and overscan.

Raw frame of an IFU, 4240 rows of 4224 pixels: each quadrant has 2048 x 2056 pixels with light,
32 prescan pixels outside and 32 overscan pixels inside, along both axes.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from vltflow.simulate.detector import (
    Chip,
    Layout,
    bias_level,
    chip_maps,
    collect,
    read_noise,
    read_out,
)

if TYPE_CHECKING:
    from vltflow.simulate.plan import Conditions, PlannedFrame

WIDTH, HEIGHT, SCAN = 2048, 2056, 32
"""Pixels with light of a quadrant, and of its prescans and overscans."""
_CONAD = (1.10, 1.06, 1.13, 1.11)
_RON = (2.80, 2.75, 2.70, 3.12)
"""Electrons per ADU and read noise (electrons) of the outputs of CHAN01: DET OUTn GAIN and RON of
archive headers. Their comments say ADU/e-, but ESO's recipes multiply by it to get electrons."""
_LEVEL = 1500.0
"""ADU; of that order in archive data."""


@dataclass(frozen=True, slots=True)
class Output:
    """One of the four outputs of a detector."""

    number: int
    """1 and 2 read the lower half, 3 and 4 the upper one, counter-clockwise."""
    layout: Layout

    @property
    def right(self) -> bool:
        """Whether it reads towards the right."""
        return self.number in {2, 3}

    @property
    def upper(self) -> bool:
        """Whether it reads towards the top."""
        return self.number in {3, 4}


@cache
def outputs(ifu: int) -> tuple[Output, ...]:
    """The four outputs of an IFU's detector."""
    return tuple(Output(number, _layout(ifu, number)) for number in (1, 2, 3, 4))


def _layout(ifu: int, number: int) -> Layout:
    name = f"CHAN{ifu:02d} OUT{number}"
    own = zlib.crc32(name.encode()) % 1000 / 999.0 - 0.5
    known = ifu == 1
    chip = Chip(
        name=name,
        label=f"chan{ifu:02d}_out{number}",
        index=4 * ifu + number,
        columns=WIDTH,
        rows=HEIGHT,
        prescan=SCAN,
        overscan=SCAN,
        conad=round(_CONAD[number - 1] + (0.0 if known else 0.06 * own), 2),
        ron=round(_RON[number - 1] + (0.0 if known else 0.3 * own), 2),
        bias_level=_LEVEL + 120.0 * own,
        dark_rate=1.0,
        full_well=180_000.0,
        cosmics=0.06,
    )
    # Rows of the scans are read like others; no light and no charge is in them.
    return Layout(chip, 1, WIDTH, HEIGHT + 2 * SCAN, SCAN, SCAN, 1.0)


def expose(
    frame: PlannedFrame, ifu: int, light: np.ndarray | None, conditions: Conditions
) -> tuple[np.ndarray, list[dict[str, Any]]]:
    """Raw image of one IFU (uint16, 4240 x 4224) and the truth about its outputs.

    Parameters
    ----------
    light
        Expected electrons per exposure, (4112, 4096); None for none.
    """
    raw = np.empty((2 * (HEIGHT + 2 * SCAN), 2 * (WIDTH + 2 * SCAN)), dtype=np.uint16)
    truths = []
    for output in outputs(ifu):
        rows = slice(HEIGHT, None) if output.upper else slice(0, HEIGHT)
        columns = slice(WIDTH, None) if output.right else slice(0, WIDTH)
        part = None if light is None else _turned(light[rows, columns], output)
        image, truth = _expose_quadrant(frame, output, part, conditions)
        quadrant = raw[
            slice(HEIGHT + 2 * SCAN, None) if output.upper else slice(0, HEIGHT + 2 * SCAN),
            slice(WIDTH + 2 * SCAN, None) if output.right else slice(0, WIDTH + 2 * SCAN),
        ]
        quadrant[:] = _turned(image, output)
        truths.append(truth)
    return raw, truths


def _turned(image: np.ndarray, output: Output) -> np.ndarray:
    """From detector to read-out order, or back: the first pixel is the one at the output."""
    return image[:: -1 if output.upper else 1, :: -1 if output.right else 1]


def _expose_quadrant(
    frame: PlannedFrame, output: Output, light: np.ndarray | None, conditions: Conditions
) -> tuple[np.ndarray, dict[str, Any]]:
    layout, exptime = output.layout, frame.template.exptime
    chip = layout.chip
    rng = np.random.Generator(
        np.random.SFC64([conditions.seed, zlib.crc32(frame.name.encode()), chip.index])
    )
    level = bias_level(chip, frame.mjd, 1) + conditions.level
    ron = read_noise(chip, frame.mjd) * conditions.ron
    truth = {
        "output": output.number,
        "bias_level_adu": level,
        "read_noise_e": ron,
        "conad_e_per_adu": chip.conad,
        "dark_e_per_hour": chip.dark_rate,
        "cosmic_ray_hits": 0,
    }
    if exptime == 0.0 and light is None:
        return read_out(rng, None, layout, level=level, ron=ron), truth
    maps, data = chip_maps(layout), slice(SCAN, SCAN + HEIGHT)
    expected = maps.dark_rate * np.float32(exptime)
    if light is not None:
        expected[data] += light * maps.response[data] * np.float32(conditions.light)
    electrons, truth["cosmic_ray_hits"] = collect(rng, expected, layout, exptime)
    electrons[:SCAN] = electrons[SCAN + HEIGHT :] = 0.0
    return read_out(rng, electrons, layout, level=level, ron=ron), truth
