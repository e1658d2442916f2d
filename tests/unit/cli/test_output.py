"""Tables for people: names to copy, sentences to read."""

import sys

import pytest

from vltflow.cli.output import show

NAME = "UVES.2015-02-27T00:42:39.760_none"
SETUP = "1x1_580nm_CD#3_0.6"
SENTENCE = "no BLAZE_FLAT_REDL for this setup within 30 days; waits for a recipe"
ROWS = [{"ab": NAME, "setup": SETUP, "problem": SENTENCE}, {"ab": "b", "setup": "", "problem": ""}]


def printed(capsys: pytest.CaptureFixture[str]) -> list[str]:
    show(ROWS, ("ab", "setup", "problem"), as_json=False, empty="")
    return capsys.readouterr().out.splitlines()


def test_a_row_in_a_pipe_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    head, first, second = printed(capsys)
    assert head.split() == ["ab", "setup", "problem"]
    assert first == f"{NAME}  {SETUP}  {SENTENCE}"
    assert second == "b"


def test_a_terminal_wraps_sentences_and_keeps_names_whole(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "100")
    _, first, second, *_ = printed(capsys)
    beginning = f"{NAME}  {SETUP}  "
    assert first.startswith(beginning)
    assert len(first) <= 100
    assert f"{first[len(beginning) :]} {second.strip()}" == SENTENCE


def test_where_names_leave_no_room_for_sentences_a_row_is_a_line_too(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "80")
    _, first, second = printed(capsys)
    assert first == f"{NAME}  {SETUP}  {SENTENCE}"
    assert second == "b"
