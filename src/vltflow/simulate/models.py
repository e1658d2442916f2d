"""Which instruments can be simulated: the packages beside this module."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import TYPE_CHECKING

from vltflow.core.errors import UnknownName

if TYPE_CHECKING:
    from vltflow.simulate.plan import Instrument

DAY_MS = 86_400_000
"""Milliseconds in a day."""


def instrument_names() -> tuple[str, ...]:
    """Names of the instruments that can be simulated: the packages beside this module."""
    return tuple(
        sorted(module.name for module in iter_modules([str(Path(__file__).parent)]) if module.ispkg)
    )


@cache
def model(name: str) -> Instrument:
    """The simulated instrument of this name (any case).

    Raises
    ------
    UnknownName
        If it cannot be simulated.
    """
    if name.lower() not in instrument_names():
        known = ", ".join(instrument_names())
        raise UnknownName(f"instrument {name} cannot be simulated", hint=f"Known: {known}.")
    found: Instrument = import_module(f"vltflow.simulate.{name.lower()}").MODEL
    return found
