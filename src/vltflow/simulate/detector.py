"""CCD physics: from expected electrons to raw counts.

Bias level with structure, read noise, gain, dark current with hot pixels and warm columns,
pixel response, shot noise, cosmic rays, full well with bleeding along columns, and the
analogue-digital converter. A chip's own pattern depends on its name alone: every frame of
every night shares it.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from numpy.random import Generator

_FAINT = 25.0
"""Below this many electrons the Poisson distribution is drawn exactly."""


@dataclass(frozen=True, slots=True)
class Chip:
    """A CCD with one output. Geometry in unbinned pixels of the real chip."""

    name: str
    label: str
    """Short name in file names: ``blue``."""
    index: int
    """Number in the mosaic, from 1."""
    columns: int
    rows: int
    prescan: int
    overscan: int
    conad: float
    """Electrons per ADU."""
    ron: float
    """Read noise, electrons rms."""
    bias_level: float
    """ADU, mean over the years."""
    dark_rate: float
    """Electrons per hour and unbinned pixel, without hot pixels."""
    full_well: float
    """Electrons per unbinned pixel."""
    cosmics: float
    """Cosmic-ray hits per second on the full chip."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Size of a raw frame as it is read out."""

    chip: Chip
    binning: int
    columns: int
    """Binned pixels of the data section."""
    rows: int
    prescan: int
    overscan: int
    step: float
    """Unbinned pixels of the real chip per pixel of the frame, along both axes."""
    zoom: float = 1.0
    """Magnification across the orders: small detectors show fewer orders, further apart."""
    origin: tuple[int, int] = (0, 0)
    """First pixel (x along the dispersion, y) of a window on the chip, unbinned."""

    @property
    def key(self) -> str:
        """Name of the chip's maps: ``blue_1x1``."""
        return f"{self.chip.label}_{self.binning}x{self.binning}"


@dataclass(frozen=True)
class ChipMaps:
    """What a chip does to every frame; images in raw orientation, data section only."""

    response: np.ndarray
    """Pixel response, mean 1."""
    dark_rate: np.ndarray
    """Electrons per second and (binned) pixel, hot pixels included."""
    hot: np.ndarray
    """True where a pixel or column is hot."""
    bias_columns: np.ndarray
    """ADU for each column of the whole frame, mean 0 over the data section."""
    bias_rows: np.ndarray
    """ADU for each row, mean 0."""

    def bias_structure(self, layout: Layout) -> np.ndarray:
        """Bias minus its level over the data section, ADU."""
        columns = self.bias_columns[layout.prescan : layout.prescan + layout.columns]
        return (self.bias_rows[:, None] + columns[None, :]).astype(np.float32)


@lru_cache(maxsize=8)
def chip_maps(layout: Layout) -> ChipMaps:
    """The pattern of a chip, the same for ever."""
    binning = layout.binning
    rng = np.random.default_rng([zlib.crc32(layout.chip.name.encode()), int(layout.step / binning)])
    shape = (layout.rows * binning, layout.columns * binning)
    response = _response(rng, shape)
    dark, hot = _dark(rng, shape, layout.chip.dark_rate / 3600.0)
    if binning > 1:
        blocks = (layout.rows, binning, layout.columns, binning)
        response = response.reshape(blocks).mean(axis=(1, 3))
        dark = dark.reshape(blocks).sum(axis=(1, 3))
        hot = np.asarray(hot.reshape(blocks).any(axis=(1, 3)))
    return ChipMaps(response, dark, hot, *_bias_structure(rng, layout))


def _response(rng: Generator, shape: tuple[int, int]) -> np.ndarray:
    response = 1.0 + 0.01 * rng.standard_normal(shape, dtype=np.float32)
    for _ in range(max(3, round(2e-6 * response.size))):  # dust: a few pixels wide, 10-40 %
        y, x, radius = rng.integers(shape[0]), rng.integers(shape[1]), rng.uniform(1.0, 3.0)
        rows, columns = np.ogrid[max(0, y - 9) : y + 10, max(0, x - 9) : x + 10]
        shade = rng.uniform(0.1, 0.4) * np.exp(
            -0.5 * ((rows - y) ** 2 + (columns - x) ** 2) / radius**2
        )
        patch = response[max(0, y - 9) : y + 10, max(0, x - 9) : x + 10]
        patch *= 1.0 - shade[: patch.shape[0], : patch.shape[1]].astype(np.float32)
    return response / response.mean(dtype=np.float64)


