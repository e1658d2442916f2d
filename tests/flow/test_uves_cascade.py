"""The optical cascade of UVES by ESO's recipes: simulated days and repainted real exposures."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits

from vltflow.cli.app import run as run_command
from vltflow.core.site import load_site
from vltflow.records import AssociationBlock, BlockState, Colour, Product
from vltflow.simulate import simulate_day
from vltflow.simulate.uves.constants import THROUGHPUT, resolving_power
from vltflow.store import Store

pytestmark = [pytest.mark.slow, pytest.mark.esorex("uves")]

NIGHT = "2015-02-26"
LIGHT_KM_S = 299_792.458
KINDS = ("BIAS", "ARC_LAMP_FORM", "ORDER_FLAT", "FLAT", "ARC_LAMP", "STANDARD")
OPTICAL = (
    "uves_cal_predict", "uves_cal_orderpos", "uves_cal_mflat", "uves_cal_wavecal",
    "uves_cal_response",
)  # fmt: skip
"""Recipes that run natively unless a site chooses."""
SLIT = 0.6
SETUPS = {
    "BLUE": ("blue_1x1", *(f"blue_1x1_437nm_{slit}" for slit in ("0.7", "1.2", SLIT, "10"))),
    "RED": ("red_1x1", *(f"red_1x1_860nm_{slit}" for slit in ("1.2", SLIT, "10"))),
    "BINNED": ("blue_2x2", *(f"blue_2x2_390nm_{slit}" for slit in ("0.7", "1.2", SLIT))),
}
"""Slits of format check, order definition, flat and arc, standard star."""
REAL = "390_02"
REAL_NIGHTS = ("2010-05-12", "2010-05-10", "2010-05-11")
"""The biases are the youngest frames of that exposure; the arc belongs to the night between."""
REAL_LINES, REAL_RESOLUTION = 696, 58_460
"""NLINSOL and RESOLMED of ESO's recipes on these frames with the real reduction's parameters."""


class Processed:
    """What the house knows of processed nights."""

    def __init__(self, site: Path, raw: Path) -> None:
        opened = load_site(site)
        self.store, self.raw = Store(opened.database, opened.vault), raw
        with self.store.read() as tx:
            self.blocks = tx.blocks.find(instrument="UVES")

    def products(self, role: str) -> list[Product]:
        with self.store.read() as tx:
            made = tx.products.of_blocks([block.name for block in self.blocks])
        several = [one for products in made.values() for one in products]
        return [one for one in several if one.category.startswith(role)]

    def path(self, product: Product) -> Path:
        return self.store.vault.local_path(product.file_id, Path())

    def qc(self, product: Product) -> dict[str, float]:
        with self.store.read() as tx:
            values = tx.quality.values(block=product.block, category=product.category)
        return {one.parameter: one.value for one in values}

    def light(self, product: Product) -> Any:
        """Orders, their places and wavelengths that were painted on the product's chip."""
        with self.store.read() as tx:
            frame = tx.frames.of_block(product.block)[0]
        chips = json.loads((self.raw / f"{frame.name}.truth.json").read_text())["chips"]
        chip = next(one for one in chips if product.category.endswith(one["label"].upper()))
        return np.load(self.raw / chip["light"]["arrays"])


@pytest.fixture(scope="module", params=list(SETUPS))
def day(tmp_path_factory: pytest.TempPathFactory, request) -> Iterator[Processed]:
    """All steps of one setting at full size: the physical model knows no smaller detectors."""
    folder = tmp_path_factory.mktemp(request.param)
    arm = "RED" if request.param == "RED" else "BLUE"
    kinds = KINDS[:-1] if request.param == "BINNED" else KINDS
    raw_types = [f"{kind}_{arm}" for kind in kinds]
    simulate_day("uves", NIGHT, folder / "raw", raw_types=raw_types, setups=SETUPS[request.param])
    yield from _processed(folder, [NIGHT])


