"""Names of products: short enough, unique, and the same for the same input."""

from __future__ import annotations

import hashlib
import re

from vltflow.core.time import iso_from_mjd

LONGEST = 68
"""Characters that fit into a FITS card."""
_DIGEST = 8
_UNSAFE = re.compile(r"[^A-Za-z0-9.:+-]+")


def archive_name(mjd: float) -> str:
    """Archive's name of a product: ``ADP.`` and the time at which it was archived.

    Parameters
    ----------
    mjd : float
        Moment of archiving; a millisecond names one product, the caller gives no two
        products the same.

    Examples
    --------
    >>> archive_name(57080.5)
    'ADP.2015-02-27T12:00:00.000.fits'
    """
    return f"ADP.{iso_from_mjd(mjd)}.fits"


def product_name(*parts: str) -> str:
    """File name from what tells products apart: instrument, target, time, setup.

    Characters that are unsafe in file names become minus signs. A name that would have
    more than 68 characters is cut, and ends in eight digits of the hash of all of it, so
    that two long names stay different.

    Examples
    --------
    >>> product_name("UVES", "HE 1341-1020", "2010-05-07T01:02:03", "BLUE390")
    'UVES_HE-1341-1020_2010-05-07T01:02:03_BLUE390.fits'

    Raises
    ------
    ValueError
        If nothing is left of all parts.
    """
    cleaned = [text for part in parts if (text := _UNSAFE.sub("-", part).strip("-."))]
    if not cleaned:
        raise ValueError(f"no file name can be made of {parts}")
    name = "_".join(cleaned)
    room = LONGEST - len(".fits")
    if len(name) > room:
        digest = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:_DIGEST]
        name = f"{name[: room - _DIGEST - 1]}_{digest}"
    return f"{name}.fits"
