"""What the detector of AMBER gives: a cube of read-outs for each region."""

from __future__ import annotations

import zlib
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from vltflow.simulate.amber import constants as amber
from vltflow.simulate.amber.night import Exposure, exposure

if TYPE_CHECKING:
    from numpy.random import Generator

    from vltflow.simulate.plan import Conditions, PlannedFrame

Region = tuple[str, int, int]
"""Name, first column from 1, width."""
_BEAM_LEVEL = 2000.0
"""Electrons per second and pixel at the middle of a beam's spectrum."""
_REGION_TYPE = [
    ("REGION", ">i2"), ("DETECTOR", ">i2"), ("PORTS", ">i2", (3,)), ("CORRELATION", ">i2"),
    ("REGNAME", "S16"), ("CORNER", ">i2", (2,)), ("GAIN", ">f8"), ("NAXES", ">i2", (2,)),
    ("CRVAL", ">f8", (2,)), ("CRPIX", ">f8", (2,)), ("CTYPE", "S8", (2,)), ("CD", ">f8", (2, 2)),
]  # fmt: skip


@lru_cache(maxsize=1)
def maps() -> tuple[np.ndarray, np.ndarray]:
    """Response of each pixel, mean 1 where light falls, and which of them are dead."""
    rng = np.random.default_rng(zlib.crc32(b"AMBER HAWAII"))
    shape = (amber.SIZE, amber.SIZE)
    response = 1.0 + amber.RESPONSE_RMS * rng.standard_normal(shape)
    dead = np.zeros(shape, bool)
    rows = rng.integers(amber.SIZE, size=amber.DEAD_PIXELS)
    dead[rows, rng.integers(amber.SHIELDED, amber.SIZE, size=amber.DEAD_PIXELS)] = True
    response[dead] = 0.05
    response[:, : amber.SHIELDED] = 0.0
    return response.astype(np.float32), dead


def regions(frame: PlannedFrame) -> tuple[Region, ...]:
    """The regions that are read out: the whole detector, or those of a spectrum."""
    if frame.template.setup.arm == "detector":
        return (("DETECTOR", 1, amber.SIZE),)
    return amber.REGIONS


def rows_of(frame: PlannedFrame) -> tuple[int, int]:
    """First row from 1, and number of rows, of the regions of a frame."""
    if frame.template.setup.arm == "detector":
        return 1, amber.SIZE
    return amber.SPECTRUM_FIRST, amber.SPECTRUM_ROWS


def region_table(frame: PlannedFrame) -> np.ndarray:
    """The rows of IMAGING_DETECTOR."""
    first, height = rows_of(frame)
    table = np.zeros(len(regions(frame)), dtype=_REGION_TYPE)
    for number, (name, column, width) in enumerate(regions(frame)):
        table[number] = (
            number + 1, 1, (1, 2, 3), 2 if name == "INTERF" else 1, name.encode(),
            (column, first), 1.0 / amber.CONAD, (width, height), (0.0, 0.0), (1.0, 1.0),
            (b"PIXEL", b"PIXEL"), ((1.0, 0.0), (0.0, 1.0)),
        )  # fmt: skip
    return table


def data_table(frame: PlannedFrame, conditions: Conditions) -> np.ndarray:
    """The rows of IMAGING_DATA: a read-out each."""
    shown = exposure(frame.template, frame.number)
    count = read_outs(frame, small=conditions.small)
    first, height = rows_of(frame)
    columns: list[Any] = [("FRAME", ">i4"), ("TIME", ">f8"), ("EXPTIME", ">f4")]
    columns += [
        (f"DATA{number}", ">i2", (height, width))
        for number, (_, _, width) in enumerate(regions(frame), 1)
    ]
    table = np.zeros(count, dtype=columns)
    table["FRAME"] = np.arange(1, count + 1)
    table["TIME"] = frame.mjd + np.arange(count) * shown.dit / 86_400.0
    table["EXPTIME"] = shown.dit
    rng = np.random.Generator(np.random.SFC64([conditions.seed, zlib.crc32(frame.name.encode())]))
    for number, region in enumerate(regions(frame), 1):
        response = maps()[0][first - 1 :, region[1] - 1 :][:height, : region[2]]
        table[f"DATA{number}"] = _read_out(
            rng, _light(shown, region, height) * response * conditions.light, shown, conditions,
            count,
        )  # fmt: skip
    return table


def read_outs(frame: PlannedFrame, *, small: bool) -> int:
    """Number of read-outs of a file."""
    detector = frame.template.setup.arm == "detector"
    return (amber.FRAMES if detector else amber.SPECTRA_FRAMES)[small]


def _light(shown: Exposure, region: Region, height: int) -> np.ndarray:
    """Expected electrons in one read-out, (rows, columns), before the pixel response."""
    name, _, width = region
    if shown.level:
        electrons = amber.FLAT_LEVELS[shown.level - 1] * amber.CONAD
        return np.full((height, width), electrons)
    x = np.arange(width) - (width - 1) / 2.0
    spectrum = 1.0 - 0.6 * ((np.arange(height) / height - 0.5) * 2.0) ** 2
    profile = np.zeros(width)
    if name == "INTERF":
        for beam in shown.beams:
            profile += np.exp(-0.5 * (x / 8.0) ** 2) * (1.0 + 0.05 * beam)
        profile *= _fringes(shown, x)
    elif name.startswith("P") and int(name[1]) in shown.beams:
        profile += 1.5 * np.exp(-0.5 * (x / 5.0) ** 2)
    return spectrum[:, None] * profile[None, :] * _BEAM_LEVEL * shown.dit


def _fringes(shown: Exposure, x: np.ndarray) -> np.ndarray:
    """Modulation of the combined beams: a cosine for each pair that is open."""
    if not shown.fringes:
        return np.ones_like(x)
    pairs = ((1, 2), (2, 3), (1, 3))
    periods = [
        period
        for pair, period in zip(pairs, amber.FRINGE_PERIODS, strict=True)
        if set(pair) <= set(shown.beams)
    ]
    waves = [0.6 / len(periods) * np.cos(2.0 * np.pi * x / period) for period in periods]
    return np.asarray(1.0 + np.sum(waves, axis=0))


def _read_out(
    rng: Generator, light: np.ndarray, shown: Exposure, conditions: Conditions, count: int
) -> np.ndarray:
    expected = light + amber.DARK_CURRENT * shown.dit
    electrons = rng.poisson(expected, (count, *expected.shape)).astype(np.float32)
    electrons += rng.standard_normal(electrons.shape, dtype=np.float32) * np.float32(
        amber.READ_NOISE * conditions.ron
    )
    counts = amber.BIAS_LEVEL + conditions.level + electrons / np.float32(amber.CONAD)
    return np.clip(np.rint(counts), -32768, 32767).astype(np.int16)
