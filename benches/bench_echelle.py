"""Speed of the native echelle recipes against ESO's on the same simulated frames.

    python benches/bench_echelle.py [--json FILE] [--setting 390]

One blue frame of each kind at full size. Ours: ``process()`` in a warm process, reading
included, median of five; ESO's: one `esorex` call, which includes its start, median of five
as well. Where esorex is absent only ours are measured.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from vltflow.instruments import load
from vltflow.instruments.uves import statics
from vltflow.process.runners.frames import FrameImage, chip_of, tables_of
from vltflow.recipes import MasterTable, RecipeInputs, find_recipe
from vltflow.simulate import simulate_day

NIGHT = "2015-02-26"
REPEATS = 5
KINDS = {"ARC_LAMP_FORM_BLUE": "0.7", "ORDER_FLAT_BLUE": "1.2", "ARC_LAMP_BLUE": "0.6"}


def median_s(function: Callable[[], object]) -> float:
    times = []
    for _ in range(REPEATS):
        begin = time.perf_counter()
        function()
        times.append(time.perf_counter() - begin)
    return statistics.median(times)


def frames(folder: Path, setting: int) -> dict[str, Path]:
    setups = [f"blue_1x1_{setting}nm_{width}" for width in KINDS.values()]
    day = simulate_day("uves", NIGHT, folder, raw_types=list(KINDS), setups=setups)
    return {block["raw_type"]: folder / block["files"][0] for block in day.blocks}


def native(raw: dict[str, Path], folder: Path) -> dict[str, float]:
    (section,) = load("UVES").header.detectors["BLUE"]
    tables = {}
    for role, build in (
        ("SPECTRAL_FORMAT_TAB", statics.spectral_format),
        ("LINE_REFER_TABLE", statics.line_reference),
    ):
        build(folder / f"{role}.fits")
        tables[role] = tables_of(folder / f"{role}.fits", role)

    def run(kind: str, name: str) -> MasterTable:
        image = FrameImage(raw[kind], section.extension, name=kind, repairs={})
        chip = chip_of(section.model_dump(), image.header, kind)
        recipe = find_recipe(name)
        inputs = RecipeInputs((image,), {}, chip, 2, tables)
        (made,) = recipe.process(inputs, recipe.parameters()).products
        image.close()
        return MasterTable({one.name: one.rows for one in made.tables}, made.header, made.role)

    order = ("ORDER_FLAT_BLUE", "echelle.order_definition")
    arc = ("ARC_LAMP_BLUE", "echelle.wavelength_calibration")
    tables["ORDER_TABLE"] = run(*order)
    run(*arc)
    return {
        "uves_cal_orderpos": median_s(lambda: run(*order)),
        "uves_cal_wavecal": median_s(lambda: run(*arc)),
    }


def esorex(raw: dict[str, Path], folder: Path) -> dict[str, float]:
    reference = f"{folder}/LINE_REFER_TABLE.fits LINE_REFER_TABLE"
    steps = {
        "uves_cal_predict": [f"{raw['ARC_LAMP_FORM_BLUE']} ARC_LAMP_FORM_BLUE", reference],
        "uves_cal_orderpos": [
            f"{raw['ORDER_FLAT_BLUE']} ORDER_FLAT_BLUE",
            "orderguesstable_blue.fits ORDER_GUESS_TAB_BLUE",
        ],
        "uves_cal_wavecal": [
            f"{raw['ARC_LAMP_BLUE']} ARC_LAMP_BLUE", reference,
            "ordertable_blue.fits ORDER_TABLE_BLUE", "lineguesstable_blue.fits LINE_GUESS_TAB_BLUE",
        ],
    }  # fmt: skip
    times = {}
    for recipe, lines in steps.items():
        (folder / "set.sof").write_text("\n".join(lines) + "\n")
        call = ["esorex", "--log-dir=.", recipe, "set.sof"]
        times[recipe] = median_s(
            lambda call=call: subprocess.run(call, cwd=folder, check=True, capture_output=True)
        )
    return times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--setting", type=int, default=390, choices=(346, 390, 437))
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        raw = frames(folder, given.setting)
        ours = native(raw, folder)
        theirs = esorex(raw, folder) if shutil.which("esorex") else {}
    for recipe, seconds in ours.items():
        other = theirs.get(recipe)
        ratio = f"{other:6.2f} s, {other / seconds:5.1f} times" if other else "esorex is absent"
        print(f"{recipe:18} native {seconds:6.3f} s, ESO's {ratio}")
    if given.json:
        given.json.write_text(json.dumps({"native_s": ours, "esorex_s": theirs}, indent=2))


if __name__ == "__main__":
    main()
