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
    state: ScienceState = ScienceState.PUBLISHED
    problem: str = ""
    """Why it is hidden."""
