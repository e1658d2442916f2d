"""What a batch of a campaign came to: numbers, figures, failures and problems, as one page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from vltflow.certify import waiting
from vltflow.core.site import Site
from vltflow.flow.campaign_plan import BAD, BatchPlan, flawed, makers_of, plan_batch
from vltflow.flow.selection import Selection, chosen, selection_text
from vltflow.instruments import Instrument
from vltflow.qc.statistics import ModeStatistics, picture, science_statistics
from vltflow.records import (
    AssociationBlock,
    Batch,
    Job,
    MatchState,
    QcFigure,
    RawFrame,
    score_text,
)
from vltflow.store import Store

_BINS = 30
_FEWEST = 3
"""Jobs of a recipe that make a histogram."""
_COUNTED = (
    "jobs", "failed_now", "certified_now", "archived_now", "published_now", "reopened",
    "publishing_s", "elapsed_s",
)  # fmt: skip
_PACE = ("jobs_per_hour", "cores_used")
_pages = Environment(
    loader=PackageLoader("vltflow.flow", "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


@dataclass(frozen=True, slots=True)
class BlockRow:
    """A science AB in the report."""

    ab: str
    raw_type: str
    setup: str
    target: str
    programme: str
    status: str
    score: str
    decision: str
    elapsed_s: float | None
    problem: str


@dataclass(frozen=True)
class BatchReport:
    """All that can be said about a run of a batch."""

    batch: Batch
    instrument: str
    selection: Selection
    plan: BatchPlan
    """What is left: ABs that wait, calibrations that lack."""
    numbers: Mapping[str, Any]
    rows: tuple[BlockRow, ...]
    failures: tuple[AssociationBlock, ...]
    """ABs that failed or were made in part: science, and makers of masters in this run."""
    flawed: tuple[AssociationBlock, ...]
    """Science that was made and not published, or without something that it should have."""
    eye: tuple[tuple[str, str], ...]
    """ABs that wait for a person, with the reason: of the batch, and makers of its masters."""
    figures: tuple[QcFigure, ...]
    modes: tuple[ModeStatistics, ...]
    """Statistics of the spectra of the batch, by mode."""


def batch_report(  # noqa: PLR0913 - what a run knows
    store: Store,
    site: Site,
    instrument: Instrument,
    selection: Selection,
    batch: Batch,
    *,
    numbers: Mapping[str, Any],
    earlier: Sequence[Mapping[str, Any]],
    ended: Sequence[str],
) -> BatchReport:
    """Report of a batch from the records as they are now.

    Parameters
    ----------
    batch
        With the end and the duration of this run.
    numbers
        What this run counted.
    earlier
        Numbers of the report before, and of runs that were killed since; empty if there are none.
    ended
        Names of the ABs whose jobs this run executed.
    """
    plan = plan_batch(store, site, instrument, selection, batch.month)
    with store.read() as tx:
        science = chosen(tx, instrument, selection, batch.month)
        names = [block.name for block in science]
        frames = tx.frames.by_id(block.frames[0] for block in science if block.frames)
        scores = tx.quality.scores(names)
        decisions = tx.blocks.decisions(names)
        latest = tx.jobs.latest(names)
        done = tx.jobs.latest(ended)
        makers = tx.blocks.by_name(set(ended) - set(names)).values()
        own = set(names)
        watched = own | {block.name for block in makers_of(tx, science)}
        modes = science_statistics(tx, instrument, mjd=_range(science), blocks=own)
    desk = waiting(store, instrument.name, definition=lambda _: instrument)
    rows = tuple(
        _row(block, frames, score_text(scores.get(block.name, [])), decisions, latest)
        for block in science
    )
    own_numbers = {**_paced(done.values(), batch, site, numbers), **numbers}
    return BatchReport(
        batch=batch,
        instrument=instrument.name,
        selection=selection,
        plan=plan,
        numbers={
            **_counted(science, frames, decisions),
            **own_numbers,
            "all_runs": all_runs(*earlier, own_numbers),
        },
        rows=rows,
        failures=tuple(one for one in (*makers, *science) if one.state in BAD),
        flawed=tuple(flawed(science)),
        eye=tuple((one.block, one.reason) for one in desk if one.block in watched),
        figures=tuple(_figures([*(latest | done).values()], science)),
        modes=tuple(modes),
    )


def all_runs(*numbers: Mapping[str, Any]) -> dict[str, Any]:
    """What all runs of a batch did together; the last one may have had nothing to do.

    Parameters
    ----------
    numbers
        Of a report, which tells of all runs before it, or what one run counted, with its pace
        and its time. Killed runs have neither.

    Returns
    -------
    dict
        The sums; the paces are None where no run with a known time had a job.
    """
    runs = [one.get("all_runs", one) for one in numbers]
    found: dict[str, Any] = {name: sum(one.get(name, 0) for one in runs) for name in _COUNTED}
    weights = [one.get("elapsed_s", 0.0) if one.get("jobs") else 0.0 for one in runs]
    for name in _PACE:
        total = sum(
            (one.get(name) or 0.0) * weight for one, weight in zip(runs, weights, strict=True)
        )
        found[name] = total / sum(weights) if any(weights) else None
    return found


def _range(science: Sequence[AssociationBlock]) -> tuple[float, float]:
    """Closed range in time of ABs."""
    moments = [block.mjd_mid for block in science] or [0.0]
    return min(moments), max(moments)


def _row(
    block: AssociationBlock,
    frames: Mapping[str, RawFrame],
    score: str,
    decisions: Mapping[str, str],
    latest: Mapping[str, Job],
) -> BlockRow:
    frame = frames[block.frames[0]] if block.frames else None
    job = latest.get(block.name)
    return BlockRow(
        ab=block.name,
        raw_type=block.raw_type,
        setup=block.setup,
        target=frame.object_name if frame else "",
        programme=frame.prog_id if frame else "",
        status=str(block.state),
        score=score,
        decision=decisions.get(block.name, ""),
        elapsed_s=job.elapsed_s if job else None,
        problem=block.problem,
    )


def _counted(
    science: Sequence[AssociationBlock],
    frames: Mapping[str, RawFrame],
    decisions: Mapping[str, str],
) -> dict[str, Any]:
    states = Counter(str(block.state) for block in science)
    verdicts = Counter(decisions.get(block.name, "") for block in science)
    return {
        "science": len(science),
        "nights": len({block.night for block in science}),
        "targets": len({one.object_name for one in frames.values()}),
        "states": dict(sorted(states.items())),
        "flawed": len(flawed(science)),
        "decisions": {name: number for name, number in sorted(verdicts.items()) if name},
    }


def _paced(
    jobs: Iterable[Job], batch: Batch, site: Site, numbers: Mapping[str, Any]
) -> dict[str, Any]:
    """Throughput of a run, and which share of the cores its jobs and its publishing took."""
    wall = max(batch.elapsed_s or 0.0, 1e-3)
    timed = [job for job in jobs if job.elapsed_s is not None]
    used = sum(job.cpu_s or 0.0 for job in timed) + numbers["publishing_s"]
    return {
        "elapsed_s": round(wall, 2),
        "jobs_per_hour": round(3600 * len(timed) / wall, 1),
        "cores_used": round(used / (wall * site.cores), 3),
    }


def _figures(jobs: Sequence[Job], science: Sequence[AssociationBlock]) -> Iterable[QcFigure]:
    by_recipe: dict[str, list[float]] = {}
    for job in jobs:
        if job.elapsed_s is not None:
            by_recipe.setdefault(job.recipe, []).append(job.elapsed_s)
    for recipe, times in sorted(by_recipe.items()):
        if len(times) < _FEWEST:
            continue
        yield _histogram(
            f"time_{recipe}", f"Wall time of {recipe}", times, "time [s]", "jobs",
            marks={"median": float(np.median(times))},
        )  # fmt: skip
    distances = [
        match.distance_days
        for block in science
        for match in block.masters
        if match.distance_days is not None and match.state is MatchState.REAL and not match.member
    ]
    if distances:
        yield _histogram(
            "distance", "Calibrations: distance in time", distances,
            "calibration minus science [d]", "calibrations", marks={},
        )  # fmt: skip


def _histogram(
    name: str,
    title: str,
    values: Sequence[float],
    x_label: str,
    y_label: str,
    *,
    marks: dict[str, float],
) -> QcFigure:
    counts, edges = np.histogram(np.asarray(values, float), bins=_BINS)
    return QcFigure(name, title, "histogram", edges, counts, x_label, y_label, marks=marks)


def render(report: BatchReport) -> bytes:
    """The page; it needs nothing else. Equal reports give equal bytes."""
    from vltflow.plots.draw import draw  # noqa: PLC0415 - slow to load, seldom needed

    pictures = [
        Markup(draw(figure, prefix=f"f{number}").decode())  # noqa: S704 - our own drawing
        for number, figure in enumerate(report.figures)
    ]
    if report.modes:
        title = f"{report.instrument} science spectra {report.batch.month}"
        drawn = picture(title, report.modes, file_format="svg", prefix="s")
        pictures.append(Markup(drawn.decode()))  # noqa: S704 - our own drawing
    page = _pages.get_template("campaign.html").render(
        one=report,
        batch=report.batch,
        plan=report.plan,
        numbers=report.numbers,
        failures=(*report.failures, *report.flawed),
        pictures=pictures,
        selection=selection_text(report.selection),
    )
    return page.encode()
