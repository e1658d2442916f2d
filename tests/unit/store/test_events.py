import contextlib
import inspect
from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import text

from vltflow.core.errors import StoreError
from vltflow.records import (
    Account,
    ApiToken,
    BlockState,
    Colour,
    HealthEvent,
    HiddenValue,
    JobState,
    MasterMatch,
    MatchState,
    ProductState,
    QcParameter,
    QcValue,
    Right,
    Role,
    SavedPlot,
    Score,
    Session,
    StaticState,
)
from vltflow.store import Store, pack_headers

MATCH = MasterMatch(category="MASTER_BIAS_BLUE", required=True, state=MatchState.MISSING)
NAME = "UVES.000001_tpl"
SESSION = Session("s", "paul", "c", "2026", "2099", "2026")
TOKEN = ApiToken(0, "t", "paul", "laptop", (Right.READ,), "2026", "2099")
EVENT = HealthEvent("UVES", 57080.0, "intervention", "new lamp", "paul", "2026")
PLOT = SavedPlot("paul", "noise", is_shared=True, question="instrument=UVES", created="2026")
SCORE = Score(NAME, 1, "C", "P", 1.0, 0.0, 2.0, Colour.GREEN, "FIXED", "fine")


def hidden(value: QcValue) -> HiddenValue:
    return HiddenValue(value.product_id, value.parameter, "paul", "a door was open", "2026")


CHANGES: dict[str, Callable] = {
    "frames.add": lambda tx, make: tx.frames.add([(make.frame(9), pack_headers([{}]))]),
    "frames.relocate": lambda tx, make: tx.frames.relocate(make.frame(1).frame_id, "/x", 1),
    "frames.classify": lambda tx, make: tx.frames.classify([make.frame(1, raw_type="BIAS")]),
    "quarantine.add": lambda tx, make: tx.quarantine.add([make.refused(9)]),
    "quarantine.clear": lambda tx, make: tx.quarantine.clear(make.refused(1).location),
    "history.add": lambda tx, make: tx.history.add(make.historical(), []),
    "blocks.add": lambda tx, make: tx.blocks.add([make.block(9)]),
    "blocks.replace": lambda tx, make: tx.blocks.replace(make.block(1), "late frame"),
    "blocks.revise": lambda tx, make: tx.blocks.revise({NAME: (make.block(1), "late frame")}),
    "blocks.remove": lambda tx, make: tx.blocks.remove("UVES.000005_tpl", "grouped otherwise"),
    "blocks.set_masters": lambda tx, _: tx.blocks.set_masters({NAME: (MATCH,)}),
    "blocks.set_state": lambda tx, _: tx.blocks.set_state(NAME, BlockState.RUNNING),
    "blocks.set_problem": lambda tx, _: tx.blocks.set_problem(NAME, "too dark"),
    "blocks.set_decision": lambda tx, _: tx.blocks.set_decision(NAME, "AUTO"),
    "blocks.set_decisions": lambda tx, _: tx.blocks.set_decisions([NAME], "AUTO"),
    "blocks.move": lambda tx, _: tx.blocks.move([NAME], BlockState.RUNNING),
    "jobs.add": lambda tx, make: tx.jobs.add([make.job(9, block=NAME)]),
    "jobs.update": lambda tx, make: tx.jobs.update(make.job(1), expected=set(JobState)),
    "jobs.update_many": lambda tx, make: tx.jobs.update_many(
        [make.job(1), make.job(2)], expected=set(JobState)
    ),
    "products.add": lambda tx, make: tx.products.add([make.product(9, block=NAME, job_id="job1")]),
    "products.set_state": lambda tx, _: tx.products.set_state("product1", ProductState.REJECTED),
    "products.set_states": lambda tx, _: tx.products.set_states(
        ["product1"], ProductState.REJECTED
    ),
    "products.adopt": lambda tx, _: tx.products.adopt("product1", 2),
    "masters.put": lambda tx, make: tx.masters.put([make.master(1)]),
    "quality.declare": lambda tx, _: tx.quality.declare([QcParameter("UVES", "P", "u", "d")]),
    "quality.add_values": lambda tx, make: tx.quality.add_values([make.value(1)]),
    "quality.set_scores": lambda tx, _: tx.quality.set_scores(NAME, 1, [SCORE]),
    "quality.set_report": lambda tx, _: tx.quality.set_report(NAME, 1, "f" * 64, "2026"),
    "quality.set_all_scores": lambda tx, _: tx.quality.set_all_scores({(NAME, 1): [SCORE]}),
    "quality.set_reports": lambda tx, _: tx.quality.set_reports({(NAME, 1): ("f" * 64, 1)}, "2026"),
    "quality.set_comparison": lambda tx, _: tx.quality.set_comparison(NAME, 1, "f" * 64, "2026"),
    "quality.add_verdict": lambda tx, make: tx.quality.add_verdict(make.verdict(1)),
    "quality.add_verdicts": lambda tx, make: tx.quality.add_verdicts([make.verdict(1)]),
    "statics.add": lambda tx, make: tx.statics.add(make.static(2)),
    "statics.set_state": lambda tx, make: tx.statics.set_state(
        make.static(1).static_id, StaticState.WITHDRAWN
    ),
    "campaigns.add": lambda tx, make: tx.campaigns.add(make.campaign("B")),
    "campaigns.put_batch": lambda tx, make: tx.campaigns.put_batch(make.batch("A", "2010-11")),
    "origins.add_definition": lambda tx, _: tx.origins.add_definition("c1", "UVES", "d" * 64),
    "origins.add_versions": lambda tx, _: tx.origins.add_versions([{"numpy": "9"}]),
    "science.publish": lambda tx, make: tx.science.publish(make.science(2)),
    "science.hide": lambda tx, make: tx.science.hide(make.science(1).science_id, "too dark"),
    "association.set_mark": lambda tx, _: tx.association.set_mark("UVES", 1, "context"),
    "health.add_event": lambda tx, _: tx.health.add_event(EVENT),
    "health.remove_event": lambda tx, _: tx.health.remove_event(1),
    "health.hide": lambda tx, make: tx.health.hide(hidden(make.value(0))),
    "health.unhide": lambda tx, make: tx.health.unhide(
        make.value(2).product_id, make.value(2).parameter
    ),
    "health.save_plot": lambda tx, _: tx.health.save_plot(replace(PLOT, name="other")),
    "health.remove_plot": lambda tx, _: tx.health.remove_plot(1, "paul"),
    "accounts.add": lambda tx, _: tx.accounts.add(Account("eva", "", Role.VIEWER, "2026"), "hash"),
    "accounts.set_password": lambda tx, _: tx.accounts.set_password("paul", "other"),
    "accounts.set_role": lambda tx, _: tx.accounts.set_role("paul", Role.ADMIN),
    "accounts.set_disabled": lambda tx, _: tx.accounts.set_disabled("paul", disabled=True),
    "accounts.open_session": lambda tx, _: tx.accounts.open_session(SESSION, "::1"),
    "accounts.add_token": lambda tx, _: tx.accounts.add_token(replace(TOKEN, token_hash="u")),
    "accounts.revoke_token": lambda tx, _: tx.accounts.revoke_token("paul", 1),
}
"""What can be changed, by the name of the method that does it."""

