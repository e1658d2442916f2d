"""Speed and memory of the native order flat and science reduction against ESO's recipes.

    python benches/bench_extraction.py [--json FILE] [--arm blue|red]

One night's frames of one setting at full size. Ours: ``process()`` in a warm process, reading
included, one chip after the other, median of five, and the peak memory of a process that does
nothing else. ESO's: calls of `esorex` on the same frames, median of five. Where esorex is
absent only ours are measured.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import pickle
import resource
import shutil
import statistics
import subprocess
import tempfile
import time
from pathlib import Path
from types import MappingProxyType

from vltflow.instruments import load
from vltflow.instruments.uves import statics
from vltflow.process.runners.frames import FrameImage, chip_of, tables_of
from vltflow.recipes import MasterImage, MasterTable, RecipeInputs, find_recipe
from vltflow.simulate import simulate_day
from vltflow.simulate.uves.programme import SCIENCE, science_night

NIGHT = "2015-02-26"
REPEATS = 5
CHIPS = MappingProxyType({"blue": ("BLUE",), "red": ("REDL", "REDU")})
STEPS = (
    ("detector.master_bias", "BIAS", ("MASTER_BIAS",)),
    ("echelle.order_definition", "ORDER_FLAT", ("ORDER_TABLE",)),
    ("echelle.wavelength_calibration", "ARC_LAMP", ("LINE_TABLE",)),
    ("echelle.order_flat", "FLAT", ("MASTER_FLAT", "PIXEL_RESPONSE", "BLAZE")),
)


def inputs(folder: Path, names: list[str], arm: str, chip: str, known: dict) -> RecipeInputs:
    (section,) = [
        one for one in load("UVES").header.detectors[arm.upper()] if one.name == chip
    ]  # fmt: skip
    images = tuple(
        FrameImage(folder / name, section.extension, name=name, repairs={}) for name in names
    )
    masters = {role: one for role, one in known.items() if isinstance(one, MasterImage)}
    tables = {role: one for role, one in known.items() if isinstance(one, MasterTable)}
    return RecipeInputs(
        images, masters, chip_of(section.model_dump(), images[0].header, names[0]), 2, tables
    )


def run(folder: Path, names: list[str], arm: str, chip: str, known: dict, name: str) -> dict:
    recipe = find_recipe(name)
    given = inputs(folder, names, arm, chip, known)
    made = recipe.process(given, recipe.parameters()).products
    for image in given.frames:
        image.close()
    result = {}
    for product in made:
        cards = {**product.header, **{f"ESO {k}": v for k, v in product.qc.items()}}
        result[product.role] = (
            MasterTable({one.name: one.rows for one in product.tables}, cards, product.role)
            if hasattr(product, "tables")
            else MasterImage(product.data, product.variance, product.quality, cards, product.role)
        )
    return result


def masters(folder: Path, kinds: dict[str, list[str]], arm: str, chip: str) -> None:
    known: dict = {}
    for role, build in (
        ("SPECTRAL_FORMAT_TAB", statics.spectral_format),
        ("LINE_REFER_TABLE", statics.line_reference),
    ):
        build(folder / f"{role}.fits")
        known[role] = tables_of(folder / f"{role}.fits", role)
    for name, kind, roles in STEPS:
        made = run(folder, kinds[kind], arm, chip, known, name)
        known |= {role: made[role] for role in roles}
    (folder / f"{chip}.pickle").write_bytes(pickle.dumps(known))


def measure(
    folder: Path, kinds: dict[str, list[str]], arm: str, step: str
) -> tuple[float, float]:  # fmt: skip
    """Seconds of a warm call over all chips, and the peak memory of this process, MB."""
    name, kind = {"flat": ("echelle.order_flat", "FLAT"), "science": ("echelle.science", "SCI")}[
        step
    ]
    known = {chip: pickle.loads((folder / f"{chip}.pickle").read_bytes()) for chip in CHIPS[arm]}
    needless = {"MASTER_FLAT"} | ({"PIXEL_RESPONSE", "BLAZE"} if step == "flat" else set())
    for one in known.values():
        for role in needless:
            one.pop(role, None)
    times = []
    for _ in range(REPEATS + 1):
        begin = time.perf_counter()
        for chip in CHIPS[arm]:
            run(folder, kinds[kind], arm, chip, known[chip], name)
        times.append(time.perf_counter() - begin)
    return statistics.median(times[1:]), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def esorex(folder: Path, kinds: dict[str, list[str]], arm: str) -> dict[str, tuple[float, float]]:
    """Seconds and peak memory of the calls of ESO's recipes."""
    suffix, found = arm.upper(), {}
    made = {
        role: [f"{stem}_{chip.lower()}.fits {role}_{chip}" for chip in CHIPS[arm]]
        for role, stem in (
            ("MASTER_BIAS", "masterbias"), ("LINE_GUESS_TAB", "lineguesstable"),
            ("ORDER_GUESS_TAB", "orderguesstable"), ("ORDER_TABLE", "ordertable"),
            ("MASTER_FLAT", "masterflat"), ("LINE_TABLE", "linetable"),
        )
    }  # fmt: skip

    def raw(kind: str, tag: str) -> list[str]:
        return [f"{folder / name} {tag}_{suffix}" for name in kinds[kind]]

    lines = [f"{folder}/LINE_REFER_TABLE.fits LINE_REFER_TABLE"]
    steps = {
        "uves_cal_mbias": raw("BIAS", "BIAS"),
        "uves_cal_predict": raw("ARC_LAMP_FORM", "ARC_LAMP_FORM") + lines,
        "uves_cal_orderpos": raw("ORDER_FLAT", "ORDER_FLAT") + made["ORDER_GUESS_TAB"],
        "uves_cal_mflat": raw("FLAT", "FLAT") + made["MASTER_BIAS"] + made["ORDER_TABLE"],
        "uves_cal_wavecal": raw("ARC_LAMP", "ARC_LAMP") + made["ORDER_TABLE"]
        + made["LINE_GUESS_TAB"] + made["MASTER_BIAS"] + made["MASTER_FLAT"] + lines,
        "uves_obs_scired": raw("SCI", "SCIENCE") + made["ORDER_TABLE"] + made["LINE_TABLE"]
        + made["MASTER_BIAS"] + made["MASTER_FLAT"],
    }  # fmt: skip
    for recipe, sof in steps.items():
        (folder / "set.sof").write_text("\n".join(sof) + "\n")
        judged = recipe in {"uves_cal_mflat", "uves_obs_scired"}
        times = []
        for _ in range(REPEATS if judged else 1):
            begin = time.perf_counter()
            subprocess.run(
                ["esorex", "--log-dir=.", recipe, "set.sof"],
                cwd=folder, check=True, capture_output=True,
            )  # fmt: skip
            times.append(time.perf_counter() - begin)
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        found[recipe] = (statistics.median(times), peak)
    return found