def _processed(folder: Path, nights: list[str]) -> Iterator[Processed]:
    site = folder / "site"
    assert run_command(["init", str(site), "--cores", "2", "--memory-mb", "4000"]) == 0
    chosen = ", ".join(f'{recipe} = "esorex"' for recipe in OPTICAL)
    with (site / "vltflow.toml").open("a") as settings:
        settings.write(f"\n[runners]\nUVES = {{ {chosen} }}\n")
    assert run_command(["ingest", str(folder / "raw"), "--site", str(site)]) == 0
    for night in nights:
        arguments = ["night", night, "--instrument", "UVES", "--site", str(site)]
        assert run_command(arguments) == 0
    made = Processed(site, folder / "raw")
    yield made
    made.store.close()
    shutil.rmtree(folder)


def _assert_good(made: Processed, blocks: list[AssociationBlock]) -> None:
    assert blocks
    for block in blocks:
        assert block.state is BlockState.SUCCEEDED, f"{block.raw_type}: {block.problem}"
        with made.store.read() as tx:
            scores = tx.quality.scores([block.name]).get(block.name, [])
        assert [one.parameter for one in scores if one.colour is Colour.RED] == [], block.raw_type


def test_every_step_succeeds_and_is_green(day):
    _assert_good(day, day.blocks)


def test_flats_of_eso_need_no_person(day):
    flats = [one.name for one in day.blocks if one.raw_type.startswith("FLAT")]
    with day.store.read() as tx:
        assert set(tx.blocks.decisions(flats).values()) == {"AUTO"}


def test_orders_lie_where_they_were_painted(day):
    for product in day.products("ORDER_TABLE"):
        truth, found = day.light(product), fits.getdata(day.path(product), 1)
        for order in np.unique(found["Order"]):
            rows = found[found["Order"] == order]
            painted = np.array([np.interp(rows["X"], truth["x"], y) for y in truth["y"]])
            offset = painted - rows["Yfit"]
            nearest = offset[np.argmin(np.median(np.abs(offset), axis=1))]
            assert np.abs(nearest).max() < 0.06
            assert abs(np.median(nearest)) < 0.02


def test_wavelengths_are_those_that_were_painted(day):
    for product in day.products("LINE_TABLE"):
        truth, header = day.light(product), fits.getheader(day.path(product))
        slit = header.get("ESO INS SLIT2 LEN", header.get("ESO INS SLIT3 LEN"))
        height = slit / header["ESO INS PIXSCALE"] / header["ESO DET WIN1 BINX"] / 3.0
        for number, window in enumerate((1, 4, 7)):
            rows = fits.getdata(day.path(product), window)
            speed = _speeds(rows, truth, (number - 1) * height, height)
            # A fiftieth of a pixel is 26 m/s in 1x1. ESO's windows know the slit's tilt, not
            # that its image bends: that takes a hundredth of a pixel.
            speed = speed / header["ESO DET WIN1 BINX"]
            assert abs(np.median(speed)) < 0.026
            assert 1.4826 * np.median(np.abs(speed - np.median(speed))) < 0.03
            assert np.percentile(np.abs(speed), 98) < 0.2


def _speeds(lines: np.ndarray, truth: Any, offset: float = 0.0, height: float = 0.0) -> np.ndarray:
    """Errors in km/s of the lines that determine the solution.

    They were seen in a window of some height (pixels), off the slit's centre; the slit is tilted.
    """
    lines = lines[(lines["NLinSol"] > 0) & (lines["X"] < truth["x"][-1])]
    solutions = dict(zip(truth["orders"].tolist(), truth["wave_air"], strict=True))
    bends = {}
    if "tilt" in truth:
        bend = truth["tilt"] * offset + truth["curvature"] * (offset**2 + height**2 / 12.0)
        bends = dict(zip(truth["orders"].tolist(), bend, strict=True))
    painted = []
    for x, order in zip(lines["X"], lines["Order"].astype(int), strict=True):
        shift = np.interp(x, truth["x"], bends[order]) if bends else 0.0
        painted.append(np.interp(x - shift, truth["x"], solutions[order]))
    assert len(painted) > 100
    return (lines["WaveC"] / np.array(painted) - 1.0) * LIGHT_KM_S