TRAFFIC = {
    "accounts.touch_session",
    "accounts.end_session",
    "accounts.end_sessions",
    "accounts.add_failed_login",
    "downloads.add",
}
"""Who is at the door, and who took what: no change of what the house knows."""

READING = {
    "accounts": {
        "all",
        "failed_logins",
        "find",
        "password_hash",
        "session",
        "token",
        "tokens",
    },
    "association": {
        "candidates",
        "candidates_named",
        "changed_since",
        "contestable",
        "ever_run",
        "last_event",
        "mark",
        "names",
        "observed",
        "open_names",
        "open_users",
    },
    "blocks": {
        "by_group",
        "by_name",
        "counts",
        "decisions",
        "find",
        "get",
        "names_containing",
        "siblings",
        "states",
        "users_of",
    },
    "campaigns": {"all", "batches", "get"},
    "frames": {
        "by_id",
        "by_name",
        "find",
        "headers",
        "headers_of",
        "instruments",
        "known",
        "of_block",
        "of_blocks",
        "unclassified",
        "waiting",
        "waiting_brief",
    },
    "downloads": {"by_month", "find", "of_blocks", "of_products"},
    "health": {"events", "hidden", "plots"},
    "history": {"trend", "values"},
    "jobs": {
        "core_seconds",
        "get",
        "in_state",
        "latest",
        "of_block",
        "of_blocks",
        "with_hash_beginning",
        "with_input_hash",
    },
    "masters": {
        "before",
        "find",
        "get",
        "siblings",
        "superseded",
        "unregistered",
        "withdrawn",
    },
    "origins": {"definition", "has_definition", "versions"},
    "overview": {
        "changed",
        "counts",
        "instruments",
        "last_event",
        "neighbours",
        "nights",
        "setups_used",
        "summaries",
    },
    "products": {
        "by_file",
        "by_id",
        "by_name",
        "count",
        "get",
        "made_with",
        "names_starting",
        "of_block",
        "of_blocks",
        "of_job",
        "states",
        "taken",
    },
    "quality": {
        "compared",
        "comparisons",
        "history",
        "parameters",
        "reports",
        "scores",
        "scores_of",
        "trend",
        "undecided",
        "unscored",
        "values",
        "verdicts",
    },
    "quarantine": {"by_location", "find"},
    "science": {
        "by_file",
        "categories",
        "count",
        "find",
        "search",
        "shown",
        "taken",
        "unpublished",
        "versions",
        "withdrawn",
    },
    "statics": {"by_file", "by_id", "find"},
    "trends": {
        "by_record",
        "categories",
        "hidden",
        "instruments",
        "latest",
        "measured",
        "parameters",
        "points",
        "red",
        "scored",
        "setups",
    },
}


