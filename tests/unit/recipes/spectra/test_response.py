"""Standard star to response to physical flux, against the light that was put in."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from vltflow.core.errors import AlgorithmFailure, UnprocessableData
from vltflow.recipes.echelle.spectrum import SpectrumParameters, merged_spectrum
from vltflow.recipes.echelle.standard_star import (
    EFFICIENCY_QC,
    RESPONSE_QC,
    StandardStarParameters,
    star_products,
)


def products_of(exposure, tables, perfect, **parameters):
    inputs = perfect.with_tables(exposure.inputs, **tables)
    asked = StandardStarParameters(**parameters)
    return star_products(
        exposure.spectra, merged_spectrum(exposure.spectra, inputs, asked), inputs, asked
    )


@pytest.fixture(scope="module")
def products(standard, sky_tables, perfect):
    return products_of(standard, sky_tables, perfect)


def check_flux(science, response, tables, perfect):
    """Calibrated flux over the truth, in pieces of 30 Angstrom, and pulls of single bins."""
    table = perfect.as_table(response.tables, response.header, "UV_PRSP.fits")
    inputs = perfect.with_tables(science.inputs, INSTR_RESPONSE_FINE=table, **tables)
    finished = merged_spectrum(science.spectra, inputs, SpectrumParameters())
    assert finished.header["ESO DRS FLUX STATUS"] == "OK"
    rows = finished.tables[0].rows
    place = np.argsort(science.wave_air, axis=None)
    truth = science.truth["slit_transmission"] * np.interp(
        rows["WAVE"], science.wave_air.ravel()[place], science.flux.ravel()[place]
    )
    good = np.isfinite(rows["FLUX"]) & (rows["QUAL"] == 0)
    piece = ((rows["WAVE"][good] - rows["WAVE"][good][0]) // 30.0).astype(int)
    ratio = np.bincount(piece, rows["FLUX"][good]) / np.bincount(piece, truth[good])
    pulls = (rows["FLUX"][good] / ratio[piece] - truth[good]) / rows["ERR"][good]
    return ratio[1:-1], pulls, good


@pytest.mark.slow
def test_flux_is_right_within_three_percent_everywhere(science, products, sky_tables, perfect):
    ratio, pulls, good = check_flux(science, products[0], sky_tables, perfect)
    assert np.abs(ratio - 1).max() < 0.03
    assert np.median(ratio) == pytest.approx(1.0, abs=0.01)
    assert np.std(pulls) == pytest.approx(1.0, abs=0.03)
    assert good.mean() > 0.97


@pytest.mark.slow
@pytest.mark.parametrize("chip", ["REDL", "REDU"])
def test_flux_of_the_red_arm_is_right_within_three_percent(chip, sky_tables, perfect):
    standard = perfect.expose("2015-02-27", "STANDARD_RED", 580.0, chip)
    science = perfect.expose("2015-02-26", "SCI_POINT_RED", 580.0, chip)
    response, _ = products_of(standard, sky_tables, perfect)
    ratio, pulls, good = check_flux(science, response, sky_tables, perfect)
    assert np.abs(ratio - 1).max() < 0.03
    assert np.std(pulls) == pytest.approx(1.0, abs=0.05)
    assert good.mean() > 0.9


def test_all_that_is_declared_is_measured(products):
    response, efficiency = products
    assert set(response.qc) == {one.name for one in RESPONSE_QC}
    assert set(efficiency.qc) == {one.name for one in EFFICIENCY_QC}
    assert response.header["ESO DRS STD NAME"] == "LTT3218"
    assert response.qc["QC RESP ERR"] < 1.0
    for product in products:
        assert all(np.isfinite(list(product.qc.values())))
        assert {name for one in product.figures for name in one.parameters} <= set(product.qc)


def test_efficiency_is_that_of_telescope_and_instrument(products):
    # The simulator has 11 % at 420 nm at the top of the blaze, 10 % at 470 nm.
    rows = products[1].tables[0].rows
    assert products[1].qc["QC EFF MAX"] == pytest.approx(11.0, abs=0.6)
    assert np.interp(4700.0, rows["LAMBDA"], rows["EFF"]) < 0.105


def test_a_star_that_is_not_catalogued_is_refused_with_its_nearest_neighbour(
    standard, sky_tables, perfect
):
    frame = standard.inputs.frames[0]
    elsewhere = {**frame.header, "DEC": frame.header["DEC"] + 1.0}
    lost = replace(standard.inputs, frames=(replace(frame, header=elsewhere),))
    with pytest.raises(UnprocessableData, match=r"the nearest, LTT3218, is 3600 arcsec away"):
        products_of(replace(standard, inputs=lost), sky_tables, perfect)
    nowhere = {**frame.header, "RA": float("nan")}
    lost = replace(standard.inputs, frames=(replace(frame, header=nowhere),))
    with pytest.raises(UnprocessableData, match="no RA and DEC"):
        products_of(replace(standard, inputs=lost), sky_tables, perfect)


def test_without_airmass_or_extinction_there_is_no_response(standard, sky_tables, perfect):
    tables = {role: one for role, one in sky_tables.items() if role != "EXTCOEFF_TABLE"}
    with pytest.raises(UnprocessableData, match="EXTCOEFF_TABLE missing"):
        products_of(standard, tables, perfect)


def test_a_star_that_missed_the_slit_gives_no_response(standard, sky_tables, perfect):
    rng = np.random.default_rng(3)
    empty = replace(standard.spectra, flux=rng.normal(size=standard.spectra.flux.shape) - 3.0)
    with pytest.raises(AlgorithmFailure, match="0 points with light"):
        products_of(replace(standard, spectra=empty), sky_tables, perfect)
