"""ESO's rule language (OCA: Organisation, Classification, Association).

Takes rule files as ESO's pipelines bring them, gives a syntax tree, the labels that the
rules themselves give to a header, and an instrument definition that says the same.
ESO's files stay where they are installed: nothing of them is in here.
"""

from vltflow.instruments.oca.parser import parse, parse_file

__all__ = ["parse", "parse_file"]
