"""FITS files: headers, wholeness, pixels, and writing that cannot be left half done.

Takes paths, gives typed headers, fingerprints and rows of pixels; writes products
with checksums. Knows what FITS means, not what an instrument or a store is.
"""

from vltflow.fits.amend import amend
from vltflow.fits.header import FitsValue, Header, keyword
from vltflow.fits.image import RawImage, materialise
from vltflow.fits.scanner import Inspection, inspect, scan
from vltflow.fits.streams import SUFFIXES, has_suffix, stem
from vltflow.fits.writing import new_file, write_bytes, write_product

__all__ = [
    "SUFFIXES",
    "FitsValue",
    "Header",
    "Inspection",
    "RawImage",
    "amend",
    "has_suffix",
    "inspect",
    "keyword",
    "materialise",
    "new_file",
    "scan",
    "stem",
    "write_bytes",
    "write_product",
]
