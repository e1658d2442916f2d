"""One's own account: password, and tokens for programs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from vltflow.core.errors import UserError
from vltflow.records import RIGHTS, ApiToken, Right
from vltflow.web.pages import show
from vltflow.web.passwords import LONGEST, fingerprint, hashed, is_right, new_secret
from vltflow.web.service import Service, Serving
from vltflow.web.visitors import NotLoggedIn, Visiting, Visitor, iso

router = APIRouter(include_in_schema=False)
MOST_DAYS = 400
MOST_TOKENS = 50
_PREFIX = "vltflow_"
"""So that tokens that leaked are found by those who search for such."""
Password = Annotated[str, Form(max_length=LONGEST)]


@router.get("/profile")
def profile(request: Request, visitor: Visiting, service: Serving) -> Response:
    """The page."""
    _logged_in(visitor)
    return _page(request, visitor, service)


@router.post("/profile/password")
def change_password(
    visitor: Visiting, service: Serving, old: Password = "", new: Password = ""
) -> Response:
    """Another password; all logins end, this one too."""
    name = _logged_in(visitor)
    with service.store.read() as tx:
        known = tx.accounts.password_hash(name)
    if not is_right(old, known):
        raise UserError("the old password is wrong")
    password_hash = hashed(new)
    with service.store.write(by=name, why="new password") as tx:
        tx.accounts.set_password(name, password_hash)
    return RedirectResponse("/login", 303)


@router.post("/profile/tokens")
def add_token(
    request: Request,
    visitor: Visiting,
    service: Serving,
    label: Annotated[str, Form(max_length=100)] = "",
    scopes: Annotated[list[str], Form()] = [],  # noqa: B006 - read only
    days: Annotated[int, Form(ge=1, le=MOST_DAYS)] = 90,
) -> Response:
    """A new token; it is shown once and never again."""
    name = _logged_in(visitor)
    chosen = tuple(right for right in Right if right in scopes)
    beyond = [right for right in chosen if not visitor.may(right)]
    if not label.strip() or not chosen or beyond:
        raise UserError("a token needs a label and scopes that are yours")
    secret, now = _PREFIX + new_secret(), datetime.now(UTC)
    token = ApiToken(
        number=0, token_hash=fingerprint(secret), account=name, label=label.strip(),
        scopes=chosen, created=iso(now), expires=iso(now + timedelta(days=days)),
    )  # fmt: skip
    with service.store.write(by=name, why="token made") as tx:
        if len(tx.accounts.tokens(name)) >= MOST_TOKENS:
            raise UserError(f"at most {MOST_TOKENS} tokens an account")
        tx.accounts.add_token(token)
    response = _page(request, visitor, service, secret=secret)
    response.headers["Cache-Control"] = "no-store"
    return response


@router.post("/profile/tokens/{number}/revoke")
def revoke_token(visitor: Visiting, service: Serving, number: int) -> Response:
    """Let a token count no more."""
    name = _logged_in(visitor)
    with service.store.write(by=name, why="token revoked") as tx:
        tx.accounts.revoke_token(name, number)
    return RedirectResponse("/profile", 303)


def _page(request: Request, visitor: Visitor, service: Service, *, secret: str = "") -> Response:
    with service.store.read() as tx:
        tokens = tx.accounts.tokens(visitor.name)
    rights = RIGHTS[visitor.account.role] if visitor.account else ()
    return show(
        request,
        "profile.html",
        visitor,
        tokens=tokens,
        secret=secret,
        rights=[str(right) for right in Right if right in rights and right is not Right.ADMINISTER],
        now_iso=iso(datetime.now(UTC)),
    )


def _logged_in(visitor: Visitor) -> str:
    """Name of the account; a token manages no tokens."""
    if visitor.session is None:
        raise NotLoggedIn
    return visitor.name
