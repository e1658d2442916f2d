"""A small instrument of its own, and ABs with real products, for the rooms behind `process`."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from astropy.io.fits.verify import VerifyWarning

from vltflow.core.identity import content_hash, new_id
from vltflow.core.time import night_of
from vltflow.instruments import Instrument, load_folder
from vltflow.plots import save_figures
from vltflow.records import (
    AssociationBlock,
    BlockState,
    Job,
    JobState,
    MasterMatch,
    MatchState,
    Product,
    QcFigure,
    RawFrame,
)
from vltflow.store import Store, pack_headers

_FILES = {
    "instrument.yaml": """
name: LAMP
title: A lamp with two chips
prefix: LP
instrume: [LAMP]
mandatory: [MJD-OBS]
detectors:
  BLUE:
    - {name: BLUE, extension: 0, output: 1, quarter_turns: 0, saturation: 65000}
  RED:
    - {name: REDL, extension: 1, output: 1, quarter_turns: 0, saturation: 65000}
    - {name: REDU, extension: 2, output: 4, quarter_turns: 0, saturation: 65000}
""",
    "classification.yaml": """
rules:
  - {raw_type: BIAS_BLUE, when: {DPR.TYPE: BIAS}}
""",
    "association.yaml": """
raw_types:
  BIAS_BLUE:
    {detector: BLUE, group: template, recipe: bias, setup: [DET.BINX], label: "{DET.BINX}"}
  BIAS_RED:
    {detector: RED, group: template, recipe: bias, setup: [DET.BINX], label: "{DET.BINX}"}
  DARK_BLUE:
    detector: BLUE
    group: template
    recipe: dark
    setup: [DET.BINX]
    label: "{DET.BINX}"
    masters:
      - category: MASTER_BIAS_BLUE
        match: [DET.BINX]
        levels: [{level: 0, days: 2}, {level: 2, days: 30}]
""",
    "recipes.yaml": """
recipes:
  bias:
    title: Master bias
    runner: native
    native: {recipe: detector.master_bias}
    products:
      - {role: MASTER_BIAS, category: "MASTER_BIAS_{chip}", name: "MBIA_{date}_{chip}.fits"}
      - role: CHECK
        category: "CHECK_{chip}"
        name: "CHCK_{date}_{chip}.fits"
        master: false
        main: false
  dark:
    title: Master dark
    runner: native
    native: {recipe: detector.master_dark}
    products:
      - {role: MASTER_DARK, category: "MASTER_DARK_{chip}", name: "MDRK_{date}_{chip}.fits"}
""",
    "qc.yaml": """
parameters:
  - {name: QC RON, unit: ADU, description: Read noise of a raw frame}
  - {name: QC LEVEL, unit: ADU, description: Median of the master}
  - {name: QC SLOPE, unit: ADU/pixel, description: Slope along the rows}
unscored: {QC SLOPE: known to follow the temperature}
""",
    "scores.yaml": """
certify_level: 1
thresholds:
  - parameter: QC RON
    categories: [MASTER_BIAS_BLUE, MASTER_BIAS_REDL, MASTER_BIAS_REDU, MASTER_DARK_BLUE]
    method: FIXED
    low: 1
    high: 4
    reason: data sheet
  - parameter: QC LEVEL
    categories: [MASTER_BIAS_BLUE]
    setup: {DET.BINX: 1}
    method: PERCENT
    width: 10
    window: 4
    minimum: 3
    reason: stable to a few percent
