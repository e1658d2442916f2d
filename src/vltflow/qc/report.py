"""The QC report: one page an AB that needs nothing else, for screens, phones and paper."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from vltflow.core.time import iso_from_mjd
from vltflow.plots import load_figures
from vltflow.qc.dossier import Dossier, Quality
from vltflow.qc.measure import base_name
from vltflow.qc.rules import limits_text
from vltflow.records import (
    Colour,
    MasterMatch,
    Product,
    QcFigure,
    QcValue,
    Score,
    StaticCalibration,
    score_text,
)
from vltflow.store import Store

COLOUR_WORDS = {Colour.GREEN: "green", Colour.RED: "red", Colour.GREY: "not scored"}
LEVEL_WORDS = {
    -1: "better than the calibration plan",
    0: "as the calibration plan wants",
    1: "fit for quality control",
    2: "probably acceptable",
    3: "risky",
}
_pages = Environment(
    loader=PackageLoader("vltflow.qc", "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


@dataclass(frozen=True, slots=True)
class ScoreRow:
    """One line of the score table."""

    parameter: str
    description: str
    value: str
    unit: str
    limits: str
    method: str
    colour: str
    """``green``, ``red`` or ``grey``: the word shown comes from `COLOUR_WORDS`."""
    word: str
    reason: str
    trend: Markup


def figures_of(store: Store, products: Sequence[Product]) -> dict[str, tuple[QcFigure, ...]]:
    """QC figures by product id, from the arrays that the recipes kept.

    Raises
    ------
    StoreError
        If the vault lost them.
    UnreadableFile
        If they are damaged.
    """
    return {
        product.product_id: load_figures(store.vault.get_bytes(product.figures_file))
        for product in products
        if product.figures_file
    }


def render(dossier: Dossier, quality: Quality, figures: dict[str, tuple[QcFigure, ...]]) -> bytes:
    """The page; equal records and arrays give equal bytes."""
    block, job = dossier.block, dossier.job
    parameters = json.loads(job.parameters) if job and job.parameters else {}
    page = _pages.get_template("report.html").render(
        block=block,
        job=job,
        score=score_text(quality.scores) or "nothing scored",
        red=[one for one in quality.scores if one.colour is Colour.RED],
        certification=_certification(dossier),
        start=iso_from_mjd(block.mjd_start),
        end=iso_from_mjd(block.mjd_end),
        tables=score_tables(dossier, quality),
        figures=_drawn(dossier.products, figures),
        frames=[{"frame": frame, "start": iso_from_mjd(frame.mjd_obs)} for frame in dossier.frames],
        calibrations=[calibration_row(match, dossier.masters) for match in block.masters],
        parameters=sorted(parameters.items()),
        products=dossier.products,
    )
    return page.encode()


def _certification(dossier: Dossier) -> str:
    verdict = dossier.verdict
    if verdict is None:
        return "not decided yet when this page was made"
    return f"{verdict.decision} by {verdict.who}: {verdict.comment}"


def score_tables(dossier: Dossier, quality: Quality) -> list[dict[str, Any]]:
    """Scores and other QC1 values by product, each with limits, reason and trend."""
    names = {product.category: product.name for product in dossier.products}
    scored = (one.category for one in quality.scores)
    measured = (one.category for one in quality.values)
    categories = dict.fromkeys([*names, *scored, *measured])
    return [
        {
            "category": category,
            "product": names.get(category, "not made"),
            "rows": _rows(dossier, quality, category),
        }
        for category in categories
    ]


def _rows(dossier: Dossier, quality: Quality, category: str) -> list[ScoreRow]:
    """Rows of a product: scored parameters first, then the others; each in catalogue order."""
    scores = {one.parameter: one for one in quality.scores if one.category == category}
    values = {one.parameter: one for one in quality.values if one.category == category}
    order = {name: number for number, name in enumerate(quality.catalogue)}
    names = sorted(
        scores.keys() | values.keys(),
        key=lambda name: (name not in scores, order.get(name, len(order)), name),
    )
    return [
        _row(dossier, quality, (category, name), scores.get(name), values.get(name))
        for name in names
    ]


def _row(
    dossier: Dossier,
    quality: Quality,
    key: tuple[str, str],
    score: Score | None,
    value: QcValue | None,
) -> ScoreRow:
    name = key[1]
    entry = quality.catalogue.get(base_name(name))
    colour = score.colour if score else Colour.GREY
    why_not = quality.unscored.get(base_name(name), "no threshold is defined")
    return ScoreRow(
        parameter=name,
        description=entry.description if entry else "not in the catalogue",
        value="no value" if value is None else f"{value.value:.6g}",
        unit=entry.unit if entry else "",
        limits=limits_text(score.low, score.high) if score else "none",
        method=score.method if score else "",
        colour=str(colour),
        word=COLOUR_WORDS[colour],
        reason=score.reason if score else why_not,
        trend=_trend(dossier, quality, key, score, value),
    )


def _trend(
    dossier: Dossier,
    quality: Quality,
    key: tuple[str, str],
    score: Score | None,
    value: QcValue | None,
) -> Markup:
    from vltflow.plots.trend import Trend, draw_trend  # noqa: PLC0415 - slow to load, seldom needed

    history = quality.history.get(key, [])
    limits = limits_text(score.low, score.high) if score else "none"
    number = "no value" if value is None else f"{value.value:.6g}"
    picture = draw_trend(
        Trend(
            label=f"{key[1]}: {number} after {len(history)} certified values; limits: {limits}",
            history=history,
            mjd=value.mjd if value else dossier.block.mjd_mid,
            value=value.value if value else None,
            low=score.low if score else None,
            high=score.high if score else None,
            colour=str(score.colour) if score else "grey",
        )
    )
    return Markup(picture.decode())  # noqa: S704 - our own drawing, texts escaped there


def _drawn(
    products: Sequence[Product], figures: dict[str, tuple[QcFigure, ...]]
) -> list[dict[str, Any]]:
    from vltflow.plots.draw import draw  # noqa: PLC0415 - as above

    return [
        {
            "category": product.category,
            "pictures": [
                {
                    "svg": Markup(draw(figure, prefix=f"p{number}f{position}").decode()),  # noqa: S704 - see above
                    "parameters": ", ".join(figure.parameters),
                }
                for position, figure in enumerate(figures[product.product_id])
            ],
        }
        for number, product in enumerate(products)
        if figures.get(product.product_id)
    ]


def calibration_row(
    match: MasterMatch, masters: Mapping[str, Product | StaticCalibration]
) -> dict[str, str]:
    """One needed calibration in words."""
    used = masters.get(match.product_id)
    level = "" if match.level is None else f"{match.level}: {LEVEL_WORDS[match.level]}"
    distance = match.distance_days
    return {
        "category": match.category,
        "required": "required" if match.required else "optional",
        "name": used.name if used else match.source_block or "none found",
        "state": str(match.state),
        "level": level,
        "distance": "" if distance is None else f"{distance:+.2f} days",
    }
