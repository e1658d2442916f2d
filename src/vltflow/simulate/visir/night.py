"""What VISIR does in a night."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vltflow.simulate.observing import (
    MORNING,
    NIGHT,
    InfraredSetup,
    numbered,
    sequence,
    template,
)
from vltflow.simulate.visir.constants import BLACK_BODY, READOUT

if TYPE_CHECKING:
    from vltflow.simulate.plan import PlannedFrame, Template


def templates(date: str) -> list[Template]:
    """Templates of the night that starts on the evening of `date`, by time."""
    return numbered(
        [
            *sequence(date, NIGHT, [_acquisition(), _standard(), _science(), _spectrum()]),
            # As each morning: numbers of frames and integration times of ESO's VISIR QC pages.
            *sequence(
                date,
                MORNING,
                [
                    _dark("imager"),
                    _dark("spectrometer"),
                    _flat("IM_CAL_FLAT", "imager", "CALIB", READOUT["imager"]),
                    _flat("IM_TECH_FLAT", "imager", "TECHNICAL", "Imager_nocorr_syncABAB"),
                    _flat("SPEC_TECH_FLAT", "spectrometer", "TECHNICAL",
                          "Spectro_nocorr_syncABAB"),
                ],
            ),
        ]
    )  # fmt: skip


def is_chopped(frame: PlannedFrame) -> bool:
    """Whether the secondary mirror chops between two places of the sky."""
    return "CHOPNOD" in frame.template.dpr[2]


def _setup(
    arm: str, dit: float, ndit: int, filter_name: str = "", readout: str = ""
) -> InfraredSetup:
    return InfraredSetup(
        arm,
        mode="IMG" if arm == "imager" else "SPC",
        dit=dit,
        ndit=ndit,
        readout=readout or READOUT[arm],
        filter_name=filter_name,
        camera="0.127" if arm == "imager" else "LR",
        wavelength=0.0 if arm == "imager" else 8800.0,
        slit_width=0.0 if arm == "imager" else 0.4,
    )


def _dark(arm: str) -> Template:
    image = arm == "imager"
    name, tech = ("IM_CAL_DARK", "IMAGE") if image else ("SPEC_CAL_DARK", "SPECTRUM")
    tpl = "VISIR_img_cal_Darks" if image else "VISIR_spec_cal_Darks"
    return template(name, "dark", _setup(arm, 0.02, 1000), ("CALIB", "DARK", tech), tpl, 3)


def _flat(raw_type: str, arm: str, category: str, readout: str) -> Template:
    image = arm == "imager"
    setup = _setup(arm, 0.016, 1875, "PAH1" if image else "N_SW_2", readout)
    tech = "IMAGE,DIRECT" if image else "SPECTRUM,DIRECT"
    tpl = "VISIR_img_cal_Flats" if image else "VISIR_spec_tec_Flats"
    count = len(BLACK_BODY)
    return template(raw_type, "flat", setup, (category, "FLAT", tech), tpl, count, lamp="warm")


def _acquisition() -> Template:
    return template("ACQ_OBS_CHO_NOD_JIT", "acquisition", _setup("imager", 0.01, 200, "SIC"),
                    ("ACQUISITION", "OBJECT", "IMAGE,CHOPNOD,JITTER"),
                    "VISIR_img_acq_MoveToPixel", 2, target="science")  # fmt: skip


def _standard() -> Template:
    return template("IM_CAL_PHOT", "standard", _setup("imager", 0.02, 123, "PAH1"),
                    ("CALIB", "STD", "IMAGE,CHOPNOD,JITTER"), "VISIR_img_cal_AutoChopNod", 2,
                    target="standard")  # fmt: skip


def _science() -> Template:
    return template("IM_OBS_CHO_NOD_JIT", "science", _setup("imager", 0.02, 123, "PAH1"),
                    ("SCIENCE", "OBJECT", "IMAGE,CHOPNOD,JITTER"), "VISIR_img_obs_AutoChopNod", 4,
                    target="science")  # fmt: skip


def _spectrum() -> Template:
    return template("SPEC_OBS_LMR", "spectrum", _setup("spectrometer", 0.02, 123, "N_SW_2"),
                    ("SCIENCE", "OBJECT", "SPECTRUM,CHOPNOD"), "VISIR_spec_obs_LRAutoChopNod", 2,
                    target="science")  # fmt: skip
