"""Where on the sky the pixels of an image lie."""

from __future__ import annotations

import warnings

from vltflow.fits import Header
from vltflow.publish.standard.values import number, text

_WORLD = (
    "NAXIS1", "NAXIS2", "CTYPE1", "CTYPE2", "CUNIT1", "CUNIT2", "CRVAL1", "CRVAL2", "CRPIX1",
    "CRPIX2", "CD1_1", "CD1_2", "CD2_1", "CD2_2", "LONPOLE", "LATPOLE",
)  # fmt: skip
_NEEDED = _WORLD[:14]
_MARGIN_PIXELS = 0.5


class UnknownFootprint(Exception):
    """World coordinates that say nothing; the message tells why."""


def holds(header: Header, ra: float, dec: float) -> bool | None:
    """Whether a position lies on an image (or the first two axes of a cube).

    Parameters
    ----------
    header : Header
        Of the image.
    ra, dec : float
        Degrees.

    Returns
    -------
    bool or None
        None if keywords of the coordinates are missing or of a wrong type: other rules tell.

    Raises
    ------
    UnknownFootprint
        If the coordinates are there and make no sense.
    """
    words = {"CTYPE1", "CTYPE2", "CUNIT1", "CUNIT2"}
    if any((text if name in words else number)(header, name) is None for name in _NEEDED):
        return None
    width, height = number(header, "NAXIS1"), number(header, "NAXIS2")
    if width is None or height is None:
        return None
    x, y = _pixel(header, ra, dec)
    low = 0.5 - _MARGIN_PIXELS
    return low <= x <= width + 0.5 + _MARGIN_PIXELS and low <= y <= height + 0.5 + _MARGIN_PIXELS


def _pixel(header: Header, ra: float, dec: float) -> tuple[float, float]:
    """Pixel, counted from 1, of a position."""
    from astropy import wcs  # noqa: PLC0415 - slow to load, and spectra have no footprint

    values = {name: header[name] for name in _WORLD if header.get(name) is not None}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # remarks on other keywords; rules judge them
            system = wcs.WCS(values, naxis=2)
            x, y = system.all_world2pix(ra, dec, 1)
    except (ValueError, TypeError, KeyError, MemoryError, wcs.WcsError) as error:
        raise UnknownFootprint(f"the world coordinates make no sense ({error})") from error
    return float(x), float(y)
