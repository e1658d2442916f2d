import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from vltflow.certify import decide, run
from vltflow.core.errors import Conflict, NotFound, UserError
from vltflow.records import BlockState, Colour, Decision, ProductState
from vltflow.store import Store

GREEN, RED = Colour.GREEN, Colour.RED
ACCEPTED, REJECTED, REVOKED = Decision.ACCEPTED, Decision.REJECTED, Decision.REVOKED
BY = {"who": "Anna", "comment": "looked at it"}


def _states(store, made):
    with store.read() as tx:
        return [product.state for product in tx.products.of_block(made.block.name)]


@pytest.fixture
def bad(store, add_block, judge):
    made = add_block(store, "bad")
    judge(store, made, GREEN, RED)
    return made


@pytest.mark.parametrize(
    ("decision", "state"),
    [(ACCEPTED, ProductState.CERTIFIED), (REJECTED, ProductState.REJECTED)],
)
def test_a_waiting_block_is_decided_by_a_person(store, bad, decision, state):
    decided = decide(store, "bad", decision, **BY)
    assert (decided.verdict.who, decided.verdict.comment) == ("Anna", "looked at it")
    assert _states(store, bad) == [state]
    with store.read() as tx:
        assert tx.blocks.decisions(["bad"]) == {"bad": str(decision)}
        assert tx.quality.verdicts(["bad"])["bad"] == [decided.verdict]
        change = tx.events.find(kind="product", record=bad.products[0].product_id)[-1]
    assert (change.who, change.why, change.change) == (
        "Anna",
        "looked at it",
        f"CREATED -> {state}",
    )


def test_certified_products_can_be_revoked(store, small_instrument, add_block, judge):
    made = add_block(store, "good")
    judge(store, made, GREEN)
    run(store, small_instrument)
    decide(store, "good", REVOKED, **BY)
    assert _states(store, made) == [ProductState.REVOKED]
    with store.read() as tx:
        decisions = [one.decision for one in tx.quality.verdicts(["good"])["good"]]
    assert decisions == [Decision.AUTO, REVOKED]


def test_a_decision_needs_name_and_comment(store, bad):
    for field in ("who", "comment"):
        with pytest.raises(UserError, match="needs a"):
            decide(store, "bad", ACCEPTED, **BY | {field: "  "})
    assert _states(store, bad) == [ProductState.CREATED]


@pytest.mark.parametrize(("first", "second"), [(ACCEPTED, REJECTED), (REJECTED, ACCEPTED)])
def test_a_second_decision_learns_who_was_first(store, bad, first, second):
    verdict = decide(store, "bad", first, **BY).verdict
    with pytest.raises(Conflict, match=f"decided by Anna at {verdict.decided}: {first}") as caught:
        decide(store, "bad", second, who="Ben", comment="me too")
    assert ("revoke it" in str(caught.value)) == (first is ACCEPTED)


def test_a_revoked_block_stays_revoked(store, bad):
    decide(store, "bad", ACCEPTED, **BY)
    decide(store, "bad", REVOKED, **BY)
    for decision in (ACCEPTED, REJECTED, REVOKED):
        with pytest.raises(Conflict, match="decided by Anna"):
            decide(store, "bad", decision, **BY)


def test_what_is_not_certified_cannot_be_revoked(store, bad):
    with pytest.raises(UserError, match="no certified products"):
        decide(store, "bad", REVOKED, **BY)


def test_blocks_that_are_not_ready_are_refused_with_the_reason(store, add_block):
    add_block(store, "new")
    add_block(store, "failed", products={}, state=BlockState.FAILED, mjd=57081.0)
    with pytest.raises(UserError, match="not scored yet"):
        decide(store, "new", ACCEPTED, **BY)
    with pytest.raises(UserError, match="it is FAILED"):
        decide(store, "failed", ACCEPTED, **BY)
    with pytest.raises(NotFound):
        decide(store, "unknown", ACCEPTED, **BY)
    with pytest.raises(UserError, match="the rules"):
        decide(store, "new", Decision.AUTO, **BY)


def test_an_older_certified_revision_can_be_revoked_while_late_frames_wait(
    store, bad, reopen_block, judge
):
    decide(store, "bad", ACCEPTED, **BY)
    judge(store, reopen_block(store, bad, {"MASTER_BIAS_BLUE": {}}), RED)
    assert decide(store, "bad", REVOKED, **BY).verdict.revision == 1
    assert _states(store, bad) == [ProductState.REVOKED, ProductState.CREATED]
    assert decide(store, "bad", REJECTED, **BY).verdict.revision == 2


def test_of_two_people_at_once_exactly_one_wins(store, bad):
    start = threading.Barrier(4)

    def one_person(number: int) -> str:
        decision = ACCEPTED if number % 2 else REJECTED
        own = Store(store.database, store.vault.url)  # as in a process of one's own
        start.wait()
        try:
            return str(
                decide(own, "bad", decision, who=f"P{number}", comment="mine").verdict.decision
            )
        except Conflict as conflict:
            return str(conflict)
        finally:
            own.close()

    with ThreadPoolExecutor(4) as people:
        answers = list(people.map(one_person, range(4)))
    results = [answer for answer in answers if answer in {"ACCEPTED", "REJECTED"}]
    assert len(results) == 1
    assert sum("was decided by P" in answer for answer in answers) == 3
    expected = ProductState.CERTIFIED if results == ["ACCEPTED"] else ProductState.REJECTED
    assert _states(store, bad) == [expected]
    with store.read() as tx:
        assert len(tx.quality.verdicts(["bad"])["bad"]) == 1


def test_a_person_and_the_rules_at_once_give_one_verdict(store, small_instrument, add_block, judge):
    judge(store, add_block(store, "good"), GREEN)
    start = threading.Barrier(2)

    def person() -> bool:
        start.wait()
        try:
            decide(store, "good", REJECTED, **BY)
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(person)
        start.wait()
        verdicts = run(store, small_instrument)
        won = answer.result()
    assert len(verdicts) + won == 1
