"""What raw frames tell of a flat whose recipe tells nothing."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from astropy.io import fits

from vltflow.instruments import load
from vltflow.qc.raw_frames import raw_values

UVES = load("UVES")
LIMITS = {
    one.parameter: one
    for one in UVES.scores.thresholds
    if "MASTER_FLAT_BLUE" in one.categories and one.method == "FIXED"
}
PEAK, SATURATED = "QC FLAT PEAK", "QC OUT1 NSAT RAW"


def flat(folder, levels, category="MASTER_FLAT_BLUE"):
    """An AB of frames whose orders, a tenth of the chip, are as bright as `levels`."""
    frames = []
    for number, level in enumerate(levels):
        pixels = np.full((400, 300), 151.0)
        pixels[:, 50:250:10] += level
        path = folder / f"flat{number}.fits"
        fits.PrimaryHDU(pixels.clip(0, 65_535).astype("u2")).writeto(path)
        frames.append(SimpleNamespace(location=str(path)))
    block = SimpleNamespace(raw_type="FLAT_BLUE")
    return SimpleNamespace(
        block=block, frames=tuple(frames), products=(SimpleNamespace(category=category),)
    )


@pytest.mark.parametrize(
    ("levels", "red"),
    [
        ((20_000, 20_100, 19_900), []),
        ((20_000, 0, 19_900), [PEAK]),
        ((20_000, 20_100, 90_000), [SATURATED]),
    ],
)
def test_a_frame_without_light_or_with_too_much_is_red(levels, red, tmp_path):
    found = {
        name: value for _, name, value in raw_values(UVES, flat(tmp_path, levels), (), tmp_path)
    }
    assert found[PEAK] == min(levels)
    limits = {name: LIMITS[name] for name in found}
    assert [
        name
        for name, one in limits.items()
        if (one.low is not None and found[name] < one.low) or found[name] > one.high
    ] == red


def test_what_a_recipe_tells_is_not_measured_again_and_frames_may_be_away(tmp_path):
    dossier = flat(tmp_path, (20_000,))
    told = {("MASTER_FLAT_BLUE", PEAK)}
    assert [name for _, name, _ in raw_values(UVES, dossier, told, tmp_path)] == [SATURATED]
    (tmp_path / "flat0.fits").unlink()
    assert list(raw_values(UVES, dossier, told, tmp_path)) == []
    assert list(raw_values(UVES, flat(tmp_path, (1,), "BKG_FLAT_BLUE"), (), tmp_path)) == []
