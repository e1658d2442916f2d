"""Accounts for the admin: who may log in and as what, all tokens, and who changed it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from vltflow.core.errors import UserError
from vltflow.core.time import now_iso
from vltflow.records import Account, Role, account_name
from vltflow.web.pages import show
from vltflow.web.passwords import LONGEST, hashed
from vltflow.web.service import Serving
from vltflow.web.visitors import Administering, NotLoggedIn, Visitor

router = APIRouter(include_in_schema=False)
ADDRESS = "/accounts"
EVENTS = 20
"""Of each account that the page shows."""
Name = Annotated[str, Form(max_length=200)]
Password = Annotated[str, Form(max_length=LONGEST)]


@router.get(ADDRESS)
def accounts_page(request: Request, visitor: Administering, service: Serving) -> Response:
    """All accounts with their tokens and their latest events."""
    _in_person(visitor)
    with service.store.read() as tx:
        accounts = tx.accounts.all()
        tokens = [token for one in accounts for token in tx.accounts.tokens(one.name)]
        events = [
            event
            for one in accounts
            for event in tx.events.find(kind="account", record=one.name, limit=EVENTS)
        ]
    return show(
        request, "accounts.html", visitor, accounts=accounts, tokens=tokens, roles=list(Role),
        events=sorted(events, key=lambda one: -one.number), now_iso=now_iso(),
    )  # fmt: skip


@router.post(f"{ADDRESS}/add")
def add_account(
    visitor: Administering,
    service: Serving,
    name: Name = "",
    full_name: Name = "",
    role: Annotated[Role, Form()] = Role.VIEWER,
    password: Password = "",
) -> Response:
    """A new account."""
    _in_person(visitor)
    account = Account(account_name(name), full_name.strip() or name, role, now_iso())
    password_hash = hashed(password)
    with service.store.write(by=visitor.name, why="account added") as tx:
        tx.accounts.add(account, password_hash)
    return _done()


@router.post(f"{ADDRESS}/role")
def change_role(
    visitor: Administering, service: Serving, role: Annotated[Role, Form()], name: Name = ""
) -> Response:
    """Another role; it counts from the next request on."""
    _of_another(visitor, name)
    with service.store.write(by=visitor.name, why="another role") as tx:
        tx.accounts.set_role(name, role)
    return _done()


@router.post(f"{ADDRESS}/disabled")
def change_disabled(
    visitor: Administering,
    service: Serving,
    disabled: Annotated[bool, Form()],
    name: Name = "",
) -> Response:
    """Switch an account off, with its sessions and tokens, or on again."""
    _of_another(visitor, name)
    why = "account disabled" if disabled else "account enabled"
    with service.store.write(by=visitor.name, why=why) as tx:
        tx.accounts.set_disabled(name, disabled=disabled)
    return _done()


@router.post(f"{ADDRESS}/password")
def reset_password(
    visitor: Administering, service: Serving, name: Name = "", password: Password = ""
) -> Response:
    """Another password for somebody who forgot theirs; they are logged out everywhere."""
    _of_another(visitor, name)
    password_hash = hashed(password)
    with service.store.write(by=visitor.name, why="new password") as tx:
        tx.accounts.set_password(name, password_hash)
    return _done()


@router.post(f"{ADDRESS}/tokens/revoke")
def revoke_token(
    visitor: Administering, service: Serving, number: Annotated[int, Form()], name: Name = ""
) -> Response:
    """Let anybody's token count no more."""
    _in_person(visitor)
    with service.store.write(by=visitor.name, why="token revoked") as tx:
        tx.accounts.revoke_token(account_name(name), number)
    return _done()


def _in_person(visitor: Visitor) -> None:
    """A token manages no accounts, whatever its scopes."""
    if visitor.session is None:
        raise NotLoggedIn


def _of_another(visitor: Visitor, name: str) -> None:
    """Nobody locks themselves out: so there is always an admin who can log in."""
    _in_person(visitor)
    if account_name(name) == visitor.name:
        raise UserError(
            "your own account is not changed here",
            hint="Another admin can; your password is on your own page",
        )


def _done() -> Response:
    return RedirectResponse(ADDRESS, 303)
