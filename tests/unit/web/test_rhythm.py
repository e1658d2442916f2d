"""Live pages ask the seldomer the more they are."""

import heapq

import pytest

from vltflow.web.rhythm import LIVE_S, MOST_A_SECOND, Rhythm


def asked_in_a_minute(rhythm, pages, start=0.0):
    """How often so many pages ask, each when it was told to, after a first half minute."""
    due = [start + LIVE_S * number / pages for number in range(pages)]
    times = []
    while (now := heapq.heappop(due)) < start + 90.0:
        times.append(now)
        heapq.heappush(due, now + rhythm.asked(now))
    return sum(now > start + 30.0 for now in times)


@pytest.mark.parametrize("pages", [1, 5, 29])
def test_few_pages_ask_every_two_seconds(pages):
    assert asked_in_a_minute(Rhythm(_since=0.0), pages) == pytest.approx(30 * pages, rel=0.05)


@pytest.mark.parametrize("pages", [50, 200, 1000])
def test_many_pages_together_ask_as_often_as_the_server_can_bear(pages):
    asked = asked_in_a_minute(Rhythm(_since=0.0), pages)
    assert asked == pytest.approx(60 * MOST_A_SECOND, rel=0.15)


def test_those_who_stay_ask_often_again_when_the_others_have_gone():
    rhythm = Rhythm(_since=0.0)
    asked_in_a_minute(rhythm, 200)
    assert asked_in_a_minute(rhythm, 2, start=90.0) == pytest.approx(60, rel=0.1)
