"""The result of a job: one small file, written last, that vouches for all others."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from vltflow.process.executors.interface import RESULT_FILE


@dataclass(frozen=True, slots=True)
class MadeFile:
    """One product file in the folder of a job."""

    category: str
    """PRO CATG."""
    file: str
    sha256: str
    size: int
    figures: str = ""
    """File with the arrays of its QC figures; empty if there is none."""
    figures_sha256: str = ""
    inputs: tuple[str, ...] = ()
    """frame_id and product_id of everything it was made from."""


@dataclass(frozen=True, slots=True)
class JobResult:
    """What a runner says about a job."""

    job_id: str
    state: str
    """``SUCCEEDED``, ``PARTIAL`` or ``FAILED``."""
    products: tuple[MadeFile, ...] = ()
    error_code: str = ""
    error: str = ""
    elapsed_s: float = 0.0
    cpu_s: float | None = None
    peak_mb: float | None = None
    base_mb: float = 0.0
    """What its process held before: of a warm worker interpreter, libraries and kernels."""
    software: dict[str, str] = field(default_factory=dict)
    """Versions of all that had a part in it, by name."""


def write_result(folder: Path, result: JobResult) -> None:
    """Write the result file; it appears whole or not at all.

    It is not flushed to the disk: what a power cut takes away is made anew, and what a
    crash leaves is believed only with matching checksums.
    """
    part = folder / f"{RESULT_FILE}.part"
    part.write_text(json.dumps(asdict(result)), encoding="utf-8")
    part.replace(folder / RESULT_FILE)


def read_result(folder: Path, job_id: str) -> JobResult | None:
    """Result of a job; None if there is none, or one that is damaged or of another job."""
    try:
        content = json.loads((folder / RESULT_FILE).read_text(encoding="utf-8"))
        products = tuple(
            MadeFile(**(made | {"inputs": tuple(made["inputs"])}))
            for made in content.pop("products")
        )
        result = JobResult(**content, products=products)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
    return result if result.job_id == job_id else None


def file_sha256(path: Path) -> str:
    """SHA-256 of a file, 64 hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
