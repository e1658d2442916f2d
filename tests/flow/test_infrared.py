"""HAWK-I, NACO and VISIR from raw frames to verdicts through ESO's recipes, against the truth."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from vltflow.cli.app import run as run_command
from vltflow.core.site import load_site
from vltflow.records import AssociationBlock, BlockState
from vltflow.simulate import simulate_day
from vltflow.simulate.hawki.constants import ARRAYS as HAWKI_ARRAYS
from vltflow.simulate.infrared import array_maps, illumination
from vltflow.simulate.naco.constants import ARRAYS as NACO_ARRAYS
from vltflow.simulate.visir.constants import ARRAYS as VISIR_ARRAYS
from vltflow.store import Store

pytestmark = [pytest.mark.slow, pytest.mark.esorex("hawki", "naco", "visir")]

NIGHTS = {"HAWKI": "2015-02-26", "NACO": "2015-02-26", "VISIR": "2009-03-14"}
TYPES = {
    "HAWKI": ("DARK", "FLAT_TWILIGHT", "DETLIN"),
    "NACO": ("CAL_DARK", "CAL_FLAT_LAMP", "CAL_FLAT_TW", "CAL_FLAT_SPEC", "CAL_DETLIN",
             "IM_JITTER_OBJ"),
    "VISIR": ("IM_CAL_DARK", "SPEC_CAL_DARK", "IM_CAL_FLAT", "IM_TECH_FLAT", "SPEC_TECH_FLAT"),
}  # fmt: skip
SETUPS = {"HAWKI": ("hawki_J_1.6762x1", "hawki_1.6762x1", "hawki_10x6", "hawki_J_16x1")}
"""Of HAWK-I only some: its frames are large."""


class Night:
    """What the house knows of a processed night."""

    def __init__(self, store: Store, raw: Path, name: str) -> None:
        self.store, self.raw, self.name = store, raw, name

    def blocks(self, raw_type: str) -> list[AssociationBlock]:
        with self.store.read() as tx:
            found = tx.blocks.find(instrument=self.name)
        return [one for one in found if one.raw_type == raw_type]

    def truths(self, block: AssociationBlock) -> list[dict]:
        """Truth of the first array in each frame of a block."""
        with self.store.read() as tx:
            frames = tx.frames.of_block(block.name)
        files = [self.raw / f"{one.name}.truth.json" for one in frames]
        return [json.loads(file.read_text())["chips"][0] for file in files]

    def qc(self, block: AssociationBlock, category: str) -> dict[str, float]:
        with self.store.read() as tx:
            values = tx.quality.values(block=block.name, category=category)
        return {one.parameter: one.value for one in values}

    def image(self, block: AssociationBlock, category: str, hdu: int = 0) -> np.ndarray:
        with self.store.read() as tx:
            products = tx.products.of_blocks([block.name])[block.name]
        product = next(one for one in products if one.category == category)
        return fits.getdata(self.store.vault.local_path(product.file_id, Path()), hdu)


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Night]]:
    """Processed nights, each made when first asked for."""
    known: dict[str, Night] = {}

    def processed(name: str) -> Night:
        if name not in known:
            folder = tmp_path_factory.mktemp(name)
            simulate_day(
                name,
                NIGHTS[name],
                folder / "raw",
                small=True,
                raw_types=TYPES[name],
                setups=SETUPS.get(name, ()),
            )
            site = folder / "site"
            assert run_command(["init", str(site), "--cores", "2", "--memory-mb", "4000"]) == 0
            assert run_command(["ingest", str(folder / "raw"), "--site", str(site)]) == 0
            arguments = ["night", NIGHTS[name], "--instrument", name, "--site", str(site)]
            assert run_command(arguments) == 0
            opened = load_site(site)
            known[name] = Night(Store(opened.database, opened.vault), folder / "raw", name)
        return known[name]

    yield processed
    for one in known.values():
        one.store.close()
        shutil.rmtree(one.raw.parent)


def _scatter(flat: np.ndarray, array, where: np.ndarray | None = None) -> float:
    """Robust scatter of a flat divided by the response and illumination that were put in."""
    maps = array_maps(array, flat.shape)
    good = ~maps.dead & ~maps.hot
    if where is not None:
        good &= where
    ratio = (flat / maps.response / illumination(flat.shape))[good]
    ratio = ratio / np.median(ratio)
    return 1.4826 * float(np.median(np.abs(ratio - 1.0)))


@pytest.mark.parametrize("name", NIGHTS)
def test_every_recipe_succeeds_and_nothing_is_red_by_itself(night, name):
    made = night(name)
    for raw_type in TYPES[name]:
        for block in made.blocks(raw_type):
            assert block.state is BlockState.SUCCEEDED, block.problem
            with made.store.read() as tx:
                scores = tx.quality.scores([block.name]).get(block.name, [])
            # Small flats of HAWK-I have three arrays that do not live, and say so.
            red = {one.parameter for one in scores if one.colour == "RED"}
            assert all("FLATRMS@CHIP" in one for one in red), red


def test_darks_of_naco_have_the_level_and_read_noise_of_the_truth(night):
    naco = night("NACO")
    for block in naco.blocks("CAL_DARK"):
        truth, qc = naco.truths(block)[0], naco.qc(block, "NACO_IMG_DARK_AVG")
        conad = truth["conad_e_per_adu"]
        level = truth["level_adu"] + truth["dark_e_per_s"] * truth["dit_s"] / conad
        assert qc["QC DARKMED"] == pytest.approx(level, abs=0.5)
        # The recipe looks at 100 windows of 25 pixels.
        assert qc["QC RON1"] == pytest.approx(truth["read_noise_e"] / conad, rel=0.08)


def test_flats_of_naco_show_the_response_of_the_pixels(night):
    naco = night("NACO")
    array = NACO_ARRAYS["Double_RdRstRd"]
    for raw_type, category in (
        ("CAL_FLAT_LAMP", "MASTER_LAMP_FLAT"),
        ("CAL_FLAT_TW", "MASTER_IMG_FLAT"),
        ("CAL_FLAT_SPEC", "MASTER_SPC_FLAT"),
    ):
        for block in naco.blocks(raw_type):
            # Photon noise of the frames leaves 0.2 to 0.4 percent.
            assert _scatter(naco.image(block, category), array) < 0.005, raw_type


def test_the_lamp_of_naco_has_the_flux_of_the_truth(night):
    naco = night("NACO")
    for block in naco.blocks("CAL_FLAT_LAMP"):
        on, off = (truth["light"]["e_per_s"] for truth in naco.truths(block)[:2])
        flux = (on - off) / naco.truths(block)[0]["conad_e_per_adu"]
        measured = naco.qc(block, "MASTER_LAMP_FLAT")["QC LAMPFLUX"]
        assert measured == pytest.approx(flux, rel=0.03)


def test_darks_of_visir_have_the_level_and_read_noise_of_the_truth(night):
    visir = night("VISIR")
    for raw_type, category in (("IM_CAL_DARK", "IMG_DARK_AVG"), ("SPEC_CAL_DARK", "SPEC_DARK_AVG")):
        (block,) = visir.blocks(raw_type)
        truth, qc = visir.truths(block)[0], visir.qc(block, category)
        conad = truth["conad_e_per_adu"]
        level = truth["level_adu"] + truth["dark_e_per_s"] * truth["dit_s"] / conad
        assert qc["QC DARKMED"] == pytest.approx(level, abs=0.5)
        # The recipe gives the noise of one integration, not that of the average of all.
        assert qc["QC RON2"] == pytest.approx(truth["read_noise_e"] / conad, rel=0.1)


def test_flats_of_visir_show_response_and_dead_pixels(night):
    visir = night("VISIR")
    (block,) = visir.blocks("IM_CAL_FLAT")
    array = VISIR_ARRAYS["imager"]
    assert _scatter(visir.image(block, "IMG_FF"), array) < 0.005
    dead = int(array_maps(array, (256, 256)).dead.sum())
    assert visir.qc(block, "IMG_FF")["QC NBBADPIX"] == pytest.approx(dead, rel=0.05)


def test_darks_of_hawki_have_the_level_of_the_truth_on_each_array(night):
    hawki = night("HAWKI")
    for block in hawki.blocks("DARK"):
        qc = hawki.qc(block, "MASTER_DARK")
        with hawki.store.read() as tx:
            frame = tx.frames.of_block(block.name)[0]
        chips = json.loads((hawki.raw / f"{frame.name}.truth.json").read_text())["chips"]
        for array, truth in zip(HAWKI_ARRAYS, chips, strict=True):
            level = truth["level_adu"] + truth["dark_e_per_s"] * truth["dit_s"] / array.conad
            assert qc[f"QC DARK MEAN@CHIP{array.index}.INT1"] == pytest.approx(level, abs=1.0)


def test_twilight_flats_of_hawki_show_the_response_of_the_pixels(night):
    hawki = night("HAWKI")
    for block in hawki.blocks("FLAT_TWILIGHT"):
        flat = hawki.image(block, "MASTER_TWILIGHT_FLAT", 1)
        assert _scatter(flat, HAWKI_ARRAYS[0]) < 0.006
        darks = [match for match in block.masters if match.category == "MASTER_DARK"]
        assert [match.level for match in darks] == [-1]


def test_linearity_of_hawki_gives_the_rate_and_the_loss_of_the_truth(night):
    hawki = night("HAWKI")
    (block,) = hawki.blocks("DETLIN")
    rate = hawki.truths(block)[1]["light"]["e_per_s"] / HAWKI_ARRAYS[0].conad
    qc = hawki.qc(block, "COEFFS_CUBE")
    assert qc["QC LIN COEF1@CHIP1.INT1"] == pytest.approx(rate, rel=0.03)
    # At 10 000 counts the quadratic loss is 0.02 * 17050 / 110000.
    loss = HAWKI_ARRAYS[0].loss * 10_000 * HAWKI_ARRAYS[0].conad / HAWKI_ARRAYS[0].full_well
    measured = hawki.qc(block, "DET_LIN_INFO")["QC LIN EFF@CHIP1.INT1"]
    assert measured == pytest.approx(loss, rel=0.5)
