from datetime import date, timedelta

import pytest
from astropy.time import Time
from hypothesis import given, settings
from hypothesis import strategies as st

from vltflow.core.time import iso_from_mjd, mjd_from_iso, night_of, night_range, now_iso

MILLISECOND = 1e-3 / 86_400
# The years of the VLT and a few more. UTC is uneven on days with a leap second: there astropy
# stretches the day, and we do not.
moments = st.datetimes(
    min_value=Time("1990-01-01").to_datetime(), max_value=Time("2026-01-01").to_datetime()
).map(lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000))
mjds = st.floats(47_892.0, 61_041.0)


def has_leap_second(moment: Time) -> bool:
    midnights = Time([int(moment.mjd), int(moment.mjd) + 1], format="mjd", scale="utc").tai.mjd
    return abs(midnights[1] - midnights[0] - 1.0) > 1e-6


def test_days_with_a_leap_second_are_known():
    assert has_leap_second(Time("2016-12-31T10:00:00"))
    assert not has_leap_second(Time("2017-01-01T10:00:00"))


@settings(deadline=None)  # astropy reads its tables at the first call
@given(moments)
def test_mjd_of_a_text_is_astropys(moment):
    text = moment.isoformat(timespec="milliseconds")
    reference = Time(text, format="isot", scale="utc")
    if not has_leap_second(reference):
        assert mjd_from_iso(text) == pytest.approx(reference.mjd, rel=0, abs=MILLISECOND)


@settings(deadline=None)
@given(mjds)
def test_text_of_an_mjd_is_astropys_to_the_millisecond(mjd):
    reference = Time(mjd, format="mjd", scale="utc")
    if not has_leap_second(reference):
        ours = Time(iso_from_mjd(mjd), format="isot", scale="utc")
        assert abs((ours - reference).sec) <= 0.000_51


@given(moments)
def test_a_text_survives_the_way_to_mjd_and_back(moment):
    text = moment.isoformat(timespec="milliseconds")
    assert iso_from_mjd(mjd_from_iso(text)) == text


@given(mjds)
def test_a_night_runs_from_noon_to_noon_and_bears_the_date_of_its_evening(mjd):
    night = night_of(mjd)
    start, end = night_range(night)
    assert start <= mjd + 1e-9
    assert mjd - 1e-9 < end
    evening = Time(f"{night}T18:00:00", scale="utc").mjd
    assert start < evening < end


@given(st.dates(date(1990, 1, 1), date(2026, 1, 1)))
def test_noon_begins_a_night_and_the_moment_before_belongs_to_the_last(day):
    noon = Time(f"{day}T12:00:00", scale="utc").mjd
    assert night_of(noon) == day.isoformat()
    assert night_of(noon - MILLISECOND) == (day - timedelta(days=1)).isoformat()
    assert night_range(day.isoformat()) == (noon, noon + 1.0)


def test_times_of_the_archive_are_read():
    # UVES.2015-02-26T10:46:39.756: MJD-OBS of its header is 57079.44907125 (to 10 us)
    assert mjd_from_iso("2015-02-26T10:46:39.756") == pytest.approx(57079.44907125, abs=1e-8)
    assert mjd_from_iso("2015-02-26") == 57079.0
    assert mjd_from_iso("2015-02-26T12:00:00+02:00") == mjd_from_iso("2015-02-26T10:00:00")


@pytest.mark.parametrize("text", ["", "yesterday", "2015-02-30", "2015-02-26T25:00:00"])
def test_what_is_no_time_is_refused(text):
    with pytest.raises(ValueError, match=r"isoformat|day|hour"):
        mjd_from_iso(text)


def test_the_present_time_is_ut_to_the_millisecond():
    before, now, after = Time.now().mjd, mjd_from_iso(now_iso()), Time.now().mjd
    assert before - MILLISECOND <= now <= after + MILLISECOND
    assert len(now_iso()) == len("2015-02-26T10:46:39.756")
