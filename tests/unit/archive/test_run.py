import itertools
import random
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from vltflow.archive import find, run
from vltflow.core.errors import UnknownName
from vltflow.records import MasterState, ProductState
from vltflow.store import Store

BIAS = "MASTER_BIAS_BLUE"
BOTH_CHIPS = {"MASTER_BIAS_REDL": {}, "MASTER_BIAS_REDU": {}}
CERTIFIED, REVOKED = ProductState.CERTIFIED, ProductState.REVOKED


@pytest.fixture
def certified(add_block):
    """Function that adds a bias AB of a moment, with certified products."""

    def add(store, mjd, **fields):
        made = add_block(store, fields.pop("name", f"bias {mjd}"), mjd=mjd, **fields)
        set_state(store, made, CERTIFIED)
        return made

    return add


def set_state(store, made, state):
    with store.write(by="test", why="test") as tx:
        for product in made.products:
            tx.products.set_state(product.product_id, state)


def ranges(store, instrument, **fields):
    return [
        (one.mjd, round(one.valid_from, 9), round(one.valid_to, 9))
        for one in find(store, instrument, BIAS, **fields)
    ]


def test_certified_masters_get_their_time(store, small_instrument, certified):
    certified(store, 57080.0)
    certified(store, 57084.0)
    new = run(store, small_instrument)
    assert [one.mjd for one in new] == [57080.0, 57084.0]
    assert ranges(store, small_instrument) == [
        (57080.0, 57050.0, 57082.0),
        (57084.0, 57082.0, 57114.0),
    ]
    assert run(store, small_instrument) == []


def test_a_newcomer_in_between_takes_its_share_of_both(store, small_instrument, certified):
    for mjd in (57080.0, 57090.0):
        certified(store, mjd)
    run(store, small_instrument)
    certified(store, 57084.0)
    assert [one.mjd for one in run(store, small_instrument)] == [57084.0]
    assert ranges(store, small_instrument) == [
        (57080.0, 57050.0, 57082.0),
        (57084.0, 57082.0, 57087.0),
        (57090.0, 57087.0, 57120.0),
    ]


def test_neighbours_grow_when_one_is_revoked(store, small_instrument, certified):
    made = [certified(store, mjd) for mjd in (57080.0, 57084.0, 57090.0)]
    run(store, small_instrument)
    set_state(store, made[1], REVOKED)
    assert run(store, small_instrument) == []
    assert ranges(store, small_instrument) == [
        (57080.0, 57050.0, 57085.0),
        (57090.0, 57085.0, 57120.0),
    ]
    with store.read() as tx:
        assert tx.masters.get(made[1].products[0].product_id).state is MasterState.REVOKED


def test_any_order_of_arrivals_and_revocations_ends_the_same(
    sqlite_store, small_instrument, certified
):
    chance = random.Random(8)
    moments = [57080.0 + number * 1.7 for number in range(9)]
    made = {}
    for mjd in chance.sample(moments, len(moments)):
        made[mjd] = certified(sqlite_store, mjd)
        if chance.random() < 0.5:
            run(sqlite_store, small_instrument)
    gone = chance.sample(moments, 4)
    for mjd in gone:
        set_state(sqlite_store, made[mjd], REVOKED)
        run(sqlite_store, small_instrument)
    left = sorted(set(moments) - set(gone))
    edges = [
        left[0] - 30,
        *(round((a + b) / 2, 9) for a, b in itertools.pairwise(left)),
        left[-1] + 30,
    ]
    found = ranges(sqlite_store, small_instrument)
    assert found == [(mjd, edges[n], edges[n + 1]) for n, mjd in enumerate(left)]


def test_setups_and_categories_do_not_share_time(sqlite_store, small_instrument, certified):
    certified(sqlite_store, 57080.0)
    certified(sqlite_store, 57081.0, binning=2)
    certified(sqlite_store, 57082.0, raw_type="BIAS_RED", products=BOTH_CHIPS)  # fmt: skip
    assert len(run(sqlite_store, small_instrument)) == 4
    assert ranges(sqlite_store, small_instrument, setup="2x2") == [(57081.0, 57051.0, 57111.0)]


def test_only_certified_masters_are_archived(sqlite_store, small_instrument, add_block, certified):
    add_block(sqlite_store, "undecided", mjd=57079.0)
    set_state(sqlite_store, add_block(sqlite_store, "no", mjd=57078.0), ProductState.REJECTED)
    certified(sqlite_store, 57080.0, products={"CHECK_BLUE": {}})
    assert run(sqlite_store, small_instrument) == []


