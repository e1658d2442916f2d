"""Simulated days of the infrared instruments give the ABs that their truth names."""

import hashlib
import json

import pytest

from vltflow.associate import run
from vltflow.classify import run as classify
from vltflow.core.time import night_of
from vltflow.fits import inspect
from vltflow.instruments import load
from vltflow.records import BlockState, RawFrame
from vltflow.simulate import simulate_day
from vltflow.store import pack_headers

NIGHTS = {"HAWKI": "2015-02-26", "NACO": "2015-02-26", "VISIR": "2009-03-14"}


def _frame(name, instrument, header):
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


@pytest.fixture
def associated(request, sqlite_store, tmp_path):
    name = request.param
    day = simulate_day(name, NIGHTS[name], tmp_path, small=True)
    found = []
    for path in day.files:
        headers = [dict(header) for header in inspect(path).headers]
        found.append((_frame(path.stem, name, headers[0]), pack_headers(headers)))
    with sqlite_store.write(by="test", why="test") as change:
        change.frames.add(found)
    instrument = load(name)
    classify(sqlite_store, instrument)
    run(sqlite_store, instrument)
    with sqlite_store.read() as look:
        blocks = look.blocks.find(instrument=name, night=NIGHTS[name])
        frames = {one.frame_id: one for one in look.frames.find(instrument=name)}
    truth = json.loads((tmp_path / "night.truth.json").read_text())["blocks"]
    return {block.name: block for block in blocks}, frames, truth


@pytest.mark.slow
@pytest.mark.parametrize("associated", NIGHTS, indirect=True)
def test_each_template_is_a_block_with_its_frames(associated):
    blocks, frames, truth = associated
    wanted = {f"{one['frames'][0]}_{one['grouping']}": one for one in truth}
    assert set(blocks) == set(wanted)
    for name, block in blocks.items():
        assert block.raw_type == wanted[name]["raw_type"]
        assert [frames[one].name for one in block.frames] == wanted[name]["frames"]
    assert all(frame.raw_type for frame in frames.values())


@pytest.mark.slow
@pytest.mark.parametrize("associated", NIGHTS, indirect=True)
def test_whatever_a_recipe_can_reduce_has_its_calibrations(associated):
    blocks, _, _ = associated
    stopped = [one for one in blocks.values() if one.state is BlockState.BLOCKED]
    assert all("waits for a recipe" in one.problem for one in stopped)
