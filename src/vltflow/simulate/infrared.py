"""Physics of infrared arrays: from photons a second to the counts of a raw frame.

A raw frame is the average of NDIT integrations of DIT seconds each, as ESO's controllers
(IRACE, NGC) write it. Simulated are pixel response, dark current with hot pixels, dead
pixels, a bias level with one offset for each read-out port, non-linearity up to full well,
shot noise and read noise. Persistence, cosmic rays and cross-talk are not.
"""

from __future__ import annotations

import zlib
from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import re
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.random import Generator

    from vltflow.simulate.cards import Card
    from vltflow.simulate.detector import Chip, Layout
    from vltflow.simulate.image import Scene
    from vltflow.simulate.plan import Conditions, PlannedFrame, Setup, Template

Shape = tuple[int, int]

_PORTS = 32
"""Read-out channels side by side."""
_DEAD = 0.02
"""Response of a dead pixel."""


@dataclass(frozen=True, slots=True)
class Array:
    """An infrared array in one read-out mode."""

    name: str
    """Identity of the chip: its pattern depends on it."""
    index: int
    """Number in the mosaic, from 1."""
    conad: float
    """Electrons per ADU."""
    ron: float
    """Read noise of one integration, electrons rms."""
    dark_rate: float
    """Electrons per second and pixel, without hot pixels."""
    full_well: float
    """Electrons."""
    level: float = 0.0
    """Level of an unexposed frame, ADU, mean over the years."""
    drift: float = 0.0
    """Amplitude of the level's slow changes, ADU."""
    port_offsets: float = 0.0
    """Scatter of the level from port to port, ADU rms."""
    response: float = 0.02
    """Scatter of the pixel response, rms."""
    loss: float = 0.0
    """Share of the charge that is not seen at full well: non-linearity, quadratic."""
    hot: float = 1e-3
    """Share of hot pixels."""
    dead: float = 5e-4
    """Share of dead pixels."""


@dataclass(frozen=True)
class ArrayMaps:
    """What an array does to every frame; images of its shape."""

    response: np.ndarray
    """Pixel response, median 1; dead pixels included."""
    dark_rate: np.ndarray
    """Electrons per second."""
    offset: np.ndarray
    """ADU above the level, median 0."""
    hot: np.ndarray
    """True where the dark current is high."""
    dead: np.ndarray
    """True where hardly any light is seen."""


@dataclass(frozen=True, slots=True)
class Integration:
    """How a frame was integrated."""

    dit: float
    """Seconds of one integration."""
    ndit: int
    """Integrations that were averaged."""


