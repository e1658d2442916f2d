"""A small instrument with a cascade of five raw types, and frames for it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest

from vltflow.core.time import night_of
from vltflow.instruments import Instrument, load_folder
from vltflow.records import RawFrame
from vltflow.store import Store, pack_headers

_FILES = {
    "instrument.yaml": """
name: TOY
title: A toy
prefix: TY
instrume: [TOY]
mandatory: [MJD-OBS]
detectors:
  CCD: [{name: CCD, extension: 0, output: 1, quarter_turns: 0, saturation: 65000}]
""",
    "classification.yaml": "rules: [{raw_type: BIAS, when: {DPR.TYPE: BIAS}}]",
    "association.yaml": """
raw_types:
  BIAS: {detector: CCD, group: template, minimum: 2, recipe: bias, setup: [BIN], label: "{BIN}"}
  DARK:
    detector: CCD
    group: template
    recipe: dark
    setup: [BIN]
    label: "{BIN}"
    masters:
      - &bias
        category: MASTER_BIAS
        match: [BIN]
        levels: [{level: -1, days: 0.5}, {level: 0, days: 2}, {level: 2, days: 10}]
  FLAT:
    detector: CCD
    group: template
    recipe: flat
    setup: [BIN, SLIT]
    label: "{BIN}_{SLIT}"
    masters:
      - *bias
      - category: MASTER_DARK
        required: false
        match: [BIN]
        levels: [{level: 0, days: 20}]
  ARC:
    detector: CCD
    group: frame
    recipe: arc
    setup: [BIN, SLIT]
    label: "{BIN}_{SLIT}"
    masters:
      - category: MASTER_FLAT
        match: [BIN, SLIT]
        levels: [{level: 0, days: 1}, {level: 1, days: 3, match: [BIN]}]
  STAR:
    detector: CCD
    kind: science
    group: frame
    recipe: star
    setup: [BIN, SLIT]
    label: "{BIN}_{SLIT}"
    masters:
      - *bias
      - category: LINES
        match: [BIN]
        levels: [{level: 0, days: 3}]
        when: {SLIT: {above: 0}}
  NOISE: {detector: CCD, group: none, setup: [BIN], label: "{BIN}"}
""",
    "recipes.yaml": """
recipes:
  bias:
    title: b
    runner: native
    native: {recipe: b}
    products: [{role: MASTER_BIAS, category: MASTER_BIAS, name: "b"}]
  dark:
    title: d
    runner: native
    native: {recipe: d}
    products: [{role: MASTER_DARK, category: MASTER_DARK, name: "d"}]
  flat:
    title: f
    runner: native
    native: {recipe: f}
    products: [{role: MASTER_FLAT, category: MASTER_FLAT, name: "f"}]
  arc: {title: a, runner: none, products: [{role: LINES, category: LINES, name: "a"}]}
  star:
    title: s
    runner: native
    native: {recipe: s}
    products: [{role: SPECTRUM, category: SPECTRUM, name: "s"}]
""",
    "qc.yaml": "parameters: []",
    "scores.yaml": "thresholds: []",
}

Frames = Callable[..., list[RawFrame]]


@pytest.fixture(scope="session")
def toy_files() -> dict[str, str]:
    return dict(_FILES)


@pytest.fixture(scope="session")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Instrument:
    folder = tmp_path_factory.mktemp("toy")
    for name, text in _FILES.items():
        (folder / name).write_text(text)
    return load_folder(folder)


def make_frames(
    raw_type: str,
    day: float,
    count: int = 1,
    *,
    expnos: tuple[int, ...] = (),
    tpl: str | None = None,
    binning: int = 1,
    slit: float = 1,
    exptime: float = 0.0,
) -> list[RawFrame]:
    """Classified frames of one template that announces `count`; day is MJD - 57000."""
    numbers = expnos or tuple(range(1, count + 1))
    keys: dict[str, Any] = {"BIN": binning}
    if raw_type in {"FLAT", "ARC", "STAR"}:
        keys["SLIT"] = slit
    found = []
    for place, number in enumerate(numbers):
        mjd = 57000.0 + day + (number - 1) * 1e-3 + place * 1e-7
        name = f"TOY.{raw_type}.{mjd:.8f}.{binning}.{slit:g}"
        found.append(
            RawFrame(
                frame_id=hashlib.sha256(name.encode()).hexdigest(),
                name=name,
                instrument="TOY",
                location=f"/raw data/{name}.fits",
                size=1,
                mjd_obs=mjd,
                night=night_of(mjd),
                exptime=exptime,
                dpr_catg="CALIB",
                tpl_start=tpl if tpl is not None else f"T{day:.6f}",
                tpl_nexp=count,
                tpl_expno=number,
                raw_type=raw_type,
                setup="_".join(f"{value:g}" for value in keys.values()),
                setup_keys=json.dumps(keys, sort_keys=True, separators=(",", ":")),
                context="toy",
            )
        )
    return found


@pytest.fixture(scope="session")
def frames() -> Frames:
    return make_frames


def ingest(store: Store, *groups: list[RawFrame]) -> None:
    """Put classified frames into a store."""
    packed = pack_headers([{}])
    with store.write(by="test", why="test") as change:
        change.frames.add([(frame, packed) for group in groups for frame in group])


@pytest.fixture(scope="session")
def put() -> Callable[..., None]:
    return ingest
