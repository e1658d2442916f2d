import sqlite3
from dataclasses import replace

import numpy as np
import pytest
from sqlalchemy import event

from vltflow.core.errors import Conflict, NotFound
from vltflow.records import BlockState, MasterMatch, MatchState
from vltflow.store import Store, pack_headers

REAL = MasterMatch(
    category="MASTER_BIAS_BLUE",
    required=True,
    state=MatchState.REAL,
    source_block="UVES.000001_tpl",
    product_id="product1",
    level=-1,
    distance_days=-0.25,
)
MISSING = MasterMatch(category="MASTER_FLAT_BLUE", required=False, state=MatchState.MISSING)


def write(store: Store):
    return store.write(by="test", why="test")


def frame_ids(make, *numbers: int) -> tuple[str, ...]:
    return tuple(make.frame(number).frame_id for number in numbers)


@pytest.fixture
def with_frames(store, make):
    with write(store) as tx:
        tx.frames.add([(make.frame(number), pack_headers([{}])) for number in range(8)])
    return store


def test_a_block_comes_back_as_it_was_stored(with_frames, make):
    block = make.block(1, frames=frame_ids(make, 1, 2, 3), masters=(REAL, MISSING), problem="none")
    with write(with_frames) as tx:
        tx.blocks.add([block])
    with with_frames.read() as tx:
        assert tx.blocks.get(block.name) == block
        assert tx.blocks.by_name([block.name, "other"]) == {block.name: block}
        assert tx.blocks.by_group(["group 1", "group 2"]) == {"group 1": block}
        assert [frame.frame_id for frame in tx.frames.of_block(block.name)] == list(block.frames)
        assert tx.frames.of_blocks([block.name])[block.name] == tx.frames.of_block(block.name)


def test_a_block_names_what_it_does_not_find(store):
    with store.read() as tx, pytest.raises(NotFound, match="vltflow status"):
        tx.blocks.get("no such AB")


def test_numbers_of_numpy_are_stored_as_numbers(with_frames, make):
    block = make.block(1, expected=np.int64(7), revision=np.int32(2), mjd_mid=np.float32(0.5))
    match = replace(REAL, level=np.int8(2), distance_days=np.float32(0.25))
    with write(with_frames) as tx:
        tx.blocks.add([replace(block, masters=(match,))])
        found = tx.blocks.get(block.name)
    assert (found.expected, found.revision, found.mjd_mid) == (7, 2, 0.5)
    assert found.masters[0] == replace(REAL, level=2, distance_days=0.25)
    assert type(found.expected) is int


@pytest.mark.parametrize("taken", [2, 99])
def test_a_frame_of_another_block_or_none_is_refused_by_name(with_frames, make, taken):
    with write(with_frames) as tx:
        tx.blocks.add([make.block(1, frames=frame_ids(make, 1, 2))])
    with pytest.raises(Conflict, match=f"UVES.000002_tpl.*{taken:064x}"), write(with_frames) as tx:
        tx.blocks.add([make.block(2, frames=frame_ids(make, 3, taken))])
    with with_frames.read() as tx:
        assert tx.blocks.by_name(["UVES.000002_tpl"]) == {}
        assert tx.frames.by_id(frame_ids(make, 3))  # and it is still free:
    with write(with_frames) as tx:
        tx.blocks.add([make.block(3, frames=frame_ids(make, 3))])


def test_a_block_written_anew_loses_and_wins_frames_and_its_decision(with_frames, make):
    first = make.block(1, frames=frame_ids(make, 1, 2), masters=(REAL,))
    second = replace(first, frames=frame_ids(make, 2, 3), masters=(MISSING,), revision=2)
    with write(with_frames) as tx:
        tx.blocks.add([first])
        tx.blocks.set_decision(first.name, "AUTO")
        tx.blocks.replace(second, "re-opened")
        tx.blocks.add([make.block(2, frames=frame_ids(make, 1))])
    with with_frames.read() as tx:
        assert tx.blocks.get(first.name) == second
        assert tx.blocks.decisions([first.name]) == {first.name: ""}
        assert tx.events.find(kind="block", record=first.name)[-1].change == "re-opened"


def test_a_change_of_the_same_revision_keeps_the_decision(with_frames, make):
    with write(with_frames) as tx:
        tx.blocks.add([make.block(1)])
        tx.blocks.set_decision(make.block(1).name, "AUTO")
        tx.blocks.replace(make.block(1, complete=False), "less complete")
        assert tx.blocks.decisions([make.block(1).name]) == {make.block(1).name: "AUTO"}


def test_replacing_what_does_not_exist_is_an_error(store, make):
    with pytest.raises(NotFound), write(store) as tx:
        tx.blocks.replace(make.block(1), "late frame")


def test_many_blocks_are_revised_at_once_except_those_that_went_on(with_frames, make):
    blocks = [make.block(number, frames=frame_ids(make, number)) for number in range(3)]
    swapped = replace(blocks[0], frames=blocks[1].frames), replace(blocks[1], frames=())
    with write(with_frames) as tx:
        tx.blocks.add(blocks)
        tx.blocks.set_state(blocks[2].name, BlockState.RUNNING)
        changes = {block.name: (block, "changed") for block in (*swapped, blocks[2])}
        assert tx.blocks.revise(changes) == {block.name for block in swapped}
        assert tx.blocks.get(blocks[0].name) == swapped[0]
        assert tx.blocks.get(blocks[1].name) == swapped[1]
        assert tx.frames.of_block(blocks[2].name) == (make.frame(2),)


