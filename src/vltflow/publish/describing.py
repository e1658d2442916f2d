"""What a science product says of its origin: keywords from raw headers, masters and scores."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from statistics import mean
from typing import Any, Literal, cast

import erfa

from vltflow import __version__
from vltflow.core.errors import InvalidHeader
from vltflow.core.time import DAY_SECONDS, mjd_from_iso
from vltflow.fits import FitsValue, Header, keyword
from vltflow.instruments import Instrument
from vltflow.instruments.idp import HeaderKeywords, Solution
from vltflow.publish.naming import LONGEST, archive_name
from vltflow.publish.resolution import resolving_power, scaling
from vltflow.publish.sources import Sources
from vltflow.publish.spectrum import Associated, Description
from vltflow.records import Score, score_bits

_FARTHEST_DEG = 0.1
"""Exposures of one target: more than any offset, as much as an asteroid moves in a night."""
_FRAMES = frozenset({"TOPOCENT", "GEOCENTR", "BARYCENT", "HELIOCEN"})
_CARRIED = ("ESO QC VRAD BARYCOR", "ESO QC VRAD HELICOR")
"""Velocities of the observer, which whoever compares wavelengths needs."""
_COVARIANCE = ("ESO DRS COVAR FACTOR", *(f"ESO DRS COVAR RHO{lag}" for lag in range(1, 5)))
"""How neighbouring bins hang together, which whoever adds bins needs: the mean of the chips."""


def describe(
    sources: Sources,
    instrument: Instrument,
    reduced: Sequence[Header],
    associated: Sequence[Associated],
) -> Description:
    """All keywords of the standard that are no arrays.

    Parameters
    ----------
    sources
        What the registry knows.
    reduced
        Headers of the reduced spectra, one a chip.
    associated
        Files that go with it.

    Raises
    ------
    InvalidHeader
        If a raw header lacks what the standard demands, or no resolving power is known.
    """
    keys, solution = instrument.idp.keywords, instrument.idp.solution
    if keys is None or solution is None:
        raise InvalidHeader(f"{instrument.name}: idp.yaml names no keywords")
    first = sources.headers[0]
    placed = _placed(sources, keys)
    name = sources.frames[0].name
    exposures = [_number(one, (keys.exptime,), name) for one in sources.headers]
    rms, lines = _solution(reduced, solution)
    return Description(
        target=str(_needed(first, keys.target, name)),
        ra=_number(placed, (keys.ra,), name),
        dec=_number(placed, (keys.dec,), name),
        telescope=str(_needed(first, (keys.telescope,), name)),
        instrument=instrument.name,
        technique=str(_needed(first, (keys.technique,), name)),
        mjd_obs=sources.frames[0].mjd_obs,
        mjd_end=sources.frames[-1].mjd_obs + exposures[-1] / DAY_SECONDS,
        exptime=sum(exposures),
        texptime=sum(exposures),
        resolution=_resolution(sources, solution),
        aperture=_number(first, keys.aperture, name) / 3600.0,
        software=f"vltflow/{__version__}",
        date=sources.ended[:10],
        programmes=_distinct(one.get(keyword(keys.programme)) for one in sources.headers),
        blocks=_distinct(one.get(keyword(keys.block)) for one in sources.headers),
        provenance=tuple(frame.name for frame in sources.frames),
        ncombine=len(sources.frames),
        frame=_frame(reduced),
        system=_system(first),
        is_absolute=False,
        is_extended=sources.entry.is_extended,
        line_rms=rms,
        lines=lines,
        associated=tuple(associated),
        archive_name=archive_name(mjd_from_iso(sources.ended)),
        title=_title(sources, keys),
        more=dict(_quality(sources, reduced, solution)),
    )


def _needed(header: Mapping[str, Any], names: Sequence[str], frame: str) -> Any:
    found = (header.get(keyword(name)) for name in names)
    value = next((one for one in found if one not in (None, "")), None)
    if value is None:
        raise InvalidHeader(
            f"{frame}: no value of {' or '.join(names)}, which a science product needs",
            hint="Repair the raw header (repairs in instrument.yaml), or name another keyword",
        )
    return value


def _placed(sources: Sources, keys: HeaderKeywords) -> Mapping[str, Any]:
    """The first exposure of a stack that tells the place: one without must not cost the others."""
    told = [one for one in sources.headers if _has_place(one, keys)]
    _one_target(told, keys, sources.block.name)
    return next(iter(told), sources.headers[0])


def _has_place(header: Mapping[str, Any], keys: HeaderKeywords) -> bool:
    values = [header.get(keyword(name)) for name in (keys.ra, keys.dec)]
    return all(isinstance(value, int | float) and math.isfinite(value) for value in values)


def _one_target(told: Sequence[Mapping[str, Any]], keys: HeaderKeywords, block: str) -> None:
    """Refuse a stack of targets that have no more in common than their name."""
    places = [
        tuple(math.radians(float(one[keyword(name)])) for name in (keys.ra, keys.dec))
        for one in told
    ]
    for place in places[1:]:
        apart = math.degrees(erfa.seps(*places[0], *place))
        if apart > _FARTHEST_DEG:
            raise InvalidHeader(
                f"AB {block}: its exposures lie {apart:.3g} deg apart: not one target",
                hint="Take its single spectra, or stack by observation block (reduce --stack ob)",
            )


def _number(header: Mapping[str, Any], names: Sequence[str], frame: str) -> float:
    value = _needed(header, names, frame)
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise InvalidHeader(
            f"{frame}: {' or '.join(names)} is {value}, and a science product needs a number",
            hint="Fetch the frame again, or repair the raw header (repairs in instrument.yaml)",
        )
    return number


def _title(sources: Sources, keys: HeaderKeywords) -> str:
    first = sources.headers[0]
    target = str(_needed(first, keys.target, sources.frames[0].name))
    words = [target, sources.block.setup, f"{sources.frames[0].mjd_obs:.8f}"]
    words += [sources.entry.mark] if sources.entry.mark else []
    return " ".join(words)[:LONGEST]


def _resolution(sources: Sources, solution: Solution) -> float:
    if not sources.resolutions:
        what = f"{solution.resolution} of its {solution.category}"
        raise InvalidHeader(
            f"AB {sources.block.name}: no resolving power: {what} is not in the QC database",
            hint="Run `vltflow night` for the night of the wavelength calibration",
        )
    return resolving_power(sources.resolutions, solution.optics)


def _solution(reduced: Iterable[Header], solution: Solution) -> tuple[float | None, int | None]:
    """LAMRMS [nm] and LAMNLIN of the chips together; None where a chip does not tell."""
    rows = [(one.get(solution.rms), one.get(solution.lines)) for one in reduced]
    told = [
        (float(rms), int(lines))
        for rms, lines in rows
        if isinstance(rms, int | float) and isinstance(lines, int | float) and lines > 0
    ]
    if not told or len(told) < len(rows):
        return None, None
    total = sum(lines for _, lines in told)
    square = sum(rms**2 * lines for rms, lines in told) / total
    return float(f"{math.sqrt(square) * solution.nm:.6g}"), total


def _distinct(values: Iterable[Any]) -> tuple[Any, ...]:
    return tuple(dict.fromkeys(value for value in values if value not in (None, "", 0)))


def _frame(reduced: Sequence[Header]) -> Literal["TOPOCENT", "GEOCENTR", "BARYCENT", "HELIOCEN"]:
    value = str(reduced[0].get("SPECSYS") or "TOPOCENT").strip()
    return cast(
        "Literal['TOPOCENT', 'GEOCENTR', 'BARYCENT', 'HELIOCEN']",
        value if value in _FRAMES else "TOPOCENT",
    )


def _system(first: Mapping[str, Any]) -> Literal["ICRS", "FK5"]:
    value = str(first.get("RADESYS") or first.get("RADECSYS") or "FK5").strip()
    return "ICRS" if value == "ICRS" else "FK5"


def _quality(
    sources: Sources, reduced: Sequence[Header], solution: Solution
) -> Iterable[tuple[str, FitsValue]]:
    """Score bits, and what of the reduction is said in ESO's own words."""
    bits = score_bits(sources.scores)
    if bits:
        yield "ESO QC BITS", bits
    for score in _worst(sources.scores):
        yield f"ESO QC BIT{score.bit}", _bit_text(score)
    for key in _CARRIED:
        if key in reduced[0]:
            yield key, reduced[0][key]
    for key in _COVARIANCE:
        told = [value for one in reduced if isinstance(value := one.get(key), int | float)]
        if len(told) == len(reduced):
            yield key, float(f"{mean(told):.4g}")
    scaled = "" if solution.optics is None else scaling(sources.resolutions)
    if scaled:
        yield "ESO DRS SPECRES FROM", scaled[: LONGEST - len("HIERARCH ESO DRS SPECRES FROM")]
    yield "ESO DRS CONTEXT", sources.block.context
    yield "ESO DRS AB", sources.block.name
    yield "ESO DRS REVISION", sources.block.revision


def _worst(scores: Iterable[Score]) -> list[Score]:
    """One score a bit: a red one, else a green one, else any."""
    rank = {"red": 0, "green": 1, "grey": 2}
    found: dict[int, Score] = {}
    for one in sorted(scores, key=lambda score: rank[str(score.colour)]):
        if one.bit is not None:
            found.setdefault(one.bit, one)
    return [found[bit] for bit in sorted(found)]


def _bit_text(score: Score) -> str:
    """``QC SCI NPIXSAT: 3 is within limits, at most 300``, as far as a card holds it."""
    reason = score.reason.partition(" (")[0]
    room = LONGEST - len(f"HIERARCH ESO QC BIT{score.bit}")
    return f"{score.parameter.removeprefix('QC ')}: {reason}"[:room].rstrip(" ,")
