"""What recipes make, and what certification makes of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ProductState(StrEnum):
    """State of a product."""

    CREATED = "CREATED"
    """In the vault, not judged yet."""
    CERTIFIED = "CERTIFIED"
    """May be used; a Master record carries its validity."""
    REJECTED = "REJECTED"
    """A verdict says why it may not be used; the file is kept."""
    REVOKED = "REVOKED"
    """Was certified once; a verdict says why no longer; the file is kept."""
    SUPERSEDED = "SUPERSEDED"
    """A later revision of the same AB took its place; the file is kept."""


@dataclass(frozen=True, slots=True)
class Product:
    """A file made by a job."""

    product_id: str
    block: str
    revision: int
    job_id: str
    instrument: str
    night: str
    category: str
    """PRO CATG: ``MASTER_BIAS_BLUE``."""
    setup: str
    setup_keys: str
    mjd: float
    """Middle of the exposures it was made from."""
    file_id: str
    """SHA-256 of the file: its address in the vault."""
    size: int
    name: str
    """File name for people: ``UV_MBIA_150226A_BLUE_1x1.fits``, unique and stable."""
    created: str
    figures_file: str = ""
    """Vault id of the arrays behind the QC figures."""
    inputs: tuple[str, ...] = ()
    """frame_id and product_id of everything it was made from."""
    state: ProductState = ProductState.CREATED


class MasterState(StrEnum):
    """State of a certified master calibration."""

    VALID = "VALID"
    REVOKED = "REVOKED"
    SUPERSEDED = "SUPERSEDED"


@dataclass(frozen=True, slots=True)
class Master:
    """A certified master calibration with the time in which it holds."""

    product_id: str
    name: str
    instrument: str
    category: str
    setup: str
    setup_keys: str
    mjd: float
    valid_from: float
    """MJD, inclusive."""
    valid_to: float
    """MJD, exclusive. Ranges of one category and setup never overlap."""
    file_id: str
    state: MasterState = MasterState.VALID
