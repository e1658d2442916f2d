"""Blaze of a whole chip, a part of which has no gaps between the orders, against the lamp."""

from __future__ import annotations

import numpy as np
import pytest

from vltflow.simulate.source import Source
from vltflow.simulate.uves.programme import Exposure

RIM, PARTS = 20, 5


@pytest.mark.slow
def test_blaze_and_its_errors_are_right_to_the_ends_of_all_orders(tmp_path, science_day, kit):
    exposure = Exposure(Source(), "blue", 346.0, 2, slit_width=1.2)
    day = science_day(tmp_path, [exposure], window=False)
    flat, _, blaze = day.flat
    assert flat.qc["QC FLAT BKG GAPS"] < 98.0
    light, _ = day.truth(day.flat_files[0], "spectrum")
    seconds = day.inputs(day.flat_files).frames[0].header["EXPTIME"]
    level = blaze.header["ESO DRS BLAZE LEVEL"] * seconds
    rows = [row for row in blaze.tables[0].rows if int(row["ORDER"]) in light]
    found, error = (
        np.array([row[name] for row in rows])[:, RIM:-RIM] for name in ("BLAZE", "BLAZE_ERR")
    )
    truth = np.array([light[int(row["ORDER"])][1] for row in rows])[:, RIM:-RIM] / level
    parts = np.array_split(np.ma.masked_invalid(found / truth - 1.0), PARTS, axis=1)
    medians = np.ma.array([np.ma.median(part, axis=1) for part in parts])
    assert np.abs(medians).max() < 0.02
    assert np.sqrt(np.mean(medians**2)) < 0.003
    # Of what is fainter no spectrum is made.
    known = found > 0.03 * np.ma.masked_invalid(found).max(axis=1).filled(np.inf)[:, None]
    assert 0.9 < kit.robust(((found - truth) / error)[known]) < 1.3
