"""The AB monitor: one row an AB, as QC scientists know it."""

from __future__ import annotations

from dataclasses import dataclass

from vltflow.records import AssociationBlock, BlockState, Decision, Score, Verdict, score_text
from vltflow.store import Store


@dataclass(frozen=True, slots=True)
class MonitorRow:
    """One AB in the monitor; the field names are the column names."""

    ab: str
    raw_type: str
    setup: str
    recipe: str
    complete: bool
    status: str
    score: str
    """``(red/total)``; empty while nothing was scored."""
    certification: str
    """``AUTO``, or the decision with its comment, or what it waits for."""
    problem: str


def monitor(
    store: Store, *, instrument: str | None = None, night: str | None = None
) -> list[MonitorRow]:
    """Rows of the AB monitor, by time."""
    with store.read() as tx:
        blocks = tx.blocks.find(instrument=instrument, night=night)
        names = [block.name for block in blocks]
        scores = tx.quality.scores(names)
        verdicts = tx.quality.verdicts(names)
    return [
        MonitorRow(
            ab=block.name,
            raw_type=block.raw_type,
            setup=block.setup,
            recipe=block.recipe,
            complete=block.complete,
            status=str(block.state),
            score=score_text(scores.get(block.name, [])),
            certification=_certification(
                block, scores.get(block.name, []), verdicts.get(block.name, [])
            ),
            problem=block.problem,
        )
        for block in blocks
    ]


def _certification(block: AssociationBlock, scores: list[Score], verdicts: list[Verdict]) -> str:
    current = [verdict for verdict in verdicts if verdict.revision == block.revision]
    if current:
        last = current[-1]
        return (
            str(last.decision)
            if last.decision is Decision.AUTO
            else f"{last.decision}: {last.comment}"
        )
    ended = block.state in {BlockState.SUCCEEDED, BlockState.PARTIAL}
    return "waits for a person" if ended and scores else ""
