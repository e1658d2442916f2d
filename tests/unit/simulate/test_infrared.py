"""Frames of infrared arrays, as a stranger reads them, and their truth."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from vltflow.simulate import SimulatedDay, simulate_day
from vltflow.simulate.hawki.constants import ARRAYS as HAWKI_ARRAYS
from vltflow.simulate.infrared import Array, Exposure, Integration, array_maps, visible
from vltflow.simulate.models import model
from vltflow.simulate.naco.constants import ARRAYS as NACO_ARRAYS
from vltflow.simulate.plan import PlannedFrame
from vltflow.simulate.visir.constants import ARRAYS as VISIR_ARRAYS
from vltflow.simulate.visir.light import black_body_rate

pytestmark = pytest.mark.slow

NIGHTS = {"naco": "2015-02-26", "visir": "2009-03-14", "hawki": "2015-02-26"}
TYPES = {
    "naco": ("CAL_DARK", "CAL_FLAT_LAMP", "CAL_DETLIN"),
    "visir": ("IM_CAL_DARK", "IM_CAL_FLAT", "IM_OBS_CHO_NOD_JIT"),
    "hawki": ("DETLIN",),
}
PLAIN = Array("test", 1, conad=2.0, ron=10.0, dark_rate=0.5, full_well=1e5, level=50.0)


@pytest.fixture(scope="module")
def days(tmp_path_factory: pytest.TempPathFactory) -> dict[str, SimulatedDay]:
    """Some templates of a small day of each instrument."""
    return {
        name: simulate_day(
            name, night, tmp_path_factory.mktemp(name), small=True, raw_types=TYPES[name]
        )
        for name, night in NIGHTS.items()
    }


def _frames(day: SimulatedDay, raw_type: str) -> list[tuple[Path, dict]]:
    truths = [(path, json.loads(path.with_suffix(".truth.json").read_text())) for path in day.files]
    found = sorted(one for one in truths if one[1]["raw_type"] == raw_type)
    assert found, raw_type
    return found


def _image(light: float, integration: Integration, *, array: Array = PLAIN, seed: int = 1):
    exposure = Exposure((200, 200), integration, light, base=array.level, ron=array.ron)
    return exposure.image(np.random.default_rng(seed), array, light)


def test_dark_has_level_and_dark_current():
    maps = array_maps(PLAIN, (200, 200))
    image = _image(0.0, Integration(100.0, 1))
    expected = 50.0 + 0.5 * 100.0 / 2.0
    error = 10.0 / 2.0 / 200.0
    assert abs(np.median(image[~maps.hot]) - expected) < 5 * error


def test_noise_falls_with_the_root_of_the_integrations_averaged():
    for ndit in (1, 16):
        one, two = (_image(0.0, Integration(1.0, ndit), seed=seed) for seed in (1, 2))
        noise = np.std((one - two) / np.sqrt(2.0))
        assert noise == pytest.approx(10.0 / 2.0 / np.sqrt(ndit), rel=0.03)


def test_shot_noise_gives_the_gain_back():
    one, two = (_image(5e3, Integration(1.0, 1), seed=seed) for seed in (1, 2))
    alive = ~array_maps(PLAIN, (200, 200)).dead
    variance = np.var((one - two)[alive]) / 2.0 - (10.0 / 2.0) ** 2
    assert np.mean(one[alive] - 50.0) / variance == pytest.approx(2.0, rel=0.03)


def test_light_shows_the_response_of_each_pixel():
    maps = array_maps(PLAIN, (200, 200))
    image = _image(2e6, Integration(0.01, 100)) - 50.0
    ratio = image / np.median(image)
    assert np.std((ratio - maps.response)[~maps.hot]) < 0.002
    assert np.median(ratio[maps.dead]) == pytest.approx(0.02, abs=0.005)


def test_loss_is_quadratic_and_ends_at_full_well():
    array = replace(PLAIN, loss=0.1)
    charge = np.array([0.0, 5e4, 1e5, 2e5])
    assert visible(array, charge) == pytest.approx([0.0, 5e4 * 0.95, 9e4, 9e4])


@pytest.mark.parametrize("name", NIGHTS)
def test_numbers_with_a_fraction_stay_floating(days: dict[str, SimulatedDay], name: str) -> None:
    header = fits.getheader(days[name].files[0])
    for keyword in ("EXPTIME", "MJD-OBS", "ESO DET DIT", "ESO TEL AIRM START"):
        assert isinstance(header[keyword], float), keyword
    assert isinstance(header["ESO DET NDIT"], int)


@pytest.mark.parametrize("name", NIGHTS)
def test_the_same_frame_comes_twice(
    days: dict[str, SimulatedDay], name: str, tmp_path: Path
) -> None:
    again = simulate_day(name, NIGHTS[name], tmp_path, small=True, raw_types=TYPES[name][:1])
    for path in again.files:
        assert path.read_bytes() == (days[name].folder / path.name).read_bytes()


def test_darks_of_naco_have_the_level_and_noise_of_their_truth(days) -> None:
    frames = _frames(days["naco"], "CAL_DARK")[:2]
    truth = frames[0][1]["chips"][0]
    one, two = (fits.getdata(path).astype(float) for path, _ in frames)
    array = next(a for a in NACO_ARRAYS.values() if a.conad == truth["conad_e_per_adu"])
    quiet = ~array_maps(array, one.shape).hot
    dark = array.dark_rate * truth["dit_s"] / array.conad
    assert np.median(one[quiet]) == pytest.approx(truth["level_adu"] + dark, abs=0.15)
    noise = np.std((one - two)[quiet]) / np.sqrt(2.0) * array.conad
    assert noise == pytest.approx(truth["read_noise_e"], rel=0.02)


def test_lamp_of_naco_alternates_from_the_first_frame_on(days) -> None:
    frames = _frames(days["naco"], "CAL_FLAT_LAMP")[:6]
    burning = [fits.getheader(path)["ESO INS LAMP2 SET"] > 0 for path, _ in frames]
    levels = [np.median(fits.getdata(path)) for path, _ in frames]
    assert burning == [True, False] * 3
    assert all((level > 1000) == lit for level, lit in zip(levels, burning, strict=True))


def test_linearity_of_naco_goes_through_its_integration_times_in_pairs(days) -> None:
    headers = [fits.getheader(path) for path, _ in _frames(days["naco"], "CAL_DETLIN")]
    assert [header["ESO DPR TYPE"] for header in headers[:2]] == [
        "LAMP,LINEARITY",
        "OTHER,LINEARITY",
    ]
    dits = [header["ESO DET DIT"] for header in headers]
    assert dits[::2] == dits[1::2]
    assert dits[0] == dits[-1]
    assert [header["EXPTIME"] for header in headers] == dits


def test_visir_flats_follow_plancks_law(days) -> None:
    frames = _frames(days["visir"], "IM_CAL_FLAT")
    array = VISIR_ARRAYS["imager"]
    shape = (256, 256)
    middle = np.s_[118:138, 118:138]
    response = array_maps(array, shape).response[middle]
    for path, truth in frames:
        header = fits.getheader(path)
        rate = black_body_rate(array, "PAH1", header["ESO INS EXTS ACT"])
        told = truth["chips"][0]
        charge = visible(array, np.array((rate + array.dark_rate) * header["ESO DET DIT"]))
        expected = told["level_adu"] + float(charge) / array.conad * float(np.median(response))
        measured = np.median(fits.getdata(path)[middle])
        assert measured == pytest.approx(expected, rel=0.005)


def test_chopped_frames_of_visir_are_cubes_whose_last_plane_shows_the_star(days) -> None:
    (path, _), *_ = _frames(days["visir"], "IM_OBS_CHO_NOD_JIT")
    cube, header = fits.getdata(path), fits.getheader(path)
    assert cube.shape == (2 * header["ESO DET CHOP NCYCLES"] + 1, 256, 256)
    assert (cube[-1] == cube[-2]).all()
    assert np.median(cube[0]) > 1000 > abs(np.median(cube[-1]))
    assert np.unravel_index(np.argmax(cube[-1]), cube[-1].shape) == (158, 128)


def test_hawki_has_four_arrays_of_whole_counts_in_the_order_1_2_4_3(days) -> None:
    path, truth = _frames(days["hawki"], "DETLIN")[0]
    with fits.open(path) as hdus:
        assert [hdu.name for hdu in hdus[1:]] == [f"CHIP{i}.INT1" for i in (1, 2, 4, 3)]
        assert {hdu.header["BITPIX"] for hdu in hdus[1:]} == {32}
    assert [chip["hdu"] for chip in truth["chips"]] == [1, 2, 3, 4]
    assert [chip["chip"] for chip in truth["chips"]] == [array.name for array in HAWKI_ARRAYS]


def test_small_flats_of_hawki_have_one_array_that_lives(tmp_path: Path) -> None:
    hawki = model("hawki")
    plan = next(one for one in hawki.templates("2015-02-26") if one.raw_type == "FLAT_TWILIGHT")
    day = simulate_day("hawki", "2015-02-26", tmp_path, small=True, raw_types=["FLAT_TWILIGHT"])
    assert len(day.files) == 2 * plan.count
    with fits.open(day.files[0]) as hdus:
        assert [hdu.header["ESO DET CHIP LIVE"] for hdu in hdus[1:]] == [True, False, False, False]
        assert hdus[1].shape == (1792, 1792)


@pytest.mark.parametrize("name", NIGHTS)
def test_headers_without_pixels_are_of_full_frames(name: str) -> None:
    instrument = model(name)
    template = instrument.templates(NIGHTS[name])[0]
    cards = instrument.cards(PlannedFrame(NIGHTS[name], template, 1, name.upper()), [])
    last = {card.keyword: card.value for card in cards[-1]}
    assert last["ESO DET WIN NX"] == {"naco": 1024, "visir": 256, "hawki": 2048}[name]
