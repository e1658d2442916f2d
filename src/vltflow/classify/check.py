"""A definition against rules of ESO: frames that the two classify differently."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vltflow.classify.rules import Classifier
from vltflow.instruments import Instrument
from vltflow.instruments.oca.evaluation import Labels, evaluate
from vltflow.instruments.oca.tree import Rule

Keywords = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class CheckedFrame:
    """What a definition and a rule file say of one frame."""

    file: str
    ours: str
    """Raw type; empty: unknown."""
    our_tag: str
    our_rule: str
    theirs: str
    """RAW.TYPE, or the tag where the rules set none; empty: unknown."""
    their_tag: str
    their_lines: str
    """Where the rule file sets them."""

    @property
    def agree(self) -> bool:
        """Whether raw type and tag are the same."""
        return (self.ours, self.our_tag) == (self.theirs, self.their_tag)


class Check:
    """Compares classifications frame by frame.

    Parameters
    ----------
    instrument
        The definition.
    rules
        Classification rules, evaluated themselves: not their translation.
    """

    def __init__(self, instrument: Instrument, rules: Sequence[Rule]) -> None:
        self._instrument = instrument
        self._classifier = Classifier(instrument)
        self._rules = rules

    def __call__(self, file: str, header: Keywords) -> CheckedFrame:
        """Both classifications of a header (keys in FITS form, without HIERARCH)."""
        ours = self._classifier(header)
        theirs = evaluate(self._rules, header)
        tag = self._instrument.tag_of(ours.raw_type, header) if ours.raw_type else ""
        return CheckedFrame(
            file=file,
            ours=ours.raw_type,
            our_tag=tag,
            our_rule=ours.reason,
            theirs=theirs.raw_type,
            their_tag=theirs.tag,
            their_lines=_lines(theirs),
        )


def _lines(labels: Labels) -> str:
    found = [f"{key} in line {line}" for key, line in labels.lines.items() if _names(key)]
    return ", ".join(found) or "no rule holds"


def _names(key: str) -> bool:
    return key in {"RAW.TYPE", "DO.CATG", "DO.CLASS"}
