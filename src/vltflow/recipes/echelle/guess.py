"""Rough places and wavelengths of the orders on a chip, from SPECTRAL_FORMAT_TAB."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.polynomial import Chebyshev

from vltflow.algorithms.spectral_format import SpectralFormat
from vltflow.core.errors import AlgorithmFailure, UnprocessableData
from vltflow.recipes.echelle.light import keyword_number, keyword_value, table_of
from vltflow.recipes.echelle.surfaces import read_surface

if TYPE_CHECKING:
    from vltflow.algorithms.surface import Surface
    from vltflow.recipes.declaration import RecipeInputs
    from vltflow.recipes.echelle.parameters import SettingParameters

ROLE = "SPECTRAL_FORMAT_TAB"
_NUMBERS = {
    "GROOVES": "grooves", "BLAZE": "blaze", "FOCAL": "focal_length", "PIXEL": "pixel",
    "CDGROOVES": "cross_grooves", "HALFANGLE": "half_angle", "X0": "x", "Y0": "y",
    "ROTATION": "rotation", "CHROMATISM": "chromatism",
}  # fmt: skip
"""Columns of the table and fields of the model."""
_SIZE = ("NX", "NY")
"""Columns with the unbinned size of the chip's whole frame, dispersion along x."""
COLUMNS = ("CHIP", "DISPERSER", *_NUMBERS, *_SIZE)
LINES, ORDERS = "LINE_GUESS_TAB", "ORDER_GUESS_TAB"
"""What a format check found; see `refined`."""
_REACH = 60.0
"""Pixels (unbinned) by which orders may miss the chip and still be candidates."""
DWLENMAX = "Largest distance of the light's central wavelength from the header's [nm]."
"""Description of the parameter for `check_setting`."""


@dataclass(frozen=True)
class Guess:
    """The rough model on the pixels of a frame: binned, counted from 0."""

    candidates: np.ndarray
    """Orders that could be there, ascending."""
    waves: dict[int, Chebyshev]
    """Wavelength in air, Angstrom, over x, by order."""
    places: dict[int, Chebyshev]
    """y over x, by order."""

    def wave(self, x: np.ndarray, order: np.ndarray) -> np.ndarray:
        """Air wavelength (Angstrom) at (x, order)."""
        return _evaluated(self.waves, x, order)

    def place(self, x: np.ndarray, order: np.ndarray) -> np.ndarray:
        """Pixel y at (x, order)."""
        return _evaluated(self.places, x, order)

    def missed(self, x: float, y: np.ndarray, order: np.ndarray) -> float:
        """How far the light's wavelengths lie from the guessed ones in the middle of some orders.

        Parameters
        ----------
        x
            Column.
        y, order
            Where orders really run there, and their numbers.

        Returns
        -------
        float
            Wavelength of the light minus that guessed for the same pixel, nm.
        """
        row = float(np.median(y))
        numbers = self.candidates.astype(float)
        guessed = _interpolated(row, self.place(np.full(len(numbers), x), numbers), numbers)
        found = _interpolated(row, y, order.astype(float))
        # In one column the product of order and wavelength is nearly the same for all orders.
        nearest = np.round(np.clip(guessed, numbers[0], numbers[-1]))
        constant = float(nearest * self.wave(np.array([x]), nearest)[0])
        return float(0.1 * constant * (1.0 / found - 1.0 / guessed))

    def missed_by_spacing(self, x: float, y: np.ndarray, spacing: np.ndarray) -> float:
        """The same from distances of neighbouring orders, whose numbers are not known.

        The distance of two orders is their free spectral range, proportional to the square of
        the wavelength, times a scale that hardly changes over a chip.

        Parameters
        ----------
        x
            Column.
        y, spacing
            Middles of gaps between orders, and how wide these are, pixels.
        """
        numbers = self.candidates.astype(float)
        at = np.full(len(numbers), x)
        places = self.place(at, numbers)
        middles = 0.5 * (places[1:] + places[:-1])
        guessed = _interpolated(y, middles, np.abs(np.diff(places)))
        wave = _interpolated(y, places, self.wave(at, numbers))
        return 0.1 * float(np.median(wave * (np.sqrt(spacing / guessed) - 1.0)))


def _interpolated(at: np.ndarray | float, x: np.ndarray, values: np.ndarray) -> Any:
    """Values at some places, straight lines between them; `x` in any order."""
    place = np.argsort(x)
    return np.interp(at, x[place], values[place])


def _evaluated(series: dict[int, Chebyshev], x: np.ndarray, order: np.ndarray) -> np.ndarray:
    x, order = np.broadcast_arrays(np.asarray(x, float), np.asarray(order, float))
    result = np.full(x.shape, np.nan)
    for number in np.unique(order):
        mine = order == number
        if int(number) in series:
            result[mine] = series[int(number)](x[mine])
    return result


