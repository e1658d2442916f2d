"""A job: one run of the recipe of one AB."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class JobState(StrEnum):
    """State of a job; each member says which artefacts are guaranteed to exist."""

    PLANNED = "PLANNED"
    """The record; nothing else."""
    BLOCKED = "BLOCKED"
    """The record; what it waits for is in `error`."""
    RUNNING = "RUNNING"
    """The record with executor and handle; perhaps a working directory."""
    SUCCEEDED = "SUCCEEDED"
    """All products in the vault, log in the vault, resources recorded."""
    PARTIAL = "PARTIAL"
    """Some products and the log in the vault; `error` says what is missing."""
    FAILED = "FAILED"
    """The log in the vault where the recipe got so far; no products; `error`."""
    ABORTED = "ABORTED"
    """Cancelled; no products."""


ACTIVE_STATES = frozenset({JobState.PLANNED, JobState.BLOCKED, JobState.RUNNING})
FINAL_STATES = frozenset(JobState) - ACTIVE_STATES


@dataclass(frozen=True, slots=True)
class Job:
    """One run of a recipe, with what it may use and what it used."""

    job_id: str
    block: str
    revision: int
    recipe: str
    recipe_version: str
    runner: str
    """``native`` or ``esorex``."""
    parameters: str
    """Canonical JSON of all resolved recipe parameters."""
    input_hash: str
    """Hash of inputs, recipe version, parameters and context: equal hash, equal products."""
    cores: int
    memory_mb: int
    wall_s: int
    created: str
    attempt: int = 1
    state: JobState = JobState.PLANNED
    executor: str = ""
    handle: str = ""
    """How the executor knows the job: enough to find it again after a restart."""
    started: str = ""
    ended: str = ""
    elapsed_s: float | None = None
    """Wall time by a monotonic clock."""
    cpu_s: float | None = None
    peak_mb: float | None = None
    error_code: str = ""
    error: str = ""
    log_file: str = ""
    """Vault id of the log."""
    context: str = ""
    """Hash of the instrument definition that it ran by; empty: not recorded in its days."""
    software: str = ""
    """Id of the versions of all software that ran it (`Origins.versions`); empty: unknown."""
