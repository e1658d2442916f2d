"""The room's entry: measure, score and report all ABs that have new products."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter

from vltflow.core.errors import Conflict, VltflowError
from vltflow.core.time import now_iso
from vltflow.instruments import Instrument
from vltflow.qc.catalogue import Catalogue, catalogue
from vltflow.qc.dossier import Dossier, Quality, gather, judge
from vltflow.qc.measure import measure, qc_value
from vltflow.qc.raw_frames import raw_values
from vltflow.qc.report import figures_of, render
from vltflow.qc.science import science_values
from vltflow.records import AssociationBlock, BlockState, Colour, QcParameter, QcValue, score_text
from vltflow.store import Store

_log = logging.getLogger(__name__)
_PROBLEM = "QC: "


@dataclass(frozen=True, slots=True)
class BlockScore:
    """How an AB came out."""

    block: str
    revision: int
    red: int
    scored: int
    """Red and green scores."""
    grey: int
    score: str
    """``(red/total)``; empty when it has no threshold at all."""
    report: str
    """Vault id of the report page; empty: it is drawn when somebody looks."""


def run(
    store: Store,
    instrument: Instrument,
    *,
    blocks: Sequence[str] | None = None,
    again: bool = False,
    by: str = "qc",
) -> list[BlockScore]:
    """Measure, score and report ABs of an instrument whose products were not looked at yet.

    Values and scores are recorded in one transaction an AB, so that an interrupted run is
    continued by the next. The report page of an AB with red scores is drawn at once, as somebody
    will look at it; `report_page` draws the others when somebody does. An AB whose products
    cannot be read gets this as its problem, and the others go on.

    Parameters
    ----------
    blocks
        Names of ABs; all by default.
    again
        Score also those of `blocks` that have scores but no verdict yet: after a
        change of thresholds.

    Raises
    ------
    StoreError
        If the registry cannot be read or written.
    """
    known = catalogue(instrument)
    declare(store, known.parameters.values(), by)
    results = []
    for name in _selected(store, instrument, blocks, again=again):
        try:
            results.append(_score_block(store, instrument, known, name, by))
        except Conflict as conflict:
            _log.info("ab=%s left for the next run: %s", name, conflict)
        except VltflowError as error:  # the boundary of one AB, as the job's is in processing
            _log.warning("ab=%s cannot be scored: %s", name, error)
            _set_problem(store, name, f"{_PROBLEM}{error}", by)
    return results


def declare(store: Store, parameters: Iterable[QcParameter], by: str) -> None:
    """Enter parameters into the catalogue; where they say nothing, what is known there stays."""
    wanted = list(parameters)
    if not wanted:
        return
    with store.read() as tx:
        known = {one.name: one for one in tx.quality.parameters(wanted[0].instrument)}
    filled = [_filled(one, known[one.name]) if one.name in known else one for one in wanted]
    new = [one for one in filled if known.get(one.name) != one]
    if new:
        with store.write(by=by, why="catalogue of QC1 parameters") as tx:
            tx.quality.declare(sorted(new, key=lambda parameter: parameter.name))


def _filled(parameter: QcParameter, known: QcParameter) -> QcParameter:
    """A parameter, with what only the catalogue knows: a dictionary that is gone takes nothing."""
    silent = [name for name in ("description", "type", "format") if not getattr(parameter, name)]
    return replace(parameter, **{name: getattr(known, name) for name in silent})


def _numbered(known: Catalogue, dossier: Dossier, values: Sequence[QcValue]) -> list[QcParameter]:
    """Measured parameters that were not in the catalogue before: only now their numbers are known.

    Names that nobody knows are told.
    """
    measured, unknown = known.measured(value.parameter for value in values)
    if unknown:
        _log.warning("ab=%s parameters outside the catalogue: %s", dossier.block.name, unknown)
    return [one for one in measured if one.name not in known.parameters]


def _selected(
    store: Store, instrument: Instrument, blocks: Sequence[str] | None, *, again: bool
) -> list[str]:
    with store.read() as tx:
        open_names = tx.quality.unscored(instrument.name)
        if again and blocks is not None:
            open_names += tx.quality.undecided(instrument.name)
    return open_names if blocks is None else [name for name in open_names if name in set(blocks)]


def report_page(store: Store, instrument: Instrument, name: str) -> bytes:
    """The report page of an AB that was scored, drawn from what is recorded.

    Raises
    ------
    NotFound
        If there is no such AB.
    StoreError, UnreadableFile
        If the arrays of its figures are lost or damaged.
    """
    with store.read() as tx:
        dossier = gather(tx, name)
        values = tx.quality.values(block=name)
        present = {product.product_id for product in dossier.products}
        measured = [value for value in values if value.product_id in present]
        judged = judge(tx, instrument, dossier, measured, {})
        scores = tx.quality.scores_of(name, dossier.block.revision)
    quality = replace(judged, scores=tuple(scores))
    return render(dossier, quality, figures_of(store, dossier.products))


def _score_block(
    store: Store, instrument: Instrument, known: Catalogue, name: str, by: str
) -> BlockScore:
    started = perf_counter()
    with store.read() as tx:
        dossier = gather(tx, name)
    values, undefined = _measured(store, instrument, known, dossier)
    declare(store, _numbered(known, dossier, values), by)
    with store.read() as tx:
        quality = judge(tx, instrument, dossier, values, undefined, shown=False)
    colours = [score.colour for score in quality.scores]
    report = ""
    if Colour.RED in colours:
        with store.read() as tx:
            shown = judge(tx, instrument, dossier, values, undefined)
        page = render(dossier, shown, figures_of(store, dossier.products))
        report = store.vault.put_bytes(page)
    _record(store, dossier, quality, report=(report, perf_counter() - started), by=by)
    grey = colours.count(Colour.GREY)
    return BlockScore(
        block=name,
        revision=dossier.block.revision,
        red=colours.count(Colour.RED),
        scored=len(colours) - grey,
        grey=grey,
        score=score_text(quality.scores),
        report=report,
    )


def _measured(
    store: Store, instrument: Instrument, known: Catalogue, dossier: Dossier
) -> tuple[list[QcValue], dict[tuple[str, str], str]]:
    values: list[QcValue] = []
    undefined: dict[tuple[str, str], str] = {}
    with tempfile.TemporaryDirectory() as folder:
        for product in dossier.products:
            path = store.vault.local_path(product.file_id, Path(folder))
            found = measure(dossier.block, product, path, known.unit_of)
            values += found.values
            for parameter, written in found.undefined.items():
                undefined[product.category, parameter] = written
        told = {(one.category, one.parameter): one.value for one in values}
        for product, parameter, number in (
            *raw_values(instrument, dossier, {*told, *undefined}, Path(folder)),
            *science_values(store, instrument, dossier, told, Path(folder)),
        ):
            unit = known.unit_of(parameter)
            values.append(qc_value(dossier.block, product, parameter, number, unit))
    return values, undefined


def _record(
    store: Store, dossier: Dossier, quality: Quality, *, report: tuple[str, float], by: str
) -> None:
    """Write values, scores and report (vault file and the seconds it took) of an AB."""
    block = dossier.block
    file_id, elapsed_s = report
    why = f"products of {block.recipe}, revision {block.revision}"
    with store.write(by=by, why=why) as tx:
        present = tx.blocks.get(block.name)
        if not _unchanged(present, block):
            raise Conflict(f"AB {block.name} changed while it was scored")
        tx.quality.add_values(quality.values)
        tx.quality.set_scores(block.name, block.revision, quality.scores)
        tx.quality.set_report(block.name, block.revision, file_id, now_iso(), elapsed_s=elapsed_s)
        problem = _without_ours(present.problem)
        if problem != present.problem:
            tx.blocks.set_problem(block.name, problem)


def _unchanged(present: AssociationBlock, seen: AssociationBlock) -> bool:
    return (present.revision, present.state) == (seen.revision, seen.state)


def _set_problem(store: Store, name: str, problem: str, by: str) -> None:
    """Show a problem at its AB, behind what is shown there already; the same one only once."""
    with store.write(by=by, why="products could not be scored") as tx:
        block = tx.blocks.get(name)
        own = _without_ours(block.problem)
        shown = f"{own}; {problem}" if own else problem
        if shown != block.problem and block.state in {BlockState.SUCCEEDED, BlockState.PARTIAL}:
            tx.blocks.set_problem(name, shown)


def _without_ours(problem: str) -> str:
    return problem.partition(_PROBLEM)[0].removesuffix("; ")
