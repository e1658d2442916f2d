"""Nights, Modified Julian Dates and their text forms, all in UT.

The night of a frame runs from noon UT to noon UT and has the date of its evening,
as in the night search of ESO's archive; daytime calibrations taken after noon UT
thus belong to the night that follows them. Association does not know nights: it
goes by the distance in time.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

MJD_EPOCH = datetime(1858, 11, 17, tzinfo=UTC)
DAY_SECONDS = 86_400.0


def night_of(mjd: float) -> str:
    """ISO date of the night that holds `mjd`: from noon UT to the next noon UT.

    Examples
    --------
    >>> night_of(57080.9)  # 2015-02-27T21:36
    '2015-02-27'
    >>> night_of(57080.3)  # 2015-02-27T07:12, still the night of the 26th
    '2015-02-26'
    """
    return (MJD_EPOCH + timedelta(days=mjd - 0.5)).date().isoformat()


def night_range(night: str) -> tuple[float, float]:
    """MJD of the first and last moment of a night (half-open interval).

    Raises
    ------
    ValueError
        If `night` is no ISO date.
    """
    start = (date.fromisoformat(night) - MJD_EPOCH.date()).days + 0.5
    return start, start + 1.0


def mjd_from_iso(text: str) -> float:
    """Modified Julian Date of an ISO 8601 time in UT, such as a FITS DATE-OBS."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    difference = moment - MJD_EPOCH
    return difference.days + (difference.seconds + difference.microseconds / 1e6) / DAY_SECONDS


def iso_from_mjd(mjd: float) -> str:
    """ISO 8601 time in UT with milliseconds, as in ESO's ARCFILE names."""
    moment = MJD_EPOCH + timedelta(days=mjd, microseconds=500)
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds")


def now_iso() -> str:
    """Present UT time as ISO 8601 with milliseconds, for records and logs."""
    return datetime.now(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds")
