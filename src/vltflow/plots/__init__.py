"""Plots: arrays to figures, in one house style that light and dark pages can carry.

Takes the arrays of a QC figure, or a trend with its limits; gives SVG or PNG bytes.
Also keeps the arrays of a product's figures in one file, so that number and picture
come from the same values. Never reads products, never asks the store.
"""

from vltflow.plots.draw import draw
from vltflow.plots.figure_file import load_figures, save_figures
from vltflow.plots.trend import Trend, draw_trend

__all__ = ["Trend", "draw", "draw_trend", "load_figures", "save_figures"]
