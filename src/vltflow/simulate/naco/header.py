"""Cards of NACO's raw frames."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING

from vltflow.simulate.cards import Card, CardTable, CardValue
from vltflow.simulate.naco.constants import LAMP_CURRENT, MODES, PIXEL_SCALE, READS
from vltflow.simulate.naco.night import integration, lamp_is_on
from vltflow.simulate.observing import common_cards, infrared
from vltflow.simulate.sky import Target

if TYPE_CHECKING:
    from vltflow.simulate.plan import PlannedFrame

_TABLE = CardTable(resources.files("vltflow.simulate.naco") / "cards.txt")
_STARS = {
    "standard": Target("FS-6", 27.9796, 4.3353, 13.4, 0.0),
    "science": Target("HD-98800", 170.5201, -24.7776, 8.9, 0.0),
    "": Target("CALIBRATION", 0.0, -30.0, 0.0, 0.0),
}


def cards(frame: PlannedFrame, shape: tuple[int, ...]) -> list[Card]:
    """The cards of the primary HDU."""
    quantities = _quantities(frame, shape)
    flags = {"s"} if frame.template.setup.mode else set()
    flags |= {"n"} if frame.template.target else set()
    flags |= {"l"} if frame.template.lamp else set()
    return [
        *common_cards(frame, quantities, _STARS[frame.template.target]),
        *_TABLE.fill("primary", frozenset(flags), quantities),
    ]


def _quantities(frame: PlannedFrame, shape: tuple[int, ...]) -> dict[str, CardValue]:
    plan, setup, integrated = frame.template, infrared(frame), integration(frame)
    star = _STARS[plan.target]
    scale = PIXEL_SCALE[setup.camera]
    spectrum = bool(setup.mode)
    own: dict[str, CardValue] = {
        "telescope": "ESO-VLT-U4",
        "instrume": "NAOS+CONICA",
        "exptime": integrated.dit,
        "dit": integrated.dit,
        "ndit": integrated.ndit,
        "readout": setup.readout,
        "reads": READS[setup.readout],
        "mode": MODES[setup.readout],
        "camera": setup.camera,
        # Slits and masks on wheel 1; J is on wheel 5, the others on wheel 6.
        "slit": "Slit_86mas" if spectrum else "empty",
        "grism": "Grism3" if spectrum else "empty",
        "filter5": "J" if setup.filter_name == "J" else "empty",
        "filter6": setup.filter_name if setup.filter_name not in {"", "J"} else "empty",
        "pixel_scale": scale,
        "specmode": setup.mode,
        "wavelength": setup.wavelength / 1000.0,
        "lamp": LAMP_CURRENT if lamp_is_on(frame) else 0,
        "lamp_on": lamp_is_on(frame),
        "argon_on": plan.lamp == "argon" and frame.number % 2 == 1,
        "columns": shape[1],
        "rows": shape[0],
        "centre_x": shape[1] / 2.0,
        "centre_y": shape[0] / 2.0,
        "target_ra": star.ra,
        "target_dec": star.dec,
        "scale_ra": -scale / 3600.0,
        "scale_dec": scale / 3600.0,
    }
    if plan.kind == "linearity":
        own["dpr_type"] = "LAMP,LINEARITY" if lamp_is_on(frame) else "OTHER,LINEARITY"
    return own
