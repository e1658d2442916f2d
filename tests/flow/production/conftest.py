"""A small spectrograph, and months of science with it, through all rooms."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from vltflow.cli.app import run as run_command
from vltflow.core.time import iso_from_mjd, mjd_from_iso

HERE = Path(__file__).parent
_FILES = {
    "instrument.yaml": """
name: LAMP
title: A lamp
prefix: LP
instrume: [LAMP]
mandatory: [MJD-OBS]
detectors:
  ONE: [{name: ONE, extension: 0, output: 1, saturation: 65000}]
""",
    "classification.yaml": """
rules:
  - {raw_type: BIAS, when: {DPR.TYPE: BIAS}}
  - {raw_type: SCI, when: {DPR.CATG: SCIENCE}}
""",
    "association.yaml": """
raw_types:
  BIAS:
    {detector: ONE, group: template, recipe: bias, setup: [INS.MODE], label: "{INS.MODE}"}
  SCI:
    detector: ONE
    kind: science
    group: frame
    recipe: science
    setup: [INS.MODE]
    label: "{INS.MODE}"
    masters:
      - category: MASTER_BIAS_ONE
        match: [INS.MODE]
        levels: [{level: 0, days: 3}, {level: 2, days: 30}]
""",
    "recipes.yaml": """
recipes:
  bias:
    title: Master bias
    runner: native
    native: {recipe: "lamp_recipes:Bias", cores: 1, memory_mb: 100, wall_s: 60}
    products:
      - {role: MASTER_BIAS, category: "MASTER_BIAS_{chip}", name: "LP_B_{date}{letter}.fits"}
  science:
    title: Science
    runner: native
    native: {recipe: "lamp_recipes:Science", cores: 1, memory_mb: 100, wall_s: 60}
    products:
      - role: REDUCED
        category: "REDUCED_{chip}"
        name: "LP_S_{date}{letter}.fits"
        master: false
""",
    "qc.yaml": """
parameters:
  - {name: QC LEVEL, unit: adu, description: Mean level}
""",
    "scores.yaml": """
certify_level: 1
thresholds:
  - parameter: QC LEVEL
    categories: [MASTER_BIAS_ONE, REDUCED_ONE]
    method: FIXED
    low: 0
    high: 1000
    reason: as always
""",
}


@dataclass
class Observatory:
    """Takes raw frames with the lamp, and runs commands on its site."""

    site: Path
    raw: Path
    rules: Path

    def expose(self, moment: str, level: float, *, target: str = "", mode: str = "A") -> None:
        """One frame; of a target if it is science, else a template of two biases."""
        mjd = mjd_from_iso(moment)
        for number in range(1 if target else 2):
            self._write(mjd + number / 1000, level, target, mode, number + 1)

    def night(self, date: str, targets: dict[str, float], *, bias: bool = True) -> None:
        """Biases in the evening, then one exposure of each target with its light."""
        if bias:
            self.expose(f"{date}T22:00:00", 100.0)
        for number, (target, light) in enumerate(targets.items()):
            self.expose(f"{date}T23:{number:02d}:00", 100.0 + light, target=target)

    def _write(self, mjd: float, level: float, target: str, mode: str, number: int) -> None:
        cards = {
            "INSTRUME": "LAMP", "MJD-OBS": mjd, "DATE-OBS": iso_from_mjd(mjd), "EXPTIME": 1.0,
            "ESO DPR CATG": "SCIENCE" if target else "CALIB",
            "ESO DPR TYPE": "OBJECT" if target else "BIAS", "ESO DPR TECH": "IMAGE",
            "ESO TPL START": iso_from_mjd(mjd - (number - 1) / 1000), "ESO TPL EXPNO": number,
            "ESO TPL NEXP": 1 if target else 2, "ESO OBS TARG NAME": target or "lamp",
            "ESO OBS PROG ID": f"084.{target[:1] or 'C'}-0001(A)", "ESO INS MODE": mode,
            "ESO DET OUT1 CONAD": 1.0, "ESO DET OUT1 RON": 2.0,
        }  # fmt: skip
        header = fits.Header([(f"HIERARCH {k}" if " " in k else k, v) for k, v in cards.items()])
        noise = np.random.default_rng(int(mjd * 1e5)).integers(-5, 6, (8, 16))
        path = self.raw / f"LAMP.{iso_from_mjd(mjd)}.fits"
        pixels = np.round(level + noise).astype(np.uint16)
        fits.PrimaryHDU(pixels, header).writeto(path, overwrite=True)

    def run(self, *words: str) -> int:
        """One command on the site."""
        return run_command([*words, "--site", str(self.site)])


@pytest.fixture(scope="session", autouse=True)
def _lamp_recipes() -> Iterator[None]:
    """The recipes can be imported here and in worker processes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(HERE))
        paths = [str(HERE), *filter(None, [os.environ.get("PYTHONPATH")])]
        patch.setenv("PYTHONPATH", os.pathsep.join(paths))
        yield
    sys.modules.pop("lamp_recipes", None)


@pytest.fixture
def observatory(tmp_path: Path) -> Observatory:
    """A site with the lamp, and no frame yet."""
    found = Observatory(tmp_path / "site", tmp_path / "raw", tmp_path / "rules")
    found.raw.mkdir()
    found.rules.mkdir()
    for name, text in _FILES.items():
        (found.rules / name).write_text(text, encoding="utf-8")
    assert run_command(["init", str(found.site), "--cores", "2", "--memory-mb", "1000"]) == 0
    with (found.site / "vltflow.toml").open("a", encoding="utf-8") as file:
        file.write(f'[instruments]\nLAMP = "{found.rules}"\n')
    return found


@pytest.fixture
def two_months(observatory: Observatory) -> Observatory:
    """Two nights in October with biases, and one in November without."""
    observatory.night("2010-10-03", {"HE1": 50, "HE2": 60})
    observatory.night("2010-10-04", {"HE1": 55, "Dark": 0})
    observatory.night("2010-11-01", {"HE3": 50}, bias=False)
    assert observatory.run("ingest", str(observatory.raw)) == 0
    return observatory


@pytest.fixture
def on(command: Callable, observatory: Observatory) -> Callable:
    """Run a command on the site; gives what it printed, parsed if it is JSON."""
    return lambda *words, code=0: command(*words, "--site", str(observatory.site), code=code)


@pytest.fixture
def kill_at_work(tmp_path: Path) -> Callable:
    """Start a command in a process of its own, and kill it some seconds after science began."""
    marker = tmp_path / "at work"

    def run(*words: str, after: float = 0.0) -> None:
        marker.unlink(missing_ok=True)
        victim = subprocess.Popen(
            [sys.executable, "-m", "vltflow", *words], start_new_session=True,
            env=os.environ | {"LAMP_SLOW": str(marker)},
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        while not marker.exists() and victim.poll() is None:
            time.sleep(0.01)
        time.sleep(after)
        victim.kill()
        victim.wait()

    return run