@lru_cache(maxsize=8)
def array_maps(array: Array, shape: Shape) -> ArrayMaps:
    """The pattern of an array, the same for ever; `shape` is rows, columns."""
    rng = np.random.default_rng([zlib.crc32(array.name.encode()), *shape])
    response = 1.0 + array.response * rng.standard_normal(shape, dtype=np.float32)
    hot, dead = rng.random(shape) < array.hot, rng.random(shape) < array.dead
    response[dead] = _DEAD
    dark = np.full(shape, array.dark_rate, dtype=np.float32)
    # From some tens to thousands of the read noise's charge in a minute.
    extra = array.ron * rng.lognormal(1.0, 1.0, int(hot.sum())).astype(np.float32)
    dark[hot] += extra
    port = np.repeat(rng.standard_normal(_PORTS), -(-shape[1] // _PORTS))[: shape[1]]
    offset = np.broadcast_to(array.port_offsets * (port - np.median(port)), shape)
    return ArrayMaps(response, dark, offset.astype(np.float32), hot, dead)


def illumination(shape: Shape, vignetting: float = 0.1) -> np.ndarray:
    """Relative light over the field: 1 in the middle, `vignetting` less in the corners."""
    y, x = (np.linspace(-1.0, 1.0, size, dtype=np.float32) for size in shape)
    return np.asarray(1.0 - 0.5 * vignetting * (x[None, :] ** 2 + y[:, None] ** 2))


def stars(rng: Generator, shape: Shape, *, count: int, brightest: float) -> np.ndarray:
    """Electrons per second of stars, each a Gaussian of 2 pixels sigma, at random places.

    Parameters
    ----------
    brightest
        Electrons per second of the whole image of the brightest star; the others are fainter
        by a power law.
    """
    field = np.zeros(shape, dtype=np.float32)
    for rank in range(1, count + 1):
        y, x = rng.integers(8, shape[0] - 8), rng.integers(8, shape[1] - 8)
        field[y - 8 : y + 9, x - 8 : x + 9] += brightest / rank * star_image(2.0)
    return field


def star_image(sigma: float) -> np.ndarray:
    """A Gaussian of sum 1 on 17 x 17 pixels."""
    r2 = np.arange(-8, 9)[:, None] ** 2 + np.arange(-8, 9)[None, :] ** 2
    image = np.exp(-0.5 * r2 / sigma**2)
    return np.asarray(image / image.sum(), dtype=np.float32)


def frame_rng(frame: PlannedFrame, conditions: Conditions, array: Array) -> Generator:
    """Source of the noise of one array in one frame."""
    name = zlib.crc32(frame.name.encode())
    return np.random.Generator(np.random.SFC64([conditions.seed, name, array.index]))


def level(array: Array, mjd: float) -> float:
    """Level of an unexposed frame in ADU: a smooth function of time over months and weeks."""
    phase = zlib.crc32(array.name.encode()) % 1000 / 1000.0
    waves = ((0.7, 365.25), (0.3, 23.0))
    return float(
        array.level
        + array.drift * sum(a * np.sin(2.0 * np.pi * (mjd / p + phase)) for a, p in waves)
    )


def read_noise(array: Array, mjd: float) -> float:
    """Read noise of one integration in electrons: nominal, breathing by 2 % over the year."""
    phase = zlib.crc32(array.name.encode()) % 997 / 997.0
    return float(array.ron * (1.0 + 0.02 * np.sin(2.0 * np.pi * (mjd / 365.25 + phase))))


def visible(array: Array, charge: np.ndarray) -> np.ndarray:
    """Electrons that the read-out shows of those that were freed: loss and full well."""
    full = np.minimum(charge, array.full_well)
    return np.asarray(full * (1.0 - array.loss * full / array.full_well))


@dataclass(frozen=True)
class Exposure:
    """One exposure of one array."""

    shape: Shape
    integration: Integration
    light: np.ndarray | float
    """Electrons per second and pixel that a pixel of response 1 frees."""
    base: float
    """Level of an unexposed frame, ADU."""
    ron: float
    """Read noise of one integration, electrons."""

    def image(self, rng: Generator, array: Array, light: np.ndarray | float) -> np.ndarray:
        """Raw image under some light in ADU, float32, the average of all integrations."""
        maps, ndit = array_maps(array, self.shape), self.integration.ndit
        expected = (light * maps.response + maps.dark_rate) * self.integration.dit
        total = rng.poisson(np.asarray(expected, dtype=np.float64) * ndit)
        charge = visible(array, total / ndit)
        noise = rng.standard_normal(self.shape, dtype=np.float32) * (self.ron / np.sqrt(ndit))
        return np.asarray(self.base + maps.offset + (charge + noise) / array.conad, np.float32)


def array_truth(array: Array, exposure: Exposure) -> dict[str, Any]:
    """What went into an image, for the truth beside its frame.

    The maps are not stored: ``array_maps`` gives them again from array and shape.
    """
    maps = array_maps(array, exposure.shape)
    return {
        "chip": array.name,
        "shape": list(exposure.shape),
        "dit_s": exposure.integration.dit,
        "ndit": exposure.integration.ndit,
        "level_adu": exposure.base,
        "read_noise_e": exposure.ron,
        "conad_e_per_adu": array.conad,
        "dark_e_per_s": array.dark_rate,
        "full_well_e": array.full_well,
        "loss_at_full_well": array.loss,
        "hot_pixels": int(maps.hot.sum()),
        "dead_pixels": int(maps.dead.sum()),
    }


class ArrayInstrument(ABC):
    """Base of simulated instruments with infrared arrays: one image extension or HDU an array.

    Gives the engine what `OwnDetector` and `OwnCards` ask for; a subclass says what the
    instrument is and where its light comes from.
    """

    name: str
    mandatory_keyword = "MJD-OBS"
    record_keywords: re.Pattern[str]
    first_hdu = 0
    """HDU of the first array."""

    @abstractmethod
    def templates(self, date: str) -> Sequence[Template]:
        """Templates of the night that starts on the evening of `date`, by time."""

    @abstractmethod
    def arrays(self, frame: PlannedFrame) -> Sequence[Array]:
        """The arrays that are read out, in the order of the HDUs."""

    @abstractmethod
    def shapes(self, frame: PlannedFrame, *, small: bool) -> Sequence[Shape]:
        """Rows and columns of each array."""

    @abstractmethod
    def integration(self, frame: PlannedFrame) -> Integration:
        """How the frame is integrated."""

    @abstractmethod
    def light(self, frame: PlannedFrame, array: Array, shape: Shape) -> np.ndarray | float:
        """Electrons per second and pixel of response 1."""

    @abstractmethod
    def exposed_cards(
        self, frame: PlannedFrame, shapes: Sequence[tuple[int, ...] | None]
    ) -> list[list[Card]]:
        """The cards of each HDU: primary HDU first."""

    def stored(self, image: np.ndarray) -> np.ndarray:
        """The image in the number type of the raw file."""
        return image

    def image(
        self, rng: Generator, frame: PlannedFrame, array: Array, exposure: Exposure
    ) -> np.ndarray:
        """What one array gives; a cube where the instrument writes cubes."""
        del frame
        return exposure.image(rng, array, exposure.light)

    def expose(
        self, frame: PlannedFrame, conditions: Conditions
    ) -> tuple[list[np.ndarray | None], list[dict[str, Any]]]:
        """Contents of the HDUs with arrays, and the truth about each."""
        images: list[np.ndarray | None] = []
        truths = []
        shapes = self.shapes(frame, small=conditions.small)
        for number, (array, shape) in enumerate(zip(self.arrays(frame), shapes, strict=True)):
            light = self.light(frame, array, shape)
            exposure = Exposure(
                shape,
                self.integration(frame),
                light * conditions.light,
                base=level(array, frame.mjd) + conditions.level,
                ron=read_noise(array, frame.mjd) * conditions.ron,
            )
            rng = frame_rng(frame, conditions, array)
            images.append(self.stored(self.image(rng, frame, array, exposure)))
            truth = {
                "hdu": self.first_hdu + number,
                **array_truth(array, exposure),
                "light": {"e_per_s": float(np.median(light)), "factor": conditions.light},
            }
            truths.append(truth)
        return images, truths

    def cards(self, frame: PlannedFrame, layouts: Sequence[Layout]) -> list[list[Card]]:
        """The cards of a frame of full size."""
        del layouts
        return self.exposed_cards(frame, self.shapes(frame, small=False))

    def chips(self, setup: Setup) -> Sequence[Chip]:
        """No CCDs."""
        del setup
        return ()

    def layout(self, chip: Chip, setup: Setup, *, small: bool) -> Layout:
        """Never asked: there are no CCDs."""
        raise NotImplementedError

    def scene(self, frame: PlannedFrame, layout: Layout) -> Scene:
        """Never asked: there are no CCDs."""
        raise NotImplementedError

    def uses_light(self, template: Template) -> bool:
        """Whether light falls on the detector."""
        return template.kind != "dark"

    def shared_truth(self, folder: Path) -> None:
        """Nothing: ``array_maps`` gives the maps again from the numbers beside each frame."""
        del folder