def test_a_later_revision_takes_the_place_of_the_earlier(
    store, small_instrument, certified, reopen_block
):
    first = certified(store, 57080.0, name="late")
    run(store, small_instrument)
    second = reopen_block(store, first, {BIAS: {}})
    assert run(store, small_instrument) == []
    assert [one.name for one in find(store, small_instrument, BIAS)] == [first.products[0].name]
    set_state(store, second, CERTIFIED)
    assert [one.name for one in run(store, small_instrument)] == [second.products[0].name]
    with store.read() as tx:
        old = first.products[0].product_id
        assert tx.products.get(old).state is ProductState.SUPERSEDED
        assert tx.masters.get(old).state is MasterState.SUPERSEDED


def test_a_revoked_later_revision_does_not_supersede(
    sqlite_store, small_instrument, certified, reopen_block
):
    first = certified(sqlite_store, 57080.0, name="late")
    second = reopen_block(sqlite_store, first, {BIAS: {}})
    set_state(sqlite_store, second, REVOKED)
    assert [one.name for one in run(sqlite_store, small_instrument)] == [first.products[0].name]


def test_of_one_moment_the_first_stays_and_the_other_block_says_so(
    store, small_instrument, certified
):
    certified(store, 57080.0, name="first")
    run(store, small_instrument)
    second = certified(store, 57080.0, name="second")
    certified(store, 57090.0)
    for _ in range(2):
        run(store, small_instrument)
    assert [mjd for mjd, *_ in ranges(store, small_instrument)] == [57080.0, 57090.0]
    with store.read() as tx:
        problem = tx.blocks.get("second").problem
        told = [one for one in tx.events.find(record="second") if "problem" in one.change]
    assert problem.startswith("not archived: LP_MASTER_BIAS_BLUE_second_1.fits has the same moment")
    assert len(told) == 1
    assert second.products[0].state is ProductState.CREATED


def test_find_gives_the_one_that_holds_at_a_moment(sqlite_store, small_instrument, certified):
    for mjd in (57080.0, 57084.0):
        certified(sqlite_store, mjd)
    run(sqlite_store, small_instrument)
    found = {
        moment: [mjd for mjd, *_ in ranges(sqlite_store, small_instrument, setup="1x1", mjd=moment)]
        for moment in (57049.9, 57050.0, 57082.0, 57082.001, 57114.0, 57114.001)
    }
    assert found == {
        57049.9: [],
        57050.0: [57080.0],
        57082.0: [57080.0],
        57082.001: [57084.0],
        57114.0: [57084.0],
        57114.001: [],
    }


def test_find_refuses_a_category_that_does_not_exist(sqlite_store, small_instrument):
    with pytest.raises(UnknownName, match="MASTER_BIAS_BLUE, MASTER_BIAS_REDL"):
        find(sqlite_store, small_instrument, "MASTER_BAIS_BLUE")
    assert find(sqlite_store, small_instrument) == []


def test_two_archives_at_once_agree(store, small_instrument, certified):
    for number in range(6):
        certified(store, 57080.0 + number)
    start = threading.Barrier(4)

    def archive(_: int) -> int:
        own = Store(store.database, store.vault.url)  # as in a process of one's own
        start.wait()
        try:
            return len(run(own, small_instrument))
        finally:
            own.close()

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(archive, range(4))) == [0, 0, 0, 6]
    assert len(ranges(store, small_instrument)) == 6


def test_a_wider_reach_is_used_when_a_kind_is_next_touched(
    sqlite_store, small_instrument, certified
):
    certified(sqlite_store, 57080.0)
    run(sqlite_store, small_instrument)
    raw_types = dict(small_instrument.raw_types)
    dark = raw_types["DARK_BLUE"]
    need = dark.masters[0]
    levels = tuple(level.model_copy(update={"days": 5.0}) for level in need.levels)
    need = need.model_copy(update={"levels": levels})
    raw_types["DARK_BLUE"] = dark.model_copy(update={"masters": (need,)})
    association = small_instrument.association.model_copy(update={"raw_types": raw_types})
    narrower = small_instrument.model_copy(update={"association": association})
    certified(sqlite_store, 57100.0)
    run(sqlite_store, narrower)
    assert ranges(sqlite_store, narrower) == [
        (57080.0, 57075.0, 57085.0),
        (57100.0, 57095.0, 57105.0),
    ]


def test_the_name_of_a_product_is_the_name_of_its_master(sqlite_store, small_instrument, certified):
    made = certified(sqlite_store, 57080.0)
    (one,) = run(sqlite_store, small_instrument)
    assert (one.name, one.file_id) == (made.products[0].name, made.products[0].file_id)
    assert replace(one, valid_from=0.0) != one
