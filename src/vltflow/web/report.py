"""QC report and score report of an AB: numbers, limits, trends and figures in one page."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Request
from markupsafe import Markup
from starlette.responses import HTMLResponse, Response

from vltflow import qc
from vltflow.core.errors import NotFound
from vltflow.core.time import iso_from_mjd
from vltflow.qc.dossier import Dossier, Quality, gather, recorded
from vltflow.qc.report import calibration_row, score_tables
from vltflow.records import Colour, score_text
from vltflow.store import Store
from vltflow.web.figures import figure_svgs, without_styles
from vltflow.web.pages import as_json, show, tagged
from vltflow.web.service import Service, Serving
from vltflow.web.visitors import Visiting
from vltflow.web.words import anchor

router = APIRouter()


@router.get("/ab/{name}/report", include_in_schema=False)
def report_page(request: Request, visitor: Visiting, service: Serving, name: str) -> Response:
    """Scores first, red ones above; then figures, drawn when they come into sight."""
    dossier, quality = _judged(service, name)
    return show(
        request,
        "report.html",
        visitor,
        block=dossier.block,
        job=dossier.job,
        verdict=dossier.verdict,
        score=score_text(quality.scores),
        red=[one for one in quality.scores if one.colour is Colour.RED],
        tables=tables(dossier, quality),
        products=dossier.products,
        calibrations=[calibration_row(one, dossier.masters) for one in dossier.block.masters],
        start=iso_from_mjd(dossier.block.mjd_start),
        end=iso_from_mjd(dossier.block.mjd_end),
    )


@router.get("/ab/{name}/figures/{product_id}", include_in_schema=False)
def figures(request: Request, service: Serving, name: str, product_id: str) -> Response:
    """Figures of a product, as a part of the report."""
    with service.store.read() as tx:
        found = tx.products.by_id([product_id]).get(product_id)
    if found is None or found.block != name or not found.figures_file:
        raise NotFound(f"{name} has no figures of product {product_id}")
    pictures = figure_svgs(service.store, found.figures_file, anchor(product_id))
    text = "".join(f"<figure>{one}</figure>" for one in pictures)
    return tagged(request, text.encode(), "text/html; charset=utf-8")


@router.get("/ab/{name}/report/file", include_in_schema=False)
def report_file(service: Serving, name: str) -> HTMLResponse:
    """One file that needs nothing else, to be saved or sent on: as kept, else drawn now."""
    with service.store.read() as tx:
        block = tx.blocks.get(name)
        file_id = tx.quality.reports([name]).get(name)
    if file_id is None:
        raise NotFound(f"{name} has no QC report: it was not processed yet")
    if file_id:
        page = service.store.vault.get_bytes(file_id)
    else:
        page = qc.report_page(service.store, service.instrument(block.instrument), name)
    return HTMLResponse(page, headers=_attached(name))


@router.get("/api/ab/{name}/scores")
def scores_json(request: Request, service: Serving, name: str) -> Response:
    """QC1 values and scores of an AB."""
    _, quality = _judged(service, name)
    content = {
        "values": [_finite(asdict(one)) for one in quality.values],
        "scores": [asdict(one) for one in quality.scores],
    }
    return as_json(request, content)


def tables(dossier: Dossier, quality: Quality) -> list[dict[str, Any]]:
    """The tables of the report, their trends fit for our pages."""
    found = score_tables(dossier, quality)
    for table in found:
        # Our own drawing, texts escaped there.
        table["trends"] = [Markup(without_styles(row.trend)) for row in table["rows"]]  # noqa: S704
    return found


def _judged(service: Service, name: str) -> tuple[Dossier, Quality]:
    store: Store = service.store
    with store.read() as tx:
        dossier = gather(tx, name)
        instrument = service.instrument(dossier.block.instrument)
        return dossier, recorded(tx, instrument, dossier)


def _attached(name: str) -> dict[str, str]:
    plain = "".join(one if one.isalnum() or one in ".-_" else "_" for one in name)
    return {"Content-Disposition": f'attachment; filename="{plain}.html"'}


def _finite(values: dict[str, Any]) -> dict[str, Any]:
    """NaN is no JSON: a value that could not be measured is null."""
    measured = values["value"]
    return values | {"value": measured if measured == measured else None}  # noqa: PLR0124 - NaN
