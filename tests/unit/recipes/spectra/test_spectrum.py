"""Finished spectra of simulated exposures, against the light that was put in."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from astropy.io import fits

from vltflow.algorithms.air import air_from_vacuum
from vltflow.algorithms.velocity import LIGHT_KMS
from vltflow.core.errors import UnprocessableData
from vltflow.process.product_file import Provenance, save_product
from vltflow.process.runners.frames import tables_of
from vltflow.recipes import TableProduct
from vltflow.recipes.echelle.spectrum import SPECTRUM_QC, SpectrumParameters, merged_spectrum


def rows_of(finished, name="SPECTRUM"):
    return {one.name: one.rows for one in finished.tables}[name]


def truth_at(exposure, wave):
    """Flux above the air at wavelengths."""
    place = np.argsort(exposure.wave_air, axis=None)
    return np.interp(wave, exposure.wave_air.ravel()[place], exposure.flux.ravel()[place])


@pytest.fixture(scope="module")
def finished(science):
    return merged_spectrum(science.spectra, science.inputs, SpectrumParameters())


def test_a_spectrum_ascends_on_a_grid_that_other_exposures_share(finished):
    rows = rows_of(finished)
    step = finished.header["ESO DRS SPEC STEP"]
    np.testing.assert_allclose(np.diff(rows["WAVE"]), step, rtol=1e-6)
    np.testing.assert_allclose(rows["WAVE"] / step, np.round(rows["WAVE"] / step), rtol=1e-9)
    assert step == pytest.approx(2 / 3 * finished.pixel, rel=0.005)


def test_all_that_is_declared_is_measured(finished):
    assert set(finished.qc) == {one.name for one in SPECTRUM_QC}
    assert all(np.isfinite(list(finished.qc.values())))
    named = {name for figure in finished.figures for name in figure.parameters}
    assert named <= set(finished.qc)
    assert all(len(figure.x) == len(figure.y) <= 4096 for figure in finished.figures)


def test_counts_of_orders_and_spectrum_agree(science, finished):
    rows, cut = rows_of(finished), slice(1200, 1800)
    for row in range(3, 30, 5):
        wave = science.wave_air[row, cut]
        inside = (rows["WAVE"] > wave.min()) & (rows["WAVE"] < wave.max())
        pixels = science.spectra.flux[row, cut] / science.spectra.blaze[row, cut]
        # Bins share the light of the mean pixel; the pixels of an order are narrower or wider.
        width = np.ptp(wave) / (len(wave) - 1)
        made = rows["FLUX_REDUCED"][inside].sum()
        assert made == pytest.approx(pixels.sum() * width / finished.pixel, rel=0.02)


def test_steps_between_orders_are_noise(finished):
    assert finished.qc["QC MERGE NOVERLAP"] == 33
    assert abs(finished.qc["QC MERGE STEPAVG"]) < 0.3
    assert finished.qc["QC MERGE STEPRMS"] < 0.2


def test_the_frame_of_the_barycentre_is_that_of_the_observer_moved(science, finished):
    moved = merged_spectrum(science.spectra, science.inputs, SpectrumParameters(frame="BARYCENT"))
    assert (finished.header["SPECSYS"], moved.header["SPECSYS"]) == ("TOPOCENT", "BARYCENT")
    ratio = rows_of(moved, "ORDERS")["WAVE"] / rows_of(finished, "ORDERS")["WAVE"] - 1
    np.testing.assert_allclose(ratio * LIGHT_KMS, finished.qc["QC VRAD BARYCOR"], atol=0.002)


def test_vacuum_wavelengths_are_those_of_the_same_light(science, finished):
    vacuum = merged_spectrum(
        science.spectra, science.inputs, SpectrumParameters(wave_medium="vacuum")
    )
    np.testing.assert_allclose(
        air_from_vacuum(rows_of(vacuum)["WAVE"]), rows_of(finished)["WAVE"], rtol=1e-9
    )
    assert vacuum.header["ESO DRS WAVE MEDIUM"] == "VACUUM"


def test_logarithmic_bins_have_one_width_in_velocity(science):
    log = merged_spectrum(science.spectra, science.inputs, SpectrumParameters(grid="log"))
    wave = rows_of(log)["WAVE"]
    np.testing.assert_allclose(wave[1:] / wave[:-1] - 1, log.header["ESO DRS SPEC STEP"], rtol=1e-3)


@pytest.mark.parametrize(
    ("key", "value"), [("RA", float("nan")), ("DEC", None), ("ESO TEL GEOLAT", "north")]
)
def test_headers_without_a_place_give_a_spectrum_without_velocity(science, key, value):
    frame = science.inputs.frames[0]
    header = {**frame.header, key: value}
    inputs = replace(science.inputs, frames=(replace(frame, header=header),))
    finished = merged_spectrum(science.spectra, inputs, SpectrumParameters())
    assert np.isnan(finished.qc["QC VRAD BARYCOR"])
    what = {"ESO TEL GEOLAT": "latitude"}.get(key, key)
    assert finished.header["ESO DRS VRAD STATUS"] == f"the header has no {what}"
    assert np.isfinite(rows_of(finished)["FLUX_REDUCED"]).any()
    with pytest.raises(UnprocessableData, match=f"no barycentric wavelengths.*{what}"):
        merged_spectrum(science.spectra, inputs, SpectrumParameters(frame="BARYCENT"))


def test_orders_without_a_flat_are_refused(science):
    blind = replace(science.spectra, blaze=np.full_like(science.spectra.blaze, np.nan))
    with pytest.raises(UnprocessableData, match="no order has a value and a blaze"):
        merged_spectrum(blind, science.inputs, SpectrumParameters())


def test_a_response_of_another_kind_leaves_counts_and_says_why(science, sky_tables, perfect):
    foreign = perfect.as_table((), {}, "UV_PRSP.fits")
    inputs = perfect.with_tables(science.inputs, INSTR_RESPONSE_FINE=foreign, **sky_tables)
    finished = merged_spectrum(science.spectra, inputs, SpectrumParameters())
    assert "FLUX" not in rows_of(finished).dtype.names
    assert "UV_PRSP.fits was not made by" in finished.header["ESO DRS FLUX STATUS"]


def test_the_solution_of_the_wavelengths_is_told(science, perfect):
    told = {"ESO QC NLINSOL": 900, "ESO QC LINE RESIDRMS": 0.25, "ESO QC RESOLMED": 58000.0}
    inputs = perfect.with_tables(
        science.inputs, LINE_TABLE=perfect.as_table((), told, "UV_PLIN.fits")
    )
    header = merged_spectrum(science.spectra, inputs, SpectrumParameters()).header
    assert (header["LAMNLIN"], header["LAMRMS"], header["SPEC_RES"]) == (900, 0.00025, 58000.0)


def test_the_file_reads_back_with_units(finished, science, tmp_path):
    product = TableProduct(
        "RED_SCIENCE", finished.tables, finished.header, finished.qc, finished.figures
    )
    made = Provenance("RED_SCIENCE_BLUE", "echelle.science", "1", "", (), (), {}, "")
    path = tmp_path / "science.fits"
    save_product(path, product, first=science.inputs.frames[0].header, provenance=made)
    with fits.open(path) as hdus:
        assert hdus["SPECTRUM"].columns["WAVE"].unit == "Angstrom"
        assert hdus["SPECTRUM"].columns["FLUX_REDUCED"].unit == "adu"
        assert hdus[0].header["SPECSYS"] == "TOPOCENT"
        assert hdus[0].header["ESO QC VRAD BARYCOR"] == finished.qc["QC VRAD BARYCOR"]
    again = tables_of(path, "science")
    np.testing.assert_array_equal(
        again.tables["ORDERS"]["WAVE"], rows_of(finished, "ORDERS")["WAVE"]
    )


def test_a_wider_step_and_cut_orders_are_what_was_asked_for(science):
    asked = SpectrumParameters(wavestep=0.05, merge_delt1=2.0, merge_delt2=2.0)
    finished = merged_spectrum(science.spectra, science.inputs, asked)
    rows = rows_of(finished)
    np.testing.assert_allclose(np.diff(rows["WAVE"]), 0.05, rtol=1e-6)
    assert finished.qc["QC MERGE COVAR"] < 1.3
    assert rows["WAVE"][np.isfinite(rows["FLUX_REDUCED"])].min() > science.wave_air.min() + 1.9
