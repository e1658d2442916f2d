"""A campaign of many small exposures: cost of one, and how busy the cores are.

    python benches/bench_campaign.py [--exposures 100 1000] [--work 0.3] [--json PATH]

Each exposure is a raw frame of 1 MB with a recipe that works `--work` seconds on one core, as the
native science recipe does on a small window; so what is measured is the house around it:
ingestion excluded, everything from classification to certified products and the report included.
The campaign runs in a process of its own. Compared, in the same run, with the work alone.

What should be seen: the same cost an exposure for 100 and for 1,000, and cores that are
held by jobs for 90 % of the time or more.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from astropy.io import fits

from vltflow.core.time import iso_from_mjd

FIRST_NIGHT = 55470.9
PER_NIGHT = 50
RECIPE = '''
import time
from typing import ClassVar

import numpy as np
from vltflow.recipes import (
    MasterInput, Output, Parameters, ProductData, QcDeclaration, RawInput, Recipe, RecipeResult,
)


class WorkParameters(Parameters):
    """How long it works."""

    seconds: float = 0.3
    """CPU time, s."""


def result(role, data):
    values = {"QC LEVEL": float(data.mean())}
    zeros = np.zeros(data.shape, np.uint8)
    return RecipeResult((ProductData(role, data, data, zeros, {"BUNIT": "adu"}, values, ()),))


class Bias(Recipe):
    """Mean."""

    name: ClassVar = "bench.bias"
    version: ClassVar = "1"
    summary: ClassVar = "Mean"
    raw: ClassVar = RawInput(1)
    masters: ClassVar = ()
    outputs: ClassVar = (Output("MASTER_BIAS", "mean"),)
    parameters: ClassVar = Parameters
    qc: ClassVar = (QcDeclaration("QC LEVEL", "adu", "mean"),)

    def process(self, inputs, parameters):
        frames = [frame.rows(0, frame.shape[0]) for frame in inputs.frames]
        return result("MASTER_BIAS", np.mean(frames, axis=0).astype(np.float32))


class Science(Bias):
    """Difference, after some work."""

    name: ClassVar = "bench.science"
    masters: ClassVar = (MasterInput("MASTER_BIAS"),)
    outputs: ClassVar = (Output("REDUCED", "difference"),)
    parameters: ClassVar = WorkParameters

    def process(self, inputs, parameters):
        frame = inputs.frames[0]
        data = frame.rows(0, frame.shape[0]) - inputs.masters["MASTER_BIAS"].data
        end = time.process_time() + parameters.seconds
        while time.process_time() < end:
            np.sort(data, axis=0)
        return result("REDUCED", data.astype(np.float32))
'''
FILES = {
    "instrument.yaml": """
name: BENCH
title: Bench
prefix: BE
instrume: [BENCH]
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
  BIAS: {detector: ONE, group: template, recipe: bias, setup: [INS.MODE], label: "{INS.MODE}"}
  SCI:
    detector: ONE
    kind: science
    group: frame
    recipe: science
    setup: [INS.MODE]
    label: "{INS.MODE}"
    masters:
      - {category: MASTER_BIAS_ONE, match: [INS.MODE], levels: [{level: 0, days: 30}]}
""",
    "qc.yaml": "parameters: [{name: QC LEVEL, unit: adu, description: Mean level}]\n",
    "scores.yaml": """
thresholds:
  - parameter: QC LEVEL
    categories: [REDUCED_ONE, MASTER_BIAS_ONE]
    method: FIXED
    low: 0
    reason: bench
""",
}


def write_rules(folder: Path, work: float) -> None:
    """The definition, and the module of its recipes beside it."""
    folder.mkdir()
    resources = "cores: 1, memory_mb: 100, wall_s: 60"
    recipes = f"""
recipes:
  bias:
    title: Master bias
    runner: native
    native: {{recipe: "bench_recipes:Bias", {resources}}}
    products: [{{role: MASTER_BIAS, category: "MASTER_BIAS_{{chip}}", name: "B_{{date}}.fits"}}]
  science:
    title: Science
    runner: native
    native: {{recipe: "bench_recipes:Science", parameters: {{seconds: {work}}}, {resources}}}
    products:
      - {{role: REDUCED, category: "REDUCED_{{chip}}", name: "S_{{date}}.fits", master: false}}
