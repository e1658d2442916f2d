"""Exposures of one target on many nights, added in the frame of the barycentre."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from vltflow.algorithms.orders import OrderSpectra
from vltflow.algorithms.velocity import LIGHT_KMS
from vltflow.core.errors import UnprocessableData
from vltflow.recipes import RecipeInputs
from vltflow.recipes.echelle.coaddition import Coaddition, CoadditionParameters
from vltflow.recipes.echelle.exposure import ExposureParameters, velocity_of
from vltflow.recipes.echelle.spectrum import SpectrumParameters, merged_spectrum

LINES = np.arange(3700.0, 5000.0, 4.3)
"""At rest with the barycentre, in air, Angstrom."""


def light(wave):
    """A star of emission and absorption lines; density."""
    lines = np.exp(-0.5 * ((wave[:, None] - LINES) / 0.05) ** 2)
    signs = np.where(np.arange(len(LINES)) % 2, 2.0, -0.6)
    return 1.0 + 0.2 * np.sin(wave / 90) + lines @ signs


@pytest.fixture(scope="module")
def exposures(science, perfect):
    """Six orders, 600 columns; other nights, other depths, cosmic rays."""

    def expose(number, *, level=800.0, mjd=57_080.0, cosmics=12):
        rng = np.random.default_rng(number)
        frame = science.inputs.frames[0]
        when = mjd + 29.0 * number
        header = {**frame.header, "MJD-OBS": when, "EXPTIME": 1000.0 + 100 * number}
        moved = velocity_of(header, ExposureParameters()).barycentric
        cut = (slice(10, 16), slice(1200, 1800))
        # The Earth's motion, and the drift of the spectrograph.
        wave = science.spectra.wave[cut] * (1 + 3e-6 * number)
        at_rest = wave * (1 + moved / LIGHT_KMS)
        width = np.gradient(wave, axis=1)
        density = np.stack([light(row) for row in at_rest])
        blaze = science.spectra.blaze[cut] * width / science.spectra.blaze[cut].mean()
        blaze = blaze / blaze.mean()
        signal = level * (0.8 + 0.1 * number) * density * blaze
        variance = signal / 1.84 + 30.0
        flux = signal + rng.normal(size=signal.shape) * np.sqrt(variance)
        hit = (rng.integers(0, 6, cosmics), rng.integers(5, 595, cosmics))
        flux[hit] += 20_000.0
        spectra = OrderSpectra(
            science.spectra.orders[10:16], wave, flux, variance + np.maximum(flux - signal, 0),
            np.zeros(wave.shape, np.uint8), 0.1 * signal, blaze,
        )  # fmt: skip
        name = f"night{number}"
        inputs = replace(science.inputs, frames=(perfect.Frame(name, header),))
        made = merged_spectrum(spectra, inputs, SpectrumParameters())
        cards = {f"ESO {key}": value for key, value in made.qc.items()}
        return perfect.as_table(made.tables, {**header, **made.header, **cards}, name)

    return [expose(number) for number in range(6)]


def add(science, exposures, **parameters):
    recipe = Coaddition()
    inputs = RecipeInputs((), {}, science.inputs.chip, 2, {}, tuple(exposures))
    (product,) = recipe.process(inputs, CoadditionParameters(**parameters)).products
    return product


@pytest.fixture(scope="module")
def stack(science, exposures):
    return add(science, exposures)


@pytest.mark.slow
def test_what_is_declared_comes_out(stack):
    assert set(stack.qc) == {one.name for one in Coaddition.qc}
    assert stack.header["SPECSYS"] == "BARYCENT"
    assert stack.qc["QC STACK NEXP"] == 6
    assert stack.qc["QC STACK CHI2"] == pytest.approx(1.0, abs=0.06)
    assert all(np.isfinite(list(stack.qc.values())))


def test_lines_lie_at_their_places_at_rest_and_cosmic_rays_are_gone(stack):
    rows = stack.tables[0].rows
    truth = light(rows["WAVE"])
    good = (rows["QUAL"] == 0) & (rows["NEXP"] == 6)
    scale = np.sum(rows["FLUX_REDUCED"][good]) / np.sum(truth[good])
    pull = (rows["FLUX_REDUCED"] / scale - truth) / (rows["ERR_REDUCED"] / scale)
    # What the sampling of the lines leaves is not noise; away from them errors are.
    away = good & (np.abs(rows["WAVE"][:, None] - LINES).min(axis=1) > 0.3)
    assert np.std(pull[away]) == pytest.approx(1.0, abs=0.05)
    assert np.abs(pull[away]).max() < 5.5
    shifts = []
    for place in LINES[1::2]:
        near = good & (np.abs(rows["WAVE"] - place) < 0.15)
        if near.sum() > 18:
            excess = rows["FLUX_REDUCED"][near] / scale - truth[near].min()
            shifts.append(np.average(rows["WAVE"][near] - place, weights=np.clip(excess, 0, None)))
    pixel = stack.header["ESO DRS SPEC PIXEL"]
    assert len(shifts) > 5
    assert abs(np.mean(shifts)) / pixel < 0.02


def test_noise_falls_with_the_root_of_the_number(science, exposures, stack):
    one = exposures[2].tables["SPECTRUM"]
    rows = stack.tables[0].rows
    good = [part[(part["QUAL"] == 0) & (part["SNR"] > 0)] for part in (one, rows)]
    gain = np.median(good[1]["SNR"]) / np.median(good[0]["SNR"])
    assert gain == pytest.approx(np.sqrt(6), rel=0.08)


def test_without_the_motion_the_exposures_contradict_each_other(science, exposures, stack):
    still = add(science, exposures, frame="TOPOCENT")
    assert still.header["SPECSYS"] == "TOPOCENT"
    assert still.qc["QC STACK REJECTED"] > 4 * stack.qc["QC STACK REJECTED"]


def test_an_exposure_without_its_motion_is_left_out_and_counted(science, exposures, caplog):
    header = {**exposures[1].header, "ESO DRS VRAD STATUS": "the header has no RA"}
    del header["ESO QC VRAD BARYCOR"]
    lame = replace(exposures[1], header=header)
    product = add(science, [exposures[0], lame, *exposures[2:4]])
    assert (product.qc["QC STACK NEXP"], product.qc["QC STACK NLEFT"]) == (3, 1)
    assert "night1 has no barycentric correction: the header has no RA" in caplog.text


def test_products_without_orders_are_refused_by_name(science, exposures):
    foreign = replace(exposures[0], tables={"SPECTRUM": exposures[0].tables["SPECTRUM"]})
    with pytest.raises(UnprocessableData, match="night0 has no table ORDERS"):
        add(science, [foreign])
    with pytest.raises(UnprocessableData, match="no exposure can be added"):
        add(science, [])


def test_one_exposure_gives_what_it_was(science, exposures):
    product = add(science, exposures[:1], frame="TOPOCENT")
    rows, single = product.tables[0].rows, exposures[0].tables["SPECTRUM"]
    np.testing.assert_allclose(rows["FLUX_REDUCED"], single["FLUX_REDUCED"], rtol=1e-5)
    np.testing.assert_allclose(rows["ERR_REDUCED"], single["ERR_REDUCED"], rtol=1e-5)


def test_physical_fluxes_are_averaged_as_the_counts_are(science, exposures):
    factor = 2e-17

    def calibrated(product):
        rows = product.tables["SPECTRUM"]
        kinds = [*rows.dtype.descr, ("FLUX", "f8")]
        wider = np.empty(len(rows), kinds)
        for name in rows.dtype.names:
            wider[name] = rows[name]
        # Every exposure's counts belong to the same flux.
        seconds = product.header["EXPTIME"]
        wider["FLUX"] = rows["FLUX_REDUCED"] / np.gradient(rows["WAVE"]) * factor / seconds
        return replace(product, tables={**product.tables, "SPECTRUM": wider})

    product = add(science, [calibrated(one) for one in exposures[:3]])
    rows = product.tables[0].rows
    ratio = rows["FLUX"] / rows["FLUX_REDUCED"] * np.gradient(rows["WAVE"])
    good = np.isfinite(ratio)
    assert product.header["ESO DRS FLUX STATUS"] == "OK"
    np.testing.assert_allclose(ratio[good], factor / 1100.0, rtol=0.02)
    assert "FLUX" not in add(science, exposures[:3]).tables[0].rows.dtype.names
