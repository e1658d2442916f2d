"""What the house measured, against what the simulator put in: the products of a whole day.

Detectors are small here; the same numbers on synthetic frames of other sizes are tested with
the recipes.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from vltflow.core.site import load_site
from vltflow.instruments import load
from vltflow.records import Product
from vltflow.store import Store

CHIPS = ("BLUE", "REDL", "REDU")
BINNINGS = ("1x1", "2x2")


@pytest.fixture(scope="module")
def store(processed_site: Path):
    site = load_site(processed_site)
    opened = Store(site.database, site.vault)
    yield opened
    opened.close()


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
    store: Store, product: Product, day, chip: str
) -> tuple[list[dict], dict[str, np.ndarray]]:
    """Truth of each frame's chip, and the chip's maps in the orientation of the product."""
    with store.read() as tx:
        frames = tx.frames.of_block(product.block)
    files = [json.loads((day.folder / f"{one.name}.truth.json").read_text()) for one in frames]
    chips = [next(one for one in file["chips"] if one["label"] == chip.lower()) for file in files]
    with np.load(day.folder / chips[0]["maps"]) as maps:
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
def test_bias_level_noise_and_errors_are_those_of_the_simulator(
    store, small_day, chip: str, binning: str
) -> None:
    product = _product(store, f"MASTER_BIAS_{chip}", binning)
    chips, maps = _truth(store, product, small_day, chip)
    data, variance, quality = _planes(store, product)
    level = np.mean([one["bias_level_adu"] for one in chips])
    residual = data - level - maps["structure"]
    assert abs(np.median(residual)) < 0.1
    pulls = (residual / np.sqrt(variance))[quality == 0]
    assert 0.95 < np.std(pulls) < 1.05
    noise = chips[0]["read_noise_e"] / chips[0]["conad_e_per_adu"]
    measured = [value for name, value in _qc(store, product).items() if name.endswith("RON RAW")]
    assert measured == [pytest.approx(noise, rel=0.03)]


@pytest.mark.parametrize("chip", CHIPS)
def test_dark_current_is_that_of_the_simulator(store, small_day, chip: str) -> None:
    product = _product(store, f"MASTER_DARK_{chip}", "1x1")
    chips, _ = _truth(store, product, small_day, chip)
    measured = _qc(store, product)["QC DARK CURRENT ELEC"]
    assert measured == pytest.approx(chips[0]["dark_e_per_hour"], rel=0.05)


@pytest.mark.parametrize("chip", CHIPS)
@pytest.mark.parametrize("binning", BINNINGS)
def test_pixel_response_is_that_of_the_simulator(store, small_day, chip: str, binning: str) -> None:
    product = _product(store, f"PIXEL_RESPONSE_FLAT_{chip}", binning)
    _, maps = _truth(store, product, small_day, chip)
    data, variance, quality = _planes(store, product)
    good = quality == 0
    assert good.mean() > 0.2
    difference = (data - maps["response"])[good]
    assert np.std(difference) < 0.01
    assert np.corrcoef(data[good], maps["response"][good])[0, 1] > 0.8
    assert 0.9 < np.std(difference / np.sqrt(variance[good])) < 1.1
