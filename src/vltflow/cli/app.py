"""The program `vltflow`: its commands, and the outer edge where errors become messages."""

from __future__ import annotations

import logging
import sys
from typing import Annotated

import typer
from rich.markup import escape

from vltflow import __version__
from vltflow.cli import ab, certify, events, ingest, masters, night, qc, setup, simulate, status
from vltflow.cli.context import SiteOption
from vltflow.cli.output import messages
from vltflow.core.errors import NotFound, UserError, VltflowError

DONE, FAILED, WRONG_USE = 0, 1, 2

app = typer.Typer(
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
def _main(
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
    level = logging.INFO if verbose else logging.WARNING
    logging.basicConfig(level=level, format="%(asctime)s %(name)s %(message)s")


app.command()(setup.init)
app.command()(simulate.simulate)
app.command()(ingest.ingest)
app.command()(ingest.quarantine)
app.command()(night.night)
app.command()(status.status)
app.add_typer(ab.app, name="ab")
app.add_typer(qc.app, name="qc")
app.add_typer(certify.app, name="certify")
app.add_typer(masters.app, name="masters")
app.command()(events.events)


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
