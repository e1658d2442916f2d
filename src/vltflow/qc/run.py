"""The room's entry: measure, score and report all ABs that have new products."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import Protocol, TypeVar

from vltflow.core.errors import VltflowError
from vltflow.core.time import now_iso
from vltflow.instruments import Instrument
from vltflow.qc.catalogue import Catalogue, catalogue
from vltflow.qc.dossier import Dossier, Quality, gather, gather_all, judge
from vltflow.qc.measure import measure, qc_value
from vltflow.qc.raw_frames import raw_values
from vltflow.qc.report import figures_of, render
from vltflow.qc.science import science_values
from vltflow.records import AssociationBlock, BlockState, Colour, QcParameter, QcValue, score_text
from vltflow.store import Store, Transaction

_log = logging.getLogger(__name__)
_PROBLEM = "QC: "
_TOGETHER = 16
"""ABs of one transaction: a few cost little more than one."""


class _OfBlock(Protocol):
    @property
    def block(self) -> AssociationBlock: ...


Given = TypeVar("Given", bound=_OfBlock)
Made = TypeVar("Made")


@dataclass(frozen=True, slots=True)
class _Measured:
    """What was measured on the products of an AB."""

    dossier: Dossier
    values: list[QcValue]
    undefined: dict[tuple[str, str], str]
    """What stood instead of a number, by category and parameter."""
    elapsed_s: float

    @property
    def block(self) -> AssociationBlock:
        return self.dossier.block


@dataclass(frozen=True, slots=True)
class _Judged:
    """An AB that was scored."""

    dossier: Dossier
    quality: Quality
    page: str
    """Vault id of its report page; empty: it is drawn when somebody looks."""
    elapsed_s: float

    @property
    def block(self) -> AssociationBlock:
        return self.dossier.block

    @property
    def key(self) -> tuple[str, int]:
        return self.block.name, self.block.revision


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


def run(  # noqa: PLR0913 - what the rooms choose
    store: Store,
    instrument: Instrument,
    *,
    blocks: Sequence[str] | None = None,
    again: bool = False,
    known: Catalogue | None = None,
    pages: bool = True,
    by: str = "qc",
) -> list[BlockScore]:
    """Measure, score and report ABs of an instrument whose products were not looked at yet.

    Values and scores are recorded in one transaction for a few ABs, so that an interrupted run
    is continued by the next. The report page of an AB with red scores is drawn at once, as somebody
    will look at it; `report_page` draws the others when somebody does. An AB whose products
    cannot be read gets this as its problem, and the others go on.

    Parameters
    ----------
    blocks
        Names of ABs; all by default.
    again
        Score also those of `blocks` that have scores but no verdict yet: after a
        change of thresholds.
    known
        What `declared` gave; who calls this again and again saves what that takes.
    pages
        Whether pages of red scores are drawn at once, too: a page takes as long as a small job.

    Raises
    ------
    StoreError
        If the registry cannot be read or written.
    """
    known = known or declared(store, instrument, by=by)
    names = _selected(store, instrument, blocks, again=again)
    return [
        one
        for start in range(0, len(names), _TOGETHER)
        for one in _score_blocks(
            store, instrument, known, names[start : start + _TOGETHER], pages=pages, by=by
        )
    ]


def declared(store: Store, instrument: Instrument, *, by: str = "qc") -> Catalogue:
    """Catalogue of an instrument's QC1 parameters, which the registry knows from now on."""
    known = catalogue(instrument)
    declare(store, known.parameters.values(), by)
    return known


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


def _numbered(known: Catalogue, measured: Sequence[_Measured]) -> list[QcParameter]:
    """Measured parameters that were not in the catalogue before: only now their numbers are known.

    Names that nobody knows are told.
    """
    names: set[str] = set()
    for one in measured:
        own = {value.parameter for value in one.values} - names
        unknown = known.measured(own)[1]
        if unknown:
            block = one.dossier.block.name
            _log.warning("ab=%s parameters outside the catalogue: %s", block, unknown)
        names |= own
    return [one for one in known.measured(names)[0] if one.name not in known.parameters]


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


