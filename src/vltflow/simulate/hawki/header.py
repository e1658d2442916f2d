"""Cards of HAWK-I's raw frames."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING

from vltflow.simulate.cards import Card, CardTable, CardValue
from vltflow.simulate.hawki.constants import (
    ARRAYS,
    BLANK,
    FULL,
    PIXEL_SCALE,
    SMALL_FLAT,
    WHEELS,
)
from vltflow.simulate.hawki.night import integration, lamp_is_on
from vltflow.simulate.observing import common_cards, infrared
from vltflow.simulate.sky import Target

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vltflow.simulate.infrared import Array
    from vltflow.simulate.plan import PlannedFrame

_TABLE = CardTable(resources.files("vltflow.simulate.hawki") / "cards.txt")
_STARS = {
    "standard": Target("FS-19", 143.3875, -20.7128, 13.8, 0.0),
    "science": Target("NGC-3201", 154.4034, -46.4125, 8.2, 0.0),
    "": Target("CALIBRATION", 0.0, -30.0, 0.0, 0.0),
}


def cards(frame: PlannedFrame, shapes: Sequence[tuple[int, ...] | None]) -> list[list[Card]]:
    """The cards of the primary HDU and of the four extensions."""
    quantities = _quantities(frame)
    flags = frozenset({"n"}) if frame.template.target else frozenset[str]()
    primary = [
        *common_cards(frame, quantities, _STARS[frame.template.target]),
        *_TABLE.fill("primary", flags, quantities),
    ]
    extensions = [
        [
            Card("EXTNAME", f"CHIP{array.index}.INT1", "Extension name"),
            *_TABLE.fill("chip", flags, _chip(frame, array, shape or FULL)),
        ]
        for array, shape in zip(ARRAYS, shapes, strict=True)
    ]
    return [primary, *extensions]


def _quantities(frame: PlannedFrame) -> dict[str, CardValue]:
    plan, integrated = frame.template, integration(frame)
    wheels = WHEELS.get(infrared(frame).filter_name, BLANK)
    own: dict[str, CardValue] = {
        "telescope": "ESO-VLT-U4",
        "instrume": "HAWKI",
        "exptime": integrated.dit,
        "dit": integrated.dit,
        "ndit": integrated.ndit,
        "readout": infrared(frame).readout,
        "filter1": wheels[0],
        "filter2": wheels[1],
        "pixel_scale": PIXEL_SCALE,
    }
    if plan.kind == "linearity":
        lit = lamp_is_on(frame)
        own["dpr_type"] = "FLAT,LAMP,DETCHECK" if lit else "DARK,DETCHECK"
        if not lit:
            own |= {"filter1": BLANK[0], "filter2": BLANK[1]}
    return own


def _chip(frame: PlannedFrame, array: Array, shape: tuple[int, ...]) -> dict[str, CardValue]:
    star = _STARS[frame.template.target]
    scale = PIXEL_SCALE / 3600.0 * FULL[0] / shape[0]
    left, low = array.index in {1, 4}, array.index in {1, 2}
    return {
        "ra": star.ra,
        "dec": star.dec,
        # The reference lies in the gap between the arrays, 142 pixels wide.
        "crpix1": shape[1] + 71.0 if left else -71.0,
        "crpix2": shape[0] + 71.0 if low else -71.0,
        "scale_ra": -scale,
        "scale_dec": scale,
        "chip": array.index,
        "chip_id": array.name,
        "rows": shape[0],
        "columns": shape[1],
        "live": frame.template.kind != "flat" or shape >= SMALL_FLAT,
    }