def rough_guess(
    inputs: RecipeInputs, parameters: SettingParameters, shape: tuple[int, int]
) -> Guess:
    """Guess of the setting of the frame.

    Parameters
    ----------
    inputs
        Frame, chip and SPECTRAL_FORMAT_TAB.
    parameters
        Which keywords tell the setting.
    shape
        Rows and columns of the frame, product orientation.

    Raises
    ------
    UnprocessableData
        The table has no row for the chip and the cross-disperser, or a keyword is missing.
    """
    row, model = _model(inputs, parameters)
    binning = _binning(inputs)
    size = (shape[1] * binning[0], shape[0] * binning[1])
    first = _first_pixel(inputs, (int(row["NX"]), int(row["NY"])), size)
    model = replace(model, x=model.x - first[0], y=model.y - first[1])
    inside = model.orders(size, margin=_REACH)
    if not len(inside):
        raise UnprocessableData(
            f"{inputs.frames[0].name}: no order falls on chip {inputs.chip.name} at "
            f"{model.central / 10:g} nm",
            hint="The central wavelength does not go with the cross-disperser.",
        )
    candidates = np.arange(max(1, inside[0] - 4), inside[-1] + 5)
    x = np.linspace(-_REACH, size[0] + _REACH, 80)
    binned = (x - 0.5) / binning[0] - 0.5
    waves, places = {}, {}
    for order in candidates:
        wave, y = model.sampled(float(order), x)
        waves[int(order)] = Chebyshev.fit(binned, wave, 7)
        places[int(order)] = Chebyshev.fit(binned, (y - 0.5) / binning[1] - 0.5, 7)
    return Guess(candidates, waves, places)


def refined(guess: Guess, inputs: RecipeInputs, width: int) -> Guess:
    """The same guess with what a format check found, where its native tables are given.

    Parameters
    ----------
    guess
        Of the rough model: it stays for orders that the format check did not find.
    inputs
        With LINE_GUESS_TAB or ORDER_GUESS_TAB, or neither.
    width
        Columns of the frame.
    """
    x = np.linspace(0.0, width - 1.0, 80)
    waves, places = dict(guess.waves), dict(guess.places)
    if "MLAMBDA_AIR" in _tables(inputs, LINES):
        surface = read_surface(inputs.tables[LINES], "MLAMBDA_AIR")
        waves |= {m: Chebyshev.fit(x, surface(x, m) / m, 7) for m in _orders(surface)}
    if "TRACE" in _tables(inputs, ORDERS):
        surface = read_surface(inputs.tables[ORDERS], "TRACE", pixels=True)
        places |= {m: Chebyshev.fit(x, surface(x, m), 7) for m in _orders(surface)}
    return Guess(np.array(sorted(waves | places)), waves, places)


def _tables(inputs: RecipeInputs, role: str) -> Mapping[str, np.ndarray]:
    return inputs.tables[role].tables if role in inputs.tables else {}


def _orders(surface: Surface) -> range:
    return range(round(surface.second[0] + 0.5), round(surface.second[1] + 0.5))


def check_setting(name: str, dwlen: float, limit: float, by: str) -> None:
    """Refuse a frame whose header tells another setting than its light.

    Parameters
    ----------
    name
        Of the frame.
    dwlen
        Central wavelength of the light minus that of the header, nm.
    limit
        Largest distance, nm.
    by
        What tells the light's.

    Raises
    ------
    AlgorithmFailure
        The distance is larger.
    """
    if abs(dwlen) > limit:
        raise AlgorithmFailure(
            f"{name}: the {by} are those of a central wavelength {abs(dwlen):.1f} nm "
            f"{'above' if dwlen > 0 else 'below'} that of its header",
            numbers={"distance": dwlen, "dwlenmax": limit},
            hint="The header or the frame belongs to another setting; dwlenmax says how far "
            "they may be apart.",
        )


def _binning(inputs: RecipeInputs) -> tuple[int, int]:
    """Binning along and across the dispersion."""
    x, y = inputs.chip.binning
    return (y, x) if inputs.chip.quarter_turns % 2 else (x, y)


def _first_pixel(
    inputs: RecipeInputs, whole: tuple[int, int], size: tuple[int, int]
) -> tuple[int, int]:
    """Pixels of the whole frame before the first one of a window, along x and y, unbinned."""
    chip = inputs.chip
    if chip.start == (1, 1):
        return (0, 0)
    corners = np.rot90(np.arange(4).reshape(2, 2), chip.quarter_turns)
    row, column = divmod(int(corners[0, -1 if chip.mirrored else 0]), 2)
    turned = chip.quarter_turns % 2 == 1
    # Raw columns run along y if the frame is turned by a quarter.
    starts = (chip.start[1], chip.start[0]) if turned else chip.start
    against = (row, column) if turned else (column, row)
    before = [
        all_ - (start - 1) - read if reversed_ else start - 1
        for all_, start, read, reversed_ in zip(whole, starts, size, against, strict=True)
    ]
    return (before[0], before[1])


def _model(inputs: RecipeInputs, parameters: SettingParameters) -> tuple[Any, SpectralFormat]:
    frame = inputs.frames[0]
    central = 10.0 * keyword_number(frame, parameters.central_wavelength)
    disperser = str(keyword_value(frame, parameters.disperser)).strip()
    for row in table_of(inputs, ROLE, "", COLUMNS):
        if str(row["CHIP"]).strip() == inputs.chip.name and disperser.startswith(
            str(row["DISPERSER"]).strip()
        ):
            numbers = {field: float(row[column]) for column, field in _NUMBERS.items()}
            return row, SpectralFormat(**numbers, central=central)
    raise UnprocessableData(
        f"{frame.name}: {ROLE} has no row for chip {inputs.chip.name} and cross-disperser "
        f"{disperser}",
        hint="Add the row to the table's builder, or check the header.",
    )
