"""All pages as one ASGI application."""

from __future__ import annotations

from types import ModuleType

from fastapi import Depends, FastAPI
from starlette.middleware.gzip import DEFAULT_EXCLUDED_CONTENT_TYPES, GZipMiddleware

from vltflow import __version__
from vltflow.web import (
    administration,
    assets,
    block,
    campaigns,
    completeness,
    decisions,
    desk,
    failures,
    files,
    health,
    images,
    login,
    monitor,
    product,
    products,
    profile,
    qc1,
    report,
    spectrum,
    today,
)
from vltflow.web.protection import Protection
from vltflow.web.service import Service
from vltflow.web.visitors import guard

PAGES: tuple[ModuleType, ...] = (
    today, monitor, block, report, images, health, completeness, qc1, desk, decisions,
    products, product, spectrum, files, campaigns, profile, administration, login, assets,
)  # fmt: skip
"""Each has a ``router``; those with a ``MENU`` (title and address) stand in the menu."""
_SMALLEST_PACKED = 700


def application(service: Service) -> FastAPI:
    """The application for one store and site."""
    app = FastAPI(
        title="vltflow",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
        dependencies=[Depends(guard)],
    )
    app.state.service = service
    app.state.menu = tuple(page.MENU for page in PAGES if hasattr(page, "MENU"))
    for page in PAGES:
        app.include_router(page.router)
    failures.install(app)
    app.add_middleware(
        GZipMiddleware,
        minimum_size=_SMALLEST_PACKED,
        compresslevel=6,
        exclude_content_types=(*DEFAULT_EXCLUDED_CONTENT_TYPES, files.FITS),  # parts need lengths
    )
    app.add_middleware(Protection, hosts=service.hosts)
    return app
