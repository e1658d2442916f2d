"""What HAWK-I does in a night."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vltflow.simulate.hawki.constants import FLAT_DIT, LINEARITY_DITS
from vltflow.simulate.infrared import Integration
from vltflow.simulate.observing import (
    AFTERNOON,
    MORNING,
    NIGHT,
    TWILIGHT,
    InfraredSetup,
    infrared,
    numbered,
    sequence,
    template,
)

if TYPE_CHECKING:
    from vltflow.simulate.plan import PlannedFrame, Template

_READOUT = "NonDest"
_FILTERS = ("J", "Ks")


def templates(date: str) -> list[Template]:
    """Templates of the night that starts on the evening of `date`, by time."""
    return numbered(
        [
            *sequence(date, AFTERNOON, [_linearity()]),
            *sequence(date, TWILIGHT, map(_twilight_flat, _FILTERS)),
            *sequence(date, NIGHT, [_standard("J"), _science("J"), _science("Ks")]),
            # The integration times of the night, and one of the daily health check.
            *sequence(date, MORNING, [_dark(FLAT_DIT, 1), _dark(2.0, 1), _dark(10.0, 6)]),
        ]
    )


def integration(frame: PlannedFrame) -> Integration:
    """DIT and NDIT of a frame: linearity templates go through all integration times."""
    setup = infrared(frame)
    if frame.template.kind == "linearity":
        return Integration(LINEARITY_DITS[(frame.number - 1) // 2], 1)
    return Integration(setup.dit, setup.ndit)


def lamp_is_on(frame: PlannedFrame) -> bool:
    """Whether a frame of a linearity template sees the dome lamp: dark and flat alternate."""
    return frame.number % 2 == 0


def _setup(dit: float, ndit: int, filter_name: str = "") -> InfraredSetup:
    return InfraredSetup("hawki", dit=dit, ndit=ndit, readout=_READOUT, filter_name=filter_name)


def _dark(dit: float, ndit: int) -> Template:
    dpr = ("CALIB", "DARK", "IMAGE")
    return template("DARK", "dark", _setup(dit, ndit), dpr, "HAWKI_img_cal_Darks", 3)


def _twilight_flat(filter_name: str) -> Template:
    setup = _setup(FLAT_DIT, 1, filter_name)
    dpr = ("CALIB", "FLAT", "IMAGE")
    return template("FLAT_TWILIGHT", "flat", setup, dpr, "HAWKI_img_cal_TwFlats", 3)


def _linearity() -> Template:
    setup = _setup(LINEARITY_DITS[-1], 1, "J")
    dpr = ("CALIB", "FLAT,LAMP,DETCHECK", "IMAGE")
    count = 2 * len(LINEARITY_DITS)
    return template("DETLIN", "linearity", setup, dpr, "HAWKI_img_tec_DetLin", count, lamp="dome")


def _standard(filter_name: str) -> Template:
    setup = _setup(10.0, 1, filter_name)
    dpr = ("CALIB", "STD", "IMAGE")
    tpl = "HAWKI_img_cal_StandardStar"
    return template("STD", "standard", setup, dpr, tpl, 4, target="standard")


def _science(filter_name: str) -> Template:
    setup = _setup(10.0, 6, filter_name)
    dpr = ("SCIENCE", "OBJECT", "IMAGE")
    tpl = "HAWKI_img_obs_AutoJitter"
    return template("OBJECT", "science", setup, dpr, tpl, 3, target="science")
