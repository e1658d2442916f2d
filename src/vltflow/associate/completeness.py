"""Whether the setups of the last nights have all their calibrations, as ESO's calChecker asks.

Each setup that was used in a night is one case, not each of its exposures. What the calibration
plan demands are the ranges of quality level 0 in ``association.yaml``. Calibrations that need
others are looked at too (calChecker's module *cal4cal*), so that a day without science says
as much.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from typing import Any

from vltflow.associate.cascade import Need, build_cascade
from vltflow.associate.completeness_rules import (
    Check,
    Completeness,
    Finding,
    checks_of,
    nearest_refused,
    plan_days,
    worst,
)
from vltflow.associate.completeness_tasks import Task, tasks_of
from vltflow.associate.matching import MakerIndex, Matcher, is_needed
from vltflow.core.errors import UserError
from vltflow.core.time import iso_from_mjd, mjd_from_iso, night_of, night_range, now_iso
from vltflow.instruments import Instrument
from vltflow.store import Candidate, SetupUse, Transaction

NIGHTS = 7


@dataclass(frozen=True, slots=True)
class SetupNight:
    """A setup in one night."""

    night: str
    mjd: float
    """Middle of its ABs."""
    blocks: int
    state: Completeness
    checks: tuple[Check, ...]
    """One for each raw type, or alternatives, that makes what it needs."""


@dataclass(frozen=True, slots=True)
class SetupCompleteness:
    """A setup in all nights in which it was used."""

    raw_type: str
    setup: str
    science: bool
    nights: tuple[SetupNight, ...]
    """By time."""

    @property
    def state(self) -> Completeness:
        """The worst of all nights."""
        return worst(one.state for one in self.nights)


@dataclass(frozen=True, slots=True)
class CompletenessReport:
    """Completeness of an instrument's calibrations."""

    instrument: str
    nights: tuple[str, ...]
    """Those looked at, used or not."""
    moment: float
    """MJD that times left are counted from: now, or the end of the last night if it is over."""
    setups: tuple[SetupCompleteness, ...]
    """Science first, then the worst first."""
    tasks: tuple[Task, ...]
    """What can still be taken, the most urgent first."""

    @property
    def state(self) -> Completeness | None:
        """The worst of all setups; None if none was used."""
        return worst(one.state for one in self.setups) if self.setups else None


def completeness_report(
    tx: Transaction, instrument: Instrument, night: str = "", *, now: float | None = None
) -> CompletenessReport:
    """Completeness over the seven nights that end with one.

    Parameters
    ----------
    night
        ISO date. By default this night, or the latest with ABs if none of the seven has any: so
        an archive can be looked at too.
    now
        MJD of the present; the clock's by default.

    Raises
    ------
    UserError
        If the night is no date.
    """
    present = mjd_from_iso(now_iso()) if now is None else now
    nights = _nights(tx, instrument.name, night, present)
    setups = _setups(tx, instrument, tx.overview.setups_used(instrument.name, nights))
    moment = min(present, night_range(nights[-1])[1])
    return CompletenessReport(
        instrument=instrument.name,
        nights=nights,
        moment=moment,
        setups=setups,
        tasks=tasks_of(tx, instrument, _lacking(setups), moment),
    )


def plain(report: CompletenessReport) -> dict[str, Any]:
    """A report as values for JSON; times in UT, times left in hours."""
    return {
        "instrument": report.instrument,
        "nights": list(report.nights),
        "moment": iso_from_mjd(report.moment),
        "state": report.state,
        "tasks": [asdict(one) | _time(one.until, report.moment) for one in report.tasks],
        "setups": [
            {
                "raw_type": setup.raw_type,
                "setup": setup.setup,
                "science": setup.science,
                "state": setup.state,
                "nights": [
                    {
                        "night": one.night,
                        "blocks": one.blocks,
                        "state": one.state,
                        "checks": [
                            asdict(check) | _time(check.until, report.moment)
                            for check in one.checks
                        ],
                    }
                    for one in setup.nights
                ],
            }
            for setup in report.setups
        ],
    }


def _time(until: float, moment: float) -> dict[str, Any]:
    return {"until": iso_from_mjd(until), "hours_left": round(24 * (until - moment), 2)}


