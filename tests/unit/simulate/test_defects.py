"""Each defect happens to its victim, and to nobody else."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from vltflow.core.errors import UnknownName
from vltflow.simulate import DEFECTS, SimulatedDay, simulate_day
from vltflow.simulate.defects import OF_SCIENCE, choose_victims
from vltflow.simulate.models import model

pytestmark = pytest.mark.slow

NIGHT = "2015-02-26"
CALIBRATION = tuple(name for name in DEFECTS if name not in OF_SCIENCE)


@pytest.fixture(scope="module")
def bad_day(tmp_path_factory: pytest.TempPathFactory) -> SimulatedDay:
    """A day on which everything goes wrong once; what is wrong with science stands elsewhere."""
    folder = tmp_path_factory.mktemp("bad")
    return simulate_day("uves", NIGHT, folder, small=True, defects=CALIBRATION)


def _victim(day: SimulatedDay, defect: str) -> str:
    return next(one["frame"] for one in day.defects if one["defect"] == defect)


def _truth(day: SimulatedDay, defect: str) -> dict:
    return json.loads((day.folder / f"{_victim(day, defect)}.truth.json").read_text())


def test_all_defects_fit_on_one_day_in_blocks_of_their_own(bad_day: SimulatedDay) -> None:
    assert {one["defect"] for one in bad_day.defects} == set(CALIBRATION)
    hit = [block for block in bad_day.blocks if block["defects"]]
    assert len(hit) == len(CALIBRATION)
    assert len(bad_day.blocks) == 57


def test_victims_depend_on_the_seed_and_not_on_the_order() -> None:
    templates = model("uves").templates(NIGHT)
    names = list(CALIBRATION)
    one = choose_victims(names, templates, night=NIGHT, seed=1)
    assert choose_victims(names[::-1], templates, night=NIGHT, seed=1) == one
    assert choose_victims(names, templates, night=NIGHT, seed=2) != one


def test_an_unknown_defect_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match=r"no defect is called broken.*lamp-off"):
        simulate_day("uves", NIGHT, tmp_path, defects=["broken"])


def test_damaged_files_are_damaged_and_their_blocks_incomplete(bad_day: SimulatedDay) -> None:
    def size(defect: str) -> int:
        return (bad_day.folder / f"{_victim(bad_day, defect)}.fits").stat().st_size

    assert not (bad_day.folder / f"{_victim(bad_day, 'missing-frame')}.fits").exists()
    assert size("zero-length-file") == 0
    assert size("truncated-file") % 2880 != 0
    assert b"SIMPLE" not in (bad_day.folder / f"{_victim(bad_day, 'not-fits')}.fits").read_bytes()
    lost = {"missing-frame", "zero-length-file", "truncated-file", "not-fits", "wrong-checksum",
            "missing-keyword", "wrong-header-value"}  # fmt: skip
    for block in bad_day.blocks:
        if block["defects"]:
            assert block["complete"] == (block["defects"][0]["defect"] not in lost)


def test_only_the_victim_of_wrong_checksum_fails_the_check(bad_day: SimulatedDay) -> None:
    victim = _victim(bad_day, "wrong-checksum")
    block = next(block for block in bad_day.blocks if victim in block["frames"])
    for name in block["frames"]:
        with fits.open(bad_day.folder / f"{name}.fits") as hdus:
            good = [hdu.verify_datasum() == 1 for hdu in hdus]
        assert all(good) == (name != victim)


def test_headers_have_the_mistakes_that_were_asked_for(bad_day: SimulatedDay) -> None:
    def header(defect: str) -> fits.Header:
        return fits.getheader(bad_day.folder / f"{_victim(bad_day, defect)}.fits")

    assert header("wrong-header-value")["EXPTIME"] == -5.0
    assert "MJD-OBS" not in header("missing-keyword")
    (foreign,) = bad_day.folder.glob("FORS2.*.fits")
    assert fits.getval(foreign, "INSTRUME") == "FORS2"
    (copy,) = bad_day.folder.glob("*_copy.fits")
    original = copy.with_name(copy.name.replace("_copy", ""))
    assert copy.read_bytes() == original.read_bytes()


def test_physics_shows_the_defects(bad_day: SimulatedDay) -> None:
    def image(defect: str) -> np.ndarray:
        truth = _truth(bad_day, defect)
        return fits.getdata(
            bad_day.folder / f"{truth['name']}.fits", truth["chips"][-1]["hdu"]
        ).astype(float)

    assert np.percentile(image("lamp-off"), 99) < 250
    assert np.percentile(image("saturated-flat"), 99) == 65_535
    assert np.median(np.abs(np.diff(image("high-read-noise")))) > 5.0
    truth = _truth(bad_day, "wrong-binning")
    assert truth["setup_values"]["binning"] in (1, 2)
    header = fits.getheader(bad_day.folder / f"{truth['name']}.fits")
    assert header["ESO DET WIN1 BINX"] == truth["setup_values"]["binning"]


def test_a_bias_jump_moves_one_frame_by_25_adu(bad_day: SimulatedDay) -> None:
    victim = _victim(bad_day, "bias-jump")
    block = next(block for block in bad_day.blocks if victim in block["frames"])
    level = {
        name: json.loads((bad_day.folder / f"{name}.truth.json").read_text())["chips"][0][
            "bias_level_adu"
        ]
        for name in block["frames"]
    }
    others = [value for name, value in level.items() if name != victim]
    assert level[victim] - np.mean(others) == pytest.approx(25.0, abs=0.1)
