"""Header records of many nights."""

from __future__ import annotations

from itertools import islice

from astropy.io import fits

from vltflow.simulate import SimulatedDay, headers_only

NEEDED = ("INSTRUME", "MJD-OBS", "DATE-OBS", "EXPTIME", "ARCFILE", "ESO DPR CATG", "ESO DPR TYPE",
          "ESO DPR TECH", "ESO TPL START", "ESO TPL NEXP", "ESO TPL EXPNO", "ESO OBS ID",
          "ESO DET CHIPS", "ESO DET WIN1 BINX", "ESO DET READ SPEED")  # fmt: skip
OF_SIZE = ("NX", "NY")


def test_records_are_those_of_the_frames(small_day: SimulatedDay) -> None:
    records = {record["ARCFILE"]: record for record in headers_only("uves", [small_day.night])}
    assert set(records) == {path.name for path in small_day.files}
    for path in small_day.files[::7]:
        header = fits.getheader(path)
        for keyword, value in records[path.name].items():
            same = keyword in header and not keyword.endswith(OF_SIZE)
            if same and keyword not in ("MJD-OBS", "ESO INS PIXSCALE"):
                assert header[keyword] == value, keyword


def test_records_have_what_classification_and_association_need() -> None:
    for record in headers_only("uves", ["2015-02-26"]):
        assert [keyword for keyword in NEEDED if keyword not in record] == []


def test_copies_of_a_night_are_other_templates_and_frames() -> None:
    names = [record["ARCFILE"] for record in headers_only("uves", ["2015-02-26"], copies=3)]
    starts = {r["ESO TPL START"] for r in headers_only("uves", ["2015-02-26"], copies=3)}
    assert len(set(names)) == len(names) == 3 * 116
    assert len(starts) > 2 * 59


def test_records_are_made_as_they_are_asked_for() -> None:
    endless = (f"2015-02-{day:02d}" for day in range(1, 29))
    assert len(list(islice(headers_only("uves", endless), 5))) == 5
