import pytest

from vltflow.core.errors import Conflict, NotFound
from vltflow.records import ProductState


def test_a_product_comes_back_with_its_inputs_in_order(filled, make):
    product = make.product(9, job_id="job1", block=make.block(1).name, inputs=("z", "a", "m"))
    with filled.write(by="test", why="test") as tx:
        tx.products.add([product])
    with filled.read() as tx:
        assert tx.products.get("product9") == product
        assert tx.products.by_name(product.name) == product
        assert tx.products.by_id(["product9", "other"]) == {"product9": product}
        assert tx.products.of_job("job1") == [make.product(1), product]
        assert tx.products.made_with("m") == [product]
        assert tx.products.count() == 4


def test_products_come_in_order_of_registration_even_if_the_clock_went_back(filled, make):
    late = make.product(9, job_id="job1", block=make.block(1).name, created="1999", revision=2)
    with filled.write(by="test", why="test") as tx:
        tx.products.add([late])
        assert tx.products.of_block(late.block) == [make.product(1), late]
        assert tx.products.of_block(late.block, 2) == [late]


@pytest.mark.parametrize("wrong", [{"name": "UV_MBIA_000000.fits"}, {"job_id": "nobody"}])
def test_a_name_twice_or_a_job_that_is_not_is_refused(filled, make, wrong):
    product = make.product(9, **{"job_id": "job1", "block": make.block(1).name} | wrong)
    with pytest.raises(Conflict), filled.write(by="test", why="test") as tx:
        tx.products.add([product])


def test_what_does_not_exist_is_not_found(filled):
    with filled.write(by="test", why="test") as tx:
        for missing in (tx.products.get, tx.products.by_name):
            with pytest.raises(NotFound):
                missing("nobody")
        with pytest.raises(NotFound):
            tx.products.set_state("nobody", ProductState.CERTIFIED)


def test_names_are_compared_letter_by_letter(filled, make):
    names = ["ab_1", "ab_2", "AB_1", "abc", "ab%1", "ab_\u00ff"]
    with filled.write(by="test", why="test") as tx:
        tx.products.add(
            [
                make.product(10 + n, name=name, job_id="job1", block=make.block(1).name)
                for n, name in enumerate(names)
            ]
        )
        assert tx.products.names_starting("ab_") == {"ab_1", "ab_2", "ab_\u00ff"}
        assert tx.products.names_starting("ab%") == {"ab%1"}
        assert tx.products.taken(["AB_1", "Ab_1"]) == {"AB_1"}


def test_a_change_of_state_is_stored_and_logged(filled):
    with filled.write(by="certify", why="all green") as tx:
        tx.products.set_state("product1", ProductState.CERTIFIED)
        assert tx.products.get("product1").state is ProductState.CERTIFIED
        event = tx.events.find(kind="product", record="product1")[-1]
    assert (event.change, event.who, event.why) == (
        "CREATED -> CERTIFIED",
        "certify",
        "all green",
    )


def test_a_product_adopted_by_a_new_revision_is_judged_anew_if_it_was_superseded(filled):
    with filled.write(by="test", why="test") as tx:
        tx.products.set_state("product1", ProductState.SUPERSEDED)
        tx.products.set_state("product2", ProductState.REJECTED)
        tx.products.adopt("product1", 2)
        tx.products.adopt("product2", 2)
        first, second = tx.products.get("product1"), tx.products.get("product2")
    assert (first.revision, first.state) == (2, ProductState.CREATED)
    assert (second.revision, second.state) == (2, ProductState.REJECTED)
