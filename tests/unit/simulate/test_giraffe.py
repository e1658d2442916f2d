"""Optics, tables and headers of simulated GIRAFFE frames."""

from __future__ import annotations

import numpy as np
import pytest
from astropy.io import fits

from vltflow.classify import classify
from vltflow.instruments import load
from vltflow.instruments.giraffe.spectrograph import (
    CALIBRATION_FIBRES,
    COLUMNS,
    ROWS,
    SETTINGS,
    slit_places,
)
from vltflow.simulate import simulate_day
from vltflow.simulate.giraffe import MODEL, fibres
from vltflow.simulate.giraffe.optics import Misalignment, place, trace
from vltflow.simulate.plan import PlannedFrame

NIGHT = "2015-02-26"


def _planned():
    for template in MODEL.templates(NIGHT):
        yield PlannedFrame(NIGHT, template, 1, MODEL.name)


def _layout(frame):
    setup = frame.template.setup
    return MODEL.layout(MODEL.chips(setup)[0], setup, small=False)


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=lambda one: one.name)
def test_axis_and_edges_of_a_setting_fall_where_they_should(setting):
    waves = np.array([setting.edges[0], setting.wavelength, setting.edges[1]])
    rows, columns = place(setting, waves, np.zeros(3), np.zeros(3))
    np.testing.assert_allclose(rows, [0.0, ROWS / 2, ROWS], atol=1e-6)
    np.testing.assert_allclose(columns, COLUMNS / 2)


def test_spectra_lie_on_the_chip_apart_and_as_the_grating_says():
    slit, moved = slit_places("Medusa2"), Misalignment(0.03, -0.01)
    traces = trace(SETTINGS["H525.8B"], slit, moved)
    assert traces.column.min() > 20.0
    assert traces.column.max() < COLUMNS - 20.0
    assert np.diff(traces.column, axis=0).min() > 13.5
    rows, columns = place(
        SETTINGS["H525.8B"],
        traces.wavelength,
        slit[0][:, None] + moved.along,
        slit[1][:, None] + moved.across,
    )
    np.testing.assert_allclose(rows, np.broadcast_to(np.arange(ROWS), rows.shape), atol=1e-4)
    np.testing.assert_allclose(columns, traces.column, atol=1e-4)


def test_fibre_table_leads_from_button_to_place_in_the_slit():
    table, ozpoz = fibres.fibre_table(), fibres.ozpoz_table(None)
    slit = table[table["Slit"] == b"Medusa1"]
    assert [int(text) for text in slit["FPS"]] == list(range(1, 136))
    retractor = np.array([int(text) for text in slit["RP"]])
    assert tuple(np.flatnonzero(retractor < 0) + 1) == CALIBRATION_FIBRES
    assert set(ozpoz["BUTTON"]) == set(retractor[retractor > 0])
    assert np.all(retractor[retractor > 0] % 2 == 0)


def test_headers_classify_as_they_are_meant_and_know_their_setup():
    giraffe = load("GIRAFFE")
    for frame in _planned():
        primary = MODEL.cards(frame, [_layout(frame)])[0]
        header = {card.keyword: card.value for card in primary}
        assert classify(header, giraffe).raw_type == frame.template.raw_type
        wanted = giraffe.raw_types[frame.template.raw_type].setup
        assert [key for key in wanted if f"ESO {key.replace('.', ' ')}" not in header] == []


def test_day_has_all_that_its_science_needs():
    templates = MODEL.templates(NIGHT)
    (field,) = [one for one in templates if one.raw_type == "SCIENCE"]
    for raw_type in ("FIBER_FLAT", "ARC_SPECTRUM"):
        assert field.setup in [one.setup for one in templates if one.raw_type == raw_type]
    assert {"BIAS", "DARK"} <= {one.raw_type for one in templates}
    assert len({one.ordinal for one in templates}) == len(templates)


@pytest.mark.parametrize("night", ["2015-02-26", "2015-02-27"])
def test_nights_take_turns_with_the_slits(night):
    (field,) = [one for one in MODEL.templates(night) if one.raw_type == "SCIENCE"]
    assert field.setup.mode.split()[0] == {"2015-02-26": "Medusa2", "2015-02-27": "Medusa1"}[night]


@pytest.mark.slow
def test_files_carry_two_tables_where_fibres_were_lit_and_none_elsewhere(tmp_path):
    day = simulate_day("giraffe", NIGHT, tmp_path, raw_types=["BIAS", "SCIENCE"])
    for path in day.files:
        with fits.open(path) as file:
            file.verify("exception")
            assert file[0].data.shape == (4096, 2148)
            names = [hdu.name for hdu in file[1:]]
            if file[0].header["ESO DPR TYPE"] == "BIAS":
                assert names == []
            else:
                assert [hdu.header["EXTNAME"] for hdu in file[1:]] == [
                    "OzPoz_table",
                    "FLAMES FIBRE Table",
                ]
