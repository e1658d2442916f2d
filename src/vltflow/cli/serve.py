"""`vltflow serve`: the web pages."""

from __future__ import annotations

from typing import Annotated

import typer

from vltflow.cli.context import open_store
from vltflow.cli.options import SiteOption, commands
from vltflow.cli.output import console

app = commands()


@app.command()
def serve(
    context: typer.Context,
    host: Annotated[str, typer.Option(help="Address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port; 0 takes a free one.", min=0, max=65535)] = 8321,
    name: Annotated[
        list[str] | None, typer.Option(help="Name under which a proxy asks; may be repeated.")
    ] = None,
    proxy: Annotated[
        str, typer.Option(help="Address of the proxy before it, whose headers are believed.")
    ] = "",
    access: Annotated[
        str,
        typer.Option(
            help="open: anybody may look; private: looking needs a login; "
            "read-only: anybody may look, nobody can log in."
        ),
    ] = "open",
    site: SiteOption = None,
) -> None:
    """Serve the web pages of a site, to this machine only unless told otherwise; Ctrl-C ends it."""
    from vltflow.web.application import application  # noqa: PLC0415 - slow to load
    from vltflow.web.server import serve as run  # noqa: PLC0415
    from vltflow.web.service import Access, Service  # noqa: PLC0415

    if access not in set(Access):
        raise typer.BadParameter(f"{access} is none of {', '.join(Access)}", param_hint="--access")
    with open_store(context, site) as (opened, store):
        hosts = ("localhost", "127.0.0.1", "[::1]", host, *(name or ()))
        service = Service(store, opened, Access(access), hosts)
        run(application(service), host, port, proxy=proxy, ready=_announce)


def _announce(address: str) -> None:
    console().print(f"vltflow serves {address} (Ctrl-C ends it)", highlight=False)
