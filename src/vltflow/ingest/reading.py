"""From a file to a frame or a refusal: the part that runs in worker processes."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vltflow.core.errors import DataError, UnreadableFile
from vltflow.core.time import mjd_from_iso, now_iso
from vltflow.fits import inspect
from vltflow.ingest.rules import build_frame
from vltflow.ingest.walk import Found
from vltflow.instruments.model import InstrumentFile
from vltflow.records import Quarantined, RawFrame
from vltflow.store import pack_headers


@dataclass(frozen=True, slots=True)
class Reading:
    """A file that gave a frame."""

    frame: RawFrame
    headers: bytes
    """Packed, after the repairs."""
    compressed_images: bool
    """Whether it is a ``.fz`` file."""
    remarks: tuple[str, ...]


def read_files(
    files: Sequence[Found], definitions: Sequence[InstrumentFile]
) -> list[Reading | Quarantined]:
    """Frame or refusal of each file, in their order."""
    today = mjd_from_iso(now_iso())
    return [_read(file, definitions, today) for file in files]


def _read(
    file: Found, definitions: Sequence[InstrumentFile], today: float
) -> Reading | Quarantined:
    if file.refusal:
        return refused(file.location, file.refusal, UnreadableFile.code)
    try:
        inspection = inspect(file.location)
        frame, headers = build_frame(inspection, file.location, definitions, today)
    except DataError as error:
        return refused(file.location, str(error), error.code)
    packed = pack_headers([header.to_dict() for header in headers])
    return Reading(frame, packed, inspection.compressed_images, inspection.remarks)


def refused(location: str, reason: str, code: str) -> Quarantined:
    """Quarantine record of a file, with the fingerprint of its bytes where they can be read."""
    size, fingerprint = 0, ""
    path = Path(location)
    try:
        if path.is_file():
            with path.open("rb") as content:
                fingerprint = hashlib.file_digest(content, "sha256").hexdigest()
            size = path.stat().st_size
    except OSError:
        fingerprint = ""  # that it cannot be read is the reason already
    return Quarantined(location, reason, code, size, fingerprint, now_iso())
