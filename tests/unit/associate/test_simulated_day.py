"""A simulated UVES day gives the ABs that its truth names, no more and no fewer."""

import hashlib
import json
import re

import pytest

from vltflow.associate import run
from vltflow.classify import run as classify
from vltflow.core.time import night_of
from vltflow.fits import inspect
from vltflow.instruments import load
from vltflow.records import RawFrame
from vltflow.simulate import simulate_day
from vltflow.store import pack_headers

NIGHT = "2015-02-26"


def _frame(name, header):
    return RawFrame(
        frame_id=hashlib.sha256(name.encode()).hexdigest(),
        name=name,
        instrument="UVES",
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


@pytest.mark.slow
def test_the_day_has_its_57_blocks(sqlite_store, tmp_path):
    day = simulate_day("UVES", NIGHT, tmp_path, small=True)
    found = []
    for path in day.files:
        headers = [dict(header) for header in inspect(path).headers]
        found.append((_frame(path.stem, headers[0]), pack_headers(headers)))
    with sqlite_store.write(by="test", why="test") as change:
        change.frames.add(found)
    uves = load("UVES")
    classify(sqlite_store, uves)
    run(sqlite_store, uves)
    with sqlite_store.read() as look:
        blocks = {block.name: block for block in look.blocks.find(instrument="UVES", night=NIGHT)}
        names = {frame.frame_id: frame.name for frame in look.frames.find(instrument="UVES")}
    truth = json.loads((tmp_path / "night.truth.json").read_text())["blocks"]
    wanted = {f"{one['frames'][0]}_{one['grouping']}": one for one in truth}
    assert len(blocks) == 59
    assert set(blocks) == set(wanted)
    for name, block in blocks.items():
        assert block.raw_type == wanted[name]["raw_type"]
        assert block.expected == wanted[name]["expected"]
        assert [names[frame_id] for frame_id in block.frames] == wanted[name]["frames"]
        assert block.problem.startswith("incomplete") != wanted[name]["complete"]
    incomplete = [block.problem for block in blocks.values() if not wanted[block.name]["complete"]]
    assert len(incomplete) == 1
    assert re.fullmatch(r"incomplete: 4 of 5 frames, EXPNO \d missing", incomplete[0])
