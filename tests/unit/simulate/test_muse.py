"""A simulated MUSE frame is what its truth says: quadrants, slices, wavelengths, lines."""

import json

import numpy as np
import pytest
from astropy.io import fits

from vltflow.instruments.muse.lamps import LAMPS
from vltflow.simulate import headers_only, simulate_day
from vltflow.simulate.muse import Muse, optics
from vltflow.simulate.muse.night import modes, templates

NIGHT = "2018-03-15"
LOWER, UPPER, LEFT, RIGHT = slice(32, 2088), slice(2152, 4208), slice(32, 2080), slice(2144, 4192)
DATA = {1: (LOWER, LEFT), 2: (LOWER, RIGHT), 3: (UPPER, RIGHT), 4: (UPPER, LEFT)}
"""Rows and columns of each quadrant's pixels in the raw frame."""


@pytest.fixture(scope="module")
def day(tmp_path_factory):
    folder = tmp_path_factory.mktemp("muse")
    return simulate_day("muse", NIGHT, folder, small=True, raw_types=["BIAS", "ARC"])


def frames(day, raw_type):
    for path in day.files:
        truth = json.loads(path.with_suffix(".truth.json").read_text())
        if truth["raw_type"] == raw_type:
            with fits.open(path, memmap=False) as file:
                yield file, truth["chips"][0]


def trimmed(image):
    rows = [np.r_[32:2088, 2152:4208]]
    return image[rows[0]][:, np.r_[32:2080, 2144:4192]].astype(float)


@pytest.mark.slow
def test_each_quadrant_of_a_bias_has_its_level_and_read_noise(day):
    found = [(file["CHAN01"].data, truth) for file, truth in frames(day, "BIAS")]
    for output in found[0][1]["outputs"]:
        pair = [image[DATA[output["output"]]].astype(float) for image, _ in found[:2]]
        assert np.median(pair[0]) == pytest.approx(output["bias_level_adu"], abs=1.5)
        noise = (pair[0] - pair[1]).std() / np.sqrt(2.0) * output["conad_e_per_adu"]
        # Digitisation adds 0.29 ADU rms in square, half a percent.
        assert noise == pytest.approx(output["read_noise_e"], rel=0.015)


@pytest.mark.slow
def test_raw_frames_have_an_empty_primary_and_four_outputs_an_ifu(day):
    with fits.open(day.files[0]) as file:
        assert [hdu.name for hdu in file] == ["PRIMARY", "CHAN01"]
        assert file["CHAN01"].data.shape == (4240, 4224)
        assert file["CHAN01"].data.dtype == np.uint16
        header = file[1].header
    ports = [(header[f"ESO DET OUT{n} X"], header[f"ESO DET OUT{n} Y"]) for n in DATA]
    assert ports == [(1, 1), (4096, 1), (4096, 4112), (1, 4112)]
    assert [header[f"ESO DET OUT{n} GAIN"] for n in DATA] == [1.10, 1.06, 1.13, 1.11]


@pytest.mark.slow
def test_the_arc_lines_lie_where_the_truth_says(day):
    known = np.load(day.folder / "truth" / "arc_lines.npz")
    places = np.load(day.folder / "truth" / "muse_chan01.npz")
    for file, truth in frames(day, "ARC"):
        image = trimmed(file["CHAN01"].data)
        lamp = truth["light"]["lamp"]
        assert file[0].header[f"ESO INS SHUT{LAMPS[lamp]} ST"]
        for number in (1, 24, 48):
            x = round(float(np.interp(2056, places["y"], places["centres"][number - 1])))
            spectrum = image[:, x - 3 : x + 2].mean(axis=1)
            brightest = known["wave_air"][known["lamp"] == lamp]
            rows = np.interp(brightest, places["wave_air"][number - 1], places["y"])
            assert np.abs(rows - (np.argmax(spectrum) + 1)).min() < 1.0