def frames(folder: Path, arm: str) -> dict[str, list[str]]:
    number = 0 if arm == "blue" else 1
    plan = science_night(NIGHT, [SCIENCE["point"][number]], standard=False)
    day = simulate_day("uves", NIGHT, folder, templates=plan)
    kinds = {
        block["raw_type"].removesuffix(f"_{arm.upper()}"): block["files"] for block in day.blocks
    }
    setup = [f"{arm}_1x1_{SCIENCE['point'][number].wavelength:g}nm_0.6"]
    setup += [f"{arm}_1x1_{SCIENCE['point'][number].wavelength:g}nm_0.7"]
    check = simulate_day(
        "uves", NIGHT, folder / "check", raw_types=[f"ARC_LAMP_FORM_{arm.upper()}"],
        setups=[setup[1] if arm == "blue" else setup[0]],
    )  # fmt: skip
    science = next(kind for kind in kinds if kind.startswith("SCI"))
    kinds["SCI"] = kinds[science][:1]
    kinds["ARC_LAMP_FORM"] = [f"check/{check.blocks[0]['files'][0]}"]
    return kinds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--arm", default="blue", choices=tuple(CHIPS))
    given = parser.parse_args()
    spawn = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        kinds = frames(folder, given.arm)
        ours = {}
        for chip in CHIPS[given.arm]:
            with spawn.Pool(1) as pool:
                pool.apply(masters, (folder, kinds, given.arm, chip))
        for step, recipe in (("flat", "uves_cal_mflat"), ("science", "uves_obs_scired")):
            with spawn.Pool(1) as pool:
                ours[recipe] = pool.apply(measure, (folder, kinds, given.arm, step))
        theirs = esorex(folder, kinds, given.arm) if shutil.which("esorex") else {}
    for recipe, (seconds, peak) in ours.items():
        line = f"{recipe:16} native {seconds:6.2f} s {peak:5.0f} MB"
        if recipe in theirs:
            other, memory = theirs[recipe]
            line += f", ESO's {other:6.2f} s {memory:5.0f} MB: {other / seconds:.1f} times, "
            line += f"{100 * peak / memory:.0f} % of the memory"
        print(line)
    if given.json:
        given.json.write_text(json.dumps({"native": ours, "esorex": theirs}, indent=2))


if __name__ == "__main__":
    main()
