"""Arguments and options that several commands have; loads no store and no instrument."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Annotated

import typer

from vltflow.core.errors import UserError
from vltflow.core.time import night_range


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


def person(given: str | None) -> str:
    """Name under which a decision is recorded: given, else the login name."""
    return given or getpass.getuser()
