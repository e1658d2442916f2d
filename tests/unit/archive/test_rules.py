import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vltflow.archive import SAME_MOMENT_DAYS, reach_days, validity
from vltflow.archive.rules import is_master, master_categories
from vltflow.associate.matching import nearest
from vltflow.core.errors import ValidityOverlap
from vltflow.records import Master

moments = st.lists(
    st.integers(0, 10**6).map(lambda number: 57000.0 + number * 1e-4),
    min_size=1, max_size=12, unique=True,
)  # fmt: skip
reaches = st.floats(0.01, 200.0)


def master(mjd: float) -> Master:
    return Master(f"id{mjd}", f"name{mjd}", "LAMP", "M", "1x1", "{}", mjd, mjd, mjd, "0" * 64)


def ranges(mjds, reach):
    return [
        (one.valid_from, one.valid_to) for one in validity([master(mjd) for mjd in mjds], reach)
    ]


@pytest.mark.parametrize(
    ("mjds", "reach", "expected"),
    [
        ([], 5.0, []),
        ([10.0], 5.0, [(5.0, 15.0)]),
        ([10.0, 12.0], 5.0, [(5.0, 11.0), (11.0, 17.0)]),
        ([12.0, 10.0], 5.0, [(5.0, 11.0), (11.0, 17.0)]),
        ([10.0, 30.0], 5.0, [(5.0, 15.0), (25.0, 35.0)]),
        ([10.0, 12.0, 13.0], 0.5, [(9.5, 10.5), (11.5, 12.5), (12.5, 13.5)]),
    ],
)
def test_a_master_holds_to_the_middle_between_neighbours_within_reach(mjds, reach, expected):
    assert [(round(start, 9), round(end, 9)) for start, end in ranges(mjds, reach)] == expected


def holding(mjds, reach, moment):
    return [
        one.mjd for one in validity([master(mjd) for mjd in mjds], reach)
        if one.valid_from <= moment < one.valid_to
    ]  # fmt: skip


def test_exactly_in_the_middle_and_at_the_end_of_its_reach_the_earlier_master_holds():
    assert holding([10.0, 12.0], 5.0, 11.0) == [10.0]
    assert holding([10.0, 12.0], 5.0, math.nextafter(11.0, 12.0)) == [12.0]
    assert holding([10.0], 5.0, 15.0) == holding([10.0], 5.0, 5.0) == [10.0]
    assert holding([10.0], 5.0, math.nextafter(15.0, 16.0)) == []


@given(st.floats(57000.0, 57010.0), st.floats(0.001, 10.0), st.integers(-3, 3))
def test_around_the_middle_archive_and_association_agree(mjd, distance, steps):
    mjds = [mjd, mjd + distance]
    moment = sum(mjds) / 2
    for _ in range(abs(steps)):
        moment = math.nextafter(moment, math.copysign(math.inf, steps))
    nearest_one = nearest((mjds, mjds), moment)
    assert holding(mjds, 100.0, moment) == [nearest_one]


@given(moments, reaches)
def test_ranges_never_overlap_and_hold_their_own_moment(mjds, reach):
    found = validity([master(mjd) for mjd in mjds], reach)
    for one in found:
        assert one.valid_from <= one.mjd < one.valid_to
    for earlier, later in itertools.pairwise(found):
        assert earlier.valid_to <= later.valid_from


@given(moments, reaches, st.floats(56990.0, 57110.0))
def test_the_valid_master_is_the_nearest_in_reach(mjds, reach, moment):
    valid = holding(mjds, reach, moment)
    closest = min(abs(mjd - moment) for mjd in mjds)
    if valid:
        assert len(valid) == 1
        assert abs(valid[0] - moment) == pytest.approx(closest, abs=1e-9)
    else:
        assert closest >= reach - 1e-9


@given(moments, reaches, st.randoms())
def test_the_order_of_arrival_does_not_matter(mjds, reach, random):
    shuffled = list(mjds)
    random.shuffle(shuffled)
    assert ranges(shuffled, reach) == ranges(sorted(mjds), reach)


@given(moments.filter(lambda mjds: len(mjds) > 1), reaches, st.data())
def test_without_one_the_others_are_as_if_it_had_never_been(mjds, reach, data):
    gone = data.draw(st.sampled_from(mjds))
    left = [mjd for mjd in mjds if mjd != gone]
    with_it = {one.mjd: one for one in validity([master(mjd) for mjd in mjds], reach)}
    for one in validity([master(mjd) for mjd in left], reach):
        assert one.valid_from <= with_it[one.mjd].valid_from
        assert one.valid_to >= with_it[one.mjd].valid_to


def test_two_of_one_moment_are_refused_by_name():
    with pytest.raises(ValidityOverlap, match="same moment") as caught:
        ranges([10.0, 10.0 + SAME_MOMENT_DAYS / 2], 5.0)
    assert "name10.0 and" in str(caught.value)


def test_reach_is_the_longest_range_of_any_need(small_instrument):
    assert reach_days(small_instrument, "MASTER_BIAS_BLUE") == 30.0
    assert reach_days(small_instrument, "MASTER_DARK_BLUE") == 30.0  # nothing takes it


def test_which_products_are_masters_is_data(small_instrument):
    assert is_master(small_instrument, "BIAS_BLUE", "MASTER_BIAS_BLUE")
    assert not is_master(small_instrument, "BIAS_BLUE", "CHECK_BLUE")
    assert not is_master(small_instrument, "BIAS_RED", "MASTER_BIAS_BLUE")
    assert master_categories(small_instrument) == {
        "MASTER_BIAS_BLUE", "MASTER_BIAS_REDL", "MASTER_BIAS_REDU", "MASTER_DARK_BLUE",
    }  # fmt: skip
