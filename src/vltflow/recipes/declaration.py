"""What a recipe declares, what it is given and what it gives back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, runtime_checkable

from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    import numpy as np

    from vltflow.records import QcFigure


@dataclass(frozen=True, slots=True)
class RawInput:
    """How many raw frames a recipe takes."""

    minimum: int
    maximum: int | None = None
    """None: any number."""


@dataclass(frozen=True, slots=True)
class MasterInput:
    """A master calibration that a recipe takes."""

    role: str
    """Category without the chip: ``MASTER_BIAS``."""
    required: bool = True
    table: bool = False
    """Whether it consists of tables: then it is in `RecipeInputs.tables`."""


@dataclass(frozen=True, slots=True)
class Output:
    """A product that a recipe makes, one for each chip."""

    role: str
    """Category without the chip: ``MASTER_BIAS``."""
    description: str


@dataclass(frozen=True, slots=True)
class QcDeclaration:
    """A QC1 parameter that a recipe measures."""

    name: str
    """Without ``ESO``; ``{output}``, ``{chip}`` stand for the chip: ``QC OUT{output} RON RAW``."""
    unit: str
    description: str

    def resolved(self, chip: Chip) -> str:
        """Name of the parameter for one chip."""
        return self.name.format(output=chip.output, chip=chip.name)


@runtime_checkable
class ImageSource(Protocol):
    """One raw image that is read by rows: the memory of a recipe is bounded by its blocks."""

    @property
    def name(self) -> str:
        """Name of the frame, for messages."""
        ...

    @property
    def shape(self) -> tuple[int, int]:
        """Raw rows and columns, prescan and overscan included."""
        ...

    @property
    def header(self) -> Mapping[str, Any]:
        """Primary and extension header merged: ``ESO DET OUT1 CONAD``, ``MJD-OBS``."""
        ...

    def rows(self, start: int, stop: int) -> np.ndarray:
        """Physical values of raw rows, uint16 or float32; called from several threads."""
        ...


@dataclass(frozen=True, slots=True)
class Chip:
    """The chip that all frames of a call come from."""

    name: str
    """``BLUE``, ``REDL``."""
    output: int
    """The n of ``QC OUTn``."""
    prescan: int
    """Raw columns before the light-sensitive ones."""
    overscan: int
    """Raw columns after them."""
    binning: tuple[int, int]
    """(x, y) of the detector."""
    conad: float
    """Electrons per ADU."""
    ron: float
    """Nominal read noise, electrons."""
    saturation: float
    """Raw values from here on are not trustworthy, ADU."""
    quarter_turns: Literal[0, 1, 2, 3] = 0
    """From raw to product, as numpy.rot90: dispersion then runs along x."""
    mirrored: bool = False
    """Whether the columns are reversed after the turns."""
    start: tuple[int, int] = (1, 1)
    """First raw column and row that were read out, unbinned, without prescan, from 1."""


@dataclass(frozen=True)
class MasterImage:
    """A master calibration in product orientation."""

    data: np.ndarray
    variance: np.ndarray | None
    """None when the master came without: it then counts as free of noise."""
    quality: np.ndarray | None
    header: Mapping[str, Any]
    name: str = ""
    """For messages."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows and columns."""
        return self.data.shape

    def rows(
        self, start: int, stop: int
    ) -> tuple[np.ndarray, np.ndarray | None, np.ndarray | None]:
        """Data, variance and quality of some rows; called from several threads.

        A master that lies in a file reads no more than these rows.
        """
        planes = (self.variance, self.quality)
        variance, quality = (None if plane is None else plane[start:stop] for plane in planes)
        return self.data[start:stop], variance, quality


@dataclass(frozen=True, slots=True)
class MasterTable:
    """A master or static calibration that consists of binary tables."""

    tables: Mapping[str, np.ndarray]
    """Structured arrays in native byte order by EXTNAME (the HDU's number, if it has none), in the
    order of the file."""
    header: Mapping[str, Any]
    """Of the primary HDU."""
    name: str = ""
    """For messages."""
    history: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """HISTORY cards of the tables, by EXTNAME."""


