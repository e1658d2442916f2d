"""What NACO does in a night."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vltflow.simulate.infrared import Integration
from vltflow.simulate.naco.constants import LINEARITY_DITS
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

_DOUBLE, _FOWLER = "Double_RdRstRd", "FowlerNsamp"
_WITH_LAMP = frozenset({"linearity", "flat", "spectral"})


def templates(date: str) -> list[Template]:
    """Templates of the night that starts on the evening of `date`, by time."""
    return numbered(
        [
            *sequence(date, AFTERNOON, [_linearity()]),
            *sequence(date, TWILIGHT, [_twilight_flat("H", "S27")]),
            *sequence(date, NIGHT, [_standard("Ks"), _science("Ks"), _science("H"), _spectrum()]),
            *sequence(
                date,
                MORNING,
                [
                    _lamp_flat("Ks", "S27"),
                    _lamp_flat("J", "S13"),
                    _spectral_flat(),
                    _arc(),
                    # Integration time, mode and camera of what the night took.
                    _dark(2.0, "S27", _DOUBLE),
                    _dark(3.0, "S27", _DOUBLE),
                    _dark(30.0, "S27", _FOWLER),
                ],
            ),
        ]
    )


def integration(frame: PlannedFrame) -> Integration:
    """DIT and NDIT of a frame: linearity templates go through all integration times."""
    setup = infrared(frame)
    if frame.template.kind == "linearity":
        return Integration(LINEARITY_DITS[(frame.number - 1) // 2], 1)
    return Integration(setup.dit, setup.ndit)


def lamp_is_on(frame: PlannedFrame) -> bool:
    """Whether the lamp burns: with templates of pairs in the first frame of each."""
    return frame.template.kind in _WITH_LAMP and bool(frame.template.lamp) and frame.number % 2 == 1


def _setup(
    dit: float, ndit: int, camera: str, readout: str = _DOUBLE, filter_name: str = ""
) -> InfraredSetup:
    return InfraredSetup(
        "conica", dit=dit, ndit=ndit, readout=readout, filter_name=filter_name, camera=camera
    )


def _dark(dit: float, camera: str, readout: str) -> Template:
    dpr = ("CALIB", "DARK", "IMAGE")
    return template("CAL_DARK", "dark", _setup(dit, 1, camera, readout), dpr,
                    "NACO_all_cal_Darks", 3)  # fmt: skip


def _lamp_flat(filter_name: str, camera: str) -> Template:
    setup = _setup(3.0, 1, camera, filter_name=filter_name)
    return template("CAL_FLAT_LAMP", "flat", setup, ("CALIB", "FLAT,LAMP", "IMAGE"),
                    "NACO_img_cal_LampFlats", 6, lamp="halogen")  # fmt: skip


def _twilight_flat(filter_name: str, camera: str) -> Template:
    setup = _setup(2.0, 1, camera, filter_name=filter_name)
    return template("CAL_FLAT_TW", "flat", setup, ("CALIB", "FLAT,SKY", "IMAGE"),
                    "NACO_img_cal_TwFlats", 5)  # fmt: skip


def _linearity() -> Template:
    setup = _setup(LINEARITY_DITS[0], 1, "S27", filter_name="Ks")
    count = 2 * len(LINEARITY_DITS)
    return template("CAL_DETLIN", "linearity", setup, ("CALIB", "LAMP,LINEARITY", "IMAGE"),
                    "NACO_img_tec_Linearity", count, lamp="halogen")  # fmt: skip


def _spectral_setup(dit: float) -> InfraredSetup:
    return InfraredSetup(
        "conica", dit=dit, readout=_DOUBLE, camera="S27", filter_name="Ks", mode="S27-3-SK",
        wavelength=2200.0, slit_width=0.086,
    )  # fmt: skip


def _spectral_flat() -> Template:
    return template("CAL_FLAT_SPEC", "spectral", _spectral_setup(2.0),
                    ("CALIB", "FLAT,LAMP", "SPECTRUM"), "NACO_spec_cal_LampFlats", 6,
                    lamp="halogen")  # fmt: skip


def _arc() -> Template:
    return template("CAL_ARC_SPEC", "arc", _spectral_setup(2.0),
                    ("CALIB", "WAVE,LAMP", "SPECTRUM"), "NACO_spec_cal_Arcs", 2,
                    lamp="argon")  # fmt: skip


def _spectrum() -> Template:
    return template("SPEC_NODDING", "spectrum", _spectral_setup(30.0),
                    ("SCIENCE", "OBJECT", "SPECTRUM,NODDING"), "NACO_spec_obs_AutoNodOnSlit", 4,
                    target="science")  # fmt: skip


def _standard(filter_name: str) -> Template:
    setup = _setup(2.0, 5, "S27", filter_name=filter_name)
    return template("CAL_STD_JITTER", "standard", setup, ("CALIB", "STD", "IMAGE,JITTER"),
                    "NACO_img_cal_StandardStar", 5, target="standard")  # fmt: skip


def _science(filter_name: str) -> Template:
    setup = _setup(30.0, 2, "S27", _FOWLER, filter_name)
    return template("IM_JITTER_OBJ", "science", setup, ("SCIENCE", "OBJECT", "IMAGE,JITTER"),
                    "NACO_img_obs_AutoJitter", 4, target="science")  # fmt: skip
