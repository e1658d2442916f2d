"""From what a person has in hand (a file, a name, an id) to products in the store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vltflow.core.errors import NotFound, UserError
from vltflow.fits import inspect
from vltflow.process.product_file import HASH_DIGITS, INPUT_HASH
from vltflow.records import ScienceProduct, ScienceState
from vltflow.store import Store, Transaction

_CHANGED = "differs from the product as it was made: found by its header"


@dataclass(frozen=True, slots=True)
class Found:
    """Products that were meant, and how they were recognised."""

    product_ids: tuple[str, ...]
    how: str
    """``checksum``, ``header`` or ``name``."""
    remark: str = ""
    """What a person should know: the file was changed since."""
    science: ScienceProduct | None = None
    """The science product that was made of them, if that was meant."""


def find_products(store: Store, given: str) -> Found:
    """Products behind a file anywhere, a product's name or id, or the name of an AB.

    A file is known by its checksum; one that was changed since (packed, amended) by the hash of
    the work that stands in its header.

    Raises
    ------
    UserError
        If nothing is known by it, or it is a raw frame.
    UnreadableFile, InvalidHeader
        If it is a file, but no whole FITS file.
    """
    path = Path(given)
    with store.read() as tx:
        return _of_file(tx, path) if path.is_file() else _named(tx, given)


def _of_file(tx: Transaction, path: Path) -> Found:
    seen = inspect(path, verify=False)
    header: Mapping[str, Any] = seen.headers[0]
    published = tx.science.by_file(seen.fingerprint)
    if published:
        return _published(published[-1], "checksum")
    products = tx.products.by_file(seen.fingerprint)
    if products:
        return Found((products[-1].product_id,), "checksum")
    if tx.frames.by_id([seen.fingerprint]):
        made = ", ".join(one.name for one in tx.products.made_with(seen.fingerprint)) or "nothing"
        raise UserError(
            f"{path} is a raw frame, the origin itself",
            hint=f"Made with it: {made}; explain one of these",
        )
    if tx.statics.by_file(seen.fingerprint):
        raise UserError(
            f"{path} is a static calibration, no product", hint="See `vltflow statics list`"
        )
    return _by_header(tx, path, header)


def _published(product: ScienceProduct, how: str, remark: str = "") -> Found:
    return Found(product.inputs, how, remark, product)


def _by_header(tx: Transaction, path: Path, header: Mapping[str, Any]) -> Found:
    archived = header.get("ARCFILE")
    for one in tx.science.find(name=str(header.get("ORIGFILE")), states=tuple(ScienceState)):
        if one.archive_name == archived:
            return _published(one, "header", f"{path} {_CHANGED}")
    start, category = str(header.get(INPUT_HASH) or ""), header.get("ESO PRO CATG")
    jobs = tx.jobs.with_hash_beginning(start) if len(start) == HASH_DIGITS else []
    for job in reversed(jobs):
        for product in tx.products.of_job(job.job_id):
            if product.category == category:
                return Found((product.product_id,), "header", f"{path} {_CHANGED}")
    raise NotFound(
        f"{path}: this store knows neither its bytes nor the work that its header names",
        hint="Name the site that made it with --site",
    )


def _named(tx: Transaction, given: str) -> Found:
    published = tx.science.find(name=given)
    if published:
        return _published(published[-1], "name")
    if given in tx.products.by_id([given]):
        return Found((given,), "name")
    if given in tx.products.taken([given]):
        return Found((tx.products.by_name(given).product_id,), "name")
    names = tx.blocks.names_containing(given.removesuffix(".ab"))
    chosen = given if given in names else names[0] if len(names) == 1 else ""
    if not chosen:
        raise UserError(
            f"{given!r} is no file, product or AB",
            hint=f"{len(names)} ABs have it in their name"
            if names
            else "`vltflow status` lists ABs, `vltflow masters find` masters",
        )
    block = tx.blocks.get(chosen)
    made = tx.products.of_block(chosen, block.revision)
    if not made:
        raise UserError(f"AB {chosen} has no products ({block.state}: {block.problem})")
    return Found(tuple(one.product_id for one in made), "name")


def said_by_header(path: Path) -> dict[str, Any]:
    """What the header of a product tells of its origin, where no store knows the file.

    Raises
    ------
    UserError
        If it tells nothing.
    """
    header = inspect(path, verify=False).headers[0]
    if "ESO PRO CATG" not in header:
        raise UserError(f"{path} is no product: its header has no ESO PRO CATG")
    rec = "ESO PRO REC1"
    parameters = dict(_pairs(header, f"{rec} PARAM", "VALUE"))
    return {
        "schema": 1,
        "file": str(path),
        "category": header.get("ESO PRO CATG"),
        "recipe": header.get(f"{rec} ID"),
        "version": header.get(f"{rec} PIPE ID"),
        "software": header.get(f"{rec} DRS ID"),
        "context": header.get("ESO DRS CONTEXT"),
        "input_hash": header.get(INPUT_HASH),
        "raw_frames": [name for name, _ in _pairs(header, f"{rec} RAW", "CATG")],
        "calibrations": [name for name, _ in _pairs(header, f"{rec} CAL", "CATG")],
        "parameters": parameters,
    }


def _pairs(header: Mapping[str, Any], start: str, second: str) -> list[tuple[str, Any]]:
    found = []
    number = 1
    while (name := header.get(f"{start}{number} NAME")) is not None:
        found.append((str(name), header.get(f"{start}{number} {second}")))
        number += 1
    return found
