"""Passwords and secrets: made, hashed, compared."""

from __future__ import annotations

import hashlib
import secrets

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from vltflow.core.errors import UserError

SHORTEST = 12
"""Characters of a password: NIST SP 800-63B asks for 8, and for length instead of rules."""
LONGEST = 1024
_hasher = PasswordHasher()  # argon2id with the parameters of RFC 9106, section 4, second choice
_NOBODY = _hasher.hash(secrets.token_urlsafe())


def hashed(password: str) -> str:
    """Hash of a password, with its salt and parameters.

    Raises
    ------
    UserError
        If the password is too short or too long.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        raise UserError(
            f"a password needs {SHORTEST} to {LONGEST} characters",
            hint="Four or five words make a good one",
        )
    return _hasher.hash(password)


def is_right(password: str, password_hash: str) -> bool:
    """Whether a password is the one of a hash; as slow for an empty hash as for any other."""
    try:
        return _hasher.verify(password_hash or _NOBODY, password[:LONGEST]) and bool(password_hash)
    except (Argon2Error, InvalidHashError):
        return False


def new_secret() -> str:
    """A secret of 256 bits as text."""
    return secrets.token_urlsafe(32)


def fingerprint(secret: str) -> str:
    """What the store keeps of a secret that nobody could guess: its SHA-256."""
    return hashlib.sha256(secret.encode()).hexdigest()
