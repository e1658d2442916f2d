"""The store: what exists, in which state, and its bytes.

Takes and gives records; keeps each change as one transaction with its events in
the registry (SQLite or PostgreSQL) and files by checksum in the vault.
Never judges, never processes. SQL stands here and nowhere else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vltflow.core.lazy import from_modules

if TYPE_CHECKING:
    from vltflow.store.association import Candidate, Contested
    from vltflow.store.downloads import DownloadCount
    from vltflow.store.frames import WaitingFrame, pack_headers, unpack_headers
    from vltflow.store.origins import software_id
    from vltflow.store.overview import NightCounts, SetupUse
    from vltflow.store.store import Store, Transaction
    from vltflow.store.vault import Vault

# Worker processes need the vault, but no database library.
__getattr__ = from_modules(
    __name__,
    {
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
    },
)

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
