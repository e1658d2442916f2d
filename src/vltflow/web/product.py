"""The page of a science product: spectrum, quality in words, origin, versions, files."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from vltflow.core.errors import NotFound
from vltflow.core.time import iso_from_mjd
from vltflow.flow.provenance import Provenance, provenance
from vltflow.records import ScienceProduct, ScienceState
from vltflow.store import DownloadCount, Store
from vltflow.web.images import extensions
from vltflow.web.pages import as_json, show
from vltflow.web.service import Serving
from vltflow.web.visitors import Visiting
from vltflow.web.words import segment

router = APIRouter()
_PREVIEW = "ANCILLARY.PREVIEW"
_BIT_STATES = {"0": ("green", "fine"), "1": ("red", "set"), "-": ("grey", "could not be told")}
_FRAMES_SHOWN = 3
Version = Annotated[int, Query(ge=0, le=10**6)]


@dataclass(frozen=True, slots=True)
class Bit:
    """A score bit in words."""

    number: int
    colour: str
    state: str
    words: str
    """What was measured, and against which limit; empty if its file does not say."""


@dataclass(frozen=True, slots=True)
class Branch:
    """One thing that a product owes to, with what that owes to."""

    name: str
    words: str
    address: str = ""
    remark: str = ""
    below: tuple[Branch, ...] = ()


@router.get("/products/{name}", include_in_schema=False)
def product_page(
    request: Request, visitor: Visiting, service: Serving, name: str, version: Version = 0
) -> Response:
    """The page of the version that is shown, or of the one that is asked for."""
    versions = versions_of(service.store, name)
    product = chosen(versions, version)
    with service.store.read() as tx:
        downloads = tx.downloads.of_products([one.science_id for one in versions])
    return show(
        request,
        "product.html",
        visitor,
        product=product,
        versions=list(reversed(versions)),
        bits=bits_of(service.store, product),
        preview=next((one for one in product.associated if one.category == _PREVIEW), None),
        downloads=downloads,
        never=DownloadCount(),
        base=f"/api/science/{segment(name)}",
        iso=iso_from_mjd,
    )


@router.get("/products/{name}/provenance", include_in_schema=False)
def provenance_part(
    request: Request, visitor: Visiting, service: Serving, name: str, version: Version = 0
) -> Response:
    """What it owes to, down to raw frames: a part of the page, as it looks at much."""
    product = chosen(versions_of(service.store, name), version)
    found = provenance(service.store, product.inputs)
    return show(request, "product_origin.html", visitor, branches=branches(found), name=name)


@router.get("/api/science/{name}")
def product_json(request: Request, service: Serving, name: str) -> Response:
    """All versions of a science product, with their score bits in words and their downloads."""
    versions = versions_of(service.store, name)
    with service.store.read() as tx:
        downloads = tx.downloads.of_products([one.science_id for one in versions])
    content = [
        asdict(one)
        | {"score_bits": [asdict(bit) for bit in bits_of(service.store, one)]}
        | {"downloads": asdict(downloads.get(one.science_id, DownloadCount()))}
        for one in versions
    ]
    return as_json(request, json.loads(json.dumps(content, default=str)))


def versions_of(store: Store, name: str) -> list[ScienceProduct]:
    """All versions of a product, the earliest first.

    Raises
    ------
    NotFound
        If there is none of this name.
    """
    with store.read() as tx:
        found = tx.science.find(name=name, states=tuple(ScienceState))
    if not found:
        raise NotFound(f"no science product {name!r}", hint="Search for it among all products")
    return sorted(found, key=lambda one: one.version)


def chosen(versions: Sequence[ScienceProduct], version: int) -> ScienceProduct:
    """The version of this number; 0 is the published one, or the latest if all are hidden.

    Raises
    ------
    NotFound
        If there is none of this number.
    """
    if version:
        same = [one for one in versions if one.version == version]
        if not same:
            known = ", ".join(str(one.version) for one in versions)
            raise NotFound(f"{versions[0].name} has no version {version}", hint=f"Known: {known}")
        return same[0]
    shown = [one for one in versions if one.state is ScienceState.PUBLISHED]
    return (shown or versions)[-1]


def bits_of(store: Store, product: ScienceProduct) -> list[Bit]:
    """Score bits of a version, explained by the words in its own header."""
    if not product.bits:
        return []
    try:
        header = extensions(store, product.file_id)[0].header
    except NotFound:  # the vault is elsewhere or cleaned: the bits are known all the same
        header = None
    found = []
    for number, value in enumerate(product.bits, start=1):
        said = str(header.get(f"ESO QC BIT{number}") or "") if header else ""
        colour, state = _BIT_STATES.get(value, _BIT_STATES["-"])
        found.append(Bit(number, colour, state, said))
    return found


def branches(found: Provenance) -> tuple[Branch, ...]:
    """What products owe to, as a tree; what stands further above is not told again."""
    seen: set[str] = set()
    return tuple(_branch(found, root, "", seen) for root in found.roots)


def _branch(found: Provenance, product_id: str, remark: str, seen: set[str]) -> Branch:
    origin = found.origins[product_id]
    product, job = origin.product, origin.job
    words = f"{product.category} {product.setup}, {product.state}"
    address = f"/ab/{segment(product.block)}"
    if product_id in seen:
        return Branch(product.name, words, address, f"{remark} see above".strip())
    seen.add(product_id)
    made = f"{job.recipe} {job.recipe_version}, runner {job.runner}, {product.created[:19]} UT"
    below = (*_frames(found, origin.raws), *_calibrations(found, product_id, seen))
    return Branch(product.name, f"{words}; {made}", address, remark, below)


def _frames(found: Provenance, raws: Sequence[str]) -> Iterator[Branch]:
    frames = [found.frames[one] for one in raws]
    for one in frames[:_FRAMES_SHOWN]:
        yield Branch(one.name, f"{one.raw_type}, {one.exptime:g} s, {one.object_name}")
    if len(frames) > _FRAMES_SHOWN:
        yield Branch(f"and {len(frames) - _FRAMES_SHOWN} more raw frames", "")


def _calibrations(found: Provenance, product_id: str, seen: set[str]) -> Iterator[Branch]:
    for used in found.origins[product_id].calibrations:
        if used.kind == "static":
            static = found.statics[used.source]
            yield Branch(static.name, f"{static.category}, static, from {static.origin}")
            continue
        remark = ""
        if used.distance_days is not None:
            side = "before" if used.distance_days < 0 else "after"
            remark = f"level {used.level}, {abs(used.distance_days):.2f} days {side}"
        yield _branch(found, used.source, remark, seen)