def _dark(rng: Generator, shape: tuple[int, int], rate: float) -> tuple[np.ndarray, np.ndarray]:
    dark = np.full(shape, rate, dtype=np.float32)
    hot = np.zeros(shape, dtype=bool)
    count = max(5, round(6e-5 * dark.size))
    y, x = rng.integers(shape[0], size=count), rng.integers(shape[1], size=count)
    np.add.at(dark, (y, x), rng.lognormal(-3.0, 1.5, count).astype(np.float32))
    hot[y, x] = True
    for column in rng.integers(shape[1], size=3):  # warm from a trap to the end of the column
        first = rng.integers(shape[0] // 2)
        dark[first:, column] += np.float32(0.02)
        hot[first:, column] = True
    return dark, hot


def _bias_structure(rng: Generator, layout: Layout) -> tuple[np.ndarray, np.ndarray]:
    """Slow waves along both axes and the settling of the amplifier at the start of a row."""
    total = layout.prescan + layout.columns + layout.overscan
    column = (np.arange(total) - layout.prescan) / layout.columns
    phase = rng.uniform(0.0, 2.0 * np.pi, 2)
    columns = 0.5 * np.sin(2.0 * np.pi * 1.3 * column + phase[0])
    columns += 1.2 * np.exp(-np.arange(total) / (0.01 * layout.columns))
    row = np.arange(layout.rows) / layout.rows
    rows = 0.25 * np.sin(2.0 * np.pi * 2.1 * row + phase[1]) + 0.4 * (row - 0.5)
    columns -= columns[layout.prescan : layout.prescan + layout.columns].mean()
    return columns.astype(np.float32), (rows - rows.mean()).astype(np.float32)


def bias_level(chip: Chip, mjd: float, binning: int) -> float:
    """Bias level in ADU: a smooth function of time, over months, weeks and the day."""
    phase = zlib.crc32(chip.name.encode()) % 1000 / 1000.0
    waves = ((2.5, 365.25), (1.2, 61.0), (0.6, 9.7), (0.12, 1.0))
    drift = sum(
        size * np.sin(2.0 * np.pi * ((mjd - 51_500.0) / period + phase * number))
        for number, (size, period) in enumerate(waves, 1)
    )
    return float(chip.bias_level + drift + (3.0 if binning > 1 else 0.0))


def read_noise(chip: Chip, mjd: float) -> float:
    """Read noise in electrons: the nominal value, breathing by 1.5 % over the year."""
    phase = zlib.crc32(chip.name.encode()) % 997 / 997.0
    return float(chip.ron * (1.0 + 0.015 * np.sin(2.0 * np.pi * (mjd / 365.25 + phase))))


def cosmic_rays(rng: Generator, image: np.ndarray, layout: Layout, exptime: float) -> int:
    """Add cosmic-ray tracks (electrons) to `image`; gives the number of hits."""
    chip = layout.chip
    area = layout.rows * layout.columns * layout.binning**2 / (chip.rows * chip.columns)
    hits = int(rng.poisson(chip.cosmics * exptime * area))
    for _ in range(hits):
        length = 1 + int(rng.geometric(0.35))
        angle, charge = rng.uniform(0.0, np.pi), rng.lognormal(6.5, 1.0)
        along = np.arange(length) / layout.binning
        rows = (rng.integers(layout.rows) + along * np.sin(angle)).astype(int)
        columns = (rng.integers(layout.columns) + along * np.cos(angle)).astype(int)
        inside = (rows < layout.rows) & (columns >= 0) & (columns < layout.columns)
        np.add.at(image, (rows[inside], columns[inside]), np.float32(charge))
    return hits


def cosmic_shower(rng: Generator, image: np.ndarray, trails: int) -> None:
    """Add long trails (electrons) that fan out from a point at the rim to `image`, in place."""
    rows, columns = image.shape
    start = np.array([0.0, rng.uniform(0.0, columns)])
    for _ in range(trails):
        angle, length = rng.normal(0.5 * np.pi, 0.25), rng.uniform(0.02, 0.4) * rows
        first = start + rng.uniform(0.0, 0.7) * rows * np.array([np.sin(angle), np.cos(angle)])
        along = np.arange(int(length))[:, None] * np.array([np.sin(angle), np.cos(angle)])
        row, column = (first + along).astype(int).T
        inside = (row >= 0) & (row < rows) & (column >= 0) & (column < columns)
        charge = rng.gamma(4.0, 250.0, int(inside.sum()))
        np.add.at(image, (row[inside], column[inside]), charge.astype(np.float32))


def read_out(
    rng: Generator, electrons: np.ndarray | None, layout: Layout, *, level: float, ron: float
) -> np.ndarray:
    """Raw frame, uint16 (rows, prescan + columns + overscan).

    Parameters
    ----------
    electrons
        Electrons collected in each pixel, float32; None for a bias.
    level
        Bias level, ADU.
    ron
        Read noise, electrons.
    """
    maps, conad = chip_maps(layout), layout.chip.conad
    shape = (layout.rows, layout.prescan + layout.columns + layout.overscan)
    noise = rng.standard_normal(shape, dtype=np.float32)
    if electrons is None:
        electrons = np.zeros((1, 1), dtype=np.float32)
    return _digitise(
        noise, electrons, maps.bias_rows, maps.bias_columns, layout.prescan, level, ron, conad
    )


def collect(
    rng: Generator, expected: np.ndarray, layout: Layout, exptime: float, *, trails: int = 0
) -> tuple[np.ndarray, int]:
    """Electrons in each pixel after the exposure, and the number of cosmic-ray hits.

    `expected` (float32, electrons) is used up; `trails` is that of a cosmic-ray shower.
    """
    normal = rng.standard_normal(expected.shape, dtype=np.float32)
    _shot_noise(expected, normal, int(rng.integers(1, 2**62)))
    hits = cosmic_rays(rng, expected, layout, exptime)
    if trails:
        cosmic_shower(rng, expected, trails)
    _bleed(expected, layout.chip.full_well * layout.binning)
    return expected, hits


@njit(cache=True)
def _shot_noise(mean: np.ndarray, normal: np.ndarray, seed: int) -> None:
    """Replace expected electrons by drawn ones, in place.

    Faint pixels by inversion of the Poisson distribution; bright ones from the normal
    deviate with the first (skewness) term of the Cornish-Fisher expansion.
    """
    state = np.uint64(seed)
    for i in range(mean.shape[0]):
        for j in range(mean.shape[1]):
            value = mean[i, j]
            if value >= _FAINT:
                z = normal[i, j]
                drawn = value + np.sqrt(value) * z + (z * z - 1.0) / 6.0
                mean[i, j] = np.floor(drawn + 0.5)
            elif value > 0.0:
                # xorshift64: a uniform number for the inversion (Marsaglia 2003, JSS 8, 14)
                state ^= state << np.uint64(13)
                state ^= state >> np.uint64(7)
                state ^= state << np.uint64(17)
                uniform = (state >> np.uint64(11)) * (1.0 / 9007199254740992.0)
                term = np.exp(-np.float64(value))
                total, count = term, 0
                while uniform > total and count < 200:
                    count += 1
                    term *= value / count
                    total += term
                mean[i, j] = count


@njit(cache=True)
def _bleed(image: np.ndarray, full_well: float) -> None:
    """Charge above full well runs along the column, half of it each way, in place."""
    rows, columns = image.shape
    excess = np.empty(rows, dtype=np.float32)
    for j in range(columns):
        found = False
        for i in range(rows):
            excess[i] = max(image[i, j] - full_well, 0.0)
            if excess[i] > 0.0:
                image[i, j] = full_well
                found = True
        if not found:
            continue
        for direction in (1, -1):
            charge = 0.0
            for k in range(rows):
                i = k if direction == 1 else rows - 1 - k
                taken = min(full_well - image[i, j], charge)
                image[i, j] += taken
                charge += 0.5 * excess[i] - taken


@njit(cache=True)
def _digitise(  # noqa: PLR0913, PLR0917 - numba takes plain arguments
    noise: np.ndarray,
    electrons: np.ndarray,
    bias_rows: np.ndarray,
    bias_columns: np.ndarray,
    prescan: int,
    level: float,
    ron: float,
    conad: float,
) -> np.ndarray:
    rows, columns = noise.shape
    raw = np.empty((rows, columns), dtype=np.uint16)
    exposed = electrons.shape[0] == rows
    last = prescan + electrons.shape[1]
    per_electron = 1.0 / conad
    for i in range(rows):
        base = level + bias_rows[i]
        for j in range(columns):
            charge = noise[i, j] * ron
            if exposed and prescan <= j < last:
                charge += electrons[i, j - prescan]
            counts = np.floor(base + bias_columns[j] + charge * per_electron + 0.5)
            raw[i, j] = np.uint16(min(max(counts, 0.0), 65535.0))
    return raw
