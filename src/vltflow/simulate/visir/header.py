"""Cards of VISIR's raw frames."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING

from vltflow.simulate.cards import Card, CardTable, CardValue
from vltflow.simulate.observing import common_cards, infrared
from vltflow.simulate.sky import Target
from vltflow.simulate.visir.constants import ARRAYS, BLACK_BODY, CHOP_CYCLES
from vltflow.simulate.visir.night import is_chopped

if TYPE_CHECKING:
    from vltflow.simulate.plan import PlannedFrame

_TABLE = CardTable(resources.files("vltflow.simulate.visir") / "cards.txt")
_STARS = {
    "standard": Target("HD-4815", 12.5317, -11.2666, 4.9, 0.0),
    "science": Target("NGC-7582", 349.5979, -42.3706, 10.6, 0.0),
    "": Target("CALIBRATION", 0.0, -30.0, 0.0, 0.0),
}


def cards(frame: PlannedFrame, shape: tuple[int, ...]) -> list[Card]:
    """The cards of the primary HDU."""
    quantities = _quantities(frame, shape)
    flags = {"i"} if frame.template.setup.arm == "imager" else {"s"}
    flags |= {"n"} if frame.template.target else set()
    return [
        *common_cards(frame, quantities, _STARS[frame.template.target]),
        *_TABLE.fill("primary", frozenset(flags), quantities),
    ]


def _quantities(frame: PlannedFrame, shape: tuple[int, ...]) -> dict[str, CardValue]:
    plan, setup = frame.template, infrared(frame)
    star, chopped = _STARS[plan.target], is_chopped(frame)
    warm = BLACK_BODY[frame.number - 1] if plan.kind == "flat" else 0.0
    return {
        "telescope": "ESO-VLT-U3",
        "instrume": "VISIR",
        "exptime": setup.dit,
        "dit": setup.dit,
        "ndit": setup.ndit,
        "readout": setup.readout,
        "chip_id": ARRAYS[setup.arm].name,
        "columns": shape[1],
        "rows": shape[0],
        "frame_type": "CUBE2" if chopped else "INT",
        "chopping": chopped,
        "chop_cycles": CHOP_CYCLES if chopped else 1,
        "chop_frequency": 0.25 if chopped else 0.0,
        "nod": "A" if frame.number % 2 else "B",
        "mode": setup.mode,
        "pfov": setup.camera,
        "filter1": setup.filter_name or "CLOSED",
        "resolution": setup.camera,
        "wavelength": setup.wavelength / 1000.0,
        "slit_width": setup.slit_width,
        "black_body": warm,
        "unit_on": plan.kind == "flat",
        "source": "SKY" if plan.target else "EXTS" if plan.kind == "flat" else "NONE",
        # Nodding moves the target, jitter does not.
        "cumoffset_x": 0.0,
        "cumoffset_y": 0.0,
        "target_ra": star.ra,
        "target_dec": star.dec,
    }
