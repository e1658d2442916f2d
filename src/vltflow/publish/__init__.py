"""Publish: science products that keep to ESO's Science Data Products standard.

Takes arrays and a description of a spectrum, gives a product file (``spectrum_file``)
and its preview (``preview``); judges files of anybody against the rules of the standard
(``run``). Never reduces data, never asks the store.
"""
