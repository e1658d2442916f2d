"""Plots: arrays to figures, in one house style that light and dark pages can carry.

Takes the arrays of a QC figure, or a trend with its limits; gives SVG or PNG bytes
(``plots.draw``, ``plots.trend``). Also keeps the arrays of a product's figures in one
file, so that number and picture come from the same values; who only keeps them needs
no drawing library. Never reads products, never asks the store.
"""

from vltflow.plots.figure_file import load_figures, save_figures

__all__ = ["load_figures", "save_figures"]
