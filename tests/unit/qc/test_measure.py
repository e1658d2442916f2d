import numpy as np
import pytest
from astropy.io import fits

from vltflow.core.errors import UnreadableFile
from vltflow.qc.measure import measure


def unit_of(name: str) -> str:
    return {"QC RON": "ADU"}.get(name, "")


@pytest.fixture
def made(sqlite_store, add_block):
    return add_block(sqlite_store, "first")


def _write(path, primary, extension):
    hdus = fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(np.zeros((2, 2)))])
    for hdu, cards in zip(hdus, (primary, extension), strict=True):
        for name, value in cards.items():
            hdu.header[f"HIERARCH ESO {name}"] = value
    hdus.writeto(path)


@pytest.mark.filterwarnings("ignore:Keyword name")
def test_values_come_from_all_hdus_and_each_is_measured_where_it_stands(made, tmp_path):
    path = tmp_path / "two.fits"
    _write(path, {"QC RON": 2.5, "PRO CATG": "M"}, {"QC RON": 9.0, "QC N": 3, "QC OK": True})
    found = measure(made.block, made.products[0], path, unit_of)
    values = {value.parameter: (value.value, value.unit) for value in found.values}
    assert values == {
        "QC RON@PRIMARY": (2.5, "ADU"),
        "QC RON@1": (9.0, "ADU"),
        "QC N": (3.0, ""),
        "QC OK": (1.0, ""),
    }
    assert {value.product_id for value in found.values} == {made.products[0].product_id}


@pytest.mark.parametrize("text", ["NaN", "inf", "-Infinity"])
def test_a_text_that_means_no_number_is_told_as_undefined(made, tmp_path, text):
    path = tmp_path / "text.fits"
    _write(path, {}, {"QC RON": text, "QC DID": "LAMP-1.4", "QC VERSION": "1.5"})
    found = measure(made.block, made.products[0], path, unit_of)
    assert (found.values, found.undefined) == ((), {"QC RON": text})


def test_a_bare_nan_is_told_as_undefined_without_its_comment(made, tmp_path):
    path = tmp_path / "bare.fits"
    _write(path, {"QC RON": 2.5}, {})
    card = b"HIERARCH ESO QC RON = 2.5".ljust(80)
    bare = b"HIERARCH ESO QC RON = nan / [ADU] read noise".ljust(80)
    assert path.read_bytes().count(card) == 1
    path.write_bytes(path.read_bytes().replace(card, bare))
    found = measure(made.block, made.products[0], path, unit_of)
    assert (found.values, found.undefined) == ((), {"QC RON": "nan"})


@pytest.mark.parametrize("content", [b"", b"SIMPLE  =", b"x" * 6000])
def test_what_is_no_fits_file_is_refused_by_name(made, tmp_path, content):
    path = tmp_path / "broken.fits"
    path.write_bytes(content)
    with pytest.raises(UnreadableFile, match=r"LP_MASTER_BIAS_BLUE_first_1\.fits"):
        measure(made.block, made.products[0], path, unit_of)
