"""The collection of static calibrations: built by code, added by people, or ESO's own kit."""

from __future__ import annotations

import importlib
import json
import logging
import tempfile
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, cast

from vltflow.core.errors import ConfigurationError, InvalidHeader, UserError, VltflowError
from vltflow.core.identity import content_hash
from vltflow.core.time import mjd_from_iso, now_iso
from vltflow.fits import has_suffix, inspect, scan
from vltflow.instruments import Instrument
from vltflow.instruments.statics import StaticEntry
from vltflow.records import StaticCalibration, StaticState
from vltflow.store import Store, Vault

FIRST_DAY = date(1999, 1, 1)
LAST_DAY = date(2099, 12, 31)

_log = logging.getLogger(__name__)


def build_statics(
    store: Store, instrument: Instrument, *, again: bool = False, by: str = "statics"
) -> list[StaticCalibration]:
    """Build what the definition can build and the collection does not have.

    Parameters
    ----------
    again
        Build everything; what comes out with other bytes supersedes the earlier file.

    Returns
    -------
    list of StaticCalibration
        What is new.

    Raises
    ------
    ConfigurationError
        If a builder cannot be found or fails.
    """
    with store.read() as tx:
        known = {(one.name, one.builder) for one in tx.statics.find(instrument=instrument.name)}
    wanted = [
        entry
        for entry in instrument.statics.statics
        if again or (entry.name, entry.builder) not in known
    ]
    built = []
    with tempfile.TemporaryDirectory() as folder:
        for entry in wanted:
            path = Path(folder) / entry.name
            _build(entry, path, instrument)
            built.append(_record(instrument.name, path, store.vault, _of_entry(entry)))
    return _register(store, built, by=by, why=f"definition {instrument.context}")


def add_statics(  # noqa: PLR0913 - what a person says about a file
    store: Store,
    instrument: Instrument,
    paths: Sequence[Path],
    *,
    origin: str,
    licence: str,
    category: str = "",
    keys: Mapping[str, Any] | None = None,
    valid: tuple[date, date] = (FIRST_DAY, LAST_DAY),
    by: str = "statics",
) -> list[StaticCalibration]:
    """Add files to the collection; each is checked before any is registered.

    Parameters
    ----------
    paths
        FITS files.
    origin, licence
        Where they come from, and what may be done with them.
    category
        PRO CATG; empty: what each header says.
    keys
        Keyword values (dotted names) that a setup must share; None: those of the keywords
        that the definition asks for, as far as a header has them.
    valid
        First and last day.

    Raises
    ------
    UnreadableFile, InvalidHeader
        If a file is damaged, or has no PRO CATG and none is given.
    UserError
        If the last day is before the first.
    """
    if valid[1] < valid[0]:
        raise UserError(f"valid from {valid[0]} to {valid[1]}: the last day is before the first")
    added = []
    for path in paths:
        told = {
            "category": category or _category(path),
            "keys": dict(keys) if keys is not None else None,
            "builder": "",
            "origin": origin,
            "licence": licence,
            "valid": valid,
        }
        inspect(path)
        if told["keys"] is None:
            told["keys"] = _own_keys(path, str(told["category"]), instrument)
        added.append(_record(instrument.name, path, store.vault, told))
    return _register(store, added, by=by, why=f"from {origin}")


def calibration_kit(folder: Path, instrument: Instrument) -> list[Path]:
    """Files of ESO's calibration kit that the definition has a use for, by name.

    Raises
    ------
    UserError
        If the folder has none.
    """
    wanted = {need.category for entry in instrument.raw_types.values() for need in entry.statics}
    found = [path for path in sorted(folder.rglob("*")) if path.is_file() and has_suffix(path.name)]
    useful = [path for path in found if _category(path, default="") in wanted]
    if not useful:
        raise UserError(
            f"{folder}: none of its {len(found)} FITS files is a static calibration "
            f"of {instrument.name}",
            hint=f"Wanted are files with PRO CATG {', '.join(sorted(wanted)) or '(none)'}",
        )
    return useful


