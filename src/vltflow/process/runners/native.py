"""The runner of native recipes: arrays in, arrays out, files and provenance around them."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from vltflow.algorithms.compiled import load_compiler
from vltflow.core.errors import VaultError
from vltflow.plots import save_figures
from vltflow.process.executors.interface import JobSpec
from vltflow.process.product_file import Provenance, save_product
from vltflow.process.result import JobResult, MadeFile
from vltflow.process.runners.boundary import code_and_sentence
from vltflow.process.runners.frames import (
    FrameImage,
    chip_of,
    fetch,
    load_master,
    load_table,
)
from vltflow.process.runners.lookup import native_recipe
from vltflow.recipes import ProductData, Recipe, RecipeInputs, TableProduct
from vltflow.store import Vault

log = logging.getLogger(__name__)


@cache
def _vault(url: str) -> Vault:
    """One vault for all jobs of this process: it remembers what it has checked."""
    return Vault(url)


def run_native(spec: JobSpec, folder: Path) -> JobResult:
    """Run a native recipe for each chip; products go to `folder`.

    A chip whose recipe fails does not keep the others from being made: the job is PARTIAL
    then.

    Raises
    ------
    VltflowError
        If nothing can be run at all: unknown recipe, missing frame.
    """
    task = spec.payload
    recipe = native_recipe(task["native"])
    paths = [fetch(frame, folder) for frame in task["frames"]]
    made: list[MadeFile] = []
    failures: list[tuple[str, str, str]] = []
    for chip in task["chips"]:
        try:
            made += _run_chip(spec, recipe, chip, paths, folder)
        except VaultError:
            raise
        except Exception as error:  # the job's boundary, chip by chip
            code, sentence = code_and_sentence(error, folder)
            if code == VaultError.code:
                raise
            log.exception("chip=%s failed", chip["name"])
            failures.append((chip["name"], code, sentence))
    return _concluded(spec, made, failures)


def _concluded(
    spec: JobSpec, made: list[MadeFile], failures: list[tuple[str, str, str]]
) -> JobResult:
    chips = spec.payload["chips"]
    several = len(chips) > 1
    sentences = [f"chip {chip}: {text}" if several else text for chip, _, text in failures]
    failed = {chip for chip, _, _ in failures}
    categories = {file.category for file in made}
    for chip in chips:
        if chip["name"] not in failed:
            wanted = [one["category"] for one in chip["products"] if one["main"]]
            missing = [category for category in wanted if category not in categories]
            sentences += [f"the recipe made no {category}" for category in missing]
    state = "SUCCEEDED" if not sentences else "PARTIAL" if made else "FAILED"
    code = failures[0][1] if failures else "recipe" if sentences else ""
    return JobResult(spec.job_id, state, tuple(made), code, "; ".join(sentences))


def _run_chip(
    spec: JobSpec, recipe: Recipe, chip: Mapping[str, Any], paths: list[Path], folder: Path
) -> list[MadeFile]:
    task = spec.payload
    vault = _vault(task["vault"])
    masters = _used(task, chip["name"])
    tabular = {need.role for need in recipe.masters if need.table}
    with contextlib.ExitStack() as stack:
        frames = []
        for path, frame in zip(paths, task["frames"], strict=True):
            image = FrameImage(
                path, chip["extension"], name=frame["name"], repairs=frame["repairs"]
            )
            frames.append(stack.enter_context(contextlib.closing(image)))
        spectra = tuple(load_table(one, vault, folder) for one in _members(task, chip["name"]))
        first = frames[0].header if frames else spectra[0].header
        inputs = RecipeInputs(
            frames=tuple(frames),
            masters={
                master["role"]: load_master(master, vault, folder)
                for master in masters
                if master["role"] not in tabular
            },
            tables={
                master["role"]: load_table(master, vault, folder)
                for master in masters
                if master["role"] in tabular
            },
            chip=chip_of(chip, first, frames[0].name if frames else spectra[0].name),
            spectra=spectra,
            cores=spec.cores,
        )
        load_compiler()
        log.info("chip=%s frames=%d masters=%d", chip["name"], len(frames), len(masters))
        result = recipe.process(inputs, recipe.parameters(**task["parameters"]))
    return [
        made
        for product in result.products
        for made in _save(product, chip=chip, first=first, spec=spec, folder=folder)
    ]


def _save(
    product: ProductData | TableProduct,
    *,
    chip: Mapping[str, Any],
    first: Mapping[str, Any],
    spec: JobSpec,
    folder: Path,
) -> list[MadeFile]:
    declared = [one["category"] for one in chip["products"] if one["role"] == product.role]
    if not declared:
        log.warning("product=%s reason=not in the instrument definition, left out", product.role)
        return []
    (category,) = declared
    task = spec.payload
    masters = [master["product_id"] for master in _used(task, chip["name"])]
    path, figures = folder / f"{category}.fits", folder / f"{category}.npz"
    provenance = _provenance(task, category, chip["name"])
    sha256 = save_product(path, product, first=first, provenance=provenance)
    figures_sha256 = save_figures(figures, product.figures)
    return [
        MadeFile(
            category=category,
            file=path.name,
            sha256=sha256,
            size=path.stat().st_size,
            figures=figures.name,
            figures_sha256=figures_sha256,
            inputs=(
                *(frame["frame_id"] for frame in task["frames"]),
                *(one["product_id"] for one in _members(task, chip["name"])),
                *masters,
            ),
        )
    ]


def _provenance(task: Mapping[str, Any], category: str, chip: str) -> Provenance:
    return Provenance(
        category=category,
        recipe=task["native"],
        recipe_version=task["version"],
        context=task["context"],
        raws=(
            *((frame["name"], frame["raw_type"]) for frame in task["frames"]),
            *((one["name"], one["category"]) for one in _members(task, chip)),
        ),
        masters=tuple((master["name"], master["category"]) for master in _used(task, chip)),
        parameters=task["parameters"],
        input_hash=task["input_hash"],
    )


def _members(task: Mapping[str, Any], chip: str) -> list[Mapping[str, str]]:
    """Products of single exposures of one chip, of which a stack is made."""
    return [one for one in task.get("spectra", ()) if one["chip"] in {chip, ""}]


def _used(task: Mapping[str, Any], chip: str) -> list[dict[str, str]]:
    """Masters of one chip, and those that all chips share."""
    return [master for master in task["masters"] if master["chip"] in {chip, ""}]
