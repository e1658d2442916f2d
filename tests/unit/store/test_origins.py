import pytest

from vltflow.core.errors import Conflict, NotFound
from vltflow.records import BatchState
from vltflow.store import software_id


def test_a_definition_is_kept_once_and_found_by_its_context(store):
    packed = []

    def content() -> bytes:
        packed.append(1)
        return b"all files"

    for _ in range(2):
        store.keep_definition("c1", "UVES", content, by="process")
    assert packed == [1]
    with store.read() as tx:
        assert store.vault.get_bytes(tx.origins.definition("c1")) == b"all files"
        with pytest.raises(NotFound, match="context c2"):
            tx.origins.definition("c2")


def test_versions_of_software_are_kept_once_whatever_their_order(store):
    one, same = {"numpy": "2", "numba": "1"}, {"numba": "1", "numpy": "2"}
    with store.write(by="test", why="two jobs") as tx:
        tx.origins.add_versions([one, same])
        tx.origins.add_versions([one])
        assert software_id(one) == software_id(same)
        assert tx.origins.versions([software_id(one), "unknown"]) == {software_id(one): one}
        assert len(tx.events.find(kind="software")) == 1


def test_no_versions_have_no_id():
    assert software_id({}) == ""


def test_a_product_is_found_by_its_content(filled, make):
    with filled.read() as tx:
        assert {one.product_id for one in tx.products.by_file("f" * 64)} == {
            make.product(number).product_id for number in range(3)
        }
        assert tx.products.by_file("0" * 64) == []


def test_a_job_is_found_by_the_beginning_of_its_hash(filled, make):
    with filled.write(by="test", why="another") as tx:
        tx.jobs.add([make.job(9, block=make.block(1).name, input_hash="abcd" + "0" * 60)])
    with filled.read() as tx:
        assert [job.job_id for job in tx.jobs.with_hash_beginning("abcd")] == ["job9"]
        assert tx.jobs.with_hash_beginning("abce") == []


def test_a_campaign_has_one_name_and_its_batches_by_month(store, make):
    with store.write(by="Ada", why="production") as tx:
        tx.campaigns.add(make.campaign("A"))
        for month in ("2010-11", "2010-10"):
            tx.campaigns.put_batch(make.batch("A", month))
        done = make.batch("A", "2010-10", state=BatchState.DONE, elapsed_s=1.5)
        tx.campaigns.put_batch(done)
    with store.read() as tx:
        assert tx.campaigns.get("A") == make.campaign("A")
        assert [one.month for one in tx.campaigns.batches("A")] == ["2010-10", "2010-11"]
        assert tx.campaigns.batches("A")[0] == done
        with pytest.raises(NotFound, match="Known: A"):
            tx.campaigns.get("B")
    with pytest.raises(Conflict), store.write(by="Bob", why="again") as tx:
        tx.campaigns.add(make.campaign("A"))
