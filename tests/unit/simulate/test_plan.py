"""The day's plan."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import pytest

from vltflow.core.time import night_of
from vltflow.simulate.models import model
from vltflow.simulate.plan import PlannedFrame

NIGHTS = [(date(2015, 2, 20) + timedelta(days)).isoformat() for days in range(9)]


@pytest.mark.parametrize("night", NIGHTS)
def test_a_night_has_57_blocks_of_which_one_misses_a_frame(night: str) -> None:
    templates = model("uves").templates(night)
    assert len(templates) == 59
    assert [len(template.missing) for template in templates if template.missing] == [1]


@pytest.mark.parametrize("night", NIGHTS[:4])
def test_every_frame_belongs_to_the_night_and_has_a_name_of_its_own(night: str) -> None:
    frames = [
        PlannedFrame(night, template, number, "UVES")
        for template in model("uves").templates(night)
        for number in range(1, template.count + 1)
    ]
    assert {night_of(frame.mjd) for frame in frames} == {night}
    assert len({frame.name for frame in frames}) == len(frames)


@pytest.mark.parametrize("night", NIGHTS[:4])
def test_frames_of_an_arm_do_not_overlap_in_time(night: str) -> None:
    for arm in ("blue", "red"):
        spans = sorted(
            (start, start + template.exptime * 1e3)
            for template in model("uves").templates(night)
            if template.setup.arm == arm
            for start in template.frame_ms
        )
        assert all(end < start for (_, end), (start, _) in pairwise(spans))


def test_flats_of_each_arm_and_binning_have_biases() -> None:
    for night in NIGHTS[:4]:
        templates = model("uves").templates(night)
        biases = {(t.setup.arm, t.setup.binning) for t in templates if t.kind == "bias"}
        assert {(t.setup.arm, t.setup.binning) for t in templates if t.kind == "flat"} <= biases
