import pytest

from vltflow.certify import decide
from vltflow.records import BlockState, Colour, Decision, ProductState

BY = {"who": "Anna", "comment": "wrong lamp"}
BIAS = "MASTER_BIAS_BLUE"


@pytest.fixture
def cascade(store, add_block, judge):
    """bias -> dark -> deep, all made; and one planned dark that counts on the bias."""
    bias = add_block(store, "bias")
    judge(store, bias, Colour.RED)
    dark = add_block(
        store, "dark", mjd=57080.1, raw_type="DARK_BLUE", products={"MASTER_DARK_BLUE": {}},
        calibrations=[(BIAS, 0, bias.products[0], "bias")],
    )  # fmt: skip
    add_block(
        store, "deep", mjd=57080.2, raw_type="DARK_BLUE", products={"MASTER_DARK_BLUE": {}},
        calibrations=[("MASTER_DARK_BLUE", 0, dark.products[0], "dark")],
    )  # fmt: skip
    add_block(
        store, "planned", mjd=57080.3, raw_type="DARK_BLUE", products={}, state=BlockState.PLANNED,
        calibrations=[(BIAS, 0, None, "bias")],
    )  # fmt: skip
    add_block(
        store, "later", mjd=57080.4, raw_type="DARK_BLUE", products={}, state=BlockState.PLANNED,
        calibrations=[("MASTER_DARK_BLUE", 0, None, "planned")],
    )  # fmt: skip
    return bias


def test_a_rejection_lists_what_hangs_on_the_products_nearest_first(store, cascade):
    decided = decide(store, "bias", Decision.REJECTED, **BY)
    found = [
        (one.block, one.product != "", str(one.state), one.depth) for one in decided.consequences
    ]
    assert found == [
        ("dark", True, "CREATED", 1),
        ("planned", False, "PLANNED", 1),
        ("deep", True, "CREATED", 2),
        ("later", False, "PLANNED", 2),
    ]
    assert decided.to_associate == ("planned",)


def test_a_decision_changes_nothing_that_hangs_on_it(store, cascade):
    decide(store, "bias", Decision.REJECTED, **BY)
    with store.read() as tx:
        assert tx.products.of_block("dark")[0].state is ProductState.CREATED
        assert tx.blocks.get("planned").state is BlockState.PLANNED


def test_an_acceptance_has_no_consequences_and_a_revocation_has_them(store, cascade):
    assert decide(store, "bias", Decision.ACCEPTED, **BY).consequences == ()
    assert len(decide(store, "bias", Decision.REVOKED, **BY).consequences) == 4


def test_users_of_another_revision_are_not_concerned(
    store, cascade, add_block, reopen_block, judge
):
    decide(store, "bias", Decision.ACCEPTED, **BY)
    again = reopen_block(store, cascade, {BIAS: {}})
    judge(store, again, Colour.RED)
    decided = decide(store, "bias", Decision.REJECTED, **BY)
    assert [one.block for one in decided.consequences] == ["planned", "later"]


def test_a_product_reached_on_two_ways_is_listed_once_at_its_nearest(store, add_block, judge):
    bias = add_block(store, "bias")
    judge(store, bias, Colour.RED)
    dark = add_block(
        store, "dark", mjd=57080.1, raw_type="DARK_BLUE", products={"MASTER_DARK_BLUE": {}},
        calibrations=[(BIAS, 0, bias.products[0], "bias")],
    )  # fmt: skip
    both = [(BIAS, 0, bias.products[0], "bias"), ("MASTER_DARK_BLUE", 0, dark.products[0], "dark")]
    add_block(
        store, "both", mjd=57080.2, raw_type="DARK_BLUE", products={"MASTER_DARK_BLUE": {}},
        calibrations=both,
    )  # fmt: skip
    decided = decide(store, "bias", Decision.REJECTED, **BY)
    assert [(one.block, one.depth) for one in decided.consequences] == [("both", 1), ("dark", 1)]
