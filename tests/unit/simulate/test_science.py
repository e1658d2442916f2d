"""Chosen science: what falls on the detector is what was asked for."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from vltflow.core.errors import UserError
from vltflow.simulate import SimulatedDay, simulate_day
from vltflow.simulate.image import SlitBend, add_lines, paint, slit_profile
from vltflow.simulate.motion import SPEED_OF_LIGHT
from vltflow.simulate.uves.programme import SCIENCE, Exposure, science_night

NIGHT = "2015-02-26"


def _expose(folder: Path, *exposures: Exposure, night: str = NIGHT) -> SimulatedDay:
    plan = science_night(night, exposures, window=True, standard=False, calibrations=False)
    return simulate_day("uves", night, folder, templates=plan)


def _light(day: SimulatedDay, number: int = 0, chip: int = 0) -> tuple[dict, dict]:
    path = day.files[number]
    truth = json.loads(path.with_name(path.name.replace(".fits", ".truth.json")).read_text())
    light = truth["chips"][chip]["light"]
    with np.load(day.folder / light["arrays"]) as arrays:
        found = dict(arrays)
    columns = np.arange(1.0, found["object"].shape[1] + 1.0)
    found["wave_air"] = np.array([np.interp(columns, found["x"], w) for w in found["wave_air"]])
    return light, found


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, SimulatedDay]:
    """One exposure of each scene of the blue arm, in a window."""
    names = ("faint", "point", "bright", "extended", "emission", "refraction", "twilight")
    return {name: _expose(tmp_path_factory.mktemp(name), SCIENCE[name][0]) for name in names}


def test_no_star_is_observed_through_the_blue_window_whose_response_nobody_could_tell() -> None:
    kinds = {
        window: {one.raw_type for one in science_night(NIGHT, SCIENCE["point"], window=window)}
        for window in (True, False)
    }
    assert kinds[False] - kinds[True] == {"STANDARD_BLUE"}


def test_a_line_is_shifted_along_the_slit_as_tilt_and_curvature_tell() -> None:
    trace = np.full((1, 200), 40.0)
    bend = SlitBend(np.full((1, 200), 0.05), np.full((1, 200), 2e-4))
    spectrum = np.zeros((1, 4 * 199 + 1))
    add_lines(spectrum[0], np.array([400.0]), np.array([1e4]), 4 * 3.0, 4)
    image = paint(np.zeros((200, 81)), trace, spectrum, slit_profile(50.0), bend, sampling=(4, 0))
    height = np.arange(-20.0, 21.0)
    rows = image[:, 20:61]
    place = (np.arange(200) @ rows) / rows.sum(axis=0)
    assert np.abs(place - (100.0 + 0.05 * height + 2e-4 * height**2)).max() < 1e-3
    assert np.abs(rows.sum(axis=0) / 1e4 - 1.0).max() < 1e-4
    width = np.sqrt(((np.arange(200)[:, None] - place) ** 2 * rows).sum(axis=0) / rows.sum(axis=0))
    assert np.ptp(width) < 1e-3  # no broadening where the shift falls between pixels


@pytest.mark.parametrize(("name", "snr"), [("faint", 3.0), ("point", 30.0), ("bright", 300.0)])
def test_signal_to_noise_is_the_one_asked_for(
    scenes: dict[str, SimulatedDay], name: str, snr: float
) -> None:
    _, arrays = _light(scenes[name])
    middle = arrays["snr"][len(arrays["snr"]) // 2]
    assert middle.max() == pytest.approx(snr, rel=0.02)


def test_lines_of_the_object_move_with_the_earth(tmp_path: Path) -> None:
    exposure = replace(SCIENCE["point"][0], count=2)
    seen = []
    for night in ("2015-02-26", "2015-05-26"):
        day = _expose(tmp_path / night, exposure, night=night)
        header = fits.getheader(day.files[0])
        light, arrays = _light(day)
        seen.append((light["barycentric_correction_kms"], arrays, header["ESO OBS ID"]))
    (first, before, _), (second, after, _) = seen
    assert first - second > 20.0  # from the Earth coming nearer to its going away
    row = int(np.argmin(before["flux"].min(axis=1)))  # the one with the deepest line
    flux = before["flux"][row].astype(float)
    moved = before["wave_air"][row] * (1 + first / SPEED_OF_LIGHT) / (1 + second / SPEED_OF_LIGHT)
    same = np.interp(before["wave_air"][row], after["wave_air"][row], after["flux"][row])
    back = np.interp(before["wave_air"][row], moved, flux)
    assert np.corrcoef(back[100:-100], same[100:-100])[0, 1] > 0.999
    assert np.corrcoef(flux[100:-100], same[100:-100])[0, 1] < 0.9


def test_exposures_of_one_block_share_its_number(tmp_path: Path) -> None:
    ladder = SCIENCE["ladder"][2:3]
    days = [_expose(tmp_path / night, *ladder, night=night) for night in (NIGHT, "2015-03-01")]
    headers = [fits.getheader(path) for day in days for path in day.files]
    assert len({header["ESO OBS ID"] for header in headers}) == 1
    assert [header["ESO TPL EXPNO"] for header in headers] == [1, 2, 3, 1, 2, 3]
    assert len({_light(day, n)[0]["barycentric_correction_kms"]
                for day in days for n in range(3)}) == 6  # fmt: skip


def test_a_nebula_has_lines_and_no_continuum(scenes: dict[str, SimulatedDay]) -> None:
    _, arrays = _light(scenes["emission"])
    assert np.median(arrays["object"]) < 1e-3 * arrays["object"].max()


def test_differential_refraction_moves_the_image_along_the_slit(
    scenes: dict[str, SimulatedDay],
) -> None:
    _, arrays = _light(scenes["refraction"])
    assert np.ptp(arrays["object_position"]) == pytest.approx(1.2 / 0.246, rel=1e-3)
    assert np.all(np.diff(arrays["object_position"], axis=1) < 0)  # blue light is higher


def test_twilight_outshines_the_night_sky(scenes: dict[str, SimulatedDay]) -> None:
    sky = {name: np.median(_light(scenes[name])[1]["sky"]) for name in ("point", "twilight")}
    assert sky["twilight"] > 300 * sky["point"]


def test_an_image_slicer_fills_the_slit_and_says_so(tmp_path: Path) -> None:
    day = _expose(tmp_path, SCIENCE["slicer"][0])
    header = fits.getheader(day.files[0])
    assert header["ESO INS SLIT1 NAME"] == "SLIC#1"
    light, _ = _light(day)
    assert light["slit_transmission"] > 0.9


def test_flats_of_a_slicer_are_taken_through_the_free_slit_of_its_size() -> None:
    night = science_night(NIGHT, SCIENCE["slicer"], window=True)
    flat, science = (
        next(one.setup for one in night if one.raw_type == raw_type)
        for raw_type in ("FLAT_RED", "SCI_SLICER_RED")
    )
    assert (flat.slicer, science.slicer) == ("", "SLIC#1")
    assert (flat.slit_width, flat.slit_length) == (science.slit_width, science.slit_length)


def test_the_air_takes_light_from_the_red(tmp_path: Path) -> None:
    _, arrays = _light(_expose(tmp_path, SCIENCE["telluric"][0]), chip=1)
    assert 0.2 < arrays["transmission"].min() < 0.9
    assert np.median(arrays["transmission"]) > 0.99


def test_a_window_says_where_it_lies(scenes: dict[str, SimulatedDay]) -> None:
    header = fits.getheader(scenes["point"].files[0])
    assert (header["ESO DET WIN1 STRX"], header["ESO DET WIN1 STRY"]) == (701, 1101)
    assert (header["NAXIS1"], header["NAXIS2"]) == (420, 1200)


def _defective(folder: Path, defect: str) -> tuple[dict, dict, np.ndarray]:
    """Truth, header and pixels of the victim of a defect."""
    plan = science_night(NIGHT, SCIENCE["point"][:1], window=True, standard=False)
    day = simulate_day("uves", NIGHT, folder, templates=plan, defects=[defect])
    (victim,) = day.defects
    assert victim["defect"] == defect
    truth = json.loads((folder / f"{victim['frame']}.truth.json").read_text())
    with fits.open(folder / f"{victim['frame']}.fits") as hdus:
        return truth, dict(hdus[0].header), hdus[0].data.astype(float)


@pytest.mark.slow
@pytest.mark.parametrize("defect", ["no-object", "saturated-object", "twilight-sky"])
def test_defects_of_the_light_are_in_pixels_and_truth(tmp_path: Path, defect: str) -> None:
    truth, _, image = _defective(tmp_path, defect)
    light = truth["chips"][0]["light"]
    with np.load(tmp_path / light["arrays"]) as arrays:
        peak, sky = arrays["object"].max(), np.median(arrays["sky"])
    assert {"no-object": peak == 0.0, "saturated-object": image.max() > 65_000,
            "twilight-sky": sky > 100.0}[defect]  # fmt: skip


def test_a_cosmic_shower_leaves_long_trails(tmp_path: Path) -> None:
    truth, _, image = _defective(tmp_path, "cosmic-shower")
    assert truth["chips"][0]["cosmic_ray_trails"] == 150
    assert np.mean(image > np.median(image) + 200) > 0.01


def test_an_empty_arc_has_no_light(tmp_path: Path) -> None:
    _, _, image = _defective(tmp_path, "empty-arc")
    assert np.percentile(image, 99.9) < np.median(image) + 12


@pytest.mark.parametrize(("defect", "drift"), [("shifted-format", 20.0), ("half-the-lines", 0.0)])
def test_defects_of_an_arc_are_in_its_truth(tmp_path: Path, defect: str, drift: float) -> None:
    truth, _, _ = _defective(tmp_path, defect)
    assert truth["chips"][0]["light"]["drift_x_pixel"] == pytest.approx(drift, abs=2.0)
    assert truth["defects"] == [defect]


def test_coordinates_can_be_no_numbers_or_missing(tmp_path: Path) -> None:
    assert _defective(tmp_path / "nan", "nan-coordinates")[1]["RA"] == "NaN"
    assert "RA" not in _defective(tmp_path / "none", "missing-coordinates")[1]


def test_a_header_can_tell_the_wrong_setup(tmp_path: Path) -> None:
    truth, header, _ = _defective(tmp_path, "wrong-setup")
    assert (header["ESO INS GRAT1 WLEN"], truth["setup_values"]["wavelength"]) == (437.0, 390.0)


def test_the_flats_of_science_may_never_arrive(tmp_path: Path) -> None:
    plan = science_night(NIGHT, SCIENCE["point"][:1], window=True, standard=False)
    day = simulate_day("uves", NIGHT, tmp_path, templates=plan, defects=["missing-flat"])
    (flats,) = (block for block in day.blocks if block["raw_type"] == "FLAT_BLUE")
    assert (flats["frames"], flats["complete"]) == ([], False)


def test_defects_that_an_instrument_cannot_paint_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="without no-object"):
        simulate_day("giraffe", NIGHT, tmp_path, small=True, defects=["no-object"])
