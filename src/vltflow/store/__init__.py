"""The store: what exists, in which state, and its bytes.

Takes and gives records; keeps each change as one transaction with its events in
the registry (SQLite or PostgreSQL) and files by checksum in the vault.
Never judges, never processes. SQL stands here and nowhere else.
"""

from vltflow.store.association import Candidate, Contested
from vltflow.store.frames import WaitingFrame, pack_headers, unpack_headers
from vltflow.store.store import Store, Transaction
from vltflow.store.vault import Vault

__all__ = [
    "Candidate",
    "Contested",
    "Store",
    "Transaction",
    "Vault",
    "WaitingFrame",
    "pack_headers",
    "unpack_headers",
]
