"""What is judged together is asked for together: a campaign's cost is not one of questions."""

from __future__ import annotations

import contextlib

from sqlalchemy import event

from vltflow import certify, qc
from vltflow.records import ProductState

OF_HISTORY = 4
"""Questions for what a running threshold looks back to: each AB's own."""
GOOD = {"MASTER_BIAS_BLUE": {"QC RON": 2.5}}


@contextlib.contextmanager
def questions(store):
    """Statements that the registry was sent."""
    found = []

    def keep(_connection, _cursor, statement, *_):
        found.append(statement)

    event.listen(store._engine, "before_cursor_execute", keep)
    yield found
    event.remove(store._engine, "before_cursor_execute", keep)


def judged(store, instrument, names):
    """Number of questions that scoring and certifying ABs took."""
    with questions(store) as found:
        scored = [one.block for one in qc.run(store, instrument)]
        verdicts = certify.run(store, instrument, blocks=scored)
    assert scored == [one.block for one in verdicts] == names
    return len(found)


def test_more_abs_add_only_the_questions_of_their_history(
    sqlite_store, small_instrument, add_block
):
    numbers = []
    qc.declared(sqlite_store, small_instrument)
    for start, count in ((0, 2), (10, 8), (20, 2)):
        names = [f"ab{number}" for number in range(start, start + count)]
        for number, name in enumerate(names, start):
            add_block(sqlite_store, name, products=GOOD, mjd=57080.0 + number)
        numbers.append(judged(sqlite_store, small_instrument, names))
        with sqlite_store.read() as tx:
            made = tx.products.of_blocks(names)
        states = {one.state for several in made.values() for one in several}
        assert states == {ProductState.CERTIFIED}
    few, many, later = numbers
    assert many <= few + 6 * OF_HISTORY
    assert later <= few
