"""Log in and out, slowly for those who guess."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from vltflow.core.errors import UserError
from vltflow.records import Account, Session
from vltflow.store import Store
from vltflow.web.pages import show
from vltflow.web.passwords import LONGEST, fingerprint, is_right, new_secret
from vltflow.web.service import Access, Service, Serving
from vltflow.web.visitors import (
    LOGIN_COOKIE,
    NotAllowed,
    Visiting,
    cookie_name,
    iso,
)

router = APIRouter(include_in_schema=False)
MEMORY = timedelta(minutes=15)
"""Failed logins count for this time."""
MOST_FAILURES = {"both": 5, "account": 30, "address": 50}
"""Of an account from one address; of an account from anywhere; from one address at all."""


@router.get("/login")
def login_form(
    request: Request,
    visitor: Visiting,
    service: Serving,
    next: str = "/",  # noqa: A002
) -> Response:
    """The form."""
    return _form(request, visitor, service, next)


@router.post("/login")
def log_in(
    request: Request,
    visitor: Visiting,
    service: Serving,
    name: Annotated[str, Form(max_length=200)] = "",
    password: Annotated[str, Form(max_length=LONGEST)] = "",
    secret: Annotated[str, Form(max_length=100)] = "",
    next: Annotated[str, Form(max_length=4000)] = "/",  # noqa: A002
) -> Response:
    """Log in, if name and password are right and there were not too many attempts."""
    _refuse_if_closed(request, service)
    given = request.cookies.get(LOGIN_COOKIE, "")
    if not given or not secrets.compare_digest(given.encode(), secret.encode()):
        return _form(request, visitor, service, next, "The form was too old. Try again.", 403)
    address = request.client.host if request.client else ""
    if _too_many(service.store, name, address):
        words = f"Too many attempts. Wait {MEMORY.seconds // 60} minutes."
        return _form(request, visitor, service, next, words, 429)
    account = _checked(service.store, name, password)
    if account is None:
        _note_failure(service.store, name, address)
        words = "Name or password is wrong, or the account is disabled."
        return _form(request, visitor, service, next, words, 403)
    return _opened(request, service, account, address, _own_address(next))


@router.post("/logout")
def log_out(request: Request, visitor: Visiting, service: Serving) -> Response:
    """End the session of this browser."""
    if visitor.session is not None:
        with service.store.write(by=visitor.name, why="logged out") as tx:
            tx.accounts.end_session(visitor.session.token_hash)
    response = RedirectResponse("/", 303)
    response.delete_cookie(cookie_name(request), path="/", secure=_is_secure(request))
    return response


def _form(
    request: Request, visitor: Visiting, service: Service, target: str, words: str = "",
    status: int = 200,
) -> Response:  # fmt: skip
    _refuse_if_closed(request, service)
    secret = request.cookies.get(LOGIN_COOKIE, "") or new_secret()
    values = {"secret": secret, "next": _own_address(target), "words": words}
    response = show(request, "login.html", visitor, status=status, **values)
    response.headers["Cache-Control"] = "no-store"
    response.set_cookie(
        LOGIN_COOKIE, secret, path="/login", httponly=True, samesite="strict",
        secure=_is_secure(request), max_age=3600,
    )  # fmt: skip
    return response


def _refuse_if_closed(request: Request, service: Service) -> None:
    if service.access is Access.READ_ONLY:
        raise NotAllowed("This server only shows: nobody logs in here.")
    host = request.url.hostname or ""
    if not _is_secure(request) and host not in {"localhost", "127.0.0.1", "::1"}:
        raise UserError(
            "a password must not go through a network in the open",
            hint="Reach this server by https: see the operator's page",
        )


def _is_secure(request: Request) -> bool:
    return request.url.scheme == "https"


def _too_many(store: Store, name: str, address: str) -> bool:
    since = iso(datetime.now(UTC) - MEMORY)
    with store.read() as tx:
        count = tx.accounts.failed_logins
        return (
            count(since=since, account=name, address=address) >= MOST_FAILURES["both"]
            or count(since=since, account=name) >= MOST_FAILURES["account"]
            or count(since=since, address=address) >= MOST_FAILURES["address"]
        )


def _checked(store: Store, name: str, password: str) -> Account | None:
    with store.read() as tx:
        account, known = tx.accounts.find(name), tx.accounts.password_hash(name)
    right = is_right(password, known)
    return account if right and account is not None and not account.disabled else None


def _note_failure(store: Store, name: str, address: str) -> None:
    with store.write(by="web", why="login failed") as tx:
        before = iso(datetime.now(UTC) - 2 * MEMORY)
        tx.accounts.add_failed_login(name, address, forget_before=before)


def _opened(
    request: Request, service: Service, account: Account, address: str, target: str
) -> Response:
    secret, now = new_secret(), datetime.now(UTC)
    session = Session(
        token_hash=fingerprint(secret),
        account=account.name,
        csrf=new_secret(),
        created=iso(now),
        expires=iso(now + service.session_age),
        seen=iso(now),
    )
    with service.store.write(by=account.name, why="logged in") as tx:
        tx.accounts.open_session(session, address)
    response = RedirectResponse(target, 303)
    response.set_cookie(
        cookie_name(request), secret, path="/", httponly=True, samesite="lax",
        secure=_is_secure(request), max_age=int(service.session_age.total_seconds()),
    )  # fmt: skip
    response.delete_cookie(LOGIN_COOKIE, path="/login")
    return response


def _own_address(target: str) -> str:
    """The target, if it is a page of ours; else the first one."""
    parts = urlsplit(target)
    mine = target.startswith("/") and not target.startswith(("//", "/\\"))
    plain = target.isprintable() and "\\" not in target
    return target if mine and plain and not parts.netloc else "/"