def withdraw_static(store: Store, static_id: str, *, by: str, comment: str) -> list[str]:
    """Withdraw a static calibration; gives the products that were made with it.

    Raises
    ------
    NotFound
        If there is none.
    """
    with store.write(by=by, why=comment) as tx:
        tx.statics.set_state(static_id, StaticState.WITHDRAWN)
        return [product.name for product in tx.products.made_with(static_id)]


def _build(entry: StaticEntry, path: Path, instrument: Instrument) -> None:
    module, _, name = entry.builder.partition(":")
    where = f"{instrument.folder}/statics.yaml: {entry.category}: {entry.builder}"
    try:
        builder = cast("Callable[[Path], None]", getattr(importlib.import_module(module), name))
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigurationError(f"{where}: no such function: {error}") from error
    builder(path)
    try:
        category = _category(path)
    except VltflowError as error:
        raise ConfigurationError(f"{where} made no proper file: {error}") from error
    if category != entry.category:
        raise ConfigurationError(f"{where} made a {category}")


def _of_entry(entry: StaticEntry) -> dict[str, Any]:
    return {
        "category": entry.category,
        "keys": entry.keys,
        "builder": entry.builder,
        "origin": entry.origin,
        "licence": entry.licence,
        "valid": (entry.valid_from, entry.valid_to),
    }


def _record(
    instrument: str, path: Path, vault: Vault, told: Mapping[str, Any]
) -> StaticCalibration:
    keys = json.dumps(told["keys"], sort_keys=True, separators=(",", ":"))
    file_id = vault.put_file(path)
    first, last = told["valid"]
    identity = [instrument, told["category"], path.name, file_id, keys, str(first), str(last)]
    return StaticCalibration(
        static_id=content_hash(identity)[:32],
        instrument=instrument,
        category=told["category"],
        name=path.name,
        file_id=file_id,
        size=path.stat().st_size,
        keys=keys,
        builder=told["builder"],
        origin=told["origin"],
        licence=told["licence"],
        valid_from=mjd_from_iso(first.isoformat()),
        valid_to=mjd_from_iso(last.isoformat()) + 1,
        added=now_iso(),
    )


def _register(
    store: Store, statics: Sequence[StaticCalibration], *, by: str, why: str
) -> list[StaticCalibration]:
    """Register what is new; of one name and range the latest counts."""
    if not statics:
        return []
    new = []
    with store.write(by=by, why=why) as tx:
        for static in statics:
            same = tx.statics.by_id([static.static_id]).get(static.static_id)
            if same is not None and same.state is StaticState.VALID:
                continue
            for other in tx.statics.find(instrument=static.instrument, category=static.category):
                if (other.name, other.keys, other.valid_from, other.valid_to) == (
                    static.name, static.keys, static.valid_from, static.valid_to,
                ):  # fmt: skip
                    tx.statics.set_state(other.static_id, StaticState.SUPERSEDED)
            if same is not None:
                tx.statics.set_state(static.static_id, StaticState.VALID)
            else:
                tx.statics.add(static)
            new.append(static)
    _log.info("%d static calibrations added", len(new))
    return new


def _category(path: Path, *, default: str | None = None) -> str:
    try:
        found = scan(path)[0].get("ESO PRO CATG")
    except VltflowError:
        if default is None:
            raise
        return default
    if isinstance(found, str) and found.strip():
        return found.strip()
    if default is None:
        raise InvalidHeader(
            f"{path}: its header has no ESO PRO CATG, so what it is remains unknown",
            hint="Say it with --category",
        )
    return default


def _own_keys(path: Path, category: str, instrument: Instrument) -> dict[str, Any]:
    """Values in a header of the keywords by which the definition matches its category."""
    header = scan(path)[0]
    names = {
        name
        for entry in instrument.raw_types.values()
        for need in entry.statics
        if need.category == category
        for name in need.match
    }
    fits_names = {name: "ESO " + name.replace(".", " ") if "." in name else name for name in names}
    return {name: header[key] for name, key in sorted(fits_names.items()) if key in header}
