"""A definition as bytes: all its files and the runners that were chosen, to be kept for ever."""

from __future__ import annotations

import json
import zlib
from pathlib import Path

from vltflow.core.errors import ConfigurationError
from vltflow.instruments.loader import load_texts
from vltflow.instruments.model import Choice, Instrument


def pack_definition(instrument: Instrument) -> bytes:
    """Files and chosen runners of a definition; equal definitions give equal bytes."""
    choices = [choice.model_dump() for choice in instrument.choices]
    content = {"texts": instrument.texts, "choices": choices}
    return zlib.compress(json.dumps(content, sort_keys=True).encode(), 9)


def unpack_definition(packed: bytes, context: str) -> Instrument:
    """The definition behind its packed form.

    Parameters
    ----------
    packed
        What `pack_definition` gave.
    context
        The hash that it must have.

    Raises
    ------
    ConfigurationError
        If its files do not fit the schema of this version, or it has another hash.
    """
    content = json.loads(zlib.decompress(packed))
    instrument = load_texts(content["texts"], Path(f"definition {context}"))
    for choice in content["choices"]:
        instrument = instrument.chosen(Choice(**choice))
    if instrument.context != context:
        raise ConfigurationError(
            f"the kept definition {context} has the hash {instrument.context}",
            hint="It was written by another version of vltflow; use that one",
        )
    return instrument
