import pytest

from vltflow.associate.grouping import build_block, completeness, group
from vltflow.store import WaitingFrame


def _waiting(frames):
    return [
        WaitingFrame(**{name: getattr(frame, name) for name in WaitingFrame._fields})
        for frame in frames
    ]


def test_frames_of_one_template_and_setup_are_one_group(toy, frames):
    waiting = _waiting(
        [*frames("BIAS", 1, 3), *frames("BIAS", 2, 3), *frames("BIAS", 1, 3, binning=2)]
    )
    assert [len(found.frames) for found in group(waiting, toy).values()] == [3, 3, 3]


def test_single_frames_and_frames_without_template_stand_alone(toy, frames):
    waiting = _waiting([*frames("ARC", 1, 2), *frames("BIAS", 1, 2, tpl="")])
    assert [found.tag for found in group(waiting, toy).values()] == ["none"] * 4


def test_the_first_frame_names_the_block(toy, frames):
    found = frames("DARK", 1, 3, exptime=86.4)
    [one] = group(_waiting(found[::-1]), toy).values()
    block = build_block(one, one.frames, toy)
    assert block.name == f"{found[0].name}_tpl"
    assert block.frames == tuple(frame.frame_id for frame in found)
    assert block.mjd_mid == pytest.approx((found[0].mjd_obs + found[2].mjd_obs + 1e-3) / 2)


@pytest.mark.parametrize(
    ("expnos", "announced", "expected", "problem"),
    [
        ((1, 2, 3), 3, 3, ""),
        ((1, 2, 4, 5), 5, 5, "incomplete: 4 of 5 frames, EXPNO 3 missing"),
        ((1, 2, 2), 3, 3, "incomplete: 2 of 3 frames, EXPNO 3 missing, EXPNO 2 more than once"),
        ((1, 2, 2, 3), 3, 3, ""),
        ((1,), 9, 9, "incomplete: 1 of 9 frames, EXPNO 2, 3, 4, 5, 6 and 3 more missing"),
        ((1,), 1, 2, "incomplete: 1 of at least 2 frames that bias needs"),
        ((2, 5), 5, 5, "incomplete: 2 of 5 frames, EXPNO 1, 3 and 4 missing"),
    ],
)
def test_completeness_names_what_is_missing(toy, frames, expnos, announced, expected, problem):
    found = frames("BIAS", 1, announced, expnos=expnos)
    assert completeness(found, toy.raw_types["BIAS"]) == (expected, problem)


def test_templates_that_mix_raw_types_go_by_the_minimum(toy, frames):
    entry = toy.raw_types["BIAS"].model_copy(update={"announced": False})
    assert completeness(frames("BIAS", 1, 9, expnos=(1, 2)), entry) == (2, "")
