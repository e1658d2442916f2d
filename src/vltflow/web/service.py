"""What every page needs: the store, the site, who may look."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Annotated

from fastapi import Depends, Request

from vltflow.core.site import Site
from vltflow.instruments import Instrument, load
from vltflow.store import Store
from vltflow.web.assets import Assets
from vltflow.web.rhythm import Rhythm
from vltflow.web.shared import Shared


class Access(StrEnum):
    """Who may look, and whether anybody may change anything."""

    OPEN = "open"
    """Anybody may look; deciding needs a login."""
    PRIVATE = "private"
    """Looking needs a login as well."""
    READ_ONLY = "read-only"
    """Anybody may look; nobody can log in: for a public mirror."""


@dataclass(frozen=True)
class Service:
    """The running web service."""

    store: Store
    site: Site
    access: Access = Access.OPEN
    hosts: tuple[str, ...] = ("localhost", "127.0.0.1", "[::1]")
    """Names under which it may be asked, without port."""
    session_age: timedelta = timedelta(hours=12)
    """A login is over after this time, whatever was done in it."""
    session_idle: timedelta = timedelta(hours=2)
    """A login is over after this time without a request."""
    assets: Assets = field(default_factory=Assets)
    shared: Shared = field(default_factory=Shared)
    rhythm: Rhythm = field(default_factory=Rhythm)

    def instrument(self, name: str) -> Instrument:
        """Definition of an instrument.

        Raises
        ------
        UnknownName
            If the site has none of this name.
        """
        return load(name, self.site)


def service_of(request: Request) -> Service:
    """The service that a request is for."""
    found: Service = request.app.state.service
    return found


async def _serving(request: Request) -> Service:
    return service_of(request)  # a plain function would be run in another thread


Serving = Annotated[Service, Depends(_serving)]
"""Parameter of a page that needs the store or the site."""
