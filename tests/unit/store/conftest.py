"""Records to store, and a store that holds one of each."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from vltflow.records import (
    AssociationBlock,
    Batch,
    BatchState,
    Campaign,
    Decision,
    HistoricalProduct,
    Job,
    Master,
    Product,
    QcValue,
    Quarantined,
    RawFrame,
    ScienceProduct,
    StaticCalibration,
    Verdict,
)
from vltflow.store import Store, pack_headers

SETUP = {"setup": "1x1_390nm", "setup_keys": '{"DET.WIN1.BINX":1}'}


class Make:
    """Builders of records; a number makes each different, named fields change it."""

    def frame(self, number: int, **changes: Any) -> RawFrame:
        frame = RawFrame(
            frame_id=f"{number:064x}",
            name=f"UVES.{number:06d}",
            instrument="UVES",
            location=f"/raw/UVES.{number:06d}.fits",
            size=13_000_000,
            mjd_obs=57080.0 + number / 1000,
            night="2015-02-26",
            exptime=0.0,
        )
        return replace(frame, **changes)

    def historical(self, **changes: Any) -> HistoricalProduct:
        product = HistoricalProduct(
            source_id="ab" * 32,
            instrument="UVES",
            raw_type="BIAS_BLUE",
            **SETUP,
            category="MASTER_BIAS_BLUE",
            name="masterbias_blue.fits",
            night="2010-05-07",
            mjd=55324.0,
            pipeline="uves/4.7.8",
            recipe="uves_cal_mbias",
            origin="/archive/headers.json",
            imported="2026-01-01T00:00:00",
        )
        return replace(product, **changes)

    def science(self, number: int, **changes: Any) -> ScienceProduct:
        science = ScienceProduct(
            science_id=f"science{number}", block=f"UVES.{number:06d}_tpl", revision=1,
            instrument="UVES", night="2015-02-26", category="SCIENCE.SPECTRUM", target="HE1",
            setup="1x1", mjd_obs=57080.0 + number, name=f"UVES_HE1_{number}.fits", version=1,
            archive_name=f"ADP.{number}.fits", file_id="a" * 64, size=2880, snr=10.0, bits="000",
            created="2026-01-01T00:00:00.000", inputs=(f"product{number}",),
        )  # fmt: skip
        return replace(science, **changes)

    def campaign(self, name: str) -> Campaign:
        return Campaign(name, "UVES", '{"targets":["HE"]}', "2026-01-01T00:00:00.000", "Ada")

    def batch(self, campaign: str, month: str, **changes: Any) -> Batch:
        batch = Batch(campaign, month, BatchState.RUNNING, "c" * 16, "2026-01-01T00:00:00.000")
        return replace(batch, **changes)

    def block(self, number: int, **changes: Any) -> AssociationBlock:
        block = AssociationBlock(
            name=f"UVES.{number:06d}_tpl",
            instrument="UVES",
            night="2015-02-26",
            raw_type="BIAS_BLUE",
            **SETUP,
            recipe="uves_cal_mbias",
            grouping="tpl",
            group_key=f"group {number}",
            frames=(),
            masters=(),
            expected=5,
            complete=True,
            mjd_start=57080.0 + number,
            mjd_mid=57080.1 + number,
            mjd_end=57080.2 + number,
            context="c" * 64,
        )
        return replace(block, **changes)

    def job(self, number: int, **changes: Any) -> Job:
        job = Job(
            job_id=f"job{number}",
            block=f"UVES.{number:06d}_tpl",
            revision=1,
            recipe="uves_cal_mbias",
            recipe_version="1",
            runner="native",
            parameters="{}",
            input_hash="h" * 64,
            cores=1,
            memory_mb=100,
            wall_s=60,
            created="2026-01-01T00:00:00.000",
        )
        return replace(job, **changes)

    def product(self, number: int, **changes: Any) -> Product:
        product = Product(
            product_id=f"product{number}",
            block=f"UVES.{number:06d}_tpl",
            revision=1,
            job_id=f"job{number}",
            instrument="UVES",
            night="2015-02-26",
            category="MASTER_BIAS_BLUE",
            **SETUP,
            mjd=57080.1 + number,
            file_id="f" * 64,
            size=1000,
            name=f"UV_MBIA_{number:06d}.fits",
            created="2026-01-01T00:00:00.000",
            inputs=("a", "b"),
        )
        return replace(product, **changes)

    def master(self, number: int, **changes: Any) -> Master:
        master = Master(
            product_id=f"product{number}",
            name=f"UV_MBIA_{number:06d}.fits",
            instrument="UVES",
            category="MASTER_BIAS_BLUE",
            **SETUP,
            mjd=57080.1 + number,
            valid_from=57080.0 + number,
            valid_to=57081.0 + number,
            file_id="f" * 64,
        )
        return replace(master, **changes)

    def static(self, number: int, **changes: Any) -> StaticCalibration:
        static = StaticCalibration(
            static_id=f"static{number}", instrument="UVES", category="LINE_REFER_TABLE",
            name=f"lines{number}.fits", file_id="e" * 64, size=2880, keys="{}", builder="",
            origin="NIST", licence="CC0", valid_from=50000.0, valid_to=60000.0, added="2026",
        )  # fmt: skip
        return replace(static, **changes)

    def value(self, number: int, **changes: Any) -> QcValue:
        value = QcValue(
            block=f"UVES.{number:06d}_tpl",
            revision=1,
            product_id=f"product{number}",
            instrument="UVES",
            night="2015-02-26",
            raw_type="BIAS_BLUE",
            setup=SETUP["setup"],
            category="MASTER_BIAS_BLUE",
            parameter="QC OUT1 RON MASTER",
            value=2.0 + number,
            unit="ADU",
            mjd=57080.1 + number,
        )
        return replace(value, **changes)

    def verdict(self, number: int, **changes: Any) -> Verdict:
        verdict = Verdict(
            block=f"UVES.{number:06d}_tpl",
            revision=1,
            decision=Decision.ACCEPTED,
            who="Maria",
            comment="fine",
            decided="2026-01-01T00:00:00.000",
        )
        return replace(verdict, **changes)

    def refused(self, number: int, **changes: Any) -> Quarantined:
        refused = Quarantined(
            location=f"/raw/{number}.fits",
            reason="it ends too early",
            code="unreadable_file",
            size=7,
            found="2026-01-01T00:00:00.000",
        )
        return replace(refused, **changes)


@pytest.fixture(scope="session")
def make() -> Make:
    """Builders of records."""
    return Make()


PRELUDE = """
import os, signal, sys, time
from pathlib import Path
from vltflow.store import Store, Vault
"""


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts Python code in a process of its own; what still runs at the end is killed."""
    processes = []

    def started(code: str, *arguments: object) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", PRELUDE + textwrap.dedent(code), *map(str, arguments)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        processes.append(process)
        return process

    yield started
    for process in processes:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.fixture
def filled(store: Store, make: Make) -> Store:
    """Store with three ABs: two frames, a job and a product each."""
    with store.write(by="test", why="a start") as tx:
        frames = [make.frame(number) for number in range(6)]
        tx.frames.add([(frame, pack_headers([{}])) for frame in frames])
        for number in range(3):
            ids = tuple(frame.frame_id for frame in frames[2 * number : 2 * number + 2])
            tx.blocks.add([make.block(number, frames=ids)])
            tx.jobs.add([make.job(number)])
            tx.products.add([make.product(number)])
    return store
