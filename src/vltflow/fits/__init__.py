"""FITS files: headers, wholeness, pixels, and writing that cannot be left half done.

Takes paths, gives typed headers, fingerprints and rows of pixels; writes products
with checksums. Knows what FITS means, not what an instrument or a store is.
"""

from vltflow.fits.amend import amend
from vltflow.fits.difference import MOMENTS, Difference, differences
from vltflow.fits.header import FitsValue, Header, keyword
from vltflow.fits.image import RawImage, materialise
from vltflow.fits.reduced import (
    NO_VALUE,
    ReducedOrder,
    ReducedSpectrum,
    read_orders,
    read_reduced,
)
from vltflow.fits.row import Column, first_row, table_columns
from vltflow.fits.scanner import Inspection, Unit, inspect, scan, units
from vltflow.fits.streams import SUFFIXES, has_suffix, stem
from vltflow.fits.table import Table, read_tables
from vltflow.fits.writing import Image, new_file, write_bytes, write_hdus, write_product

__all__ = [
    "MOMENTS",
    "NO_VALUE",
    "SUFFIXES",
    "Column",
    "Difference",
    "FitsValue",
    "Header",
    "Image",
    "Inspection",
    "RawImage",
    "ReducedOrder",
    "ReducedSpectrum",
    "Table",
    "Unit",
    "amend",
    "differences",
    "first_row",
    "has_suffix",
    "inspect",
    "keyword",
    "materialise",
    "new_file",
    "read_orders",
    "read_reduced",
    "read_tables",
    "scan",
    "stem",
    "table_columns",
    "units",
    "write_bytes",
    "write_hdus",
    "write_product",
]
