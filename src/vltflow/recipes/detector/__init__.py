"""Detector recipes: master bias, master dark, master flat.

Take the raw frames and masters of one chip as arrays, give its master calibration with
variance, quality, QC1 values and the arrays behind their figures. Never open a file.
"""
