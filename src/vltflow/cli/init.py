"""`vltflow init`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import psutil
import typer

from vltflow.cli.options import commands
from vltflow.cli.output import console
from vltflow.core.site import create_site
from vltflow.store import Store

app = commands()

_MEMORY_SHARE = 0.75  # the rest is for the file cache, the store and the people at the machine


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(metavar="SITE", help="Folder that becomes the site.")],
    cores: Annotated[
        int | None, typer.Option(min=1, help="Cores for jobs; all, if not given.")
    ] = None,
    memory_mb: Annotated[
        int | None, typer.Option(min=1, help="Memory for jobs, MB; three quarters, if not given.")
    ] = None,
) -> None:
    """Make a folder a site: configuration, store and vault. What is there already stays."""
    site = create_site(
        folder,
        cores=cores or os.cpu_count() or 1,
        memory_mb=memory_mb or int(psutil.virtual_memory().total / 1e6 * _MEMORY_SHARE),
    )
    Store(site.database, site.vault).close()
    console().print(f"site {site.folder}: {site.cores} cores, {site.memory_mb} MB for jobs")
    console().print(f"next: vltflow ingest RAW --site {folder}")
