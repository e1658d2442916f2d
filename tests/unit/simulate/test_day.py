"""Frames of a simulated day, as a stranger reads them, and their truth."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from vltflow.core.errors import UnknownName, UserError
from vltflow.simulate import SimulatedDay, simulate_day
from vltflow.simulate.day import _Order, _simulate_template
from vltflow.simulate.models import model

FLOATS = ("EXPTIME", "MJD-OBS", "BSCALE", "BZERO", "ESO DET WIN1 UIT1", "CRVAL1", "CDELT2",
          "ESO DET OUT1 CONAD", "ESO INS SLIT2 WID", "ESO INS GRAT1 WLEN", "UTC")  # fmt: skip


def _frames(truths: dict[str, dict], raw_type: str) -> list[str]:
    found = [name for name, truth in truths.items() if truth["raw_type"] == raw_type]
    assert found, raw_type
    return sorted(found)


def _data(day: SimulatedDay, truths: dict[str, dict], name: str, chip: int = 0) -> tuple:
    """Image without bias level and structure [electrons], maps and truth of one chip."""
    truth = truths[name]["chips"][chip]
    with fits.open(day.folder / f"{name}.fits") as hdus:
        raw = hdus[truth["hdu"]].data.astype(float)
    maps = np.load(day.folder / truth["maps"])
    first, width = maps["data_section"]
    structure = maps["bias_rows"][:, None] + maps["bias_columns"][None, :]
    image = (raw - structure - truth["bias_level_adu"])[:, first : first + width]
    return image * truth["conad_e_per_adu"], maps, truth


@pytest.mark.slow
def test_a_day_has_57_blocks_one_of_them_incomplete(small_day: SimulatedDay) -> None:
    told = json.loads((small_day.folder / "night.truth.json").read_text())
    assert len(told["blocks"]) == len(small_day.blocks) == 57
    (block,) = (block for block in told["blocks"] if not block["complete"])
    assert len(block["frames"]) == block["expected"] - 1 == 4
    assert told["defects"] == []


def test_astropy_finds_nothing_to_complain_about(small_day: SimulatedDay) -> None:
    for path in small_day.files:
        with fits.open(path) as hdus:
            hdus.verify("exception")
            header = hdus[0].header
            assert header["ARCFILE"] == path.name
            assert header["DATE-OBS"] in path.name
            floats = [key for key in FLOATS if key in header]
            assert [key for key in floats if not isinstance(header[key], float)] == []


def test_headers_tell_the_geometry_of_the_pixels(small_day: SimulatedDay) -> None:
    for path in small_day.files:
        with fits.open(path) as hdus:
            primary, images = hdus[0].header, [hdu for hdu in hdus if hdu.data is not None]
            assert len(images) == primary["ESO DET CHIPS"] == primary["ESO DET OUTPUTS"]
            for hdu in images:
                out = {key: hdu.header[f"ESO DET OUT1 {key}"] for key in
                       ("NX", "NY", "PRSCX", "OVSCX")}  # fmt: skip
                assert hdu.shape == (out["NY"], out["PRSCX"] + out["NX"] + out["OVSCX"])
            assert primary["ESO DET WIN1 NX"] == sum(hdu.shape[1] for hdu in images)


def test_biases_and_darks_tell_nothing_of_slit_and_grating(
    small_day: SimulatedDay, truths: dict[str, dict]
) -> None:
    for raw_type in ("BIAS_BLUE", "DARK_RED"):
        header = fits.getheader(small_day.folder / f"{_frames(truths, raw_type)[0]}.fits")
        assert [key for key in header if key.startswith(("ESO INS SLIT", "ESO INS GRAT"))] == []


@pytest.mark.parametrize("raw_type", ["BIAS_BLUE", "BIAS_RED"])
def test_biases_have_the_level_and_noise_of_their_truth(
    small_day: SimulatedDay, truths: dict[str, dict], raw_type: str
) -> None:
    for name in _frames(truths, raw_type):
        for chip in range(len(truths[name]["chips"])):
            image, _, truth = _data(small_day, truths, name, chip)
            noise = np.hypot(truth["read_noise_e"], truth["conad_e_per_adu"] / np.sqrt(12))
            assert image.mean() == pytest.approx(0.0, abs=5 * noise / np.sqrt(image.size))
            assert image.std() == pytest.approx(noise, rel=0.02)


def test_darks_have_the_dark_current_of_their_truth(
    small_day: SimulatedDay, truths: dict[str, dict]
) -> None:
    stack = [_data(small_day, truths, name) for name in _frames(truths, "DARK_BLUE")]
    _, maps, truth = stack[0]
    middle = np.median([image for image, _, _ in stack], axis=0)[~maps["hot"]]
    clean = np.minimum(np.min([image for image, _, _ in stack], axis=0)[~maps["hot"]], 30)
    assert middle.mean() == pytest.approx(truth["dark_e_per_hour"], abs=0.1)
    assert clean.std() < 4.0


def test_two_flats_differ_by_shot_noise_alone(
    small_day: SimulatedDay, truths: dict[str, dict]
) -> None:
    first, second = (_data(small_day, truths, name)[0] for name in _frames(truths, "FLAT_BLUE")[:2])
    bright = first > 5_000
    assert bright.sum() > 1000
    pull = (first - second)[bright] / np.sqrt(first[bright] + second[bright])
    assert pull.std() == pytest.approx(1.0, abs=0.03)


def test_arc_lines_are_where_the_truth_has_its_spectrum(
    small_day: SimulatedDay, truths: dict[str, dict]
) -> None:
    name = _frames(truths, "ARC_LAMP_BLUE")[0]
    image, _, truth = _data(small_day, truths, name)
    light = np.load(small_day.folder / truth["light"]["arrays"])
    middle = light["y"][:, 0].size // 2
    y = np.rint(light["y"][middle] - 1).astype(int)
    x = np.arange(len(y))
    seen = image[len(y) - 1 - x, np.clip(y, 0, image.shape[1] - 1)]  # raw rows run against x
    assert np.corrcoef(seen, light["spectrum"][middle])[0, 1] > 0.98


def test_the_same_seed_gives_the_same_bytes_and_another_one_other_noise(
    small_day: SimulatedDay, truths: dict[str, dict], tmp_path: Path
) -> None:
    template = next(t for t in model("uves").templates("2015-02-26") if t.kind == "bias")
    (tmp_path / "truth").mkdir()
    name = _frames(truths, template.raw_type)[0]
    written = {}
    for seed in (1, 2):
        _simulate_template(_Order("uves", "2015-02-26", template, (), tmp_path, seed, small=True))
        written[seed] = (tmp_path / f"{name}.fits").read_bytes()
    assert written[1] == (small_day.folder / f"{name}.fits").read_bytes()
    assert written[1] != written[2]
    header = written[1].index(b"END" + b" " * 77)
    assert written[1][:header] == written[2][:header]


def test_nothing_temporary_is_left(small_day: SimulatedDay) -> None:
    assert list(small_day.folder.rglob(".*")) == []


def test_what_cannot_be_simulated_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match=r"Known: .*\buves\b"):
        simulate_day("nobody", "2015-02-26", tmp_path)
    with pytest.raises(UserError, match="is no night"):
        simulate_day("uves", "tonight", tmp_path)


@pytest.mark.slow
def test_full_size_frames_have_the_real_geometry(tmp_path: Path) -> None:
    (tmp_path / "truth").mkdir()
    templates = model("uves").templates("2015-02-26")
    shapes = {}
    for arm in ("blue", "red"):
        template = next(t for t in templates if t.kind == "bias" and t.setup.arm == arm)
        block = _simulate_template(
            _Order("uves", "2015-02-26", template, (), tmp_path, 1, small=False)
        )
        with fits.open(tmp_path / block["files"][0]) as hdus:
            shapes[arm] = [hdu.shape for hdu in hdus]
    assert shapes == {"blue": [(3000, 2148)], "red": [(), (4096, 2148), (4096, 2148)]}