@dataclass(frozen=True, slots=True)
class RecipeInputs:
    """What one call of a recipe works on: the frames and masters of one chip."""

    frames: tuple[ImageSource, ...]
    masters: Mapping[str, MasterImage]
    """By role: ``MASTER_BIAS``."""
    chip: Chip
    cores: int = 2
    """Threads that the recipe may use."""
    tables: Mapping[str, MasterTable] = field(default_factory=dict)
    """Masters and static calibrations that are tables, by role: ``ORDER_TABLE``."""
    spectra: tuple[MasterTable, ...] = ()
    """Products of single exposures that are made into one, in the order of their exposures."""


@dataclass(frozen=True, slots=True)
class ProductData:
    """A product as arrays and cards; the runner makes the file."""

    role: str
    data: np.ndarray
    """float32, product orientation."""
    variance: np.ndarray
    """float32, square of the data's unit."""
    quality: np.ndarray
    """uint8, bits of `vltflow.algorithms.Quality`."""
    header: dict[str, str | int | float | bool]
    """Cards beyond those that the runner copies and writes for every product."""
    qc: dict[str, float]
    """QC1 parameters: name without ``ESO`` and value."""
    figures: tuple[QcFigure, ...]


@dataclass(frozen=True, slots=True)
class TableData:
    """One binary table of a product."""

    name: str
    """EXTNAME."""
    rows: np.ndarray
    """Structured array, shape (rows,); its field names are the columns."""
    units: Mapping[str, str]
    """FITS units by column; columns without a unit are left out."""
    header: Mapping[str, str | int | float | bool] = field(default_factory=dict)
    """Cards of its extension."""


@dataclass(frozen=True, slots=True)
class TableProduct:
    """A product that consists of binary tables; the runner makes the file."""

    role: str
    tables: tuple[TableData, ...]
    header: dict[str, str | int | float | bool]
    """Cards beyond those that the runner copies and writes for every product."""
    qc: dict[str, float]
    """QC1 parameters: name without ``ESO`` and value."""
    figures: tuple[QcFigure, ...]


@dataclass(frozen=True, slots=True)
class RecipeResult:
    """The products of one call."""

    products: tuple[ProductData | TableProduct, ...]


@dataclass(frozen=True, slots=True)
class Resources:
    """What a call is expected to use at most."""

    cores: int
    memory_mb: int
    wall_s: int


class Parameters(BaseModel):
    """Base of all recipe parameters: frozen, no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Recipe(ABC):
    """A declaration and a pure function: no paths, no store, no state."""

    name: ClassVar[str]
    version: ClassVar[str]
    summary: ClassVar[str]
    raw: ClassVar[RawInput]
    spectra: ClassVar[RawInput] = RawInput(0, 0)
    """How many products of single exposures it takes: see `RecipeInputs.spectra`."""
    masters: ClassVar[tuple[MasterInput, ...]]
    outputs: ClassVar[tuple[Output, ...]]
    parameters: ClassVar[type[Parameters]]
    qc: ClassVar[tuple[QcDeclaration, ...]]

    @abstractmethod
    def process(self, inputs: RecipeInputs, parameters: Any) -> RecipeResult:
        """Make the products of one chip.

        Parameters
        ----------
        inputs
            Frames and masters.
        parameters
            An instance of the class in `parameters`.

        Raises
        ------
        UnprocessableData
            The frames do not belong together, are too few, or lack a keyword.
        AlgorithmFailure
            The frames hold nothing that the product could be made from.
        """

    def resources(self, frame_count: int, pixels: int) -> Resources:
        """Estimate what a call needs; the number of frames hardly changes the memory.

        Parameters
        ----------
        frame_count
            Raw frames.
        pixels
            Pixels of one raw frame.
        """
        # Products, masters and working planes of at most 60 bytes a pixel (echelle recipes; those
        # of detectors need 18), the blocks in work, and the interpreter with its libraries.
        memory = 60 * pixels / 1e6 + 128 + 350
        seconds = 30 + frame_count * pixels / 5e6
        return Resources(2, round(memory), round(seconds))
