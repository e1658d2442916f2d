"""Search among science products: name, position, instrument, nights, programme, quality."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from vltflow.core.errors import UserError
from vltflow.core.time import iso_from_mjd
from vltflow.records import Cone, ScienceProduct, ScienceQuery
from vltflow.store import DownloadCount, Transaction
from vltflow.web.pages import as_json, show
from vltflow.web.service import Serving
from vltflow.web.visitors import Visiting

router = APIRouter()
MENU = ("Products", "/products")
SHOWN = 50
"""Products on one page."""
_MOST_BITS = 32
_MOST_ARCMIN = 10_800.0
_MOST_PAGES = 10_000
Text = Annotated[str, Query(max_length=200)]


@dataclass(frozen=True, slots=True)
class Search:
    """What was asked, as it stands in the address; the form gives empty texts for nothing."""

    target: Text = ""
    position: Text = ""
    """``206.0 -10.6`` in degrees or ``13:44:05 -10:35:29``."""
    radius: Text = ""
    """Arcminutes; 1 if empty."""
    instrument: Text = ""
    first: Text = ""
    last: Text = ""
    programme: Text = ""
    category: Text = ""
    quality: Text = ""
    """``clean``: no score bit set; a number: this bit set; empty: any."""
    snr: Text = ""
    hidden: Text = ""
    """Anything: with versions that are replaced or hidden."""
    page: Annotated[int, Query(ge=1, le=_MOST_PAGES)] = 1

    def address(self, page: int = 1) -> dict[str, Any]:
        """Values for a link to a page of it."""
        return asdict(self) | {"page": page if page > 1 else ""}


Searching = Annotated[Search, Depends()]


@dataclass(frozen=True, slots=True)
class Found:
    """One page of a search."""

    products: list[ScienceProduct]
    total: int
    """Counted up to 10,001."""
    downloads: dict[str, DownloadCount]


@router.get("/products", include_in_schema=False)
def products_page(
    request: Request, visitor: Visiting, service: Serving, search: Searching
) -> Response:
    """The form and what was found; what cannot be understood is told above it."""
    problem, found = "", Found([], 0, {})
    with service.store.read() as tx:
        kinds = tx.science.categories()
        try:
            found = _found(tx, search)
        except UserError as error:
            problem = str(error)
    return show(
        request,
        "products.html",
        visitor,
        status=400 if problem else 200,
        search=search,
        problem=problem,
        found=found,
        instruments=sorted({instrument for instrument, _ in kinds}),
        categories=sorted({category for _, category in kinds}),
        first=(search.page - 1) * SHOWN,
        bits=range(1, 1 + max((len(one.bits) for one in found.products), default=0)),
        iso=iso_from_mjd,
    )


@router.get("/api/science")
def products_json(request: Request, service: Serving, search: Searching) -> Response:
    """Science products that fit, 50 a page, the latest exposures first."""
    with service.store.read() as tx:
        found = _found(tx, search)
    content = {
        "total": found.total,
        "page": search.page,
        "products": [
            asdict(one) | {"downloads": asdict(found.downloads.get(one.science_id, _NONE))}
            for one in found.products
        ],
    }
    return as_json(request, json.loads(json.dumps(content, default=str)))


_NONE = DownloadCount()


def query_of(search: Search) -> ScienceQuery:
    """What is looked for.

    Raises
    ------
    UserError
        If a number, night or position cannot be understood.
    """
    bit = None
    if search.quality not in {"", "clean"}:
        bit = int(_number("quality", search.quality, 1, _MOST_BITS))
    return ScienceQuery(
        target=search.target,
        cone=cone_of(search.position, search.radius),
        instrument=search.instrument,
        first=_night(search.first),
        last=_night(search.last),
        programme=search.programme,
        category=search.category,
        clean=search.quality == "clean",
        bit=bit,
        snr=_number("snr", search.snr, 0.0, 1e9) if search.snr else None,
        hidden=bool(search.hidden),
    )


def cone_of(position: str, radius: str) -> Cone | None:
    """Circle on the sky from what people write; None where no position is given.

    Parameters
    ----------
    position
        Right ascension and declination: degrees, or hours and degrees with colons.
    radius
        Arcminutes; 1 if empty.

    Raises
    ------
    UserError
        If it is none.
    """
    if not position.strip():
        return None
    parts = position.replace(",", " ").split()
    if len(parts) != 2:
        raise UserError(
            f"{position!r} is no position",
            hint="Write `206.02 -10.59` in degrees or `13:44:05 -10:35:29`",
        )
    ra, dec = _angle(parts[0], 15.0), _angle(parts[1], 1.0)
    if not (0.0 <= ra < 360.0 and -90.0 <= dec <= 90.0):
        raise UserError(f"{position!r} is not on the sky", hint="RA is 0 to 360, DEC -90 to 90")
    return Cone(ra, dec, _number("radius", radius or "1", 1e-3, _MOST_ARCMIN) / 60.0)


def _angle(text: str, unit: float) -> float:
    """Degrees; sexagesimal values are multiplied by the unit."""
    match = re.fullmatch(r"([+-]?)(\d{1,3}):(\d{1,2})(?::(\d{1,2}(?:\.\d*)?))?", text, re.ASCII)
    if match is None:
        return _number("position", text, -90.0, 360.0)
    sign, whole, minutes, seconds = match.groups()
    value = float(whole) + float(minutes) / 60.0 + float(seconds or 0.0) / 3600.0
    return unit * (-value if sign == "-" else value)


def _number(name: str, text: str, low: float, high: float) -> float:
    try:
        value = float(text)
    except ValueError:
        raise UserError(f"{name}: {text!r} is no number") from None
    if not low <= value <= high:
        raise UserError(f"{name}: {text} is not within {low:g} and {high:g}")
    return value


def _night(text: str) -> str:
    if not text:
        return ""
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise UserError(f"{text!r} is no night", hint="Write it as 2010-05-11") from None


def _found(tx: Transaction, search: Search) -> Found:
    query = query_of(search)
    products = tx.science.search(query, limit=SHOWN, offset=(search.page - 1) * SHOWN)
    counts = tx.downloads.of_products([one.science_id for one in products])
    return Found(products, tx.science.count(query), counts)
