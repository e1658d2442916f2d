"""`vltflow users`: who may log in, and as what."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from vltflow.cli.context import open_store
from vltflow.cli.options import JsonOption, SiteOption, WhoOption, commands, person
from vltflow.cli.output import console, show
from vltflow.core.errors import UserError
from vltflow.core.time import now_iso
from vltflow.records import Account, Role, account_name

app = commands("Accounts of people who log in to the web pages.")
COLUMNS = ("name", "full_name", "role", "created", "disabled")
NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="Short name for logging in.")]
RoleOption = Annotated[
    Role,
    typer.Option(
        help="viewer: looks; qc-scientist: decides as well; operator: retries and aborts; "
        "admin: everything."
    ),
]


@app.command()
def add(
    context: typer.Context,
    name: NameArgument,
    role: RoleOption = Role.VIEWER,
    full_name: Annotated[str, typer.Option("--full-name", help="Name for people.")] = "",
    who: WhoOption = None,
    site: SiteOption = None,
) -> None:
    """Add an account; the password is asked for, or read from standard input."""
    from vltflow.web.passwords import hashed  # noqa: PLC0415 - slow to load

    account_name(name)
    with open_store(context, site) as (_, store):
        with store.read() as tx:
            if tx.accounts.find(name) is not None:
                raise UserError(
                    f"there is an account {name} already", hint="`vltflow users passwd` changes it"
                )
        account = Account(name, full_name or name, role, now_iso())
        password_hash = hashed(_password())
        with store.write(by=person(who), why="account added") as tx:
            tx.accounts.add(account, password_hash)
    console().print(f"{name}: {role}", highlight=False)


@app.command("list")
def list_accounts(
    context: typer.Context, site: SiteOption = None, as_json: JsonOption = False
) -> None:
    """List all accounts."""
    with open_store(context, site) as (_, store), store.read() as tx:
        accounts = tx.accounts.all()
    rows = [{column: getattr(one, column) for column in COLUMNS} for one in accounts]
    show(rows, COLUMNS, as_json=as_json, empty="no accounts yet: `vltflow users add NAME`")


@app.command()
def passwd(
    context: typer.Context, name: NameArgument, who: WhoOption = None, site: SiteOption = None
) -> None:
    """Give an account a new password; it is logged out everywhere."""
    from vltflow.web.passwords import hashed  # noqa: PLC0415 - slow to load

    with open_store(context, site) as (_, store):
        with store.read() as tx:
            if tx.accounts.find(name) is None:
                raise UserError(f"there is no account {name}", hint="`vltflow users list`")
        password_hash = hashed(_password())
        with store.write(by=person(who), why="new password") as tx:
            tx.accounts.set_password(name, password_hash)
    console().print(f"{name}: password changed", highlight=False)


@app.command()
def role(
    context: typer.Context,
    name: NameArgument,
    new: Annotated[Role, typer.Argument(metavar="ROLE", help="The new role.")],
    who: WhoOption = None,
    site: SiteOption = None,
) -> None:
    """Give an account another role; it counts from the next page on."""
    with (
        open_store(context, site) as (_, store),
        store.write(by=person(who), why="another role") as tx,
    ):
        tx.accounts.set_role(name, new)
    console().print(f"{name}: {new}", highlight=False)


@app.command()
def disable(
    context: typer.Context, name: NameArgument, who: WhoOption = None, site: SiteOption = None
) -> None:
    """Switch an account off: it is logged out everywhere, its tokens count no more."""
    _set_disabled(context, name, who, site, disabled=True)


@app.command()
def enable(
    context: typer.Context, name: NameArgument, who: WhoOption = None, site: SiteOption = None
) -> None:
    """Switch an account on again."""
    _set_disabled(context, name, who, site, disabled=False)


def _set_disabled(
    context: typer.Context, name: str, who: WhoOption, site: SiteOption, *, disabled: bool
) -> None:
    change = "disabled" if disabled else "enabled"
    with (
        open_store(context, site) as (_, store),
        store.write(by=person(who), why=f"account {change}") as tx,
    ):
        tx.accounts.set_disabled(name, disabled=disabled)
    console().print(f"{name}: {change}", highlight=False)


def _password() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))
