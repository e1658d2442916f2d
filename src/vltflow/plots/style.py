"""House style: colours that colour-blind people tell apart on light and dark pages.

The hues are those of Okabe and Ito, "Color Universal Design" (2008,
https://jfly.uni-koeln.de/color/), with the lightness moved to the middle: each has a
contrast of at least 3:1 (WCAG 2.2, 1.4.11) to white and to the dark page colour.
"""

from __future__ import annotations

from typing import Literal

FileFormat = Literal["svg", "png"]

INK = "#202124"
"""Text and axes of a PNG; in an SVG they take the colour of the page's text."""
PAPER = "#ffffff"
SERIES = "#2f86c1"
"""The data: blue."""
BAND = "#1f9e78"
"""Limits within which a value is good: bluish green."""
GOOD = "#16906b"
BAD = "#d5602a"
"""A value outside its limits: vermilion."""
UNSCORED = "#80868b"
MARKS = ("#d5602a", "#b56a9b", "#1f9e78", "#a67c00", "#5d7fa8", "#80868b")
"""Marked values, in turn."""
DASHES = ("--", "-.", ":", (0, (6, 1, 1, 1, 1, 1)), (0, (8, 2)), (0, (1, 3)))
"""So that marks differ without colour as well."""
IMAGE_MAP = "cividis"
"""Uniform for normal and colour-deficient sight (Nunez et al. 2018, PLOS ONE 13, e0199239)."""
IMAGE_UNDEFINED = "#d5602a"
"""Pixels without a value."""

WIDTH_IN = 4.8
"""At the width of a phone (about 350 CSS pixels) a text of 9 points still shows 9 pixels high."""
TEXT_POINTS = 9.0
PNG_DPI = 160
