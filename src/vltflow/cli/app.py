"""The program `vltflow`: its commands, and the outer edge where errors become messages."""

from __future__ import annotations

import importlib
import logging
import sys
from typing import Annotated, Any

import typer
import typer.core
import typer.main
from rich.markup import escape

from vltflow import __version__
from vltflow.cli.context import SiteOption
from vltflow.cli.output import messages
from vltflow.core.errors import NotFound, UserError, VltflowError

DONE, FAILED, WRONG_USE = 0, 1, 2

COMMANDS = (
    "init", "simulate", "ingest", "quarantine", "night", "status", "ab", "qc", "certify", "masters",
    "products",
    "statics", "recipes", "instruments", "compare", "validate", "preview", "events",
    "explain", "rebuild", "campaign", "reduce", "health", "completeness",
    "serve", "users",
)  # fmt: skip
"""Each is a module beside this one, and its ``app``."""


class Commands(typer.core.TyperGroup):
    """Commands whose modules are imported when they are used: `status` needs no pixel library."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - signature of the base class
        """Names of all commands."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 - as above
        """Command with this name; None if there is none."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"vltflow.cli.{cmd_name}")
        command = typer.main.get_command(module.app)
        command.name = cmd_name
        return command


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    help="From raw VLT frames to certified calibrations, and how good they are at every moment.\n\n"
    "A first day: `vltflow init SITE`, `vltflow ingest RAW --site SITE`, "
    "`vltflow night 2015-02-26 --instrument UVES --site SITE`, `vltflow status --site SITE`.\n\n"
    "Exit code 0: done; 1: some work failed; 2: wrong use.",
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"vltflow {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    context: typer.Context,
    site: SiteOption = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Tell on standard error what happens.")
    ] = False,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_version, is_eager=True, help="Print the version and end."
        ),
    ] = False,
) -> None:
    del version
    context.obj = {"site": site}
    level = logging.INFO if verbose else logging.ERROR  # what matters is in the result itself
    logging.basicConfig(level=level, format="%(asctime)s %(name)s %(message)s")


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and end the process with its exit code."""
    sys.exit(run(sys.argv[1:] if arguments is None else arguments))


def run(arguments: list[str]) -> int:
    """Run one command; gives its exit code."""
    try:
        app(args=arguments, prog_name="vltflow")
    except SystemExit as ended:  # how Typer reports help, wrong use and `typer.Exit`
        return ended.code if isinstance(ended.code, int) else FAILED
    except KeyboardInterrupt:
        messages().print("stopped; what was done is kept, the same command goes on")
        return FAILED
    except VltflowError as error:
        messages().print(f"[bold red]error:[/] {escape(str(error))}", highlight=False)
        return WRONG_USE if isinstance(error, UserError | NotFound) else FAILED
    return DONE


__all__ = ["app", "main", "run"]
