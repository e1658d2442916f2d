"""Previews show what is there, whatever the spectrum is like."""

import io
from dataclasses import replace
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.image import imread

from vltflow.plots.spectrum import WIDTH_IN, SpectrumPreview, draw_preview
from vltflow.plots.style import PNG_DPI, SERIES

ELEMENTS = 20_000
CHANCE = np.random.default_rng(8)
WAVE = np.linspace(3300.0, 4500.0, ELEMENTS)
GOOD = SpectrumPreview(
    title="Target <$_^>  UVES", wave=WAVE, flux=100 + CHANCE.normal(0, 5, ELEMENTS),
    error=np.full(ELEMENTS, 5.0), quality=np.zeros(ELEMENTS, int), wave_label="wavelength [nm]",
    flux_label="flux [adu]", flag_names=((2, "cosmic"),),
)  # fmt: skip
FLAGGED = replace(
    GOOD, quality=np.where(WAVE < 3500, 2, 0) | np.where(np.arange(ELEMENTS) == 9000, 8, 0)
)
ODD = {
    "no errors": replace(GOOD, error=np.full(ELEMENTS, np.nan)),
    "no fluxes": replace(GOOD, flux=np.full(ELEMENTS, np.nan)),
    "all flagged": replace(GOOD, quality=np.full(ELEMENTS, 5)),
    "constant": replace(GOOD, flux=np.zeros(ELEMENTS)),
    "every flag": replace(GOOD, quality=np.full(ELEMENTS, 2**31 - 1)),
    "negative": replace(GOOD, flux=GOOD.flux - 1000),
    "tiny": replace(GOOD, flux=GOOD.flux * 1e-18, error=GOOD.error * 1e-18),
    "spikes": replace(GOOD, flux=np.where(np.arange(ELEMENTS) % 1000 == 1, 1e30, GOOD.flux)),
    "gap of zeros": replace(
        GOOD, flux=np.where(WAVE > 4000, 0.0, GOOD.flux), error=np.where(WAVE > 4000, np.nan, 5.0)
    ),
    "two elements": replace(
        GOOD, wave=WAVE[:2], flux=GOOD.flux[:2], error=GOOD.error[:2], quality=GOOD.quality[:2]
    ),
}  # fmt: skip


def test_a_png_has_the_declared_width_and_shows_something():
    pixels = imread(io.BytesIO(draw_preview(FLAGGED)))
    assert pixels.shape[1] == round(WIDTH_IN * PNG_DPI)
    assert pixels[..., :3].std() > 0.05


def test_an_svg_says_title_axes_and_flags_with_their_share():
    root = ET.fromstring(draw_preview(FLAGGED, file_format="svg", prefix="p"))
    assert root.get("aria-label") == FLAGGED.title
    text = draw_preview(FLAGGED, file_format="svg").decode()
    assert "cosmic: 16.7%" in text
    assert "flag 8: 0.0%" in text


def test_long_names_of_flags_fit_beside_their_lines():
    shown = replace(FLAGGED, title="", flag_names=((2, "UNMEASURED"), (8, "BIAS_DEFECT")))
    pixels = imread(io.BytesIO(draw_preview(shown)))
    assert (pixels[:, :8] == 1.0).all()


def test_nothing_is_drawn_over_the_gap_between_two_chips():
    apart = replace(GOOD, wave=np.where(WAVE > 3900, WAVE + 1200.0, WAVE))
    pixels = imread(io.BytesIO(draw_preview(apart)))[..., :3]
    blue = np.abs(pixels - to_rgb(SERIES)).max(axis=2) < 0.1
    height, width = blue.shape
    # The spectrum, and its signal to noise, from the left end of their axes.
    for rows in (slice(height // 30, height // 4), slice(int(0.65 * height), int(0.8 * height))):
        columns = blue[rows, width // 10 :].any(axis=0)
        assert columns.mean() > 0.4
        middle = len(columns) // 2
        assert not columns[middle - 50 : middle + 50].any()


@pytest.mark.slow
def test_equal_arrays_give_equal_bytes():
    for kind in ("svg", "png"):
        assert draw_preview(GOOD, file_format=kind) == draw_preview(GOOD, file_format=kind)


@pytest.mark.slow
@pytest.mark.parametrize("shown", ODD.values(), ids=ODD)
def test_odd_spectra_are_drawn_without_a_warning(shown):
    assert draw_preview(shown, file_format="png").startswith(b"\x89PNG")
