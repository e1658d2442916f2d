"""What every command needs: its site, its store, its instrument."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from vltflow.core.errors import ConfigurationError, UserError
from vltflow.core.site import Site, find_site
from vltflow.core.time import night_range
from vltflow.instruments import Instrument, available, load
from vltflow.store import Store


def checked_night(night: str | None) -> str | None:
    """The night, if it is a date or none is given.

    Raises
    ------
    UserError
        If it is none.
    """
    try:
        if night is not None:
            night_range(night)
    except ValueError as error:
        raise UserError(
            f"{night!r} is no date", hint="Write the evening's date as 2015-02-26"
        ) from error
    return night


SiteOption = Annotated[
    Path | None,
    typer.Option(
        "--site",
        help="Folder of the site; else VLTFLOW_SITE, else the current folder.",
        show_default=False,
    ),
]
JsonOption = Annotated[
    bool, typer.Option("--json", help="Print a list of objects instead of a table.")
]
InstrumentOption = Annotated[
    str | None,
    typer.Option(
        "--instrument",
        "-i",
        callback=lambda name: name.upper() if name else None,
        help="Name of an instrument, such as UVES.",
    ),
]
NightOption = Annotated[
    str | None,
    typer.Option(
        "--night",
        "-n",
        callback=checked_night,
        help="Date of the evening, such as 2015-02-26 (noon UT to noon UT).",
    ),
]
BlockArgument = Annotated[
    str, typer.Argument(metavar="NAME", help="Name of an AB, or a unique part of it.")
]
CommentOption = Annotated[str, typer.Option("--comment", "-c", help="Why; kept with the decision.")]
WhoOption = Annotated[str | None, typer.Option("--by", help="Your name; else the login name.")]


def commands(help_text: str | None = None) -> typer.Typer:
    """A command or a group of commands, in the manner of this program."""
    return typer.Typer(
        help=help_text,
        no_args_is_help=help_text is not None,
        add_completion=False,
        rich_markup_mode="markdown",
    )


def site_of(context: typer.Context, given: Path | None) -> Site:
    """Site named behind the command, before it, by VLTFLOW_SITE, or the current folder."""
    return find_site(given or (context.obj or {}).get("site"))


def site_or_none(context: typer.Context, given: Path | None) -> Site | None:
    """Site of a command that does without one: None where there is none."""
    try:
        return site_of(context, given)
    except ConfigurationError:
        raise  # a site that is there, but wrong
    except UserError:
        if given is not None:
            raise
        return None


@contextmanager
def open_store(
    context: typer.Context, given: Path | None, *, instrument: str | None = None
) -> Iterator[tuple[Site, Store]]:
    """Site and opened store.

    Raises
    ------
    UnknownName
        If the site has no definition of `instrument`.
    """
    site = site_of(context, given)
    if instrument is not None:
        load(instrument, site)
    store = Store(site.database, site.vault)
    try:
        yield site, store
    finally:
        store.close()


def instruments(site: Site) -> list[Instrument]:
    """All instrument definitions of a site, by name."""
    return [load(name, site) for name in available(site)]


def block_name(store: Store, given: str) -> str:
    """Full name of an AB from its name or a part that only one has.

    Raises
    ------
    UserError
        If no AB, or more than one, has this part in its name.
    """
    with store.read() as tx:
        names = tx.blocks.names_containing(given.removesuffix(".ab"))
    if given in names or len(names) == 1:
        return given if given in names else names[0]
    if not names:
        raise UserError(f"no AB is named {given!r}", hint="`vltflow status` lists the names")
    shown = ", ".join(names[:5]) + (" ..." if len(names) > 5 else "")
    raise UserError(f"{given!r} fits {len(names)} ABs: {shown}", hint="Give more of the name")


def person(given: str | None) -> str:
    """Name under which a decision is recorded: given, else the login name."""
    return given or getpass.getuser()
