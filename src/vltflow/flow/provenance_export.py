"""Provenance for programs: plain JSON (schema 1), and PROV-JSON of the W3C.

PROV-DM: W3C Recommendation 30 April 2013; PROV-JSON: W3C Member Submission 24 April 2013.
Raw frames, products, static calibrations and instrument definitions are entities; jobs and
decisions are activities; software and people are agents.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from vltflow.core.identity import content_hash
from vltflow.core.time import iso_from_mjd
from vltflow.flow.provenance import Origin, Provenance
from vltflow.records import RawFrame, ScienceProduct, StaticCalibration

SCHEMA = 1
"""Version of the plain form; it rises when a key goes away or changes its meaning."""
NAMESPACE = "urn:vltflow:"
_KINDS = (
    "science",
    "product",
    "raw",
    "static",
    "definition",
    "job",
    "software",
    "decision",
    "person",
)

Tree = dict[str, dict[str, Any]]


def plain(found: Provenance, science: ScienceProduct | None = None) -> dict[str, Any]:
    """All of it as plain values; products are in the order in which they can be made."""
    return {
        "schema": SCHEMA,
        "of": list(found.roots),
        "science": None if science is None else _plain_science(science),
        "products": [_plain_origin(origin) for origin in found.in_order],
        "raw_frames": [_plain_frame(one) for one in found.frames.values()],
        "static_calibrations": [_plain_static(one) for one in found.statics.values()],
    }


def _plain_origin(origin: Origin) -> dict[str, Any]:
    product, job, block = origin.product, origin.job, origin.block
    return {
        "product_id": product.product_id,
        "name": product.name,
        "category": product.category,
        "setup": product.setup,
        "sha256": product.file_id,
        "size": product.size,
        "state": str(product.state),
        "created": product.created,
        "ab": block.name,
        "raw_type": block.raw_type,
        "revision": product.revision,
        "job": {
            "job_id": job.job_id,
            "recipe": job.recipe,
            "version": job.recipe_version,
            "runner": job.runner,
            "parameters": dict(origin.parameters),
            "input_hash": job.input_hash,
            "context": job.context,
            "definition_kept": origin.definition_kept,
            "cores": job.cores,
            "started": job.started,
            "ended": job.ended,
            "software": dict(origin.versions),
        },
        "raw_frames": list(origin.raws),
        "calibrations": [asdict(used) for used in origin.calibrations],
        "qc": [
            {
                "parameter": one.parameter,
                "value": one.value if math.isfinite(one.value) else None,
                "unit": one.unit,
            }
            for one in origin.qc
        ],
        "scores": [
            {
                "parameter": one.parameter,
                "value": one.value,
                "low": one.low,
                "high": one.high,
                "colour": str(one.colour),
                "reason": one.reason,
            }
            for one in origin.scores
        ],
        "decisions": [
            {
                "decision": str(one.decision),
                "who": one.who,
                "when": one.decided,
                "comment": one.comment,
            }
            for one in origin.verdicts
        ],
    }


def _plain_science(science: ScienceProduct) -> dict[str, Any]:
    return {
        "science_id": science.science_id,
        "name": science.name,
        "version": science.version,
        "archive_name": science.archive_name,
        "category": science.category,
        "target": science.target,
        "setup": science.setup,
        "sha256": science.file_id,
        "size": science.size,
        "snr": science.snr,
        "bits": science.bits,
        "state": str(science.state),
        "created": science.created,
        "products": list(science.inputs),
        "associated": [asdict(one) for one in science.associated],
    }


def _plain_frame(frame: RawFrame) -> dict[str, Any]:
    return {
        "sha256": frame.frame_id,
        "name": frame.name,
        "raw_type": frame.raw_type,
        "start": iso_from_mjd(frame.mjd_obs),
        "exptime": frame.exptime,
        "setup": frame.setup,
        "repairs": list(frame.repairs),
        "location": frame.location,
    }


def _plain_static(static: StaticCalibration) -> dict[str, Any]:
    return {
        "static_id": static.static_id,
        "name": static.name,
        "category": static.category,
        "sha256": static.file_id,
        "origin": static.origin,
        "licence": static.licence,
        "builder": static.builder,
    }


def prov_json(found: Provenance, science: ScienceProduct | None = None) -> dict[str, Any]:
    """The same as a PROV-JSON document; equal provenance gives equal documents."""
    document: Tree = {"prefix": {kind: f"{NAMESPACE}{kind}:" for kind in _KINDS}}
    document["prefix"]["vltflow"] = NAMESPACE
    for frame in found.frames.values():
        _entity(document, f"raw:{frame.frame_id}", "RawFrame", _plain_frame(frame))
    for static in found.statics.values():
        label = f"static:{static.static_id}"
        _entity(document, label, "StaticCalibration", _plain_static(static))
    for origin in found.in_order:
        _prov_origin(document, origin, found.frames)
    if science is not None:
        label = f"science:{science.science_id}"
        _entity(document, label, "ScienceProduct", _plain_science(science))
        for one in science.inputs:
            derived = {"prov:generatedEntity": label, "prov:usedEntity": f"product:{one}"}
            _relation(document, "wasDerivedFrom", derived)
    return document


def _prov_origin(document: Tree, origin: Origin, frames: Mapping[str, RawFrame]) -> None:
    product = f"product:{origin.product.product_id}"
    job = f"job:{origin.job.job_id}"
    said = _plain_origin(origin)
    values = {key: said[key] for key in ("name", "category", "setup", "sha256", "size", "state")}
    values |= {one["parameter"].replace(" ", "."): one["value"] for one in said["qc"]}
    _entity(document, product, "Product", values)
    _job(document, job, said["job"])
    _relation(document, "wasGeneratedBy", {"prov:entity": product, "prov:activity": job})
    sources = [f"raw:{one}" for one in origin.raws if one in frames]
    sources += [
        f"{'product' if used.kind == 'master' else 'static'}:{used.source}"
        for used in origin.calibrations
    ]
    for source in sources:
        _relation(document, "used", {"prov:activity": job, "prov:entity": source})
        derived = {"prov:generatedEntity": product, "prov:usedEntity": source}
        _relation(document, "wasDerivedFrom", derived | {"prov:activity": job})
    _decisions(document, origin, product)


def _job(document: Tree, job: str, said: Mapping[str, Any]) -> None:
    keys = ("recipe", "version", "runner", "input_hash", "cores")
    activity = {f"vltflow:{key}": said[key] for key in keys}
    activity["vltflow:parameters"] = json.dumps(said["parameters"], sort_keys=True)
    for moment, key in (("started", "prov:startTime"), ("ended", "prov:endTime")):
        if said[moment]:
            activity[key] = said[moment]
    document.setdefault("activity", {})[job] = {"prov:type": _type("Job"), **activity}
    runs = json.dumps(said["software"], sort_keys=True)
    agent = f"software:{_digest(runs)}"
    values = {f"vltflow:{name.replace(' ', '_')}": one for name, one in said["software"].items()}
    kind = {"$": "prov:SoftwareAgent", "type": "prov:QUALIFIED_NAME"}
    document.setdefault("agent", {})[agent] = {"prov:type": kind, **values}
    relation = {"prov:activity": job, "prov:agent": agent}
    if said["context"]:
        plan = f"definition:{said['context']}"
        _entity(document, plan, "InstrumentDefinition", {"context": said["context"]})
        relation["prov:plan"] = plan
    _relation(document, "wasAssociatedWith", relation)


def _decisions(document: Tree, origin: Origin, product: str) -> None:
    for verdict in origin.verdicts:
        label = f"decision:{_digest(f'{verdict.block} {verdict.revision} {verdict.decided}')}"
        person = f"person:{_digest(verdict.who)}"
        document.setdefault("activity", {})[label] = {
            "prov:type": _type("Decision"),
            "prov:endTime": verdict.decided,
            "vltflow:decision": str(verdict.decision),
            "vltflow:comment": verdict.comment,
        }
        document.setdefault("agent", {})[person] = {"prov:label": verdict.who}
        _relation(document, "used", {"prov:activity": label, "prov:entity": product})
        _relation(document, "wasAssociatedWith", {"prov:activity": label, "prov:agent": person})


def _entity(document: Tree, label: str, kind: str, values: Mapping[str, Any]) -> None:
    plain_values = {
        f"vltflow:{name}": value if isinstance(value, str | int | float) else json.dumps(value)
        for name, value in values.items()
        if value is not None
    }
    document.setdefault("entity", {})[label] = {"prov:type": _type(kind), **plain_values}


def _relation(document: Tree, kind: str, value: Mapping[str, str]) -> None:
    label = f"_:{kind}{_digest(json.dumps(value, sort_keys=True))}"
    document.setdefault(kind, {})[label] = dict(value)


def _type(kind: str) -> dict[str, str]:
    return {"$": f"vltflow:{kind}", "type": "prov:QUALIFIED_NAME"}


def _digest(text: str) -> str:
    return content_hash(text)[:16]
