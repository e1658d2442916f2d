"""What is handed to astronomers: products of the Science Data Products standard, with versions."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ScienceState(StrEnum):
    """State of a science product."""

    PUBLISHED = "PUBLISHED"
    """In the vault with its associated files; it is the version to use."""
    HIDDEN = "HIDDEN"
    """A later version took its place, or what it was made from lost its trust; files are kept."""


@dataclass(frozen=True, slots=True)
class AssociatedFile:
    """A file that goes with a science product (ASSON)."""

    name: str
    category: str
    """``ANCILLARY.2DSPECTRUM``, ``ANCILLARY.PREVIEW`` ..."""
    file_id: str
    """SHA-256 of the file: its address in the vault."""
    size: int
    md5: str


@dataclass(frozen=True, slots=True)
class ScienceProduct:
    """An internal data product (IDP): one version of what an AB gave to astronomers."""

    science_id: str
    """Hash of AB, revision, inputs and bytes."""
    block: str
    revision: int
    """Revision of the AB that it was made from."""
    instrument: str
    night: str
    category: str
    """PRODCATG: ``SCIENCE.SPECTRUM``."""
    target: str
    setup: str
    mjd_obs: float
    name: str
    """ORIGFILE: file name, the same for all versions."""
    version: int
    """From 1."""
    archive_name: str
    """ARCFILE: a name that no other product of the store has."""
    file_id: str
    size: int
    snr: float
    """SNR of its header."""
    bits: str
    """Score bits, bit 1 first: see `vltflow.records.score_bits`."""
    created: str
    inputs: tuple[str, ...] = ()
    """product_id of the reduced spectra in it."""
    associated: tuple[AssociatedFile, ...] = ()
    ra: float | None = None
    """Right ascension of the target in degrees, J2000; None: not kept in its days."""
    dec: float | None = None
    """Declination in degrees, J2000."""
    programmes: tuple[str, ...] = ()
    """OBS PROG ID of its exposures."""
    state: ScienceState = ScienceState.PUBLISHED
    problem: str = ""
    """Why it is hidden."""


@dataclass(frozen=True, slots=True)
class Cone:
    """A circle on the sky; all in degrees, J2000."""

    ra: float
    dec: float
    radius: float


@dataclass(frozen=True, slots=True)
class ScienceQuery:
    """What is looked for; what is empty or None does not matter."""

    target: str = ""
    """Begin of the target's name; capitals, blanks and underscores do not matter."""
    cone: Cone | None = None
    instrument: str = ""
    first: str = ""
    """First night."""
    last: str = ""
    """Last night, inclusive."""
    programme: str = ""
    """Begin of a programme's identifier: ``185.A-0745``."""
    category: str = ""
    clean: bool = False
    """Only products without any score bit that is set."""
    bit: int | None = None
    """Only products with this score bit set, counted from 1."""
    snr: float | None = None
    """Smallest signal to noise."""
    hidden: bool = False
    """With versions that were replaced or hidden."""


@dataclass(frozen=True, slots=True)
class Download:
    """One time that somebody took a file of a science product."""

    science_id: str
    file_id: str
    """SHA-256 of the file: the product's own or one that goes with it."""
    time: str
    """UT, ISO 8601."""
    who: str
    """Account; empty: nobody was logged in. Addresses of computers are not kept."""