@pytest.mark.slow
def test_a_bias_with_the_wrong_binning_says_so(tmp_path):
    day = simulate_day(
        "muse", NIGHT, tmp_path, small=True, raw_types=["BIAS"], defects=["wrong-binning"]
    )
    found = {}
    for path in day.files:
        with fits.open(path, memmap=False) as file:
            found.setdefault(file[0].header["ESO DET BINX"], []).append(file[1].data.shape)
    assert found == {1: [(4240, 4224)] * 4, 2: [(2120, 2112)]}


def test_wavelengths_rise_by_the_instruments_dispersion_and_bend_across_a_slice():
    way = optics.Optics(1, 0.0, 0.0)
    y = np.array([1000.0, 3000.0])
    centre = way.centres[10, y.astype(int)]
    wave = way.wave(11, centre, y)
    assert np.diff(wave)[0] / 2000.0 == pytest.approx(1.25, abs=0.01)
    assert np.all(way.wave(11, centre + 30.0, y) < wave)


def test_a_line_has_the_painted_width_and_all_its_electrons():
    wave = np.array([7000.0])
    spectrum = optics.line_spectrum(wave, np.array([1000.0]))
    step = optics.GRID[1] - optics.GRID[0]
    assert spectrum.sum() * step == pytest.approx(1000.0, rel=1e-6)
    inside = optics.GRID[spectrum > spectrum.max() / 2]
    assert np.ptp(inside) == pytest.approx(optics.line_fwhm(wave)[0], abs=2 * step)


def test_a_painted_line_has_its_width_and_place_on_the_detector():
    way, wave, number = optics.Optics(1, 0.0, 0.0), 7032.4, 24
    image = np.zeros((optics.ROWS, optics.COLUMNS), dtype=np.float32)
    optics.paint(image, way, optics.line_spectrum(np.array([wave]), np.array([1e5])))
    row = (wave - optics.FIRST) / optics.DISPERSION
    rows = np.arange(int(row) - 20, int(row) + 20, dtype=float)
    column = round(way.centres[number - 1, int(row)])
    light = image[rows.astype(int), column].astype(float)
    grid = way.wave(number, np.full(rows.shape, float(column)), rows)
    assert light.sum() == pytest.approx(1e5, rel=1e-4)
    centre = np.average(grid, weights=light)
    assert centre == pytest.approx(wave, abs=0.001)
    # The variance of a pixel adds to that of the line.
    sigma = np.hypot(optics.line_fwhm(np.array(wave)) / 2.3548, optics.DISPERSION / np.sqrt(12.0))
    assert np.sqrt(np.average((grid - centre) ** 2, weights=light)) == pytest.approx(
        sigma, rel=0.01
    )


def test_slices_never_touch_and_stay_on_the_chip():
    for ifu in (1, 12, 24):
        way = optics.Optics(ifu, 0.5, 0.5)
        left = way.centres - way.widths[:, None] / 2
        right = way.centres + way.widths[:, None] / 2
        assert (left[1:] - right[:-1]).min() > 4.0
        assert left.min() > 0.0
        assert right.max() < optics.COLUMNS


def test_extended_and_ao_nights_alternate():
    assert modes("2015-03-01")[0] in {"WFM-NOAO-N", "WFM-NOAO-E"}
    after = {modes(f"2018-03-{day}")[0] for day in range(10, 20)}
    assert after == {"WFM-AO-N", "WFM-NOAO-E"}


def test_a_night_with_ao_has_flats_of_both_modes_and_arcs_without():
    found = [(one.raw_type, one.setup.mode) for one in templates(NIGHT)]
    assert [mode for name, mode in found if name == "FLAT"] == ["WFM-NOAO-N", "WFM-AO-N"]
    assert [mode for name, mode in found if name == "ARC"] == ["WFM-NOAO-N"]


def test_the_full_instrument_has_24_extensions():
    one = next(headers_only("muse", [NIGHT]))
    full = next(headers_only("muse_full", [NIGHT]))
    assert (one["ESO DET CHIPS"], full["ESO DET CHIPS"]) == (1, 24)
    assert one["ARCFILE"] == full["ARCFILE"]
    assert len(Muse(range(1, 25)).ifus) == 24
