"""The first row of a table is what astropy reads, and nothing else is read."""

import numpy as np
import pytest
from astropy.io import fits

from vltflow.core.errors import InvalidHeader
from vltflow.fits import Header, first_row, table_columns, units


def written(tmp_path, rows=1):
    chance = np.random.default_rng(0)
    columns = [
        fits.Column("NAME", "5A", array=np.array(["abc"] * rows)),
        fits.Column("FLAG", "11X", array=np.ones((rows, 11), bool)),
        fits.Column("WAVE", "4D", array=chance.normal(size=(rows, 4))),
        fits.Column("FLUX", "4E", array=chance.normal(size=(rows, 4))),
        fits.Column("QUAL", "4J", array=chance.integers(0, 9, (rows, 4)), bzero=2**31),
        fits.Column("COUNT", "I", array=np.arange(rows)),
    ]
    path = tmp_path / "table.fits"
    fits.BinTableHDU.from_columns(columns).writeto(path)
    return path


@pytest.mark.parametrize("rows", [1, 3])
def test_numeric_cells_are_those_that_astropy_reads(tmp_path, rows):
    path = written(tmp_path, rows)
    cells = first_row(path, units(path)[1])
    with fits.open(path) as opened:
        for name in ("WAVE", "FLUX", "QUAL", "COUNT"):
            np.testing.assert_array_equal(cells[name], np.atleast_1d(opened[1].data[name][0]))
    assert set(cells) == {"WAVE", "FLUX", "QUAL", "COUNT"}
    assert cells["WAVE"].dtype.isnative


def test_only_wanted_columns_are_read(tmp_path):
    path = written(tmp_path)
    assert set(first_row(path, units(path)[1], {"FLUX", "NONE"})) == {"FLUX"}


@pytest.mark.parametrize("values", [
    {}, {"TFIELDS": 1}, {"TFIELDS": 1, "TFORM1": "5Z"}, {"TFIELDS": True},
    {"TFIELDS": 1, "TFORM1": 5}, {"TFIELDS": 10**9},
])  # fmt: skip
def test_tables_that_are_none_are_told(values):
    with pytest.raises(InvalidHeader, match=r"TFIELDS|TFORM1"):
        table_columns(Header(dict(values)), "x.fits: HDU 1")


def test_a_column_beyond_the_row_is_told(tmp_path):
    path = written(tmp_path)
    unit = units(path)[1]
    short = unit.header.with_values({"NAXIS1": 20})
    changed = type(unit)(short, unit.header_start, unit.data_start, unit.data_length)
    with pytest.raises(InvalidHeader, match="ends at byte"):
        first_row(path, changed)
