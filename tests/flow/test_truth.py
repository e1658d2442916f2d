"""What the house measured, against what the simulator put in."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from vltflow.cli.app import run as run_command
from vltflow.core.site import load_site
from vltflow.instruments import load
from vltflow.records import Product
from vltflow.simulate import simulate_day
from vltflow.store import Store

pytestmark = pytest.mark.slow

NIGHT = "2015-02-26"
CHIPS = ("BLUE", "REDL", "REDU")
BINNINGS = ("1x1", "2x2")
FLATS = {"BLUE": ("1x1_346nm_0.6", "2x2_390nm_0.6"), "RED": ("1x1_580nm_0.6", "2x2_564nm_0.6")}
"""Setups at full size: one flat a binning is enough."""
Judged = tuple[Store, Path]
"""A store with products, and the folder with the truth about their frames."""


@pytest.fixture(scope="module")
def small(processed_site: Path, small_day) -> Iterator[Judged]:
    """The whole day with small detectors, both arms."""
    site = load_site(processed_site)
    store = Store(site.database, site.vault)
    yield store, small_day.folder
    store.close()


@pytest.fixture(scope="module", params=list(FLATS))
def full(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator:
    """Frames of one arm at their real size, and its chips; removed afterwards, they are large."""
    folder, arm = tmp_path_factory.mktemp("full"), request.param
    raw_types = [f"{kind}_{arm}" for kind in ("BIAS", "DARK", "FLAT")]
    setups = [f"{arm.lower()}_{setup}" for setup in (*BINNINGS, *FLATS[arm])]
    day = simulate_day("uves", NIGHT, folder / "raw", raw_types=raw_types, setups=setups)
    site = folder / "site"
    assert run_command(["init", str(site), "--cores", "2", "--memory-mb", "8000"]) == 0
    assert run_command(["ingest", str(day.folder), "--site", str(site)]) == 0
    assert run_command(["night", NIGHT, "--instrument", "UVES", "--site", str(site)]) == 0
    opened = load_site(site)
    store = Store(opened.database, opened.vault)
    yield (store, day.folder), [chip for chip in CHIPS if chip.startswith(arm)]
    store.close()
    shutil.rmtree(folder)


def _product(store: Store, category: str, setup: str) -> Product:
    with store.read() as tx:
        names = [block.name for block in tx.blocks.find(instrument="UVES")]
        made = [one for several in tx.products.of_blocks(names).values() for one in several]
    return next(one for one in made if one.category == category and one.setup.startswith(setup))


def _planes(store: Store, product: Product) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    with fits.open(store.vault.local_path(product.file_id, Path())) as hdus:
        return hdus[0].data, hdus["VARIANCE"].data, hdus["QUALITY"].data


def _qc(store: Store, product: Product) -> dict[str, float]:
    with store.read() as tx:
        values = tx.quality.values(block=product.block, category=product.category)
    return {one.parameter: one.value for one in values}


def _truth(
    store: Store, product: Product, raw: Path, chip: str
) -> tuple[list[dict], dict[str, np.ndarray]]:
    """Truth of each frame's chip, and the chip's maps in the orientation of the product."""
    with store.read() as tx:
        frames = tx.frames.of_block(product.block)
    files = [json.loads((raw / f"{one.name}.truth.json").read_text()) for one in frames]
    chips = [next(one for one in file["chips"] if one["label"] == chip.lower()) for file in files]
    with np.load(raw / chips[0]["maps"]) as maps:
        start, width = maps["data_section"]
        structure = maps["bias_rows"][:, None] + maps["bias_columns"][None, start : start + width]
        planes = {"structure": structure, "response": maps["response"], "dark": maps["dark_rate"]}
    return chips, {name: _turned(plane, chip) for name, plane in planes.items()}


def _turned(plane: np.ndarray, chip: str) -> np.ndarray:
    sections = [one for several in load("UVES").header.detectors.values() for one in several]
    section = next(one for one in sections if one.name == chip)
    turned = np.rot90(plane, section.quarter_turns)
    return turned[:, ::-1] if section.mirrored else turned


@pytest.mark.parametrize("chip", CHIPS)
@pytest.mark.parametrize("binning", BINNINGS)
def test_bias_of_small_detectors(small: Judged, chip: str, binning: str) -> None:
    _assert_bias(*small, chip, binning)


@pytest.mark.parametrize("binning", BINNINGS)
def test_bias_of_full_detectors(full: tuple[Judged, list[str]], binning: str) -> None:
    judged, chips = full
    for chip in chips:
        _assert_bias(*judged, chip, binning)


@pytest.mark.parametrize("chip", CHIPS)
def test_dark_current_of_small_detectors(small: Judged, chip: str) -> None:
    _assert_dark(*small, chip)


def test_dark_current_of_full_detectors(full: tuple[Judged, list[str]]) -> None:
    judged, chips = full
    for chip in chips:
        _assert_dark(*judged, chip)


@pytest.mark.parametrize("chip", CHIPS)
def test_pixel_response_of_small_detectors(small: Judged, chip: str) -> None:
    difference, _ = _response(*small, chip, "1x1")  # orders bend steeply there: no pulls
    assert np.std(difference) < 0.01


@pytest.mark.parametrize("binning", BINNINGS)
def test_pixel_response_of_full_detectors(full: tuple[Judged, list[str]], binning: str) -> None:
    judged, chips = full
    for chip in chips:
        difference, variance = _response(*judged, chip, binning)
        assert np.std(difference) < 0.01
        assert 0.95 < np.std(difference / np.sqrt(variance)) < 1.05


def _assert_bias(store: Store, raw: Path, chip: str, binning: str) -> None:
    product = _product(store, f"MASTER_BIAS_{chip}", binning)
    chips, maps = _truth(store, product, raw, chip)
    data, variance, quality = _planes(store, product)
    level = np.mean([one["bias_level_adu"] for one in chips])
    residual = data - level - maps["structure"]
    assert abs(np.median(residual)) < 0.1
    assert 0.95 < np.std((residual / np.sqrt(variance))[quality == 0]) < 1.05
    noise = chips[0]["read_noise_e"] / chips[0]["conad_e_per_adu"]
    measured = [value for name, value in _qc(store, product).items() if name.endswith("RON RAW")]
    assert measured == [pytest.approx(noise, rel=0.03)]


def _assert_dark(store: Store, raw: Path, chip: str) -> None:
    product = _product(store, f"MASTER_DARK_{chip}", "1x1")
    chips, _ = _truth(store, product, raw, chip)
    measured = _qc(store, product)["QC DARK CURRENT ELEC"]
    assert measured == pytest.approx(chips[0]["dark_e_per_hour"], rel=0.05)


def _response(store: Store, raw: Path, chip: str, binning: str) -> tuple[np.ndarray, np.ndarray]:
    """Measured minus true response, and the variance, of pixels that were measured."""
    product = _product(store, f"PIXEL_RESPONSE_FLAT_{chip}", binning)
    _, maps = _truth(store, product, raw, chip)
    data, variance, quality = _planes(store, product)
    good = quality == 0
    assert good.mean() > 0.2
    return (data - maps["response"])[good], variance[good]
