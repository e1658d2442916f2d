"""The association block (AB): what is reduced together, with which calibrations."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class BlockState(StrEnum):
    """State of an AB; each member says what can be relied upon."""

    PLANNED = "PLANNED"
    """Frames and calibrations are associated; it runs when its virtual masters are made."""
    BLOCKED = "BLOCKED"
    """It cannot run: no recipe yet, or a required calibration is missing; `problem` says which."""
    RUNNING = "RUNNING"
    """A job of it is with an executor."""
    SUCCEEDED = "SUCCEEDED"
    """All declared products are in the vault and registered."""
    PARTIAL = "PARTIAL"
    """Some declared products are in the vault; `problem` says what is missing."""
    FAILED = "FAILED"
    """The recipe ended badly and will not be tried again by itself; log kept, no products."""
    ABORTED = "ABORTED"
    """Cancelled by a person; log kept, no products."""


class MatchState(StrEnum):
    """State of one needed calibration of an AB."""

    VIRTUAL = "VIRTUAL"
    """It will be a product of `source_block`, which has not made it yet."""
    REAL = "REAL"
    """It is the product `product_id`."""
    MISSING = "MISSING"
    """Nothing in range; the AB can run only if it is optional."""


@dataclass(frozen=True, slots=True)
class MasterMatch:
    """A product of another AB that an AB takes: a calibration (mcalib), or a stack's member."""

    category: str
    """PRO CATG of the master: ``MASTER_BIAS_BLUE``."""
    required: bool
    state: MatchState
    source_block: str = ""
    """Name of the AB that makes or made it."""
    product_id: str = ""
    """Set when REAL."""
    level: int | None = None
    """Quality level of the match, -1 (better than plan) to 3 (risky); None when missing."""
    distance_days: float | None = None
    """Signed: master minus AB, in days."""
    distance_celsius: float | None = None
    """Signed: instrument's temperature of the master minus the AB's; None: not known."""
    member: bool = False
    """Whether it is no calibration but one of the products that a stack is made of."""


@dataclass(frozen=True, slots=True)
class AssociationBlock:
    """Raw frames of one event with the calibrations they need: ESO's unit of work."""

    name: str
    """First raw frame and grouping tag: ``UVES.2015-02-27T10:46:39.756_tpl``."""
    instrument: str
    night: str
    raw_type: str
    setup: str
    """Label shown to people."""
    setup_keys: str
    """Canonical JSON of the keyword values that association matches."""
    recipe: str
    """Name of the recipe (ESO's), whether or not a runner for it exists."""
    grouping: str
    """Tag of the grouping rule: ``tpl`` (template), ``none`` (single frame), or of a
    stack, ``obs`` (observation block) or ``targ`` (target)."""
    group_key: str
    """Value that holds the group together (instrument, raw type, setup, TPL START)."""
    frames: tuple[str, ...]
    """frame_id of the raw frames, by time; of a stack none: its members have them."""
    masters: tuple[MasterMatch, ...]
    expected: int
    """Frames that the template announced (TPL NEXP) or the rules demand; members of a stack
    without which it is not made."""
    complete: bool
    """All announced frames are there and every required calibration is found."""
    mjd_start: float
    mjd_mid: float
    """Middle of all exposures of the group: the moment that calibrations are matched to."""
    mjd_end: float
    context: str
    """Hash of the instrument definition that associated it."""
    revision: int = 1
    """Rises when late frames re-open a processed AB; jobs and products belong to a revision."""
    state: BlockState = BlockState.PLANNED
    problem: str = ""
    """One sentence for the monitor when something keeps it from being fine."""


@dataclass(frozen=True, slots=True)
class BlockSummary:
    """An AB on one line, with what became of it: for listings of many."""

    name: str
    instrument: str
    night: str
    raw_type: str
    setup: str
    recipe: str
    frames: int
    """Raw frames that are there, of `expected`."""
    expected: int
    complete: bool
    mjd_start: float
    revision: int
    state: BlockState
    problem: str
    runner: str = ""
    """Of the latest job; empty while there is none."""
    pipeline_s: float | None = None
    """Wall time of the latest job."""
    log_file: str = ""
    """Vault id of its log."""
    qc_s: float | None = None
    """Wall time of measuring, scoring and reporting."""
    report: bool = False
    """Whether this revision has a QC report."""
    red: int = 0
    green: int = 0
    grey: int = 0
    """Scores of this revision."""
    decision: str = ""
    """Last decision about this revision: ``AUTO``, ``ACCEPTED``, ``REJECTED``, ``REVOKED``."""
    who: str = ""
    comment: str = ""
    decided: str = ""