def test_resolving_power_is_that_of_the_slit(day):
    for product in day.products("LINE_TABLE"):
        measured, painted = day.qc(product)["QC RESOLMED"], resolving_power(SLIT)
        # Two pixels to a line are too few to measure its width in binned frames.
        low = 0.75 if "2x2" in product.setup else 0.95
        assert low * painted < measured < 1.05 * painted


def test_efficiency_is_that_of_the_simulated_instrument(day):
    for product in day.products("EFFICIENCY_TABLE"):
        values = day.qc(product)
        arm = "blue" if product.category.endswith("BLUE") else "red"
        orders = [name[10:] for name in values if name.startswith("QC BLAZEFF")]
        # The outer orders are cut by the rim of the chip.
        for order in orders[2:-2]:
            nanometre = values[f"QC BLAZWLEN{order}"]
            painted = np.interp(10.0 * nanometre, *THROUGHPUT[arm])
            assert values[f"QC BLAZEFF{order}"] == pytest.approx(painted, rel=0.12), order


def test_response_covers_the_setting(day):
    for product in day.products("INSTR_RESPONSE_FINE"):
        curve = fits.getdata(day.path(product), 1)
        good = np.isfinite(curve["response_smo"])
        assert good.mean() > 0.7
        assert (curve["response_smo"][good] > 0.0).all()


@pytest.fixture(scope="module")
def real_night(tmp_path_factory: pytest.TempPathFactory, real_data: Path) -> Iterator[Processed]:
    """Real extracted spectra, painted as raw frames again, through the cascade."""
    tool = real_data.parent / "tools" / "repaint_uves.py"
    if not tool.is_file():
        pytest.skip(f"no tool {tool} that paints real spectra as raw frames")
    folder = tmp_path_factory.mktemp("real")
    spectra = real_data / "uves" / "HE1341-1020"
    call = [sys.executable, str(tool), str(spectra), REAL, str(folder / "raw")]
    subprocess.run(call, check=True, capture_output=True)
    for truth in (folder / "raw").glob("*.truth.fits"):
        truth.rename(folder / truth.name)
    yield from _processed(folder, list(REAL_NIGHTS))


def test_real_exposures_pass_the_whole_cascade(real_night):
    calibrations = [one for one in real_night.blocks if not one.raw_type.startswith("SCI")]
    assert len({one.recipe for one in calibrations}) == 6
    _assert_good(real_night, calibrations)


def test_real_lines_and_resolution_agree_with_the_known_reduction(real_night):
    (product,) = real_night.products("LINE_TABLE")
    values = real_night.qc(product)
    assert values["QC RESOLMED"] == pytest.approx(REAL_RESOLUTION, rel=0.10)
    assert values["QC NLINSOL"] == pytest.approx(REAL_LINES, rel=0.10)


def test_real_wavelengths_agree_with_the_known_solution(real_night):
    (product,) = real_night.products("LINE_TABLE")
    (truth,) = real_night.raw.parent.glob("*.truth.fits")
    with fits.open(truth) as hdus:
        known = {
            "orders": hdus["ORDERS"].data["ORDER"],
            "wave_air": hdus["WAVE"].data,
            "x": np.arange(1.0, hdus["WAVE"].data.shape[1] + 1.0),
        }
    speed = _speeds(fits.getdata(real_night.path(product), 4), known)
    # The known solution used another line list and object-weighted extraction.
    assert abs(np.median(speed)) < 0.08
    assert 1.4826 * np.median(np.abs(speed - np.median(speed))) < 0.05
