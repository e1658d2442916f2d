import contextlib
import math
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from vltflow.core.errors import StoreError, ValidityOverlap
from vltflow.records import MasterState, ProductState


def write(store):
    return store.write(by="certify", why="test")


def test_a_master_comes_back_as_it_was_stored(filled, make):
    with write(filled) as tx:
        tx.masters.put([make.master(1)])
        assert tx.masters.get("product1") == make.master(1)
        assert tx.masters.get("product2") is None
        event = tx.events.find(kind="master", record="product1")[-1]
    assert event.change == "VALID 57081.00000..57082.00000"


def test_a_master_is_found_from_its_first_moment_until_before_its_last(filled, make):
    one, two = make.master(1), make.master(2)
    assert one.valid_to == two.valid_from
    with write(filled) as tx:
        tx.masters.put([two])
        tx.masters.put([one])

        def at(mjd):
            return tx.masters.find(instrument="UVES", category=one.category, mjd=mjd)

        assert at(one.valid_from) == [one]
        assert at(math.nextafter(one.valid_to, 0)) == [one]
        assert at(one.valid_to) == [two]
        assert at(two.valid_to) == []
        assert tx.masters.find(instrument="UVES", setup=one.setup) == [one, two]
        assert tx.masters.find(instrument="UVES", setup="other") == []
        assert tx.masters.siblings("UVES", one.category, one.setup_keys) == [one, two]


def test_ranges_of_one_kind_never_overlap(filled, make):
    with write(filled) as tx:
        tx.masters.put([make.master(1)])
        late = make.master(2, valid_from=57081.5)
        with pytest.raises(ValidityOverlap, match=r"UV_MBIA_000002.*UV_MBIA_000001"):
            tx.masters.put([late])
        tx.masters.put([replace(late, setup_keys="other")])
        tx.masters.put([make.master(0)])
        with pytest.raises(ValidityOverlap):
            tx.masters.put([make.master(0, valid_to=57081.25)])


def test_the_label_of_a_setup_does_not_make_ranges_of_one_kind_different(filled, make):
    with write(filled) as tx:
        tx.masters.put([make.master(1)])
        with pytest.raises(ValidityOverlap):
            tx.masters.put([make.master(2, valid_from=57081.5, setup="another label")])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(st.tuples(*[st.integers(0, 6)] * 4))
def test_overlap_is_what_sharing_a_moment_means(sqlite_store, make, ends):
    (a, b), (c, d) = sorted(ends[:2]), sorted(ends[2:])
    assume(a < b)
    assume(c < d)
    share = any(a <= moment < b and c <= moment < d for moment in range(7))
    with contextlib.suppress(_Undo), sqlite_store.write(by="test", why="test") as tx:
        for number in (1, 2):
            tx.blocks.add([make.block(number)])
            tx.jobs.add([make.job(number)])
            tx.products.add([make.product(number)])
        tx.masters.put([make.master(1, valid_from=a, valid_to=b)])
        with pytest.raises(ValidityOverlap) if share else contextlib.nullcontext():
            tx.masters.put([make.master(2, valid_from=c, valid_to=d)])
        raise _Undo


class _Undo(Exception):
    """Leaves nothing of an example for the next one."""


def test_a_revoked_master_gives_its_time_free(filled, make):
    with write(filled) as tx:
        tx.masters.put([make.master(1)])
        tx.masters.put([make.master(1, state=MasterState.REVOKED)])
        tx.masters.put([make.master(2, valid_from=57081.5)])
        assert tx.masters.find(instrument="UVES") == [make.master(2, valid_from=57081.5)]
        states = (MasterState.REVOKED,)
        assert [one.product_id for one in tx.masters.find(instrument="UVES", states=states)] == [
            "product1"
        ]


@pytest.mark.parametrize("end", [57081.0, 57080.0, math.nan])
def test_a_master_that_is_valid_at_no_time_is_refused(filled, make, end):
    with write(filled) as tx, pytest.raises(StoreError, match="at no time"):
        tx.masters.put([make.master(1, valid_to=end)])


def test_neighbours_trade_time_in_one_step(filled, make):
    one, two = make.master(1), make.master(2)
    with write(filled) as tx:
        tx.masters.put([one, two])
        given = [replace(two, valid_from=57081.5), replace(one, valid_to=57081.5)]
        tx.masters.put(given)
        assert tx.masters.find(instrument="UVES") == given[::-1]


def test_of_masters_that_overlap_none_is_registered(filled, make):
    with write(filled) as tx:
        with pytest.raises(ValidityOverlap):
            tx.masters.put([make.master(1), make.master(2, valid_from=57081.5)])
        assert tx.masters.find(instrument="UVES") == []


def test_certified_products_wait_to_become_masters(filled, make):
    with write(filled) as tx:
        tx.products.set_state("product1", ProductState.CERTIFIED)
        tx.products.set_state("product2", ProductState.CERTIFIED)
        tx.masters.put([make.master(2)])
        waiting = tx.masters.unregistered("UVES", ["MASTER_BIAS_BLUE"])
        assert [product.product_id for product in waiting] == ["product1"]
        assert tx.masters.unregistered("UVES", []) == []


def test_masters_whose_product_lost_its_certificate_are_listed(filled, make):
    with write(filled) as tx:
        tx.products.set_state("product1", ProductState.CERTIFIED)
        tx.masters.put([make.master(1)])
        assert tx.masters.withdrawn("UVES") == []
        tx.products.set_state("product1", ProductState.REVOKED)
        assert tx.masters.withdrawn("UVES") == [(make.master(1), ProductState.REVOKED)]
        tx.masters.put([make.master(1, state=MasterState.REVOKED)])
        assert tx.masters.withdrawn("UVES") == []


def test_a_certified_product_is_superseded_by_one_of_a_later_revision(filled, make):
    later = make.product(9, block=make.block(1).name, job_id="job1", revision=2)
    with write(filled) as tx:
        tx.products.set_state("product1", ProductState.CERTIFIED)
        tx.products.add([later])
        tx.blocks.replace(make.block(1, revision=2, frames=()), "re-opened")
        assert tx.masters.superseded("UVES") == []
        tx.products.set_state("product9", ProductState.CERTIFIED)
        assert [one.product_id for one in tx.masters.superseded("UVES")] == ["product1"]
