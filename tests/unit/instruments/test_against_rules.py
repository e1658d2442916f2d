"""Our definitions, written by hand, against ESO's rules on the frames of simulated days."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from vltflow.classify.check import Check
from vltflow.core.errors import UnknownName
from vltflow.instruments import available, load
from vltflow.instruments.oca import parse_file
from vltflow.simulate import headers_only

NIGHTS = ("2015-02-26", "2019-03-01")


@pytest.mark.parametrize("name", ["UVES", "GIRAFFE", "MUSE"])
def test_simulated_frames_have_the_raw_types_and_tags_that_esos_rules_give_them(name):
    if name not in available():
        pytest.skip(f"there is no definition of {name}")
    instrument = load(name)
    pipeline = instrument.header.pipeline.name
    pattern = f"{pipeline}-*/gasgano/config/{pipeline}.oca"
    rules = sorted(Path("/usr/share/cpl-plugins").glob(pattern))
    if not rules:
        pytest.skip(f"ESO's rules are not installed (Debian package cpl-plugin-{pipeline})")
    try:
        headers = list(headers_only(name.lower(), NIGHTS))
    except UnknownName:
        pytest.skip(f"the simulator has no {name}")
    check = Check(instrument, parse_file(rules[-1]).rules)
    different = Counter(
        (one.ours, one.our_tag, one.theirs, one.their_tag)
        for one in (check("", header) for header in headers)
        if not one.agree
    )
    assert len(headers) > 20
    assert different == {}
