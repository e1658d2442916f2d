"""Stages of the line: nothing given is lost, nothing is worked on twice, errors come out."""

from __future__ import annotations

import threading

import pytest

from vltflow.flow.line import Stage


def test_all_that_is_given_is_worked_on_once_and_together_what_came_meanwhile():
    busy, go_on, seen = threading.Event(), threading.Event(), []

    def work(names):
        seen.append(names)
        busy.set()
        go_on.wait(10)

    with Stage("test", work, turn_s=0.0) as stage:
        stage.give(["a"])
        assert busy.wait(10)
        stage.give(["b"])
        stage.give([])
        stage.give(["c", "d"])
        go_on.set()
    assert seen == [["a"], ["b", "c", "d"]]


def test_a_stage_that_is_left_does_not_wait_for_the_end_of_its_turn():
    seen = []
    with Stage("test", seen.extend, turn_s=3600.0) as stage:
        stage.give(["a"])
    assert seen == ["a"]


def test_an_error_of_a_stage_is_raised_where_it_is_left():
    def work(names):
        raise KeyError(*names)

    stage = Stage("test", work, turn_s=0.0)
    with pytest.raises(KeyError, match="a"), stage:
        stage.give(["a"])
