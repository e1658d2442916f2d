"""Science asked for by name, for instruments that offer it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vltflow.core.errors import UnknownName, UserError
from vltflow.simulate.models import instrument_names, model
from vltflow.simulate.plan import ChosenScience

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vltflow.simulate.plan import Template


def sciences() -> dict[str, tuple[str, ...]]:
    """Names of the scenes of each instrument that offers some."""
    models = {name: model(name) for name in instrument_names()}
    return {name: one.sciences for name, one in models.items() if isinstance(one, ChosenScience)}


def chosen_science(
    instrument: str, night: str, names: Sequence[str], *, window: bool = False
) -> Sequence[Template]:
    """Templates for `simulate_day`: these scenes and their calibrations; none without names.

    Raises
    ------
    UnknownName
        If the instrument, or a scene, has a name nobody knows.
    UserError
        If the instrument offers no scenes, or a window is asked for without any.
    """
    if not names:
        if window:
            raise UserError("only chosen science is read out in windows; choose some")
        return ()
    simulated = model(instrument)
    if not isinstance(simulated, ChosenScience):
        raise UserError(f"{simulated.name} has no science to choose from")
    if unknown := sorted(set(names) - set(simulated.sciences)):
        raise UnknownName(
            f"no science of {simulated.name} is called {', '.join(unknown)}",
            hint=f"Known: {', '.join(simulated.sciences)}.",
        )
    return simulated.science(night, names, window=window)
