"""How the products of a recipe become a science data product (IDP), as data."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from vltflow.instruments.part import Part, Runner


class AncillaryType(Part):
    """A product that goes with a science product as an associated file."""

    role: str
    category: Annotated[str, Field(pattern=r"^ANCILLARY\.")]
    """PRODCATG: ``ANCILLARY.2DSPECTRUM``."""
    runner: Runner | None = None
    """The only runner whose product it is; None: of all."""


class SpectrumType(Part):
    """A one-dimensional spectrum: the products of all chips of an AB become one file."""

    raw_types: tuple[str, ...]
    """Raw types whose ABs give it: of exposures, or of stacks."""
    role: str
    """Product that holds flux and wavelength: ``RED_SCIENCE``."""
    error: str = ""
    """Role of the errors, where they are a product of their own."""
    sky: str = ""
    """Role of the sky, where it is a product of its own."""
    orders: str = ""
    """Role of the orders before merging, where they are a product of their own."""
    orders_error: str = ""
    cosmics: str = ""
    """Role of a table with a row for each hit of a cosmic ray."""
    ancillary: tuple[AncillaryType, ...] = ()
    mark: str = ""
    """Word in the names of its files: ``STACK``."""
    is_extended: bool = False
    """EXT_OBJ."""


class Solution(Part):
    """Where the quality of the wavelength solution stands."""

    category: str
    """Begin of the categories of the masters that hold it: ``LINE_TABLE``."""
    resolution: str
    """QC1 parameter of these with the resolving power: ``QC RESOLMED``."""
    optics: float | None = None
    """Slit [arcsec] whose image is as wide as what the optics make of a point: how the resolving
    power of a lamp's exposure follows for another slit; None: it is taken as measured."""
    rms: str
    """Keyword of the reduced spectrum with the residuals' rms: ``LAMRMS``."""
    nm: float
    """nm in its unit: 0.1 for Angstrom."""
    lines: str
    """Keyword of the reduced spectrum with the number of lines: ``LAMNLIN``."""


class HeaderKeywords(Part):
    """Keywords of the raw frames, dotted; of several the first that has a value counts."""

    target: tuple[str, ...] = ("OBS.TARG.NAME", "OBJECT")
    ra: str = "RA"
    """Degrees."""
    dec: str = "DEC"
    """Degrees."""
    telescope: str = "TELESCOP"
    technique: str = "DPR.TECH"
    programme: str = "OBS.PROG.ID"
    block: str = "OBS.ID"
    exptime: str = "EXPTIME"
    aperture: tuple[str, ...]
    """Width of slit or fibre [arcsec]."""


class IdpFile(Part):
    """``idp.yaml``: what is handed to astronomers, and from where its keywords come."""

    spectra: tuple[SpectrumType, ...] = ()
    keywords: HeaderKeywords | None = None
    solution: Solution | None = None
    mode: str = ""
    """Label of what spectra are compared by, with keywords of the setup: ``{DET.WIN1.BINX}``."""
    distances: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Masters whose distance in time and temperature is a QC1 parameter: word in its name, and
    begins of their categories: ``ARC: [LINE_TABLE]`` makes ``QC CAL DT ARC`` and
    ``QC CAL DTEMP ARC``."""
