"""People and programs that may do something, and what each role may."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from vltflow.core.errors import UserError

LONGEST_NAME = 64


class Right(StrEnum):
    """What somebody may do; also the scope of an API token."""

    READ = "read"
    """Look at everything."""
    DECIDE = "decide"
    """Accept, reject and revoke products."""
    OPERATE = "operate"
    """Plan an AB again, or give it up."""
    ADMINISTER = "administer"
    """Manage accounts."""


class Role(StrEnum):
    """What an account is for."""

    VIEWER = "viewer"
    QC_SCIENTIST = "qc-scientist"
    OPERATOR = "operator"
    ADMIN = "admin"


RIGHTS: dict[Role, frozenset[Right]] = {
    Role.VIEWER: frozenset({Right.READ}),
    Role.QC_SCIENTIST: frozenset({Right.READ, Right.DECIDE}),
    Role.OPERATOR: frozenset({Right.READ, Right.OPERATE}),
    Role.ADMIN: frozenset(Right),
}
"""Who does what: deciding is the QC scientist's, running the machine the operator's."""


def account_name(name: str) -> str:
    """A name that an account may have.

    Raises
    ------
    UserError
        If it may not.
    """
    if not name.isprintable() or not name.strip() or len(name) > LONGEST_NAME:
        raise UserError(f"a name needs 1 to {LONGEST_NAME} printable characters")
    return name


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who can log in."""

    name: str
    """Short name for logging in; decisions are kept under it."""
    full_name: str
    role: Role
    created: str
    """UT time, ISO 8601."""
    disabled: bool = False

    @property
    def rights(self) -> frozenset[Right]:
        """What the account may do; nothing while it is disabled."""
        return frozenset() if self.disabled else RIGHTS[self.role]


@dataclass(frozen=True, slots=True)
class Session:
    """A login in one browser."""

    token_hash: str
    """SHA-256 of the secret in the browser's cookie: the secret itself is stored nowhere."""
    account: str
    csrf: str
    """Secret that each form of this session carries."""
    created: str
    expires: str
    """UT time after which it is over, whatever was done in it."""
    seen: str
    """UT time of the last request, to the minute."""


@dataclass(frozen=True, slots=True)
class ApiToken:
    """A secret with which a program acts for an account, within its scopes."""

    number: int
    token_hash: str
    account: str
    label: str
    scopes: tuple[Right, ...]
    created: str
    expires: str
    revoked: str = ""
    """UT time from which it counts no more; empty while it counts."""
