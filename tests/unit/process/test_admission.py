from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vltflow.process.admission import Admission, Tokens
from vltflow.process.places import Pace, Places

TOTAL = Tokens(4, 4000)
SIZES = st.builds(Tokens, st.integers(1, 4), st.sampled_from([100, 1000, 4000]))


def queue(*sizes: Tokens, patience: int = 8) -> Admission:
    admission = Admission(TOTAL, patience=patience)
    for number, size in enumerate(sizes):
        admission.add(str(number), size)
    return admission


def test_the_largest_that_fits_starts_first():
    admission = queue(Tokens(1, 100), Tokens(3, 100), Tokens(2, 2000), Tokens(4, 100))
    assert admission.next(Tokens(3, 4000)) == ("1", Tokens(3, 100))
    assert admission.next(Tokens(1, 1000)) == ("0", Tokens(1, 100))
    assert admission.next(Tokens(1, 1000)) is None


def test_equal_jobs_start_in_the_order_of_their_arrival():
    admission = queue(*[Tokens(1, 100)] * 4)
    assert [admission.next(TOTAL)[0] for _ in range(4)] == ["0", "1", "2", "3"]


def test_memory_counts_as_cores_do():
    assert queue(Tokens(1, 3000)).next(Tokens(4, 2999)) is None


def test_what_can_never_fit_is_refused():
    with pytest.raises(ValueError, match="never fit"):
        queue(Tokens(5, 1))


def test_a_large_job_is_not_overtaken_for_ever():
    admission = queue(Tokens(4, 100), *[Tokens(1, 100)] * 20, patience=3)
    busy = Tokens(1, 100)  # one small job always runs
    started = [admission.next(TOTAL.minus(busy)) for _ in range(10)]
    assert [one is None for one in started] == [False] * 3 + [True] * 7
    assert admission.next(TOTAL) == ("0", Tokens(4, 100))


@given(st.lists(SIZES, min_size=1, max_size=40), st.integers(1, 4))
def test_everything_starts_and_nothing_is_ever_overcommitted(sizes, patience):
    admission = queue(*sizes, patience=patience)
    running: list[Tokens] = []
    started = []
    free = TOTAL
    while len(admission) or running:
        while (found := admission.next(free)) is not None:
            started.append(found[0])
            running.append(found[1])
            free = free.minus(found[1])
            assert free.cores >= 0
            assert free.memory_mb >= 0
        free = free.plus(running.pop(0))
    assert sorted(started, key=int) == [str(n) for n in range(len(sizes))]


@given(st.lists(SIZES, min_size=1, max_size=30), st.integers(1, 5))
def test_the_oldest_of_a_size_is_overtaken_a_bounded_number_of_times(sizes, patience):
    admission = queue(*sizes, patience=patience)
    order = []
    while (found := admission.next(TOTAL)) is not None:
        order.append(int(found[0]))
    for place, number in enumerate(order):
        same = sum(sizes[other] == sizes[number] for other in order[:place])
        overtaken = sum(other > number for other in order[:place])
        kinds = len(set(sizes))
        assert overtaken <= (same + 1) * (patience + kinds)


def test_short_jobs_queue_behind_others_of_their_size_and_take_their_tokens_over():
    places, admission = Places(TOTAL), queue(*[Tokens(4, 100)] * 3, Tokens(1, 100))
    pick = partial(places.pick, admission, most=lambda _: 1)
    assert pick(ahead=1)[0] == "0"
    assert pick(ahead=0) is None
    assert pick(ahead=1)[0] == "1"
    assert pick(ahead=1) is None
    places.release(Tokens(4, 100))
    assert places.free == Tokens(0, 3900)
    places.release(Tokens(4, 100))
    assert places.free == TOTAL


@pytest.mark.parametrize(("waiting", "cores"), [(1, [3]), (2, [2, 2]), (3, [1, 1, 2])])
def test_a_job_gets_more_cores_only_as_far_as_all_others_have_one(waiting, cores):
    places, admission = Places(TOTAL), queue(*[Tokens(1, 100)] * waiting)
    picked = [places.pick(admission, ahead=0, most=lambda _: 3)[1].cores for _ in cores]
    assert picked == cores
    assert places.free.cores == TOTAL.cores - sum(cores)


def test_only_short_jobs_are_planned_ahead():
    pace = Pace()
    assert pace.ahead == 0
    pace.note(5.0)
    assert pace.ahead == 0
    for _ in range(40):
        pace.note(0.001)
    assert pace.ahead == 32


def test_ended_jobs_wait_to_be_recorded_together_only_while_workers_have_others():
    pace, places = Pace(), Places(TOTAL)
    pace.note(0.2)
    assert pace.pause_s(places.depth) == 0.0
    admission = queue(*[Tokens(4, 100)] * 4)
    picked = [places.pick(admission, ahead=3, most=lambda _: 4) for _ in range(4)]
    assert len(picked) == 4
    assert places.depth == 3.0
    assert pace.pause_s(places.depth) == pytest.approx(0.3)
    for _ in range(3):
        places.release(Tokens(4, 100))
    assert pace.pause_s(places.depth) == 0.0
