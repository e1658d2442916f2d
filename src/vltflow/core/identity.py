"""Fingerprints: the same content has the same identifier, everywhere and for ever."""

from __future__ import annotations

import hashlib
import json
import time
import uuid
from collections.abc import Mapping, Sequence

Json = str | int | float | bool | None | Sequence["Json"] | Mapping[str, "Json"]


def content_hash(value: Json) -> str:
    """SHA-256 (64 hex digits) of a JSON value in canonical form: sorted keys, no spaces."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def new_id() -> str:
    """An identifier that nobody else has: 32 hex digits, ascending in time of creation.

    The first 12 digits are milliseconds, as in UUID version 7 (RFC 9562, section 5.7);
    the order is a convenience for readers of listings, never relied upon.
    """
    return f"{time.time_ns() // 1_000_000:012x}{uuid.uuid4().hex[12:]}"