"""
    for name, text in (FILES | {"recipes.yaml": recipes}).items():
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "bench_recipes.py").write_text(RECIPE, encoding="utf-8")


def write_frames(folder: Path, exposures: int) -> None:
    """One bias and 50 exposures a night."""
    folder.mkdir()
    for number in range(exposures):
        night, place = divmod(number, PER_NIGHT)
        if place == 0:
            write_frame(folder, FIRST_NIGHT + night, "BIAS")
        write_frame(folder, FIRST_NIGHT + night + 0.1 + place / 1000, "OBJECT")


def write_frame(folder: Path, mjd: float, kind: str) -> None:
    """A raw frame of 512 x 1024 pixels."""
    cards = {
        "INSTRUME": "BENCH", "MJD-OBS": mjd, "EXPTIME": 1.0, "ESO DPR TYPE": kind,
        "ESO DPR CATG": "CALIB" if kind == "BIAS" else "SCIENCE", "ESO DPR TECH": "IMAGE",
        "ESO TPL START": iso_from_mjd(mjd), "ESO TPL NEXP": 1, "ESO TPL EXPNO": 1,
        "ESO INS MODE": "A", "ESO DET OUT1 CONAD": 1.0, "ESO DET OUT1 RON": 2.0,
    }  # fmt: skip
    header = fits.Header([(f"HIERARCH {k}" if " " in k else k, v) for k, v in cards.items()])
    light = 100 if kind == "BIAS" else 600
    pixels = np.random.default_rng(int(mjd * 1e5)).normal(light, 5, (512, 1024))
    pixels = pixels.astype(np.uint16)
    fits.PrimaryHDU(pixels, header).writeto(folder / f"BENCH.{iso_from_mjd(mjd)}.fits")


def measure(exposures: int, work: float, cores: int) -> dict[str, float]:
    """A campaign from classified nothing to its reports."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_rules(folder / "rules", work)
        write_frames(folder / "raw", exposures)
        site = folder / "site"
        environment = os.environ | {"PYTHONPATH": str(folder / "rules")}

        def run(*words: str) -> str:
            program = [sys.executable, "-m", "vltflow", *words, "--site", str(site)]
            return subprocess.run(
                program, env=environment, check=True, capture_output=True, text=True
            ).stdout

        run_words = ["init", str(site), "--cores", str(cores), "--memory-mb", "2000"]
        subprocess.run([sys.executable, "-m", "vltflow", *run_words], check=True,
                       capture_output=True)  # fmt: skip
        with (site / "vltflow.toml").open("a") as file:
            file.write(f'[instruments]\nBENCH = "{folder / "rules"}"\n')
        run("ingest", str(folder / "raw"))
        months = ["--from", "2010-10", "--to", "2010-11"]
        said = run("campaign", "run", "BENCH", *months, "--complete", "--json")
        reports = json.loads(said)
    made = sum(one["states"].get("SUCCEEDED", 0) for one in reports)
    assert made == exposures, reports
    wall = sum(one["elapsed_s"] for one in reports)
    held = sum(one["elapsed_s"] * one["cores_held"] for one in reports)
    used = sum(one["elapsed_s"] * one["cores_used"] for one in reports)
    return {
        "exposures": exposures,
        "wall_s": wall,
        "ms_an_exposure": 1000 * wall / exposures,
        "work_alone_ms": 1000 * work / cores,
        "cores_held": held / wall,
        "cores_used": used / wall,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--exposures", type=int, nargs="+", default=[100, 1000])
    parser.add_argument("--work", type=float, default=0.3, help="CPU seconds of one exposure")
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    found = [measure(number, options.work, options.cores) for number in options.exposures]
    print("exposures   wall [s]   ms/exposure   work alone   cores held   cores used")
    for one in found:
        print(
            f"{one['exposures']:9.0f} {one['wall_s']:10.1f} {one['ms_an_exposure']:13.1f} "
            f"{one['work_alone_ms']:12.1f} {100 * one['cores_held']:10.1f} % "
            f"{100 * one['cores_used']:10.1f} %"
        )
    ratio = found[-1]["ms_an_exposure"] / found[0]["ms_an_exposure"]
    print(f"cost an exposure, {options.exposures[-1]} against {options.exposures[0]}: {ratio:.2f}")
    if options.json:
        options.json.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
