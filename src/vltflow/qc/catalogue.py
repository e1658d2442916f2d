"""The catalogue of QC1 parameters: what the definition says, else ESO's installed dictionary."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

from vltflow.instruments import Instrument
from vltflow.instruments.dictionary import Dictionary, DictionaryEntry, installed
from vltflow.instruments.quality import QcEntry
from vltflow.qc.measure import base_name
from vltflow.records import QcParameter

_GROUP = "QC "


class Catalogue:
    """QC1 parameters of an instrument.

    Parameters
    ----------
    instrument
        Definition; where its ``qc.yaml`` says something, this counts.
    dictionary
        ESO's dictionary; None: there is none.
    """

    def __init__(self, instrument: Instrument, dictionary: Dictionary | None) -> None:
        self._instrument = instrument.name
        self._own = {entry.name: entry for entry in instrument.qc.parameters}
        self._dictionary = dictionary

    @cached_property
    def parameters(self) -> dict[str, QcParameter]:
        """All parameters whose names are known before anything is measured, by name."""
        named = self._dictionary.entries if self._dictionary else ()
        plain = [one.name for one in named if one.name.startswith(_GROUP) and not one.numbered]
        found = {name: self.of(name) for name in sorted({*plain, *self._own})}
        return {name: parameter for name, parameter in found.items() if parameter is not None}

    def of(self, name: str) -> QcParameter | None:
        """A parameter by its real name, such as ``QC OUT1 RON``; None if nobody knows it.

        What stands behind ``@`` in a name, the extension, does not matter.
        """
        name = base_name(name)
        own = self._own.get(name)
        entry = self._dictionary.describe(name) if self._dictionary else None
        if own is None and entry is None:
            return None
        return _combined(self._instrument, name, own, entry or DictionaryEntry(name))

    def unit_of(self, name: str) -> str:
        """Unit of a parameter; empty if it has none or is unknown."""
        found = self.of(name)
        return found.unit if found is not None else ""

    def measured(self, names: Iterable[str]) -> tuple[list[QcParameter], list[str]]:
        """Parameters of measured values, and the names that nobody knows, sorted."""
        found = {base_name(name): self.of(name) for name in names}
        known = [parameter for parameter in found.values() if parameter is not None]
        return known, sorted(name for name, parameter in found.items() if parameter is None)


def catalogue(instrument: Instrument) -> Catalogue:
    """Catalogue of an instrument with the installed dictionary of its pipeline."""
    pipeline = instrument.header.pipeline
    return Catalogue(instrument, installed(pipeline.name) if pipeline else None)


def _combined(
    instrument: str, name: str, own: QcEntry | None, entry: DictionaryEntry
) -> QcParameter:
    return QcParameter(
        instrument=instrument,
        name=name,
        unit=(own.unit if own else "") or entry.unit,
        description=(own.description if own else "") or entry.meaning,
        type=entry.type,
        format=entry.format,
    )
