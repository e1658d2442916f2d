"""Classification of the frames in a store."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from vltflow.classify.rules import Classifier, merged
from vltflow.instruments import Instrument
from vltflow.instruments.conditions import keyword
from vltflow.records import RawFrame
from vltflow.store import Store

BATCH = 5000
"""Frames in one transaction."""

_log = logging.getLogger(__name__)


def run(store: Store, instrument: Instrument, *, by: str = "classify") -> list[RawFrame]:
    """Classify all frames outside any AB that this definition has not seen.

    Parameters
    ----------
    store
        Where the frames and their headers are.
    instrument
        Definition with the rules.
    by
        In whose name the change is logged.

    Returns
    -------
    list of RawFrame
        The frames as they are now, by time; unknown ones have an empty raw type.
    """
    with store.read() as look:
        waiting = list(look.frames.unclassified(instrument.name, instrument.context))
    classifier = Classifier(instrument)
    done: list[RawFrame] = []
    for start in range(0, len(waiting), BATCH):
        frames = waiting[start : start + BATCH]
        with store.write(by=by, why=f"rules {instrument.context}") as change:
            headers = change.frames.headers_of(frame.frame_id for frame in frames)
            whole = {frame_id: merged(parts) for frame_id, parts in headers}
            classified = [
                _classified(frame, whole[frame.frame_id], classifier, instrument)
                for frame in frames
            ]
            change.frames.classify(classified)
        done += classified
    unknown = sum(not frame.raw_type for frame in done)
    _log.info("%s: %d frames classified, %d unknown", instrument.name, len(done), unknown)
    return done


def _classified(
    frame: RawFrame, header: dict[str, Any], classifier: Classifier, instrument: Instrument
) -> RawFrame:
    found = classifier(_repaired(header, frame.repairs, instrument))
    return replace(
        frame,
        raw_type=found.raw_type,
        setup=found.setup,
        setup_keys=found.setup_keys,
        context=instrument.context,
    )


def _repaired(
    header: dict[str, Any], names: Iterable[str], instrument: Instrument
) -> dict[str, Any]:
    """Header with the repairs that ingestion found and noted on the frame."""
    repairs = {repair.name: repair for repair in instrument.header.repairs}
    for name in names:
        if name in repairs:
            header |= {keyword(key): value for key, value in repairs[name].set.items()}
    return header
