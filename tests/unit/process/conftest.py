"""A small instrument with recipes of a third party, and days of frames and ABs for it."""

from __future__ import annotations

import hashlib
import os
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from astropy.io import fits

from vltflow.core.site import Site, create_site
from vltflow.core.time import night_of
from vltflow.instruments import Instrument, load_folder
from vltflow.process.executors import LocalExecutor
from vltflow.process.report import ProcessReport
from vltflow.process.run import run
from vltflow.records import AssociationBlock, MasterMatch, MatchState, RawFrame
from vltflow.store import Store, pack_headers

TRIAL = Path(__file__).parent / "trial"
MJD = 57080.5
SETUP_KEYS = '{"DET.WIN1.BINX":1}'
CHIP = {"quarter_turns": 0, "saturation": 60000}
RESOURCES = {"cores": 1, "memory_mb": 100, "wall_s": 60}


@pytest.fixture(scope="session", autouse=True)
def _third_party_recipes() -> Iterator[None]:
    """The trial recipes can be imported here and in worker processes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(TRIAL))
        paths = [str(TRIAL), *filter(None, [os.environ.get("PYTHONPATH")])]
        patch.setenv("PYTHONPATH", os.pathsep.join(paths))
        yield


@pytest.fixture(scope="session")
def workshop(
    tmp_path_factory: pytest.TempPathFactory, _third_party_recipes: None
) -> Iterator[LocalExecutor]:
    """One executor for all tests: its workers are warm after the first."""
    site = create_site(tmp_path_factory.mktemp("shared"), cores=2, memory_mb=2000)
    with LocalExecutor(site) as executor:
        yield executor


def write_instrument(folder: Path, **changes: dict[str, Any]) -> Instrument:
    """The trial instrument; `changes` overrides parts of recipes or their native execution."""
    recipes = {
        "bias": _recipe("Sum", "MASTER_BIAS", "{prefix}_B_{date}{letter}_{chip}.fits"),
        "dark": _recipe("Dark", "MASTER_DARK", "{prefix}_D_{date}{letter}_{chip}.fits"),
        "later": _recipe("Sum", "LATER", "l") | {"runner": "none"},
        "nothing": _recipe("Nothing", "NOTHING", "n", main=False),
    }
    for name, change in changes.items():
        own = {key: value for key, value in change.items() if key in recipes[name]}
        native = {key: value for key, value in change.items() if key not in own}
        recipes[name] |= own | {"native": recipes[name]["native"] | native}
    need = {"category": "MASTER_BIAS_BLUE", "match": [], "levels": [{"level": 0, "days": 3}]}
    setup = {"setup": ["DET.WIN1.BINX"], "label": "{DET.WIN1.BINX}", "group": "template"}
    raw_types = {
        "BIAS": setup | {"detector": "blue", "recipe": "bias"},
        "BIAS_RED": setup | {"detector": "red", "recipe": "bias"},
        "DARK": setup | {"detector": "blue", "recipe": "dark", "masters": [need]},
        "LATER": setup | {"detector": "blue", "recipe": "later"},
        "NOTHING": setup | {"detector": "blue", "recipe": "nothing"},
    }
    detectors = {
        "blue": [CHIP | {"name": "BLUE", "extension": 0, "output": 1}],
        "red": [
            CHIP | {"name": "REDL", "extension": 2, "output": 1},
            CHIP | {"name": "REDU", "extension": 1, "output": 4},
        ],
    }
    files = {
        "instrument": {
            "name": "TRIAL", "title": "Trial", "prefix": "TR", "instrume": ["TRIAL"],
            "mandatory": [], "detectors": detectors,
            "repairs": [{"name": "object", "when": {}, "set": {"OBS.TARG.NAME": "mended"},
                         "reason": "test"}],
        },
        "classification": {"rules": []},
        "association": {"raw_types": raw_types},
        "recipes": {"recipes": recipes},
        "qc": {"parameters": []},
        "scores": {"thresholds": []},
    }  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(content))
    return load_folder(folder)


def _recipe(name: str, role: str, pattern: str, *, main: bool = True) -> dict[str, Any]:
    product = {"role": role, "category": f"{role}_{{chip}}", "name": pattern, "main": main}
    native = {"recipe": f"vltflow_trial:{name}"} | RESOURCES
    return {"title": name, "runner": "native", "native": native, "products": [product]}


def write_frame(path: Path, seed: int, *, red: bool = False) -> None:
    """A raw frame of 12 x 16 pixels; two chips if it is red."""
    cards = {
        "INSTRUME": "TRIAL", "MJD-OBS": MJD + seed / 1000, "EXPTIME": 1.5, "ESO DPR CATG": "CALIB",
        "ESO DPR TECH": "IMAGE", "ESO OBS TARG NAME": "wrong", "ESO DET WIN1 BINX": 1,
        "ESO DET WIN1 BINY": 1, "ESO DET OUT1 CONAD": 2.0, "ESO DET OUT1 RON": 3.5,
        "ESO DET OUT1 PRSCX": 2, "ESO INS PATH": "BLUE",
    }  # fmt: skip
    header = fits.Header([(f"HIERARCH {k}" if " " in k else k, v) for k, v in cards.items()])
    pixels = np.random.default_rng(seed).integers(90, 110, (12, 16), dtype=np.uint16)
    if red:
        images = [fits.ImageHDU(pixels, name="REDU"), fits.ImageHDU(pixels + 7, name="REDL")]
        fits.HDUList([fits.PrimaryHDU(header=header), *images]).writeto(path)
    else:
        fits.PrimaryHDU(pixels, header).writeto(path)


@dataclass
class Day:
    """Registers frames and ABs of the trial instrument."""

    store: Store
    folder: Path
    seed: int = 0
    blocks: list[str] = field(default_factory=list)

    def add(self, raw_type: str, *, needs: str = "", optional: str = "", frames: int = 2) -> str:
        """One AB; `needs` and `optional` name the AB that shall make its master bias."""
        raws = [self.frame(raw_type) for _ in range(frames)]
        match = [
            MasterMatch("MASTER_BIAS_BLUE", required, MatchState.VIRTUAL, source, level=0)
            for source, required in ((needs, True), (optional, False))
            if source
        ]
        block = AssociationBlock(
            name=f"TRIAL.{len(self.blocks):05d}", instrument="TRIAL", night=night_of(MJD),
            raw_type=raw_type, setup="1", setup_keys=SETUP_KEYS, recipe=raw_type.lower(),
            grouping="tpl", group_key=f"{raw_type}{len(self.blocks)}",
            frames=tuple(raw.frame_id for raw in raws), masters=tuple(match), expected=frames,
            complete=True, mjd_start=MJD + self.seed / 1000, mjd_mid=MJD + self.seed / 1000,
            mjd_end=MJD + self.seed / 1000, context="c",
        )  # fmt: skip
        with self.store.write(by="test", why="test") as tx:
            tx.blocks.add([block])
        self.blocks.append(block.name)
        return block.name

    def frame(self, raw_type: str) -> RawFrame:
        """One raw frame, on disk and registered."""
        self.seed += 1
        path = self.folder / f"raw-{self.seed}.fits"
        write_frame(path, self.seed, red=raw_type == "BIAS_RED")
        frame = RawFrame(
            frame_id=hashlib.sha256(path.read_bytes()).hexdigest(), name=path.stem,
            instrument="TRIAL", location=str(path), size=path.stat().st_size,
            mjd_obs=MJD + self.seed / 1000, night=night_of(MJD), exptime=1.5, raw_type=raw_type,
            setup="1", setup_keys=SETUP_KEYS, context="c", repairs=("object",),
        )  # fmt: skip
        headers = [{"NAXIS1": 16, "NAXIS2": 12}] * 3
        with self.store.write(by="test", why="test") as tx:
            tx.frames.add([(frame, pack_headers(headers))])
        return frame

    def states(self) -> list[str]:
        """States of all ABs in the order in which they were added."""
        with self.store.read() as tx:
            found = tx.blocks.states(self.blocks)
        return [str(found[name][0]) for name in self.blocks]

    def products(self) -> list[Any]:
        """All products."""
        with self.store.read() as tx:
            return [one for found in tx.products.of_blocks(self.blocks).values() for one in found]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """A site of its own with two cores."""
    return create_site(tmp_path / "site", cores=2, memory_mb=2000)


@pytest.fixture
def process(workshop: LocalExecutor, site: Site) -> Callable[..., ProcessReport]:
    """`run` on warm workers, with the working folders of the shared executor."""

    def _process(day: Day, instruments: dict[str, Instrument], **options: Any) -> ProcessReport:
        here = replace(site, folder=workshop.site.folder)
        return run(day.store, here, instruments, executor=workshop, **options)

    return _process


@pytest.fixture
def site_store(site: Site) -> Iterator[Store]:
    """The store of the site."""
    store = Store(site.database, site.vault)
    yield store
    store.close()


@pytest.fixture
def day(site_store: Store, tmp_path: Path) -> Day:
    """An empty day on the site's store."""
    return Day(site_store, tmp_path)


@pytest.fixture
def day_on(tmp_path: Path) -> Callable[[Store], Day]:
    """An empty day on any store."""
    return lambda store: Day(store, tmp_path)


@pytest.fixture
def define(tmp_path: Path) -> Callable[..., dict[str, Instrument]]:
    """Definitions by name, with changes to recipe entries."""

    def _define(**changes: dict[str, Any]) -> dict[str, Instrument]:
        return {"TRIAL": write_instrument(tmp_path / "trial", **changes)}

    return _define


@pytest.fixture
def fork() -> Callable[[Callable[[], object]], int]:
    """Run something in a child process that has all modules already; gives its number."""

    def _fork(work: Callable[[], object]) -> int:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # threads: none of them is needed
            pid = os.fork()
        if pid == 0:
            try:
                work()
            finally:
                os._exit(0)
        return pid

    return _fork