@pytest.fixture
def ready(filled, make):
    with filled.write(by="test", why="ready") as tx:
        tx.quarantine.add([make.refused(1)])
        tx.blocks.add([make.block(5)])
        tx.masters.put([make.master(2)])
        tx.statics.add(make.static(1))
        tx.campaigns.add(make.campaign("A"))
        tx.science.publish(make.science(1))
        tx.accounts.add(Account("paul", "Paul", Role.VIEWER, "2026"), "hash")
        tx.accounts.add_token(TOKEN)
        tx.quality.add_values([make.value(0), make.value(2)])
        tx.health.hide(hidden(make.value(2)))
        tx.health.add_event(EVENT)
        tx.health.save_plot(PLOT)
    return filled


def test_every_method_is_known_to_change_or_to_read(store):
    with store.read() as tx:
        rooms = {name: getattr(tx, name) for name in vars(tx) if name not in {"events", "setups"}}
    methods = {
        f"{room}.{name}"
        for room, one in rooms.items()
        for name, _ in inspect.getmembers(one, inspect.ismethod)
        if not name.startswith("_")
    }
    reading = {f"{room}.{name}" for room, names in READING.items() for name in names}
    assert methods == set(CHANGES) | TRAFFIC | reading


def test_every_change_leaves_an_event_with_name_and_reason(ready, make):
    found = {}
    for method, change in CHANGES.items():
        with contextlib.suppress(_Undo), ready.write(by="Maria", why="a reason") as tx:
            before = len(tx.events.find())
            change(tx, make)
            found[method] = tx.events.find()[before:]
            raise _Undo
    assert [method for method, events in found.items() if not events] == []
    events = [event for one in found.values() for event in one]
    assert {(event.who, event.why) for event in events} == {("Maria", "a reason")}
    assert all(event.record and event.change and event.time for event in events)


class _Undo(Exception):
    """Leaves nothing of one change for the next."""


def test_events_come_in_the_order_in_which_they_happened(store):
    with store.write(by="test", why="test") as tx:
        tx.events.add_many("block", [(f"AB {number}", "created") for number in range(5)])
        tx.events.add("job", "AB 3", "created")
    with store.read() as tx:
        assert [event.record for event in tx.events.find(kind="block", limit=2)] == ["AB 3", "AB 4"]
        assert [event.kind for event in tx.events.find(record="AB 3")] == ["block", "job"]
        numbers = [event.number for event in tx.events.find()]
    assert numbers == sorted(set(numbers))


@pytest.mark.parametrize("statement", ["UPDATE event SET who = 'nobody'", "DELETE FROM event"])
def test_the_database_itself_refuses_to_change_an_event(filled, statement):
    _try_in_vain(filled, statement)


def test_replacing_an_event_is_refused_too(sqlite_store):
    _try_in_vain(
        sqlite_store,
        "INSERT OR REPLACE INTO event SELECT number, '', '', '', '', '', '' FROM event",
    )


@pytest.mark.slow
def test_emptying_the_log_is_refused_too(postgresql_database):
    store = Store(postgresql_database, "memory://vault")
    _try_in_vain(store, "TRUNCATE event")
    store.close()


def _try_in_vain(store: Store, statement: str) -> None:
    with store.write(by="test", why="test") as tx:
        tx.events.add("test", "record", "change")
        before = tx.events.find()
    with (
        pytest.raises(StoreError, match=r"append-only|refused"),
        store.write(by="test", why="test") as tx,
    ):
        tx.events._connection.execute(text(statement))
    with store.read() as tx:
        assert tx.events.find() == before