""",
}


@pytest.fixture(scope="session")
def small_instrument(tmp_path_factory: pytest.TempPathFactory) -> Instrument:
    """Bias and dark frames of a lamp: BLUE with one chip, RED with two."""
    folder = tmp_path_factory.mktemp("lamp")
    for name, text in _FILES.items():
        (folder / name).write_text(text, encoding="utf-8")
    return load_folder(folder)


@dataclass(frozen=True)
class Made:
    """An AB in the store with what its job made."""

    block: AssociationBlock
    products: tuple[Product, ...]


GOOD: dict[str, Any] = {"QC RON": 2.0, "QC LEVEL": 150.0}


@pytest.fixture
def add_block(tmp_path: Path) -> Callable[..., Made]:
    """Function that puts an AB with products (small real FITS files) into a store.

    `products` maps categories to the QC keywords in their headers; `calibrations`
    lists (category, level, product or None while virtual, source AB).
    """

    def add(
        store: Store,
        name: str,
        *,
        mjd: float = 57080.0,
        raw_type: str = "BIAS_BLUE",
        binning: int = 1,
        products: Mapping[str, Mapping[str, Any]] | None = None,
        calibrations: Sequence[tuple[str, int | None, Product | None, str]] = (),
        state: BlockState = BlockState.SUCCEEDED,
        complete: bool = True,
        figures: Sequence[QcFigure] = (),
    ) -> Made:
        contents = {"MASTER_BIAS_BLUE": GOOD} if products is None else products
        frame = _frame(name, mjd)
        block = _block(name, frame, raw_type, binning, calibrations)
        block = replace(block, state=state, complete=complete)
        with store.write(by="test", why="made for a test") as tx:
            tx.frames.add([(frame, pack_headers([{"MJD-OBS": mjd}]))])
            tx.blocks.add([block])
        return Made(block, add_products(store, block, contents, figures=figures, folder=tmp_path))

    return add


@pytest.fixture
def reopen_block(tmp_path: Path) -> Callable[..., Made]:
    """Function that gives an AB a new revision with new products."""

    def reopen(store: Store, made: Made, products: Mapping[str, Mapping[str, Any]]) -> Made:
        block = replace(made.block, revision=made.block.revision + 1)
        with store.write(by="associate", why="late frames") as tx:
            tx.blocks.replace(block, "opened again")
            tx.blocks.set_decision(block.name, "")
        return Made(block, add_products(store, block, products, figures=(), folder=tmp_path))

    return reopen


def add_products(
    store: Store,
    block: AssociationBlock,
    contents: Mapping[str, Mapping[str, Any]],
    *,
    figures: Sequence[QcFigure],
    folder: Path,
) -> tuple[Product, ...]:
    if not contents:
        return ()
    job = Job(
        job_id=new_id(), block=block.name, revision=block.revision, recipe=block.recipe,
        recipe_version="1", runner="native", parameters='{"kappa":5.0,"method":"median"}',
        input_hash=content_hash([block.name, block.revision]), cores=1, memory_mb=10, wall_s=10,
        created="2015-02-27T12:00:00.000", state=JobState.SUCCEEDED,
    )  # fmt: skip
    figures_file = ""
    if figures:
        save_figures(folder / "figures.npz", figures)
        figures_file = store.vault.put_file(folder / "figures.npz")
    used = tuple(match.product_id for match in block.masters if match.product_id)
    products = tuple(
        _product(store, block, job, category, keywords, folder)
        for category, keywords in contents.items()
    )
    products = tuple(
        replace(one, inputs=block.frames + used, figures_file=figures_file) for one in products
    )
    with store.write(by="process", why="made for a test") as tx:
        tx.jobs.add([job])
        tx.products.add(products)
    return products


def _frame(name: str, mjd: float) -> RawFrame:
    return RawFrame(
        frame_id=hashlib.sha256(name.encode()).hexdigest(), name=f"LAMP.{name}", instrument="LAMP",
        location=f"/raw/{name}.fits", size=2880, mjd_obs=mjd, night=night_of(mjd), exptime=0.0,
        dpr_type="BIAS", tpl_nexp=1, raw_type="BIAS_BLUE", setup="1", setup_keys='{"DET.BINX":1}',
    )  # fmt: skip


def _block(
    name: str,
    frame: RawFrame,
    raw_type: str,
    binning: int,
    calibrations: Sequence[tuple[str, int | None, Product | None, str]],
) -> AssociationBlock:
    masters = tuple(
        MasterMatch(
            category=category,
            required=True,
            state=MatchState.REAL if product else MatchState.VIRTUAL,
            source_block=source,
            product_id=product.product_id if product else "",
            level=level,
            distance_days=-0.25,
        )
        for category, level, product, source in calibrations
    )
    return AssociationBlock(
        name=name, instrument="LAMP", night=frame.night, raw_type=raw_type,
        setup=f"{binning}x{binning}", setup_keys=f'{{"DET.BINX":{binning}}}',
        recipe="dark" if raw_type.startswith("DARK") else "bias", grouping="tpl",
        group_key=f"{name}/group", frames=(frame.frame_id,), masters=masters, expected=1,
        complete=True, mjd_start=frame.mjd_obs, mjd_mid=frame.mjd_obs, mjd_end=frame.mjd_obs,
        context="0123456789abcdef",
    )  # fmt: skip


def _product(
    store: Store,
    block: AssociationBlock,
    job: Job,
    category: str,
    keywords: Mapping[str, Any],
    folder: Path,
) -> Product:
    path = folder / "product.fits"
    write_product(path, category, keywords)
    name = f"LP_{category}_{block.name}_{block.revision}.fits"
    return Product(
        product_id=new_id(), block=block.name, revision=block.revision, job_id=job.job_id,
        instrument=block.instrument, night=block.night, category=category, setup=block.setup,
        setup_keys=block.setup_keys, mjd=block.mjd_mid, file_id=store.vault.put_file(path),
        size=path.stat().st_size, name=name, created="2015-02-27T12:00:00.000",
    )  # fmt: skip


def write_product(path: Path, category: str, keywords: Mapping[str, Any]) -> None:
    """FITS file with QC keywords; an undefined number is written as careless software does."""
    primary = fits.PrimaryHDU(np.zeros((2, 2), dtype=np.float32))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", VerifyWarning)
        primary.header["HIERARCH ESO PRO CATG"] = category
        for keyword, value in keywords.items():
            undefined = isinstance(value, float) and not np.isfinite(value)
            primary.header[f"HIERARCH ESO {keyword}"] = 987654.25 if undefined else value
    primary.writeto(path, overwrite=True)
    careless = path.read_bytes().replace(b"987654.25", b"nan      ")
    path.write_bytes(careless)
