"""Two runners on the same AB: QC1 parameters, pixels, times and memory side by side."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from astropy.io import fits

from vltflow import associate
from vltflow.core.errors import UserError, VltflowError
from vltflow.core.site import Site
from vltflow.core.time import now_iso
from vltflow.flow.comparison import Comparison, ParameterRow, PixelRow, RunnerRow, render
from vltflow.instruments import Instrument
from vltflow.process.executors import LocalExecutor
from vltflow.process.trial import Trial, tried
from vltflow.qc import quality_keywords
from vltflow.records import AssociationBlock, BlockState, QcFigure
from vltflow.store import Store

RUNNERS = ("native", "esorex")
_BINS = 200
_NORMAL_MAD = 1.4826
"""Standard deviation of a normal distribution over its median absolute deviation."""


def compare(
    store: Store, executor: LocalExecutor, instrument: Instrument, name: str, *, repeats: int = 1
) -> Comparison:
    """Run both runners on an AB; nothing is registered, the products are not kept.

    Parameters
    ----------
    executor
        Where they run.
    name
        Full name of the AB.
    repeats
        Runs of each runner that count, after one that warms the worker; they take turns.

    Raises
    ------
    UserError
        If the recipe of the AB has not both runners.
    RecipeError
        If one of them fails, or a calibration that it needs is not there.
    """
    with store.read() as look:
        block = look.blocks.get(name)
        recipe = instrument.raw_types[block.raw_type].recipe
        if not instrument.recipes.recipes[recipe].has("both"):
            raise UserError(
                f"{recipe} has only one runner: there is nothing to compare {name} with",
                hint="recipes.yaml of the instrument needs native and esorex",
            )
        definitions = [instrument.run_by({recipe: runner}) for runner in RUNNERS]
        blocks = [associate.preview(look, definition, name) for definition in definitions]
    candidates = list(zip(definitions, blocks, strict=True))
    with tried(store, executor, candidates, repeats=repeats) as trials:
        return _compared(block, trials, repeats)


def compare_new(store: Store, site: Site, instrument: Instrument, night: str) -> list[str]:
    """Compare the ABs of a night whose recipe's runner is ``both`` and that were not yet.

    An AB that cannot be compared gets an event that says why; the others go on.

    Returns
    -------
    list of str
        Names of the ABs that were compared.
    """
    both = {name for name, entry in instrument.recipes.recipes.items() if entry.runner == "both"}
    if not both:
        return []
    with store.read() as look:
        made = look.blocks.find(
            instrument=instrument.name, night=night, states=(BlockState.SUCCEEDED,)
        )
        mine = [block for block in made if block.recipe in both]
        known = look.quality.compared([block.name for block in mine])
    new = [block.name for block in mine if known.get(block.name) != block.revision]
    with LocalExecutor(site) as executor:
        return [name for name in new if _compare_and_keep(store, executor, instrument, name)]


def _compare_and_keep(
    store: Store, executor: LocalExecutor, instrument: Instrument, name: str
) -> bool:
    try:
        found = compare(store, executor, instrument, name)
    except VltflowError as error:
        with store.write(by="compare", why="runner both") as tx:
            tx.events.add("block", name, f"runners not compared: {error}")
        return False
    keep_comparison(store, found, render(found), by="compare")
    return True


def _compared(block: AssociationBlock, trials: Sequence[Trial], repeats: int) -> Comparison:
    native, eso = ({one.category: trial.folder / one.file for one in trial.result.products}
                   for trial in trials)  # fmt: skip
    images = {
        category: (_image(native[category]), _image(eso[category]))
        for category in native
        if category in eso
    }
    return Comparison(
        block=block.name,
        revision=block.revision,
        raw_type=block.raw_type,
        setup=block.setup,
        repeats=repeats,
        created=now_iso(),
        runners=tuple(_runner_row(trial) for trial in trials),
        parameters=tuple(_parameter_rows(native, eso)),
        pixels=tuple(_pixel_row(category, *pair) for category, pair in images.items()),
        figures={
            category: _figures(ours, theirs)
            for category, (ours, theirs) in images.items()
            if ours is not None and theirs is not None and ours.shape == theirs.shape
        },
    )


def _runner_row(trial: Trial) -> RunnerRow:
    result = trial.result
    return RunnerRow(
        runner=trial.job.runner,
        recipe=trial.job.recipe,
        version=trial.job.recipe_version,
        elapsed_s=statistics.median(trial.elapsed_s),
        cpu_s=result.cpu_s,
        peak_mb=result.peak_mb,
        job_mb=None if result.peak_mb is None else round(result.peak_mb - result.base_mb, 1),
        products=tuple(one.category for one in result.products),
        error=result.error,
    )


def _parameter_rows(native: Mapping[str, Path], eso: Mapping[str, Path]) -> list[ParameterRow]:
    rows = []
    for category in dict.fromkeys([*native, *eso]):
        ours = quality_keywords(native[category]) if category in native else {}
        theirs = quality_keywords(eso[category]) if category in eso else {}
        rows += [
            ParameterRow(category, name, ours.get(name), theirs.get(name))
            for name in dict.fromkeys([*ours, *theirs])
        ]
    # What both have comes first: there is something to compare.
    return sorted(rows, key=lambda row: row.native is None or row.esorex is None)


def _image(path: Path) -> np.ndarray | None:
    """The first image of a product; None if it has none."""
    with fits.open(path, memmap=False) as hdus:
        for hdu in hdus:
            if hdu.is_image and hdu.data is not None and hdu.data.ndim == 2:
                return np.asarray(hdu.data, dtype=np.float64)
    return None


def _pixel_row(category: str, ours: np.ndarray | None, theirs: np.ndarray | None) -> PixelRow:
    if ours is None or theirs is None or ours.shape != theirs.shape:
        shapes = [str(image.shape) if image is not None else "no image" for image in (ours, theirs)]
        return PixelRow(category, " and ".join(shapes), None, None, None, None)
    difference = (ours - theirs)[np.isfinite(ours) & np.isfinite(theirs)]
    median, scatter = _robust(difference)
    near = 0.01 * _robust(theirs[np.isfinite(theirs)])[1]
    return PixelRow(
        category=category,
        shape=str(ours.shape),
        median=median,
        scatter=scatter,
        largest=float(np.abs(difference).max()),
        share_equal=float((np.abs(difference) <= near).mean()),
    )


def _robust(values: np.ndarray) -> tuple[float, float]:
    median = float(np.median(values))
    return median, _NORMAL_MAD * float(np.median(np.abs(values - median)))


def _figures(ours: np.ndarray, theirs: np.ndarray) -> tuple[QcFigure, ...]:
    difference = ours - theirs
    finite = difference[np.isfinite(difference)]
    median, scatter = _robust(finite)
    reach = max(5 * scatter, 1e-6)
    counts, edges = np.histogram(finite, _BINS, (median - reach, median + reach))
    images = {"native": ours, "esorex": theirs, "native minus esorex": difference}
    return (
        *(_image_figure(title, image) for title, image in images.items()),
        QcFigure(
            "histogram", "Pixels of the difference", "histogram", edges, counts,
            "native minus esorex", "pixels",
            marks={"median": median, "- sigma": median - scatter, "+ sigma": median + scatter},
        ),
    )  # fmt: skip


def _image_figure(title: str, image: np.ndarray) -> QcFigure:
    """A picture of the image in blocks of pixels: their means."""
    step = max(1, -(-max(image.shape) // 400))
    rows, columns = (size // step * step for size in image.shape)
    blocks = image[:rows, :columns].reshape(rows // step, step, columns // step, step)
    small = blocks.mean(axis=(1, 3))
    return QcFigure(
        title.replace(" ", "_"), title, "image", np.array([step], float), small, "x [pixel]",
        "y [pixel]",
    )  # fmt: skip


def keep_comparison(store: Store, comparison: Comparison, page: bytes, *, by: str) -> str:
    """Keep a comparison with its AB: the page in the vault, the record in the registry."""
    file_id = store.vault.put_bytes(page)
    with store.write(by=by, why="two runners compared") as tx:
        tx.quality.set_comparison(
            comparison.block, comparison.revision, file_id, comparison.created
        )
    return file_id
