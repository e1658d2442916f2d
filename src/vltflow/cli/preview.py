"""`vltflow preview`: pictures of spectra."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from vltflow.cli.options import commands
from vltflow.cli.output import console
from vltflow.core.errors import UserError
from vltflow.fits import stem, write_bytes
from vltflow.plots.spectrum import draw_preview
from vltflow.publish.preview import preview_of

app = commands()


@app.command()
def preview(
    files: Annotated[list[Path], typer.Argument(help="Spectra of ESO's standard, of anybody.")],
    out: Annotated[
        Path | None, typer.Option(help="Folder for the pictures; else beside each file.")
    ] = None,
    file_format: Annotated[
        Literal["png", "svg"], typer.Option("--format", help="Kind of picture.")
    ] = "png",
) -> None:
    """Draw spectra: all, parts, signal to noise, quality flags; needs no site."""
    if out is not None:
        try:
            out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"{out} cannot be made: {error.strerror or error}") from error
    for path in files:
        picture = draw_preview(preview_of(path), file_format=file_format)
        target = (out or path.parent) / f"{stem(path.name)}.{file_format}"
        write_bytes(target, picture)
        console().print(str(target), highlight=False, markup=False, soft_wrap=True)
