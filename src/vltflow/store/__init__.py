"""The store: what exists, in which state, and its bytes.

Takes and gives records; keeps each change as one transaction with its events in
the registry (SQLite or PostgreSQL) and files by checksum in the vault.
Never judges, never processes. SQL stands here and nowhere else.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vltflow.store.association import Candidate, Contested
    from vltflow.store.downloads import DownloadCount
    from vltflow.store.frames import WaitingFrame, pack_headers, unpack_headers
    from vltflow.store.origins import software_id
    from vltflow.store.overview import NightCounts, SetupUse
    from vltflow.store.store import Store, Transaction
    from vltflow.store.vault import Vault

_PLACES = {
    "Candidate": "association",
    "Contested": "association",
    "DownloadCount": "downloads",
    "NightCounts": "overview",
    "SetupUse": "overview",
    "Store": "store",
    "Transaction": "store",
    "Vault": "vault",
    "WaitingFrame": "frames",
    "pack_headers": "frames",
    "software_id": "origins",
    "unpack_headers": "frames",
}

__all__ = [
    "Candidate",
    "Contested",
    "DownloadCount",
    "NightCounts",
    "SetupUse",
    "Store",
    "Transaction",
    "Vault",
    "WaitingFrame",
    "pack_headers",
    "software_id",
    "unpack_headers",
]


def __getattr__(name: str) -> Any:
    """Load what is asked for: worker processes need the vault, but no database library."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)
