"""A night for chosen science: the exposures, and the calibrations that they need.

Biases, order definition, flats and arcs of each setup in the morning, in the night the
exposures and a standard star. Everything else of a night is left out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from vltflow.simulate.plan import Window
from vltflow.simulate.sky import Target
from vltflow.simulate.source import Source
from vltflow.simulate.uves import night as nights
from vltflow.simulate.uves.constants import SLICERS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vltflow.simulate.plan import Setup, Template

_EVENING = 12.6 * 3600.0
_GAP = 61.0
WINDOWS = MappingProxyType(
    {
        "blue": Window(x=700, y=700, nx=1200, ny=320),
        "red": Window(x=1000, y=600, nx=2000, ny=700),
    }
)
"""Windows with five to seven orders at full sampling, in which order definition and wavelength
calibration still find enough: frames of 1 MB in the blue arm, 6 MB in the red one."""


@dataclass(frozen=True, slots=True)
class Exposure:
    """Science exposures of one template."""

    source: Source
    arm: str = "blue"
    wavelength: float = 390.0
    """nm."""
    binning: int = 1
    slit_width: float = 0.8
    """Arcsec; that of the slicer, if there is one."""
    exptime: float = 1500.0
    count: int = 1
    """Exposures of the template (TPL NEXP)."""
    slicer: str = ""

    def setup(self, window: Window | None) -> Setup:
        """The setup of the exposure."""
        slicer = SLICERS.get(self.slicer)
        width = slicer.width if slicer else self.slit_width
        setup = nights.slit(self.arm, self.wavelength, self.binning, width)
        if slicer:
            setup = replace(setup, slit_length=slicer.length, slicer=self.slicer)
        return replace(setup, window=window)


_STAR = Target("SIM-QSO", 160.25, -22.4, 16.6, 2.6)
_NEBULA = Target("SIM-NEBULA", 155.5, -30.2, 18.0, 0.0012)
SCIENCE = MappingProxyType(
    {
        "point": (Exposure(Source(target=_STAR, snr=30.0)),
                  Exposure(Source(target=_STAR, snr=30.0), "red", 580.0)),
        "faint": (Exposure(Source(target=_STAR, snr=3.0)),),
        "bright": (Exposure(Source(target=_STAR, snr=300.0)),),
        "binned": (Exposure(Source(target=_STAR, snr=30.0), binning=2),),
        "refraction": (Exposure(Source(target=_STAR, snr=60.0, refraction=1.2, beta=2.8)),),
        "extended": (Exposure(Source("extended", target=_NEBULA, snr=10.0)),),
        "nebula": (Exposure(Source("extended", "emission", target=_NEBULA, snr=40.0),
                            "red", 580.0),),
        "emission": (Exposure(Source("point", "emission", target=_NEBULA, snr=60.0)),),
        "slicer": (Exposure(Source(target=_STAR, snr=30.0), "red", 580.0, slicer="SLIC#1"),),
        "telluric": (Exposure(Source(target=_STAR, snr=100.0, telluric=True), "red", 760.0),),
        "moon": (Exposure(Source(target=_STAR, snr=30.0, sky="moon")),),
        "twilight": (Exposure(Source(target=_STAR, snr=30.0, sky="twilight")),),
        "ladder": tuple(
            Exposure(Source(target=_STAR, snr=snr, observation=f"SIM-LADDER-{snr:g}"), count=3,
                     exptime=900.0)
            for snr in (3.0, 10.0, 30.0, 100.0, 300.0)
        ),
    }
)  # fmt: skip
"""Scenes by name."""


def science_night(
    night: str,
    exposures: Sequence[Exposure],
    *,
    window: bool | Window = False,
    standard: bool = True,
    calibrations: bool = True,
) -> tuple[Template, ...]:
    """Templates of a night with these exposures, by time, for `simulate_day`.

    Parameters
    ----------
    night
        ISO date of the evening.
    window
        Read out `WINDOWS`, or this window in both arms, instead of whole chips.
    standard
        Whether a standard star is observed in each setup, but not through the blue window: in its
        orders (369 to 393 nm in the usual setting) hot stars have hardly anything but Balmer
        lines, and no response can be drawn.
    calibrations
        Whether biases, order definitions, flats and arcs are taken.

    Notes
    -----
    The same exposures on several nights are exposures of one observation block if their source
    has a name for it: the object's lines then move by the Earth's motion from night to night.
    """
    windows = {arm: WINDOWS[arm] if window is True else window or None for arm in WINDOWS}
    setups = list(dict.fromkeys(one.setup(windows[one.arm]) for one in exposures))
    entries = [nights.science(one.setup(windows[one.arm]), one.source, count=one.count,
                              exptime=one.exptime) for one in exposures]  # fmt: skip
    if standard:
        entries += [
            nights.standard(setup)
            for setup in setups
            if not (setup.slicer or setup.window == WINDOWS["blue"])
        ]
    timed = nights.one_by_one(entries, _EVENING + nights.jitter_ms(night) / 1e3)
    if calibrations:
        timed += nights.one_by_one(
            _calibrations(setups), nights.MORNING + nights.jitter_ms(night) / 1e3
        )
    return tuple(replace(template, ordinal=i) for i, template in enumerate(timed))


def _calibrations(setups: Sequence[Setup]) -> list[nights.Entry]:
    """Biases of each arm and binning, and what each setup needs."""
    detectors = dict.fromkeys((setup.arm, setup.binning, setup.window) for setup in setups)
    entries = [
        replace(entry, setup=replace(entry.setup, window=window))
        for arm, binning, window in detectors
        for entry in (nights.bias(arm, binning),)
    ]
    optics = dict.fromkeys(replace(setup, slit_width=0.8, slit_length=10.0, slicer="")
                           for setup in setups)  # fmt: skip
    entries += [nights.order_definition(setup) for setup in optics]
    for setup in setups:
        entries += [nights.flat(setup), nights.arc(setup)]
    return entries
