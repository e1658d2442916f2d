"""Resolving power of a lamp's lines, through the slit of the science."""

from __future__ import annotations

import pytest

from vltflow.instruments import load
from vltflow.publish.resolution import Resolution, resolving_power, scaling
from vltflow.simulate.uves import constants

OPTICS = load("UVES").idp.solution.optics


@pytest.mark.parametrize("lamp", [0.4, 0.6, 0.8])
@pytest.mark.parametrize("slit", [0.4, 0.8, 1.0, 1.2])
def test_an_arc_through_another_slit_gives_the_resolving_power_of_the_science(lamp, slit):
    found = Resolution(constants.resolving_power(lamp), lamp, slit).through_slit(OPTICS)
    assert found == pytest.approx(constants.resolving_power(slit), rel=0.01)


@pytest.mark.parametrize(("lamp", "slit"), [(0.8, 0.8), (0.8, 0.0), (0.0, 1.2)])
def test_what_is_of_the_same_slit_or_untold_stays_as_measured(lamp, slit):
    one = Resolution(59_000.0, lamp, slit)
    assert one.through_slit(OPTICS) == 59_000.0
    assert scaling([one]) == ""


def test_a_definition_of_before_optics_were_told_gives_what_it_gave():
    assert Resolution(59_000.0, 0.6, 1.2).through_slit(None) == 59_000.0


def test_chips_and_exposures_are_scaled_each_before_their_median():
    chips = [Resolution(70_000.0, 0.6, slit) for slit in (0.6, 0.6, 1.2)]
    assert resolving_power(chips, OPTICS) == 70_000.0
    assert scaling(chips) == "arc 0.6 arcsec, science 1.2 arcsec"
