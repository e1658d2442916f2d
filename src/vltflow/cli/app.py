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
from vltflow.cli.options import SiteOption
from vltflow.cli.output import messages
from vltflow.core.errors import NotFound, UserError, VltflowError

DONE, FAILED, WRONG_USE = 0, 1, 2

COMMANDS = {
    "init": "Make a folder a site: configuration, store and vault.",
    "simulate": "Make the raw frames of a day, with the truth about them beside each.",
    "ingest": "Read raw frames into the store: new, known or rejected, with the reason.",
    "quarantine": "List the files that were refused, with the reason.",
    "night": "Classify, associate, process, measure, score, certify and archive a night.",
    "status": "Show the AB monitor: each AB with state, score, certification and problem.",
    "ab": "Look into one association block (AB).",
    "qc": "QC1 values and scores.",
    "certify": "Certification: ABs with only green scores pass by themselves.",
    "masters": "Certified master calibrations.",
    "products": "Science products of ESO's standard (IDPs): what is handed to astronomers.",
    "statics": "Static calibrations: what no night makes.",
    "recipes": "Recipes, and the programs that execute them.",
    "instruments": "Instrument definitions, and ESO's own rules beside them.",
    "compare": "Run the native recipe and ESO's own on the same AB and show both side by side.",
    "validate": "Judge files against ESO's Science Data Products standard; needs no site.",
    "preview": "Draw spectra: all, parts, signal to noise, quality flags; needs no site.",
    "events": "List who or what changed which record, when and why.",
    "explain": "Tell what a product owes to: raw frames, masters, recipes, versions, decisions.",
    "rebuild": "Make a product again from what is recorded.",
    "campaign": "Produce science products in mass, by the month ('phoenix').",
    "reduce": "Reduce a folder of raw frames: no site is needed, products go to FOLDER/products.",
    "health": "How instruments are: scores of the Health Check, and events.",
    "completeness": "Tell whether the setups of the last seven nights have all their calibrations.",
    "serve": "Serve the web pages of a site.",
    "users": "Accounts of people who log in to the web pages.",
}
"""Each is a module beside this one, and its ``app``; the text is how its help begins."""


class Commands(typer.core.TyperGroup):
    """Commands whose modules are imported when they are run: lists and completion need none."""

    def __init__(self, **attributes: Any) -> None:
        listed = {name: typer.core.TyperCommand(name, help=text) for name, text in COMMANDS.items()}
        super().__init__(**attributes | {"commands": listed})

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Name of the command that is meant, the command itself, and its arguments."""
        name, command, rest = super().resolve_command(ctx, args)
        if name is None or command is None:
            return name, command, rest
        command = typer.main.get_command(importlib.import_module(f"vltflow.cli.{name}").app)
        command.name = name
        return name, command, rest


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
