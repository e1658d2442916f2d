"""Instruments as data: how frames are recognised, grouped, matched, processed and scored.

Takes folders of YAML files (ours and those of other packages, by entry point),
gives frozen, checked definitions whose hash is the context of every product.
Knows no room and no recipe code: recipes are named by text.
"""

from vltflow.instruments.loader import available, load, load_folder
from vltflow.instruments.model import Instrument
from vltflow.instruments.packing import pack_definition, unpack_definition

__all__ = [
    "Instrument",
    "available",
    "load",
    "load_folder",
    "pack_definition",
    "unpack_definition",
]
