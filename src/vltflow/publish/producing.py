"""One science product: made, judged and kept, without the registry.

Tables and previews take as long as a small reduction: a campaign makes them on all cores.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from vltflow.core.errors import UnprocessableData, VltflowError
from vltflow.core.helpers import Helpers
from vltflow.instruments import Instrument
from vltflow.publish.making import Companion, Files, make_files, md5_of
from vltflow.publish.rules import Severity
from vltflow.publish.sources import Sources
from vltflow.publish.spectrum import Description
from vltflow.publish.validation import validate
from vltflow.records import AssociatedFile
from vltflow.store import Vault

_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Request:
    """What a science product is made from."""

    sources: Sources
    later: int
    """Milliseconds that its archive name is later than its making, so that it is its own."""


@dataclass(frozen=True, slots=True)
class Made:
    """A science product whose files are in the vault."""

    name: str
    archive_name: str
    file_id: str
    size: int
    said: Description
    snr: float
    associated: tuple[AssociatedFile, ...]


def helpers(instrument: Instrument, vault: Vault, count: int) -> Helpers:
    """Processes that make the science products of an instrument."""
    return Helpers("vltflow.publish.maker", (instrument, vault.url), count)


def produce(request: Request, instrument: Instrument, vault: Vault) -> Made | VltflowError:
    """Make a science product, put it to the rules of the standard, keep its files.

    Returns
    -------
    Made or VltflowError
        The error, if it cannot be made or the standard refuses it.
    """
    try:
        with tempfile.TemporaryDirectory() as folder:
            made = make_files(request.sources, instrument, vault, Path(folder), later=request.later)
            _check(made)
            return Made(
                name=made.path.name,
                archive_name=made.archive_name,
                file_id=vault.put_file(made.path),
                size=made.path.stat().st_size,
                said=made.said,
                snr=made.snr,
                associated=tuple(_kept(vault, one) for one in made.companions),
            )
    except VltflowError as error:
        return error


def _check(made: Files) -> None:
    """Raise UnprocessableData if the standard refuses what was made."""
    (verdict,) = validate([made.path])
    errors = [one for one in verdict.findings if one.severity is Severity.ERROR]
    if errors:
        shown = "; ".join(f"{one.rule} {one.keyword}: {one.reason}" for one in errors[:_SHOWN])
        raise UnprocessableData(
            f"{made.path.name}: {len(errors)} rules of the standard refuse it: {shown}"
        )


def _kept(vault: Vault, one: Companion) -> AssociatedFile:
    size = one.path.stat().st_size
    return AssociatedFile(
        one.path.name, one.category, vault.put_file(one.path), size, md5_of(one.path)
    )
