import contextlib
import random
import signal
import threading
import time

import pytest

from vltflow.core.errors import Conflict, StoreError
from vltflow.records import JobState
from vltflow.store import Store, Transaction

WRITER = """
store = Store(sys.argv[1], "memory://vault")
print("ready", flush=True)
for number in range(10_000):
    with store.write(by=sys.argv[2], why="test") as tx:
        for part in range(5):
            tx.events.add("test", f"{sys.argv[2]} {number}", f"part {part}")
    print(number, flush=True)
"""


def whole_transactions(store: Store, who: str) -> list[int]:
    """Numbers of the transactions of a writer, each of them there with all its parts."""
    with store.read() as tx:
        events = [event for event in tx.events.find(limit=100_000) if event.who == who]
    records = [event.record for event in events]
    assert records == [record for record in dict.fromkeys(records) for _ in range(5)]
    return [int(record.split()[1]) for record in dict.fromkeys(records)]


def test_a_transaction_is_all_or_nothing(store, make):
    with contextlib.suppress(ZeroDivisionError), store.write(by="test", why="test") as tx:
        tx.blocks.add([make.block(1)])
        raise ZeroDivisionError
    with store.write(by="test", why="test") as tx:
        assert tx.blocks.find() == []
        assert tx.events.find() == []
        tx.blocks.add([make.block(2, setup="a setup that was not there before")])
    with store.read() as tx:
        assert tx.blocks.find() == [make.block(2, setup="a setup that was not there before")]


def test_a_setup_of_a_failed_transaction_is_forgotten(store, make):
    ghost, real = make.block(1, setup="ghost"), make.block(2, setup="real")
    with pytest.raises(Conflict), store.write(by="test", why="test") as tx:
        tx.blocks.add([ghost, ghost])
    with store.write(by="test", why="test") as tx:
        tx.blocks.add([real])
    with store.write(by="test", why="test") as tx:
        tx.blocks.add([ghost])
        assert tx.blocks.find() == [ghost, real]


@pytest.mark.slow
def test_a_killed_writer_leaves_whole_transactions_only(store, database, start):
    chance = random.Random(2015)
    for round_ in range(3):
        writer = start(WRITER, database, f"writer{round_}")
        assert writer.stdout.readline() == "ready\n"
        time.sleep(chance.uniform(0.0, 0.3))
        writer.send_signal(signal.SIGKILL)
        confirmed = [int(line) for line in writer.communicate()[0].split()]
        kept = whole_transactions(store, f"writer{round_}")
        assert kept == list(range(len(kept)))
        assert len(kept) >= len(confirmed)
    with store.write(by="test", why="it goes on") as tx:
        tx.events.add("test", "after", "the kill")


def test_a_writer_killed_inside_a_transaction_leaves_nothing_and_its_turn_free(
    store, database, start, make
):
    code = """
    store = Store(sys.argv[1], "memory://vault")
    with store.write(by="test", why="test") as tx:
        tx.events.add_many("test", [(str(number), "created") for number in range(20_000)])
        print("inside", flush=True)
        time.sleep(60)
    """
    writer = start(code, database)
    assert writer.stdout.readline() == "inside\n"
    with store.read() as tx:
        assert tx.events.find() == []
    writer.kill()
    with store.write(by="test", why="test") as tx:
        tx.blocks.add([make.block(1)])
        assert len(tx.events.find()) == 1


@pytest.mark.parametrize("shared", [True, False], ids=["one store", "a store each"])
def test_writers_at_once_lose_nothing_and_see_the_truth(store, database, shared):
    def write(who: str) -> None:
        own = store if shared else Store(database, "memory://vault")
        for number in range(10):
            with own.write(by=who, why="test") as tx:
                before = len(tx.events.find())
                tx.events.add_many("test", [(f"{who} {number}", str(before))] * 5)
        own.close()

    threads = [threading.Thread(target=write, args=(f"thread{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number in range(4):
        assert whole_transactions(store, f"thread{number}") == list(range(10))
    with store.read() as tx:  # what each one counted still held when it was committed
        events = tx.events.find()
    assert [int(event.change) for event in events] == [n - n % 5 for n in range(200)]


@pytest.mark.slow
def test_processes_that_write_at_once_lose_nothing(store, database, start):
    code = WRITER.replace("10_000", "20")
    processes = [start(code, database, f"process{number}") for number in range(3)]
    for process in processes:
        assert process.wait(120) == 0
    for number in range(3):
        assert whole_transactions(store, f"process{number}") == list(range(20))


def test_of_two_who_take_the_same_job_one_is_told(filled, make):
    outcomes = []

    def take() -> None:
        try:
            with filled.write(by="test", why="test") as tx:
                tx.jobs.update(make.job(1, state=JobState.RUNNING), expected={JobState.PLANNED})
            outcomes.append("taken")
        except Conflict:
            outcomes.append("refused")

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["refused"] * 3 + ["taken"]


def test_readers_wait_for_no_writer_and_see_one_moment(filled, make):
    with filled.read() as early, filled.write(by="test", why="test") as tx:
        assert len(early.blocks.find()) == 3
        tx.blocks.add([make.block(7)])
        with filled.read() as during:
            assert len(during.blocks.find()) == 3
    with filled.read() as early:
        assert len(early.blocks.find()) == 4
        with filled.write(by="test", why="test") as tx:
            tx.blocks.add([make.block(8)])
        assert len(early.blocks.find()) == 4
        assert len(early.events.find(record=make.block(8).name)) == 0
    with filled.read() as late:
        assert len(late.blocks.find()) == 5


def test_who_only_reads_cannot_write(filled, make):
    with pytest.raises(StoreError, match=r"read-?only"), filled.read() as tx:
        tx.blocks.set_problem(make.block(1).name, "no")
    with filled.write(by="test", why="test") as tx:  # and the connection is as good as before
        tx.blocks.set_problem(make.block(1).name, "yes")


def test_a_writer_that_waits_too_long_is_told_why(database, tmp_path, monkeypatch):
    monkeypatch.setattr("vltflow.store.database.BUSY_SECONDS", 1)
    first, second = (Store(database, str(tmp_path)) for _ in range(2))
    with (
        first.write(by="test", why="slow"),
        pytest.raises(StoreError, match="Another process has been writing"),
        second.write(by="test", why="impatient"),
    ):
        pytest.fail("two writers at once")
    with second.write(by="test", why="now") as tx:
        tx.events.add("test", "it", "works")
    first.close()
    second.close()


def test_writing_inside_writing_is_refused_at_once(filled):
    with (
        filled.write(by="test", why="outer") as tx,
        pytest.raises(StoreError, match="inside another"),
        filled.write(by="test", why="inner"),
    ):
        pytest.fail("it could only wait for itself")
    with filled.read() as tx:
        assert tx.events.find()[-1].why == "a start"


def test_a_full_disk_is_named_and_nothing_is_lost(sqlite_store, make):
    with sqlite_store.write(by="test", why="test") as tx:
        tx.blocks.add([make.block(1)])
        connection = tx.blocks._connection
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
    with pytest.raises(StoreError, match="disk is full"), sqlite_store.write(by="t", why="t") as tx:
        _fill_disk(tx, pages)
    with sqlite_store.read() as tx:
        assert tx.blocks.find() == [make.block(1)]
        assert len(tx.events.find()) == 1


def _fill_disk(tx: Transaction, pages: int) -> None:
    tx.events._connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + 2}")
    tx.events.add_many("test", [("record", "x" * 1000)] * 1000)
