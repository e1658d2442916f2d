"""Simulated days of VIMOS and AMBER give the ABs that they are meant to, each complete."""

from __future__ import annotations

import hashlib
import json
from collections import Counter

import pytest

from vltflow.associate import run
from vltflow.classify import run as classify
from vltflow.core.time import night_of
from vltflow.instruments import load
from vltflow.records import RawFrame, StaticCalibration
from vltflow.simulate import headers_only
from vltflow.simulate.models import model
from vltflow.store import pack_headers

DAYS = {"VIMOS": "2012-03-14", "AMBER": "2010-01-20"}


def _frame(instrument, header):
    name = header["ARCFILE"].removesuffix(".fits")
    return RawFrame(
        frame_id=hashlib.sha256(name.encode()).hexdigest(),
        name=name,
        instrument=instrument,
        location=f"/raw/{name}.fits",
        size=1,
        mjd_obs=header["MJD-OBS"],
        night=night_of(header["MJD-OBS"]),
        exptime=header["EXPTIME"],
        dpr_catg=header["ESO DPR CATG"],
        tpl_start=header["ESO TPL START"],
        tpl_nexp=header["ESO TPL NEXP"],
        tpl_expno=header["ESO TPL EXPNO"],
    )


def _statics(definition, headers):
    """What a site with ESO's calibration kit has: all that is asked for, for every setup."""
    for raw_type in definition.raw_types.values():
        for need in raw_type.statics:
            keywords = [f"ESO {key.replace('.', ' ')}" for key in need.match]
            for values in {tuple(header.get(name) for name in keywords) for header in headers}:
                keys = dict(zip(need.match, values, strict=True))
                text = json.dumps(keys, sort_keys=True, separators=(",", ":"))
                identity = hashlib.sha256(f"{need.category}{text}".encode()).hexdigest()
                yield identity, StaticCalibration(
                    static_id=identity, instrument=definition.name, category=need.category,
                    name=f"{need.category}.fits", file_id=identity, size=1, keys=text,
                    builder="", origin="test", licence="test", valid_from=50_000.0,
                    valid_to=90_000.0, added="2012-01-01T00:00:00",
                )  # fmt: skip


@pytest.fixture(params=DAYS)
def associated(request, sqlite_store):
    instrument, night = request.param, DAYS[request.param]
    definition, headers = load(instrument), list(headers_only(instrument, [night]))
    with sqlite_store.write(by="test", why="test") as change:
        change.frames.add([(_frame(instrument, one), pack_headers([one])) for one in headers])
        for static in dict(_statics(definition, headers)).values():
            change.statics.add(static)
    classify(sqlite_store, definition)
    run(sqlite_store, definition)
    with sqlite_store.read() as look:
        frames = list(look.frames.find(instrument=instrument))
        blocks = list(look.blocks.find(instrument=instrument, night=night))
    return definition, night, frames, blocks


def test_every_frame_is_what_it_was_meant_to_be(associated):
    definition, night, frames, _ = associated
    wanted = Counter()
    for template in model(definition.name).templates(night):
        wanted[template.raw_type] += template.count
    assert Counter(frame.raw_type for frame in frames) == wanted


def test_every_template_gives_a_complete_block_of_its_raw_type(associated):
    definition, night, _, blocks = associated
    templates = [
        one
        for one in model(definition.name).templates(night)
        if definition.raw_types[one.raw_type].group != "none"
    ]
    assert Counter(block.raw_type for block in blocks) == Counter(t.raw_type for t in templates)
    assert [block.problem for block in blocks if not block.complete] == []
    sizes = Counter((block.raw_type, len(block.frames)) for block in blocks)
    assert sizes == Counter((template.raw_type, template.count) for template in templates)