def test_a_block_that_never_ran_can_be_forgotten(with_frames, make):
    block = make.block(1, frames=frame_ids(make, 1), masters=(MISSING,))
    with write(with_frames) as tx:
        tx.blocks.add([block])
        tx.blocks.remove(block.name, "grouped otherwise")
        assert tx.blocks.by_name([block.name]) == {}
        tx.blocks.add([make.block(2, frames=block.frames)])
        with pytest.raises(NotFound):
            tx.blocks.remove(block.name, "again")


def test_a_block_that_ran_cannot_be_forgotten(filled, make):
    with pytest.raises(Conflict), write(filled) as tx:
        tx.blocks.remove(make.block(1).name, "no")
    with filled.read() as tx:
        assert len(tx.blocks.get(make.block(1).name).frames) == 2


def test_matches_are_written_anew_and_logged(with_frames, make):
    with write(with_frames) as tx:
        tx.blocks.add([make.block(1, masters=(REAL,)), make.block(2, masters=(REAL,))])
        tx.blocks.set_masters({make.block(2).name: (MISSING,)})
        assert tx.blocks.users_of(REAL.source_block) == [(make.block(1).name, REAL)]
        assert tx.blocks.get(make.block(2).name).masters == (MISSING,)
        last = tx.events.find(kind="block", record=make.block(2).name)[-1]
    assert last.change == "masters: MASTER_FLAT_BLUE MISSING"


def test_a_state_changes_only_from_an_expected_one(with_frames, make):
    name = make.block(1).name
    with write(with_frames) as tx:
        tx.blocks.add([make.block(1)])
        tx.blocks.set_state(name, BlockState.RUNNING, expected={BlockState.PLANNED})
        with pytest.raises(Conflict, match="is RUNNING, not PLANNED"):
            tx.blocks.set_state(name, BlockState.RUNNING, expected={BlockState.PLANNED})
        with pytest.raises(Conflict, match="is unknown"):
            tx.blocks.set_state("nobody", BlockState.RUNNING)
        tx.blocks.set_state(name, BlockState.FAILED, problem="no light")
        assert tx.blocks.get(name).problem == "no light"
        tx.blocks.move([name, "nobody"], BlockState.PLANNED)
        assert tx.blocks.states([name, "nobody"]) == {name: (BlockState.PLANNED, 1)}
        changes = [event.change for event in tx.events.find(record=name)]
    assert changes[1:] == [
        "PLANNED -> RUNNING",
        "RUNNING -> FAILED: no light",
        "FAILED -> PLANNED",
    ]


def test_an_unchanged_state_leaves_no_trace(with_frames, make):
    with write(with_frames) as tx:
        tx.blocks.add([make.block(1)])
        tx.blocks.set_state(make.block(1).name, BlockState.PLANNED)
        assert len(tx.events.find(kind="block")) == 1


@pytest.mark.parametrize("change", ["set_problem", "set_decision"])
def test_a_change_of_nothing_is_an_error(store, change):
    with pytest.raises(NotFound, match="no AB nobody"), write(store) as tx:
        getattr(tx.blocks, change)("nobody", "text")


def test_blocks_are_found_by_night_state_and_closed_range_in_order_of_time(with_frames, make):
    blocks = [make.block(3), make.block(1, night="2015-02-27"), make.block(2, complete=False)]
    with write(with_frames) as tx:
        tx.blocks.add(blocks)
        tx.blocks.set_state(blocks[0].name, BlockState.BLOCKED)
    third, first, second = replace(blocks[0], state=BlockState.BLOCKED), blocks[1], blocks[2]
    with with_frames.read() as tx:
        assert tx.blocks.find() == [first, second, third]
        assert tx.blocks.find(limit=1) == [first]
        assert tx.blocks.find(instrument="UVES", night="2015-02-26") == [second, third]
        assert tx.blocks.find(states=[BlockState.PLANNED]) == [first, second]
        assert tx.blocks.find(mjd=(second.mjd_mid, third.mjd_mid)) == [second, third]
        assert tx.blocks.siblings(third) == [second.name, third.name]
        counts = [tuple(row) for row in tx.blocks.counts("UVES")]
    assert sorted(counts) == [
        ("UVES", "2015-02-26", "BLOCKED", 1),
        ("UVES", "2015-02-26", "PLANNED", 1),
        ("UVES", "2015-02-27", "PLANNED", 1),
    ]


def test_blocks_are_found_by_a_part_of_their_names(store, make):
    with write(store) as tx:
        tx.blocks.add([make.block(n, name=name) for n, name in enumerate(["a_b", "B_a", "aXb"])])
        assert tx.blocks.names_containing("A_") == ["a_b"]
        assert tx.blocks.names_containing("b") == ["B_a", "aXb", "a_b"]
        assert tx.blocks.names_containing("%") == []


def test_more_blocks_than_sql_takes_parameters_for(sqlite_store, make):
    sqlite_store.close()  # connections that are opened from now on take few parameters
    event.listen(sqlite_store._engine, "connect", _take_few_parameters)
    names = [f"AB {number}" for number in range(2000)]
    with sqlite_store.write(by="test", why="test") as tx:
        tx.blocks.add([make.block(number, name=name) for number, name in enumerate(names)])
        assert len(tx.blocks.by_name(names)) == 2000
        assert tx.jobs.latest(names) == {}
        assert tx.quality.reports(names) == {}
        assert tx.quality.scores(names) == {}
        assert tx.quality.verdicts(names) == {}
        assert tx.products.of_blocks(names) == {}
        assert len(tx.blocks.decisions(names)) == 2000


def _take_few_parameters(connection, _record) -> None:
    connection.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, 999)