def _nights(tx: Transaction, instrument: str, night: str, now: float) -> tuple[str, ...]:
    try:
        last = date.fromisoformat(night or night_of(now))
        latest = "" if night else max(tx.overview.nights(instrument, 1), default="")
        if latest and last - date.fromisoformat(latest) >= timedelta(days=NIGHTS):
            last = date.fromisoformat(latest)
        days = (last - timedelta(days=back) for back in range(NIGHTS - 1, -1, -1))
        return tuple(day.isoformat() for day in days)
    except (ValueError, OverflowError) as error:
        raise UserError(
            f"{night[:40]!r} is no date", hint="Write the evening's date as 2015-02-26"
        ) from error


def _setups(
    tx: Transaction, instrument: Instrument, uses: Sequence[SetupUse]
) -> tuple[SetupCompleteness, ...]:
    needs = build_cascade(instrument).needs
    wanted = [one for one in uses if needs.get(one.raw_type)]
    search = _Search(tx, instrument, wanted)
    grouped: dict[tuple[str, str], list[SetupUse]] = {}
    for use in wanted:
        grouped.setdefault((use.raw_type, use.setup_keys), []).append(use)
    found = [
        SetupCompleteness(
            raw_type=raw_type,
            setup=several[0].setup,
            science=instrument.raw_types[raw_type].kind == "science",
            nights=tuple(search.night(use) for use in several),
        )
        for (raw_type, _), several in grouped.items()
    ]
    judged = [one for one in found if one.nights[0].checks]
    return tuple(
        sorted(judged, key=lambda one: (not one.science, -one.state.rank, one.raw_type, one.setup))
    )


def _lacking(setups: Iterable[SetupCompleteness]) -> list[tuple[str, Check]]:
    return [
        (f"{setup.raw_type} {setup.setup}", check)
        for setup in setups
        for night in setup.nights
        for check in night.checks
        if check.state is not Completeness.OK
    ]


class _Search:
    """Finds calibrations near the uses of setups; reads far ones only where near ones lack."""

    def __init__(self, tx: Transaction, instrument: Instrument, uses: Sequence[SetupUse]) -> None:
        self._tx = tx
        self._instrument = instrument.name
        self._needs = build_cascade(instrument).needs
        self._first = min((use.mjd for use in uses), default=0.0)
        self._last = max((use.mjd for use in uses), default=0.0)
        needs = [need for use in uses for need in self._needs[use.raw_type]]
        self._near = _reach((need, plan_days(need)) for need in needs)
        self._far = _reach((need, need.days) for need in needs)
        self._known: dict[tuple[str, float], tuple[list[Candidate], MakerIndex]] = {}

    def night(self, use: SetupUse) -> SetupNight:
        """A setup in a night with all that it needs."""
        findings = [
            self._finding(need, use)
            for need in self._needs[use.raw_type]
            if is_needed(need, use.setup_keys)
        ]
        checks = checks_of(findings, use.setup_keys)
        state = worst(one.state for one in checks if one.required)
        return SetupNight(use.night, use.mjd, use.blocks, state, checks)

    def _finding(self, need: Need, use: SetupUse) -> Finding:
        near = self._best(need, use, self._near)
        if near.state is Completeness.OK:
            return near
        far = self._best(need, use, self._far)
        candidates = (one for maker in need.makers for one in self._read(maker, self._far)[0])
        refused = nearest_refused(need, use.setup_keys, use.mjd, candidates)
        return replace(far, refused=refused)

    def _best(self, need: Need, use: SetupUse, reach: Mapping[str, float]) -> Finding:
        matcher = Matcher([need], lambda maker: self._read(maker, reach)[1])
        match, source = matcher.matches(use.setup_keys, use.mjd)[0]
        return Finding(need, use.mjd, source, match.level, None)

    def _read(self, maker: str, reach: Mapping[str, float]) -> tuple[list[Candidate], MakerIndex]:
        key = (maker, reach[maker])
        if key not in self._known:
            span = (self._first - reach[maker], self._last + reach[maker])
            found = list(self._tx.association.candidates(self._instrument, maker, [span]))
            self._known[key] = found, MakerIndex(found)
        return self._known[key]


def _reach(pairs: Iterable[tuple[Need, float]]) -> dict[str, float]:
    found: dict[str, float] = {}
    for need, days in pairs:
        for maker in need.makers:
            found[maker] = max(days, found.get(maker, 0.0))
    return found
