"""What a search among a million science products becomes in SQL, with an index for each part."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any

from sqlalchemy import func, select

from vltflow.core.time import night_range
from vltflow.records import Cone, ScienceQuery, ScienceState
from vltflow.store.science_schema import science_product, science_programme

_IGNORED = re.compile("[ _]")
_LAST = "\U0010ffff"
"""Sorts after every name with the same begin."""


def target_key(target: str) -> str:
    """Name of a target as it is searched: without blanks and underscores, small letters."""
    return _IGNORED.sub("", target).lower()


def unit_vector(ra: float | None, dec: float | None) -> dict[str, float | None]:
    """Direction to a position in degrees, by column; None where it is not known.

    With it the database compares distances by adding and multiplying alone; there is no seam
    at 0 h and no pole.
    """
    if ra is None or dec is None:
        return {"unit_x": None, "unit_y": None, "unit_z": None}
    x, y, z = _direction(ra, dec)
    return {"unit_x": x, "unit_y": y, "unit_z": z}


def conditions_of(query: ScienceQuery) -> list[Any]:
    """Conditions on `science_product` that all must hold."""
    table = science_product.c
    equal = ((table.instrument, query.instrument), (table.category, query.category))
    found: list[Any] = [column == value for column, value in equal if value]
    found += [*_target(query.target), *_programme(query.programme), *_cone(query.cone)]
    if query.first:
        found.append(table.mjd_obs >= night_range(query.first)[0])
    if query.last:
        found.append(table.mjd_obs < night_range(query.last)[1])
    if query.snr is not None:
        found.append(table.snr >= query.snr)
    if query.clean:
        found.append(table.bits.not_like("%1%"))
    if query.bit is not None:
        found.append(func.substr(table.bits, query.bit, 1) == "1")
    if not query.hidden:
        found.append(table.state == str(ScienceState.PUBLISHED))
    return found


def _target(target: str) -> Iterator[Any]:
    begin = target_key(target)
    if begin:
        # a range of names, which an index on plain text serves; % and _ mean nothing here
        yield from _beginning(science_product.c.target_key, begin)


def _programme(programme: str) -> Iterator[Any]:
    begin = programme.strip()
    if begin:
        table = science_programme.c
        own = select(table.science_id).where(*_beginning(table.programme, begin))
        yield science_product.c.science_id.in_(own)  # a list first: it is short, products are not


def _beginning(column: Any, begin: str) -> tuple[Any, Any]:
    return column >= begin, column < begin + _LAST


def _cone(cone: Cone | None) -> Iterator[Any]:
    if cone is None:
        return
    table = science_product.c
    yield table.dec.between(cone.dec - cone.radius, cone.dec + cone.radius)
    x, y, z = _direction(cone.ra, cone.dec)
    dx, dy, dz = table.unit_x - x, table.unit_y - y, table.unit_z - z
    chord = 2.0 * math.sin(math.radians(min(cone.radius, 180.0)) / 2.0)
    yield dx * dx + dy * dy + dz * dz <= chord * chord


def _direction(ra: float, dec: float) -> tuple[float, float, float]:
    longitude, latitude = math.radians(ra), math.radians(dec)
    across = math.cos(latitude)
    return across * math.cos(longitude), across * math.sin(longitude), math.sin(latitude)