def _score_blocks(
    store: Store,
    instrument: Instrument,
    known: Catalogue,
    names: Sequence[str],
    *,
    pages: bool,
    by: str,
) -> list[BlockScore]:
    refused: dict[str, VltflowError] = {}
    with store.read() as tx:
        blocks = tx.blocks.by_name(names)
        dossiers = gather_all(tx, [blocks[name] for name in names])
    measured = _each(dossiers, lambda one: _look(store, instrument, known, one), refused)
    numbered = _numbered(known, measured)
    declare(store, numbered, by)
    known.parameters.update({one.name: one for one in numbered})
    with store.read() as tx:
        judged = _each(
            measured, lambda one: _judged(tx, store, instrument, one, pages=pages), refused
        )
    try:
        scored = _record(store, judged, by)
    except VltflowError:  # one of them is at fault: each by itself
        alone = _each(judged, lambda one: _record(store, [one], by), refused)
        scored = [score for several in alone for score in several]
    for name, error in refused.items():
        _log.warning("ab=%s cannot be scored: %s", name, error)
        _set_problem(store, name, f"{_PROBLEM}{error}", by)
    return scored


def _each(
    given: Iterable[Given], work: Callable[[Given], Made], refused: dict[str, VltflowError]
) -> list[Made]:
    """What is made of each that can be done; the boundary of one AB, as the job's elsewhere."""
    done = []
    for one in given:
        try:
            done.append(work(one))
        except VltflowError as error:
            refused[one.block.name] = error
    return done


def _look(store: Store, instrument: Instrument, known: Catalogue, dossier: Dossier) -> _Measured:
    started = perf_counter()
    values, undefined = _measured(store, instrument, known, dossier)
    return _Measured(dossier, values, undefined, perf_counter() - started)


def _judged(
    tx: Transaction, store: Store, instrument: Instrument, one: _Measured, *, pages: bool
) -> _Judged:
    """Scores of an AB, with the page if somebody will look at it."""
    started = perf_counter()
    quality = judge(tx, instrument, one.dossier, one.values, one.undefined, shown=False)
    page = ""
    if pages and any(score.colour is Colour.RED for score in quality.scores):
        shown = judge(tx, instrument, one.dossier, one.values, one.undefined)
        drawn = render(one.dossier, shown, figures_of(store, one.dossier.products))
        page = store.vault.put_bytes(drawn)
    return _Judged(one.dossier, quality, page, one.elapsed_s + perf_counter() - started)


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


def _record(store: Store, judged: Sequence[_Judged], by: str) -> list[BlockScore]:
    """Write values, scores and reports of ABs; those that changed meanwhile are left out."""
    if not judged:
        return []
    with store.write(by=by, why="products were scored") as tx:
        present = tx.blocks.by_name([one.block.name for one in judged])
        kept = [one for one in judged if _unchanged(present.get(one.block.name), one.block)]
        tx.quality.add_values([value for one in kept for value in one.quality.values])
        tx.quality.set_all_scores({one.key: one.quality.scores for one in kept})
        tx.quality.set_reports({one.key: (one.page, one.elapsed_s) for one in kept}, now_iso())
        for one in kept:
            before = present[one.block.name].problem
            if (problem := _without_ours(before)) != before:
                tx.blocks.set_problem(one.block.name, problem)
    for one in judged:
        if one not in kept:
            _log.info("ab=%s changed while it was scored: left for the next run", one.block.name)
    return [_block_score(one) for one in kept]


def _block_score(one: _Judged) -> BlockScore:
    colours = [score.colour for score in one.quality.scores]
    grey = colours.count(Colour.GREY)
    return BlockScore(
        block=one.block.name,
        revision=one.block.revision,
        red=colours.count(Colour.RED),
        scored=len(colours) - grey,
        grey=grey,
        score=score_text(one.quality.scores),
        report=one.page,
    )


def _unchanged(present: AssociationBlock | None, seen: AssociationBlock) -> bool:
    return present is not None and (present.revision, present.state) == (seen.revision, seen.state)


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
