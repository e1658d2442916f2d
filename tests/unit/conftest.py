"""A small instrument of its own, and ABs with real products, for the rooms behind `process`."""

from __future__ import annotations

import hashlib
import json
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
from vltflow.instruments import Instrument, load, load_folder
from vltflow.plots import save_figures
from vltflow.publish import run as publish_run
from vltflow.records import (
    AssociationBlock,
    BlockState,
    Colour,
    Job,
    JobState,
    MasterMatch,
    MatchState,
    Product,
    ProductState,
    QcFigure,
    QcValue,
    RawFrame,
    ScienceState,
    Score,
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


SETUP = {
    "DET.CHIPS": 2, "DET.OUTPUTS": 2, "DET.READ.SPEED": "2pts/225kHz/lg", "DET.WIN1.BINX": 1,
    "DET.WIN1.BINY": 1, "DET.WIN1.NX": 4096, "DET.WIN1.NY": 4296, "DET.WIN1.STRX": 1,
    "DET.WIN1.STRY": 1, "INS.MODE": "RED", "INS.GRAT2.ID": "CD#3", "INS.GRAT2.WLEN": 580,
    "INS.SLIT1.NAME": "FREE", "INS.SLIT3.LEN": 12, "INS.SLIT3.WID": 0.8,
}  # fmt: skip
RANGES = {"REDL": (4780.0, 0.0146), "REDU": (5830.0, 0.0172)}
BINS = 3000


def raw_header(number=0, **changes):
    """What ingestion keeps of a raw red frame."""
    return {
        "RA": 206.02125, "DEC": -10.591417, "TELESCOP": "ESO-VLT-U2", "RADECSYS": "FK5",
        "EXPTIME": 1500.0, "ESO DPR TECH": "ECHELLE", "ESO OBS TARG NAME": "HE1341-1020",
        "ESO OBS PROG ID": "185.A-0745(C)", "ESO OBS ID": 200301234,
        "ESO INS SLIT3 WID": 0.8, "MJD-OBS": 55328.1 + 0.02 * number,
    } | changes  # fmt: skip


def reduced_files(folder, chip, *, layout, number=0):
    """A reduced spectrum of one chip by role, as ESO's recipe or ours leaves it."""
    start, step = RANGES[chip]
    chance = np.random.default_rng([number, len(chip), ord(chip[-1])])
    wave = start + step * np.arange(BINS)
    flux, error = 200.0 + chance.normal(0.0, 10.0, BINS), np.full(BINS, 10.0)
    sky = np.full(BINS, 5.0)
    lines = {"LAMRMS": 0.0007, "LAMNLIN": 800, "HIERARCH ESO QC VRAD BARYCOR": -11.9}
    lines |= {"HIERARCH ESO QC NCRH": 25}
    if layout == "table":
        return {"RED_SCIENCE": _table_file(folder, chip, (wave, flux, error, sky), lines, number)}
    flux[:20], flux[-20:] = 0.0, 0.0
    error[:20], error[-20:] = 1.0, 1.0
    cards = lines | {"CTYPE1": "AWAV", "CRVAL1": start, "CRPIX1": 1.0, "CD1_1": step}
    orders = np.stack([flux[:2000], flux[1000:]])
    grid = {"CDELT1": step} | {f"CTYPE{n}": "" for n in (1, 2)}
    grid |= {f"{key}{n}": 1.0 for n in (1, 2) for key in ("CRVAL", "CRPIX")}
    wstart = grid | {
        "WSTART1": start,
        "WEND1": wave[1999],
        "WSTART2": wave[1000],
        "WEND2": wave[-1],
    }
    images = {
        "RED_SCIENCE": (flux, cards), "ERRORBAR_SCIENCE": (error, cards),
        "MERGED_SKY": (sky, cards), "WCALIB_FF_SCIENCE": (orders, wstart),
        "ERRORBAR_WCALIB_FF_SCIENCE": (np.full(orders.shape, 10.0), wstart),
    }  # fmt: skip
    made = {}
    for role, (values, header) in images.items():
        path = folder / f"{role}_{chip}_{number}.fits"
        hdu = fits.PrimaryHDU(values.astype(np.float32))
        hdu.header.update(header)
        hdu.writeto(path, checksum=True)
        made[role] = path
    return made


def _table_file(folder, chip, arrays, cards, number):
    wave, flux, error, _ = arrays
    names = ("WAVE", "FLUX_REDUCED", "ERR_REDUCED", "BGFLUX_REDUCED")
    columns = [
        fits.Column(name, "D", array=values) for name, values in zip(names, arrays, strict=True)
    ]
    columns.append(fits.Column("QUAL", "J", array=(np.arange(BINS) % 100 == 7) * 8))
    half = [fits.Column("ORDER", "J", array=[101, 100])]
    for name, values in (("WAVE", wave), ("FLUX", flux), ("ERR", error)):
        rows = np.stack([values[:2000], values[1000:]])
        half.append(fits.Column(name, "2000D", array=rows))
    primary = fits.PrimaryHDU()
    primary.header.update(cards)
    path = folder / f"RED_SCIENCE_{chip}_{number}.fits"
    tables = [
        fits.BinTableHDU.from_columns(columns, name="SPECTRUM"),
        fits.BinTableHDU.from_columns(half, name="ORDERS"),
    ]
    fits.HDUList([primary, *tables]).writeto(path, checksum=True)
    return path


class ScienceSite:
    """A store with a wavelength calibration and science ABs of the red arm of UVES."""

    def __init__(self, store, folder):
        self.store, self.folder = store, folder
        self.arc = self._block("arc", "ARC_LAMP_RED", 55328.2, ())
        files = {f"LINE_TABLE_{chip}": self._empty(f"LINE_TABLE_{chip}") for chip in RANGES}
        self.lines = self._products(self.arc, files, ProductState.CERTIFIED)
        with store.write(by="test", why="test") as tx:
            tx.quality.add_values([
                QcValue(
                    block=self.arc.name, revision=1, product_id=one.product_id, instrument="UVES",
                    night=self.arc.night, raw_type="ARC_LAMP_RED", setup="", mjd=one.mjd,
                    category=one.category, parameter="QC RESOLMED", value=58000.0, unit="",
                )
                for one in self.lines
            ])  # fmt: skip

    def science(self, number=0, *, layout="images", raw_type="SCI_POINT_RED", bits=(), **cards):
        """A science AB with certified products; `bits` are the red score bits."""
        mjd = 55328.1 + 0.02 * number
        name = f"UVES.2010-05-12T02:24:{number:02d}.000"
        frame = RawFrame(
            frame_id=f"{number:064x}", name=name, instrument="UVES", location=f"/raw/{name}.fits",
            size=1, mjd_obs=mjd, night="2010-05-11", exptime=1500.0, dpr_catg="SCIENCE",
            obs_id=200301234, object_name="HE1341-1020", raw_type=raw_type, setup="s",
            setup_keys=json.dumps(SETUP),
        )  # fmt: skip
        with self.store.write(by="test", why="test") as tx:
            tx.frames.add([(frame, pack_headers([raw_header(number, **cards)]))])
        masters = tuple(
            MasterMatch(
                one.category, True, MatchState.REAL, self.arc.name, one.product_id, -1, 0.1,
                distance_celsius=0.2,
            )
            for one in self.lines
        )  # fmt: skip
        block = self._block(name, raw_type, mjd, masters, frames=(frame.frame_id,))
        types = load("UVES").products_of(raw_type)
        files = {}
        for chip in RANGES:
            made = reduced_files(self.folder, chip, layout=layout, number=number)
            files |= {
                category: made[kind.role]
                for category, kind in types.items()
                if category.endswith(chip) and kind.role in made
            }
        runner = "native" if layout == "table" else "esorex"
        self._products(block, files, ProductState.CERTIFIED, runner=runner)
        self._score(block, bits)
        return block

    def _score(self, block, bits):
        scores = [
            Score(
                block.name, 1, "RED_SCI_POINT_REDL", f"QC BIT {bit}", 1.0, None, 0.5,
                Colour.RED if bit in bits else Colour.GREEN, "FIXED", "1 is told", bit,
            )
            for bit in range(1, 10)
        ]  # fmt: skip
        with self.store.write(by="qc", why="test") as tx:
            tx.quality.set_scores(block.name, 1, scores)
            tx.quality.set_report(block.name, 1, "0" * 64, "now")

    def _block(self, name, raw_type, mjd, masters, frames=()):
        block = AssociationBlock(
            name=f"{name}_none", instrument="UVES", night="2010-05-11", raw_type=raw_type,
            setup="1x1_580nm_CD#3_0.8", setup_keys=json.dumps(SETUP), recipe="r", grouping="none",
            group_key=name, frames=frames, masters=masters, expected=1, complete=True,
            mjd_start=mjd, mjd_mid=mjd, mjd_end=mjd, context="c" * 16, state=BlockState.SUCCEEDED,
        )  # fmt: skip
        with self.store.write(by="test", why="test") as tx:
            tx.blocks.add([block])
        return block

    def _products(self, block, files, state, runner="esorex"):
        job = Job(
            job_id=new_id(), block=block.name, revision=1, recipe="r", recipe_version="1",
            runner=runner, parameters="{}", input_hash="0" * 64, cores=1, memory_mb=1, wall_s=1,
            created="2026-11-24T12:00:00.000", ended="2026-11-24T12:00:01.000",
            state=JobState.SUCCEEDED,
        )  # fmt: skip
        made = [
            Product(
                product_id=new_id(), block=block.name, revision=1, job_id=job.job_id,
                instrument="UVES", night=block.night, category=category, setup=block.setup,
                setup_keys=block.setup_keys, mjd=block.mjd_mid, size=path.stat().st_size,
                file_id=self.store.vault.put_file(path), name=f"UV_{category}_{block.name}.fits",
                created=job.ended, state=state,
            )
            for category, path in files.items()
        ]  # fmt: skip
        with self.store.write(by="process", why="test") as tx:
            tx.jobs.add([job])
            tx.products.add(made)
        return made

    def _empty(self, name):
        path = self.folder / f"{name}.fits"
        fits.PrimaryHDU().writeto(path)
        return path


@pytest.fixture(scope="session")
def published_once(tmp_path_factory):
    """Science products of two targets, three versions, with the bytes of their files by id.

    Made once: most tests of products only need that they are there.
    """
    folder = tmp_path_factory.mktemp("published")
    store = Store(f"sqlite:///{folder / 'registry.sqlite'}", str(folder / "vault"))
    site = ScienceSite(store, folder)
    first = site.science(bits=(3,), layout="table")
    cards = {
        "ESO OBS TARG NAME": "Sk -69 202", "RA": 0.01, "DEC": 89.9, "ESO OBS PROG ID": "60.A-1(A)",
    }  # fmt: skip
    site.science(1, layout="table", **cards)
    publish_run(store, load("UVES"))
    publish_run(store, load("UVES"), again=True, blocks=[first.name])
    with store.read() as tx:
        found = tx.science.find(states=tuple(ScienceState))
    kept = {file.file_id for one in found for file in (one, *one.associated)}
    content = {file_id: store.vault.get_bytes(file_id) for file_id in kept}
    store.close()
    return found, content


@pytest.fixture
def science_site(store, tmp_path):
    """A store to publish from."""
    return ScienceSite(store, tmp_path)
