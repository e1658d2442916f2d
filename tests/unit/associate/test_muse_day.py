"""A MUSE day is associated completely: every block has its frames and calibrations."""

import hashlib
import json

import pytest

from vltflow.associate import run
from vltflow.classify import run as classify
from vltflow.core.time import night_of
from vltflow.instruments import load
from vltflow.records import MatchState, RawFrame, StaticCalibration
from vltflow.simulate import headers_only
from vltflow.store import pack_headers

NIGHTS = {"2018-03-15": "WFM-AO-N", "2018-03-17": "WFM-NOAO-E", "2015-02-26": "WFM-NOAO-N"}


def frame(header):
    name = header["ARCFILE"].removesuffix(".fits")
    return RawFrame(
        frame_id=hashlib.sha256(name.encode()).hexdigest(), name=name, instrument="MUSE",
        location=f"/raw/{name}.fits", size=1, mjd_obs=header["MJD-OBS"],
        night=night_of(header["MJD-OBS"]), exptime=header["EXPTIME"],
        dpr_catg=header["ESO DPR CATG"], tpl_start=header["ESO TPL START"],
        tpl_nexp=header["ESO TPL NEXP"], tpl_expno=header["ESO TPL EXPNO"],
    )  # fmt: skip


def static(category):
    return StaticCalibration(
        static_id=category, instrument="MUSE", category=category, name=f"{category}.fits",
        file_id=category, size=1, keys="{}", builder="", origin="test", licence="test",
        valid_from=0.0, valid_to=1e6, added="2018-03-16T00:00:00.000",
    )  # fmt: skip


@pytest.fixture
def blocks(sqlite_store, request):
    muse, night = load("MUSE"), request.param
    headers = list(headers_only("muse", [night]))
    with sqlite_store.write(by="test", why="test") as change:
        change.frames.add([(frame(header), pack_headers([header])) for header in headers])
        for category in ("LINE_CATALOG", "GEOMETRY_TABLE"):
            change.statics.add(static(category))
    classify(sqlite_store, muse)
    run(sqlite_store, muse)
    with sqlite_store.read() as look:
        return {
            (one.raw_type, json.loads(one.setup_keys).get("INS.MODE", "")): one
            for one in look.blocks.find(instrument="MUSE", night=night)
        }


@pytest.mark.parametrize("blocks", list(NIGHTS), indirect=True)
def test_every_block_is_complete_and_every_required_master_is_planned(blocks):
    assert {name for name, _ in blocks} == {
        "BIAS", "DARK", "FLAT", "ARC", "ARC_LSF", "SKYFLAT", "ILLUMFLAT", "STD", "OBJECT", "SKY",
    }  # fmt: skip
    assert {mode for name, mode in blocks if name == "OBJECT"} == {NIGHTS[blocks["BIAS", ""].night]}
    for block in blocks.values():
        assert block.complete, (block.name, block.problem)
        for match in block.masters:
            assert match.state is not MatchState.MISSING or not match.required
            assert match.level is None or match.level <= 1


@pytest.mark.parametrize("blocks", ["2018-03-15"], indirect=True)
def test_ao_frames_take_their_own_flat_and_the_nominal_wavelengths(blocks):
    source = {match.category: match.source_block for match in blocks["OBJECT", "WFM-AO-N"].masters}
    assert source["MASTER_FLAT"] == blocks["FLAT", "WFM-AO-N"].name
    assert source["TRACE_TABLE"] == blocks["FLAT", "WFM-AO-N"].name
    assert source["WAVECAL_TABLE"] == blocks["ARC", "WFM-NOAO-N"].name
    assert source["TWILIGHT_CUBE"] == blocks["SKYFLAT", "WFM-AO-N"].name
    assert source["ILLUM"] == blocks["ILLUMFLAT", "WFM-AO-N"].name


@pytest.mark.parametrize("blocks", ["2018-03-15"], indirect=True)
def test_arcs_take_the_slices_of_a_flat_of_their_own_mode(blocks):
    arc = blocks["ARC", "WFM-NOAO-N"]
    source = {match.category: match.source_block for match in arc.masters}
    assert source["TRACE_TABLE"] == blocks["FLAT", "WFM-NOAO-N"].name
