import pytest
from astropy.io import fits

from vltflow.process import run
from vltflow.records import JobState, ProductState


def test_a_day_is_processed_with_the_masters_made_on_the_way(day, site, define):
    bias = day.add("BIAS")
    dark = day.add("DARK", needs=bias)
    report = run(day.store, site, define())
    assert report.succeeded == [bias, dark]
    with day.store.read() as tx:
        (master,) = tx.products.of_block(bias)
        (product,) = tx.products.of_block(dark)
        assert tx.blocks.get(dark).masters[0].product_id == master.product_id
    assert product.inputs[-1] == master.product_id
    assert (master.name, product.name) == ("TR_B_150227A_BLUE.fits", "TR_D_150227A_BLUE.fits")
