"""Frames that come late, schedulers that meet, commands that are killed."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from astropy.io import fits

from vltflow.core.site import load_site
from vltflow.store import Store

NIGHT = "2015-02-26"
pytestmark = pytest.mark.slow


@pytest.fixture
def bias_frames(small_day) -> list[Path]:
    """The five frames of the day's first blue bias template."""
    (block,) = [one for one in small_day.blocks if one["raw_type"] == "BIAS_BLUE"][:1]
    return [small_day.folder / name for name in block["files"]]


def _only(rows: list[dict]) -> dict:
    assert len(rows) == 1
    return rows[0]


def test_a_late_frame_completes_its_ab(command, empty_site, bias_frames) -> None:
    command("ingest", *map(str, bias_frames[:4]))
    command("night", NIGHT, "--instrument", "UVES")
    assert _only(command("status", "--json"))["status"] == "BLOCKED"
    command("ingest", str(bias_frames[4]))
    command("night", NIGHT, "--instrument", "UVES")
    row = _only(command("status", "--json"))
    assert (row["status"], row["certification"]) == ("SUCCEEDED", "AUTO")


def test_a_frame_later_than_the_product_reopens_the_ab_and_supersedes(
    command, empty_site, bias_frames, tmp_path
) -> None:
    command("ingest", *map(str, bias_frames))
    command("night", NIGHT, "--instrument", "UVES")
    extra = _sixth_frame(bias_frames[4], tmp_path)
    command("ingest", str(extra))
    command("night", NIGHT, "--instrument", "UVES")
    shown = _only(command("ab", "show", _only(command("status", "--json"))["ab"], "--json"))
    assert shown["revision"] == 2
    assert len(shown["frames"]) == 6
    assert {one["status"] for one in shown["products"]} == {"SUPERSEDED", "CERTIFIED"}
    assert len(command("masters", "find", "--instrument", "UVES", "--json")) == 1


def _sixth_frame(source: Path, folder: Path) -> Path:
    """The last exposure of the template, repeated: other time, other content."""
    target = folder / "late.fits"
    shutil.copy(source, target)
    with fits.open(target, mode="update", do_not_scale_image_data=True, memmap=False) as hdus:
        header = hdus[0].header
        header["MJD-OBS"] += 40 / 86400
        del header["DATE-OBS"]
        header["ARCFILE"] = "UVES.2015-02-27T10:07:29.805.fits"
        hdus[0].data[:5] = hdus[0].data[5:10]
    return target


def test_the_same_frames_again_are_known(command, empty_site, bias_frames) -> None:
    command("ingest", *map(str, bias_frames))
    assert "0 new, 5 known, 0 rejected" in command("ingest", *map(str, bias_frames))


def test_a_second_scheduler_refuses_politely(command, empty_site, bias_frames) -> None:
    site = load_site(empty_site)
    command("ingest", *map(str, bias_frames))
    with Store(site.database, site.vault).exclusive("scheduler"):
        said = command("night", NIGHT, "--instrument", "UVES", code=2)
    assert "already running" in said
    command("night", NIGHT, "--instrument", "UVES")


def test_a_night_killed_again_and_again_ends_as_if_it_had_not_been(
    command, empty_site, small_day
) -> None:
    command("ingest", str(small_day.folder))
    program = [sys.executable, "-m", "vltflow", "night", NIGHT, "--instrument", "UVES"]
    moments = random.Random(20150226)
    for _ in range(6):
        night = subprocess.Popen(
            program, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        time.sleep(moments.uniform(2.0, 9.0))
        os.killpg(night.pid, signal.SIGKILL)
        night.wait()
    command("night", NIGHT, "--instrument", "UVES")
    rows = command("status", "--json")
    assert sum(row["certification"] == "AUTO" for row in rows) == 16
    for row in rows:
        if row["status"] == "SUCCEEDED":
            products = _only(command("ab", "show", row["ab"], "--json"))["products"]
            categories = [one["category"] for one in products]
            assert len(categories) == len(set(categories))


def test_a_night_runs_on_postgresql_too(
    command, empty_site, bias_frames, postgresql_database
) -> None:
    configuration = empty_site / "vltflow.toml"
    text = configuration.read_text()
    configuration.write_text(text.replace("sqlite:///registry.sqlite", postgresql_database))
    command("ingest", *map(str, bias_frames))
    command("night", NIGHT, "--instrument", "UVES")
    assert _only(command("status", "--json"))["certification"] == "AUTO"


def test_a_raw_file_that_vanished_fails_its_ab_with_its_name(
    command, empty_site, bias_frames, tmp_path
) -> None:
    copies = [Path(shutil.copy(frame, tmp_path)) for frame in bias_frames]
    command("ingest", *map(str, copies))
    copies[2].unlink()
    command("night", NIGHT, "--instrument", "UVES", code=1)
    row = _only(command("status", "--json"))
    assert row["status"] == "FAILED"
    assert copies[2].name in row["problem"]
    shutil.copy(bias_frames[2], tmp_path)
    command("ab", "retry", row["ab"], "--comment", "file is back")
    command("night", NIGHT, "--instrument", "UVES")
    assert _only(command("status", "--json"))["certification"] == "AUTO"
