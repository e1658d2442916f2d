"""Real light of a quasar: a folder of raw frames becomes products of the standard, and a stack."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from vltflow.cli.app import run as run_command

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]
EXPOSURES = [f"390_{number:02d}" for number in range(1, 11)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, real_data: Path) -> Iterator[Path]:
    """All exposures of three years with their calibrations, nothing set up."""
    tool = real_data.parent / "tools" / "repaint_uves.py"
    if not tool.is_file():
        pytest.skip(f"no tool {tool} that paints real spectra as raw frames")
    found = tmp_path_factory.mktemp("quasar")
    for exposure in EXPOSURES:
        spectra = real_data / "uves" / "HE1341-1020"
        call = [sys.executable, str(tool), str(spectra), exposure, str(found)]
        subprocess.run(call, check=True, capture_output=True)
    for truth in found.glob("*.truth.fits"):
        truth.unlink()
    assert run_command(["reduce", str(found)]) == 0
    yield found
    shutil.rmtree(found)  # 2 GB


def science(folder: Path) -> list[Path]:
    return [
        path
        for path in sorted((folder / "products").glob("*.fits"))
        if fits.getval(path, "PRODCATG") == "SCIENCE.SPECTRUM"
    ]


def test_each_exposure_and_their_stack_are_products_of_the_standard(folder, command):
    products = science(folder)
    assert len(products) == len(EXPOSURES) + 1
    assert "0 refused" in command("validate", *map(str, products))
    combined = {fits.getval(path, "NCOMBINE") for path in products}
    assert combined == {1, len(EXPOSURES)}
    assert all(path.with_suffix(".png").is_file() for path in products)


def test_the_stack_gains_what_its_exposures_should(folder):
    ratio: dict[int, list[float]] = {1: [], len(EXPOSURES): []}
    for path in science(folder):
        ratio[fits.getval(path, "NCOMBINE")].append(fits.getval(path, "SNR"))
    expected = np.sqrt(sum(value**2 for value in ratio[1]))
    (stacked,) = ratio[len(EXPOSURES)]
    assert stacked == pytest.approx(expected, rel=0.15)


def test_the_stack_is_explained_and_made_again_to_the_bit(folder, command, tmp_path):
    (stack,) = [path for path in science(folder) if fits.getval(path, "NCOMBINE") > 1]
    here = ["--site", str(folder / "products" / ".vltflow")]
    (said,) = command("explain", str(stack), "--json", *here)
    assert said["science"]["name"] == stack.name
    raw_types = {one["raw_type"] for one in said["raw_frames"]}
    assert {"SCI_POINT_BLUE", "BIAS_BLUE", "FLAT_BLUE", "ARC_LAMP_BLUE"} <= raw_types
    rows = command("rebuild", str(stack), "--out", str(tmp_path), "--json", *here)
    assert {row["result"] for row in rows} == {"IDENTICAL"}
    assert (tmp_path / stack.name).read_bytes() == stack.read_bytes()


def test_a_second_run_makes_nothing(folder, command):
    before = {path: path.stat().st_mtime_ns for path in science(folder)}
    (said,) = command("reduce", str(folder), "--json")
    assert said["complete"]
    assert not any(row["red"] for row in said["science"])
    assert {path: path.stat().st_mtime_ns for path in science(folder)} == before
