"""Listings of many ABs, on both backends."""

import pytest
from sqlalchemy import event as hooks

from vltflow.records import BlockState, Colour, Decision, Score, Verdict
from vltflow.store import Store

NIGHT = "2015-02-26"


@pytest.fixture
def judged(store: Store, add_block) -> Store:
    add_block(store, "A", mjd=57080.0)
    add_block(store, "B", mjd=57080.1)
    add_block(store, "C", mjd=57083.1)
    score = Score("A", 1, "MASTER_BIAS_BLUE", "QC RON", 2.0, 1.0, 4.0, Colour.GREEN, "FIXED", "")
    verdict = Verdict("A", 1, Decision.AUTO, "certify", "all green", "2015-02-27T12:00:00.000")
    with store.write(by="test", why="made for a test") as tx:
        tx.quality.set_scores("A", 1, [score])
        tx.quality.set_report("A", 1, "f" * 64, "2015-02-27T12:00:00.000", elapsed_s=1.5)
        tx.quality.add_verdict(verdict)
        tx.blocks.set_decision("A", "AUTO")
    return store


def test_a_summary_tells_what_became_of_an_ab(judged: Store) -> None:
    with judged.read() as tx:
        first, second = tx.overview.summaries("LAMP", NIGHT)
    assert (first.name, first.frames, first.green, first.red) == ("A", 1, 1, 0)
    assert (first.decision, first.who, first.qc_s, first.report) == ("AUTO", "certify", 1.5, True)
    assert (second.name, second.decision, second.runner) == ("B", "", "native")
    assert not second.report


def test_an_older_revision_s_scores_and_decision_do_not_count(
    judged: Store, reopen_block, add_block
) -> None:
    made = add_block(judged, "D", mjd=57080.2)
    verdict = Verdict("D", 1, Decision.REJECTED, "anna", "lamp off", "2015-02-27T12:00:00.000")
    with judged.write(by="test", why="made for a test") as tx:
        tx.quality.add_verdict(verdict)
    reopen_block(judged, made, {"MASTER_BIAS_BLUE": {"QC RON": 2.0}})
    with judged.read() as tx:
        found = tx.overview.summaries("LAMP", NIGHT)[-1]
    assert (found.revision, found.decision) == (2, "")


def test_nights_and_their_counts(judged: Store) -> None:
    with judged.read() as tx:
        assert tx.overview.instruments() == ["LAMP"]
        assert tx.overview.nights("LAMP", 5) == ["2015-03-01", NIGHT]
        assert tx.overview.nights("LAMP", 1) == ["2015-03-01"]
        counts = tx.overview.counts("LAMP", [NIGHT])[NIGHT]
    assert counts.states == {BlockState.SUCCEEDED: 2}
    assert (counts.undecided, counts.frames, counts.outside) == (1, 2, 0)


def test_changed_names_the_abs_of_later_events(judged: Store) -> None:
    with judged.read() as tx:
        before = tx.overview.last_event()
        assert tx.overview.changed(before, tx.overview.last_event()) == []
    with judged.write(by="test", why="made for a test") as tx:
        tx.blocks.set_problem("B", "lamp off")
    with judged.read() as tx:
        assert tx.overview.changed(before, tx.overview.last_event()) == [("B", "problem: lamp off")]


def test_the_number_of_statements_does_not_grow_with_the_abs(store: Store, add_block) -> None:
    def statements() -> int:
        seen = []
        listen = lambda *arguments: seen.append(arguments[2])  # noqa: E731
        hooks.listen(store._engine, "before_cursor_execute", listen)
        with store.read() as tx:
            tx.overview.summaries("LAMP", NIGHT)
        hooks.remove(store._engine, "before_cursor_execute", listen)
        return len(seen)

    add_block(store, "A", mjd=57080.0)
    statements()
    few = statements()
    for number in range(9):
        add_block(store, f"B{number}", mjd=57080.1)
    assert statements() == few
