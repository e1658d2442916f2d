"""Extraction of orders against the truth of simulated frames, in windows of the blue chip."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from vltflow.algorithms import Quality
from vltflow.core.errors import UnprocessableData
from vltflow.recipes import MasterTable, find_recipe
from vltflow.recipes.echelle.extraction import ExtractionParameters, extract_orders
from vltflow.simulate.source import Source
from vltflow.simulate.uves.programme import SCIENCE, Exposure

pytestmark = pytest.mark.slow

SCENES = ("faint", "point", "bright", "refraction", "twilight", "emission", "extended")
ABSENT, FILLED = len(SCENES), len(SCENES) + 1


@pytest.fixture(scope="module")
def day(science_day, tmp_path_factory):
    """One setup: scenes, a target far too faint to be seen, and bright light all over the slit."""
    scenes = [SCIENCE[name][0] for name in SCENES]
    absent = replace(scenes[0].source.target, magnitude=35.0)
    filled = Source("extended", target=scenes[-1].source.target, snr=300.0)
    exposures = [*scenes, Exposure(Source(target=absent)), Exposure(filled)]
    return science_day(tmp_path_factory.mktemp("science"), exposures)


@pytest.fixture(scope="module")
def extracted(day):
    return {name: day.extracted(number) for number, name in enumerate(SCENES)}


def bright_part(spectra):
    """Where the blaze gives at least a fifth of its maximum."""
    return spectra.blaze > 0.2 * np.nanmax(spectra.blaze)


@pytest.mark.parametrize("scene", ["faint", "point", "bright", "refraction", "twilight"])
def test_flux_is_the_one_put_in_and_errors_are_honest(day, extracted, scene, kit):
    number, found = SCENES.index(scene), extracted[scene]
    expected = day.expected(number, found.spectra)
    inside = bright_part(found.spectra) & np.isfinite(found.spectra.flux) & (expected > 0)
    ratio = np.median(found.spectra.flux[inside] / expected[inside])
    # Faint: the photons of this window alone give it to 1 %.
    assert ratio == pytest.approx(1.0, abs=0.03 if scene == "faint" else 0.01)
    pulls = day.pulls(number, found)[inside]
    assert kit.robust(pulls) == pytest.approx(1.0, abs=0.06)
    assert np.nanstd(pulls) == pytest.approx(1.0, abs=0.06)


@pytest.mark.parametrize("scene", ["faint", "point", "bright", "refraction", "emission"])
def test_no_cosmic_ray_is_left(day, extracted, scene):
    pulls = day.pulls(SCENES.index(scene), extracted[scene])
    assert np.nanmax(np.abs(pulls)) < 5.0


def test_extended_light_is_all_light_in_the_slit(day, extracted):
    found = extracted["extended"]
    number = SCENES.index("extended")
    sky, _ = day.truth(day.files[number][0], "sky")
    light = day.expected(number, found.spectra)
    for n, order in enumerate(found.spectra.orders):
        if int(order) in sky:
            light[n] += sky[int(order)][1]
    light *= 2.0 * found.traces.slit.half
    inside = bright_part(found.spectra) & np.isfinite(found.spectra.flux)
    assert found.mode == "extended"
    assert "QC OBJ FOUND" not in found.qc  # nothing is looked for, so nothing is missed
    assert found.header["ESO DRS EXTR LENGTH"] == pytest.approx(10.0)  # arcsec, of the slit
    assert np.median(found.spectra.flux[inside] / light[inside]) == pytest.approx(1.0, abs=0.01)


def test_emission_lines_without_a_continuum_are_found_and_kept(day, extracted, kit):
    found, number = extracted["emission"], SCENES.index("emission")
    expected = day.expected(number, found.spectra)
    lines = expected > 20.0 * np.sqrt(found.spectra.variance)
    assert found.qc["QC OBJ FOUND"] == 1.0
    assert lines.sum() > 20
    ratio = found.spectra.flux[lines].sum() / expected[lines].sum()
    assert ratio == pytest.approx(1.0, abs=0.02)


def test_an_empty_slit_is_said_and_gives_noise(day):
    found = day.extracted(ABSENT)
    assert found.qc["QC OBJ FOUND"] == 0.0
    assert found.qc["QC ORD1 OBJ POS"] == found.qc["QC ORD1 OBJ FWHM"] == -1.0
    pulls = found.spectra.flux / np.sqrt(found.spectra.variance)
    assert abs(np.nanmedian(pulls)) < 0.1
    assert np.nanstd(pulls) == pytest.approx(1.0, abs=0.08)


def test_place_and_width_of_the_source_are_measured(day, extracted):
    found = extracted["bright"]
    _, told = day.truth(day.files[SCENES.index("bright")][0])
    seeing = told["light"]["seeing_arcsec"] / 0.246
    assert found.qc["QC OBJ FWHM"] == pytest.approx(seeing, rel=0.03)
    assert np.median(found.source.centre) == pytest.approx(
        told["light"]["object_offset_pixel"], abs=0.2
    )


def test_sky_is_the_one_put_in(day, extracted):
    number = SCENES.index("twilight")
    sky, _ = day.truth(day.files[number][0], "sky")
    expected = np.median([values for _, values in sky.values()])
    assert extracted["twilight"].qc["QC SKY LEVEL"] == pytest.approx(expected, rel=0.2)


@pytest.mark.parametrize("scene", [name for name in SCENES if name != "extended"])
def test_the_slit_is_lit_from_end_to_end_and_the_source_well_inside(extracted, scene):
    assert not extracted[scene].qc["QC SKY DARK"] > 0.0  # or there is too little sky to tell
    assert extracted[scene].qc["QC OBJ EDGE"] > 1.0


@pytest.mark.parametrize("distance", [-5, 5])
def test_a_format_that_moved_against_its_order_table_is_seen_by_the_sky(day, distance):
    """Orders run along the raw columns."""
    inputs = day.inputs(day.files[SCENES.index("twilight")][:1])
    (frame,) = inputs.frames
    pixels = np.roll(np.array(frame.rows(0, frame.shape[0])), distance, axis=1)
    moved = SimpleNamespace(
        name=frame.name, shape=frame.shape, header=frame.header,
        rows=lambda start, stop: pixels[start:stop],
    )  # fmt: skip
    found = extract_orders(replace(inputs, frames=(moved,)), ExtractionParameters())
    assert 2.0 <= found.qc["QC SKY DARK"] <= 5.0


def test_wavelengths_are_those_at_the_source(day, extracted):
    """Along a tilted slit they differ from those of its middle."""
    spectra, slit = extracted["bright"].spectra, extracted["bright"].traces.slit
    assert np.abs(slit.tilt).max() > 0.005
    light, _ = day.truth(day.files[SCENES.index("bright")][0])
    centre = extracted["bright"].profile.centre
    for n, order in enumerate(spectra.orders):
        if int(order) in light:
            true_wave = light[int(order)][0]
            at = np.arange(len(true_wave)) - slit.shift(centre)[n]
            wave = np.interp(at, np.arange(len(true_wave)), true_wave)
            pixel = np.abs(np.median(np.diff(true_wave)))
            assert abs(np.median(spectra.wave[n] - wave)) < 0.05 * pixel


def test_saturated_pixels_are_flagged_where_they_count(day):
    number = SCENES.index("bright")
    inputs = day.inputs(day.files[number][:1])
    low = replace(inputs, chip=replace(inputs.chip, saturation=2000.0))
    found = extract_orders(low, ExtractionParameters())
    flagged = (found.spectra.quality & int(Quality.SATURATED)) != 0
    assert found.qc["QC NSATCOL"] == (flagged & np.isfinite(found.spectra.flux)).sum() > 0
    assert found.qc["QC NPIXSAT"] > 0


@pytest.mark.parametrize(("number", "share"), [(SCENES.index("bright"), 99.0), (FILLED, 90.0)])
def test_saturation_in_some_columns_leaves_the_others_right(day, number, share):
    inputs = day.inputs(day.files[number][:1])
    frame = inputs.frames[0]
    ceiling = float(np.percentile(frame.rows(0, frame.shape[0]), share))
    cut = replace(inputs, chip=replace(inputs.chip, saturation=ceiling))
    whole, found = (extract_orders(one, ExtractionParameters()).spectra for one in (inputs, cut))
    same = (whole.quality == 0) & ((found.quality & int(Quality.SATURATED)) == 0)
    assert 0.3 < same.mean() < 0.9 * (whole.quality == 0).mean()
    assert not found.quality[same].any()
    change = (found.flux - whole.flux)[same] / np.sqrt(whole.variance[same])
    assert np.abs(change).max() < 2.5  # SNR is 2000: beside what is cut, a thousandth


def test_the_error_of_the_flat_is_told(day, extracted):
    rows = day.flat[2].tables[0].rows
    share = 100.0 * np.nanmedian(rows["BLAZE_ERR"] / rows["BLAZE"])
    assert 0.0 < share < 0.1
    assert extracted["point"].qc["QC EX FLATERR"] == pytest.approx(share, rel=0.05)


def test_blaze_is_the_lamps_light(day):
    flat, _, blaze = day.flat
    light, _ = day.truth(day.flat_files[0], "spectrum")
    rows = blaze.tables[0].rows
    level = blaze.header["ESO DRS BLAZE LEVEL"] * day.inputs(day.flat_files).frames[0].header[
        "EXPTIME"
    ]  # fmt: skip
    ratios = [
        np.nanmedian(row["BLAZE"][50:-50] * level / light[int(row["ORDER"])][1][50:-50])
        for row in rows
    ]
    assert np.nanmedian(ratios) == pytest.approx(1.0, abs=0.005)
    assert np.nanmean(rows["BLAZE"]) == pytest.approx(1.0, abs=1e-4)
    assert flat.qc["QC BLAZE NORD"] == len(rows)


def test_a_flat_without_order_table_is_the_detectors(day):
    inputs = day.inputs(day.flat_files)
    recipe = find_recipe("echelle.order_flat")
    bare = replace(inputs, tables={})
    made = recipe.process(bare, recipe.parameters()).products
    assert [product.role for product in made] == ["MASTER_FLAT", "PIXEL_RESPONSE"]
    assert made[0].qc["QC BLAZE NORD"] == 0


def test_a_science_product_holds_spectrum_and_orders(day):
    (made,) = day.run("echelle.science", day.files[1][:1])
    names = [table.name for table in made.tables]
    assert names[:2] == ["SPECTRUM", "ORDERS"]
    spectrum = made.tables[0].rows
    assert np.all(np.diff(spectrum["WAVE"]) > 0)
    assert np.isfinite(spectrum["FLUX_REDUCED"]).mean() > 0.5  # a window has gaps


def test_a_slit_without_length_is_refused_by_name(day):
    inputs = day.inputs(day.files[1][:1])
    parameters = ExtractionParameters(slit_length="INS.SLIT9.LEN")
    with pytest.raises(UnprocessableData, match=r"INS\.SLIT9\.LEN"):
        extract_orders(inputs, parameters)


def eso_order_table(orders, centre):
    """The traces in ESO's layout: orders count from 1 along y, pixels from 1, powers of x and n."""
    number = len(orders) - np.argsort(np.argsort(orders)).astype(float)
    x = np.arange(1.0, centre.shape[1] + 1)
    shifts, scales = (0.0, x.mean(), number.mean()), (1.0, x.std(), max(number.std(), 1.0))
    u = np.broadcast_to((x[None, :] - shifts[1]) / scales[1], centre.shape)
    v = np.broadcast_to(((number - shifts[2]) / scales[2])[:, None], centre.shape)
    degrees = (5, min(4, len(number) - 1))
    terms = np.polynomial.polynomial.polyvander2d(u[:, ::8].ravel(), v[:, ::8].ravel(), degrees)
    powers = np.linalg.lstsq(terms, centre[:, ::8].ravel() + 1.0, rcond=None)[0]
    first, second = (index.ravel() for index in np.indices((degrees[0] + 1, degrees[1] + 1)))
    rows = np.zeros(6 + powers.size, [("Order1", "i4"), ("Order2", "i4"), ("Coeff", "f8")])
    rows["Order1"][6:], rows["Order2"][6:] = first, second
    rows["Coeff"] = [*shifts, *scales, *powers]
    lines = np.array([(int(one),) for one in number], [("Order", "i4")])
    return MasterTable({"ORDER_TAB": lines, "ORDER_POL": rows}, {}, "order table of ESO's recipe")


