"""Who asks, what they may, and whether a form is really theirs."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from vltflow.records import Account, ApiToken, Right, Session
from vltflow.store import Store
from vltflow.web.passwords import fingerprint
from vltflow.web.service import Access, Service, Serving

SESSION_COOKIE = "vltflow_session"
LOGIN_COOKIE = "vltflow_login"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Visitor:
    """Whoever asks."""

    rights: frozenset[Right]
    account: Account | None = None
    session: Session | None = None
    """Of a browser; None for a program with a token, and for nobody in particular."""

    def may(self, right: str) -> bool:
        """Whether they have a right: a `Right` or its text."""
        return right in self.rights

    @property
    def name(self) -> str:
        """Name of the account; empty if nobody is logged in."""
        return self.account.name if self.account else ""

    @property
    def csrf(self) -> str:
        """Secret that the forms of their session carry."""
        return self.session.csrf if self.session else ""


class NotLoggedIn(HTTPException):
    """Nobody is logged in, and this needs it."""

    def __init__(self, why: str = "This needs a login.") -> None:
        super().__init__(401, why)


class NotAllowed(HTTPException):
    """Who asks has not the right, or the form is not theirs."""

    def __init__(self, why: str) -> None:
        super().__init__(403, why)


async def visitor_of(request: Request, service: Serving) -> Visitor:
    """Whoever asks, by token or session; nobody in particular is known without asking the store.

    Raises
    ------
    NotLoggedIn
        If a token is given that does not count.
    """
    is_named = "authorization" in request.headers or cookie_name(request) in request.cookies
    found = await run_in_threadpool(_found, request, service) if is_named else _nobody(service)
    request.state.visitor = found
    return found


def _found(request: Request, service: Service) -> Visitor:
    authorisation = request.headers.get("authorization", "")
    if authorisation:
        return _by_token(service, authorisation)
    session = _session(service, request.cookies.get(cookie_name(request), ""))
    if session is None:
        return _nobody(service)
    with service.store.read() as tx:
        account = tx.accounts.find(session.account)
    if account is None or account.disabled:
        return Visitor(frozenset())
    return Visitor(account.rights, account, session)


def _nobody(service: Service) -> Visitor:
    anybody = service.access is not Access.PRIVATE
    return Visitor(frozenset({Right.READ}) if anybody else frozenset())


Visiting = Annotated[Visitor, Depends(visitor_of)]


async def guard(request: Request, visitor: Visiting) -> None:
    """Check of every request: that who asks may look, and that what changes something is theirs.

    Raises
    ------
    NotLoggedIn, NotAllowed
        Otherwise.
    """
    if request.url.path.startswith(("/static/", "/login")):
        return  # the login form has a check of its own
    if not visitor.may(Right.READ):
        raise NotLoggedIn
    if request.method in SAFE_METHODS or (visitor.account and visitor.session is None):
        return  # a token is sent on purpose, never by a browser on its own
    if visitor.session is None:
        raise NotLoggedIn
    if not secrets.compare_digest(await _form_secret(request), visitor.csrf):
        raise NotAllowed("This form is out of date or not from here. Load the page again.")


def needs(right: Right) -> Callable[[Visitor], Visitor]:
    """Dependency of a page that needs a right; gives the visitor.

    Raises
    ------
    NotLoggedIn, NotAllowed
        When it is asked for, and who asks has not this right.
    """

    def check(visitor: Visiting) -> Visitor:
        if visitor.account is None:
            raise NotLoggedIn
        if not visitor.may(right):
            raise NotAllowed(f"{visitor.name} is {visitor.account.role} and may not {right}.")
        return visitor

    return check


Deciding = Annotated[Visitor, Depends(needs(Right.DECIDE))]
Operating = Annotated[Visitor, Depends(needs(Right.OPERATE))]
Administering = Annotated[Visitor, Depends(needs(Right.ADMINISTER))]


def cookie_name(request: Request) -> str:
    """Name of the session's cookie; over TLS with a prefix that browsers hold to its promise."""
    return f"__Host-{SESSION_COOKIE}" if request.url.scheme == "https" else SESSION_COOKIE


def iso(moment: datetime) -> str:
    """UT time as the store writes it."""
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds")


async def _form_secret(request: Request) -> str:
    header = request.headers.get("x-csrf-token", "")
    kind = request.headers.get("content-type", "")
    if header or not kind.startswith(("application/x-www-form-urlencoded", "multipart/form-data")):
        return header
    given = (await request.form()).get("csrf", "")
    return given if isinstance(given, str) and given.isascii() else ""


def _session(service: Service, secret: str) -> Session | None:
    if not secret:
        return None
    with service.store.read() as tx:
        session = tx.accounts.session(fingerprint(secret))
    now = datetime.now(UTC)
    if session is None or session.expires < iso(now):
        return None
    if session.seen < iso(now - service.session_idle):
        return None
    if session.seen < iso(now - _MINUTE):
        _touch(service.store, session, iso(now))
    return session


def _touch(store: Store, session: Session, now: str) -> None:
    with store.write(by=session.account, why="at work") as tx:
        tx.accounts.touch_session(session.token_hash, now)


def _by_token(service: Service, authorisation: str) -> Visitor:
    kind, _, secret = authorisation.partition(" ")
    with service.store.read() as tx:
        token = tx.accounts.token(fingerprint(secret.strip()))
        account = tx.accounts.find(token.account) if token else None
    if kind.lower() != "bearer" or token is None or account is None or _is_over(token):
        raise NotLoggedIn("This token does not count, or no more.")
    return Visitor(account.rights & frozenset(token.scopes), account)


def _is_over(token: ApiToken) -> bool:
    return bool(token.revoked) or token.expires < iso(datetime.now(UTC))
