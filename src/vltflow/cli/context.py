"""What a command works on: its site, its store, its instruments."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import typer

from vltflow.core.errors import ConfigurationError, UserError
from vltflow.core.site import Site, find_site
from vltflow.instruments import Instrument, available, load
from vltflow.store import Store


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