def test_an_order_table_in_esos_layout_gives_the_same_spectrum(day, extracted):
    native = extracted["bright"]
    table = eso_order_table(native.traces.orders, native.traces.slit.centre)
    inputs = day.inputs(day.files[SCENES.index("bright")][:1], ORDER_TABLE=table)
    found = extract_orders(inputs, ExtractionParameters())
    assert found.spectra.orders.tolist() == native.spectra.orders.tolist()
    assert np.abs(found.traces.slit.centre - native.traces.slit.centre).max() < 0.02
    difference = (found.spectra.flux - native.spectra.flux) / np.sqrt(native.spectra.variance)
    assert np.nanpercentile(np.abs(difference), 99) < 0.5


def test_numbers_that_the_arc_corrected_are_those_of_the_spectrum(day, extracted):
    """The order table's own numbers are one too low here; the line table says so."""
    native = extracted["bright"]
    orders, lines, blaze = (day.tables[name] for name in ("ORDER_TABLE", "LINE_TABLE", "BLAZE"))
    moved = {name: rows.copy() for name, rows in orders.tables.items()}
    moved["ORDERS"]["ORDER"] -= 1
    moved["TRACE"]["LIMITS"][:, 2:] -= 1
    shifted = {name: rows.copy() for name, rows in blaze.tables.items()}
    shifted["BLAZE"]["ORDER"] -= 1
    inputs = day.inputs(
        day.files[SCENES.index("bright")][:1],
        ORDER_TABLE=replace(orders, tables=moved),
        LINE_TABLE=replace(lines, header={**lines.header, "ESO QC LINE DORDER": 1}),
        BLAZE=replace(blaze, tables=shifted),
    )
    found = extract_orders(inputs, ExtractionParameters())
    assert found.spectra.orders.tolist() == native.spectra.orders.tolist()
    np.testing.assert_allclose(found.spectra.wave, native.spectra.wave, rtol=1e-9)
    np.testing.assert_allclose(found.spectra.blaze, native.spectra.blaze)
