"""Echelle recipes: light traced over a detector in orders, and a wavelength on every pixel.

Take one raw frame of one chip and tables as arrays, give tables with QC1 values and the arrays
behind their figures. Know no instrument: its geometry comes as SPECTRAL_FORMAT_TAB, a static
calibration, and the keywords of the setting as parameters. Never open a file.
"""
