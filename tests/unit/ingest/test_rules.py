"""Decisions on headers."""

from __future__ import annotations

import pytest

from vltflow.core.errors import InvalidHeader
from vltflow.core.time import iso_from_mjd
from vltflow.fits import Header, Inspection
from vltflow.ingest.rules import build_frame, name_of
from vltflow.instruments import Instrument, load
from vltflow.records import RawFrame

TODAY = 60_000.0
MJD = 57079.4490713
PLACE = "/raw/any.fits"
KEYWORDS = {
    "SIMPLE": True,
    "INSTRUME": "UVES",
    "MJD-OBS": MJD,
    "DATE-OBS": iso_from_mjd(MJD),
    "EXPTIME": 25,
    "ARCFILE": "UVES.2015-02-26T10:46:39.756.fits",
    "ESO DPR CATG": "CALIB",
    "ESO DPR TYPE": "BIAS",
    "ESO DPR TECH": "IMAGE",
    "ESO TPL ID": "UVES_blue_cal_bias",
    "ESO TPL NEXP": 5,
    "ESO TPL EXPNO": 2,
    "ESO OBS ID": 4711,
    "ESO OBS PROG ID": "60.A-9022(A)",
}


def frame_of(instrument: Instrument, **changes: object) -> tuple[RawFrame, tuple[Header, ...]]:
    values = {
        **KEYWORDS,
        **{key.replace("__", "-").replace("_", " "): v for key, v in changes.items()},
    }
    header = Header({key: value for key, value in values.items() if value is not ...})
    inspection = Inspection((header,), "f" * 64, 5760, 5760, 0, compressed_images=False, remarks=())
    return build_frame(inspection, PLACE, [instrument.header], TODAY)


def refusal(instrument: Instrument, **changes: object) -> str:
    with pytest.raises(InvalidHeader) as caught:
        frame_of(instrument, **changes)
    assert PLACE in str(caught.value)
    return str(caught.value)


def test_frame_has_the_values_of_its_header(instrument: Instrument) -> None:
    frame, _ = frame_of(instrument)
    assert frame.name == "UVES.2015-02-26T10:46:39.756"
    assert (frame.instrument, frame.night, frame.exptime) == ("UVES", "2015-02-25", 25.0)
    assert (frame.dpr_catg, frame.dpr_type, frame.dpr_tech) == ("CALIB", "BIAS", "IMAGE")
    assert (frame.tpl_nexp, frame.tpl_expno, frame.obs_id) == (5, 2, 4711)
    assert frame.prog_id == "60.A-9022(A)"
    assert frame.repairs == ()


def test_foreign_instrument_is_named_with_those_that_are_known(instrument: Instrument) -> None:
    assert "INSTRUME is 'FORS2', and this site knows UVES" in refusal(instrument, INSTRUME="FORS2")


def test_frame_without_instrument_is_refused(instrument: Instrument) -> None:
    assert "no keyword INSTRUME" in refusal(instrument, INSTRUME=...)


@pytest.mark.parametrize("value", [..., None, ""])
def test_all_missing_keywords_are_told_at_once(instrument: Instrument, value: object) -> None:
    message = refusal(instrument, ESO_DPR_TYPE=value, EXPTIME=value)
    assert "missing or empty: DPR.TYPE, EXPTIME" in message


@pytest.mark.parametrize(("chips", "name"), [(1, "INS.GRAT1.WLEN"), (2, "INS.GRAT2.WLEN")])
def test_a_spectrum_without_its_central_wavelength_is_refused_and_a_bias_is_not(
    chips: int, name: str
) -> None:
    uves = load("UVES")
    told = {
        "ESO_TPL_START": "2015-02-27T10:46:00",
        "ESO_DET_CHIPS": chips,
        "ESO_DPR_TYPE": "LAMP,WAVE",
        "ESO_DPR_TECH": "ECHELLE",
    }
    said = refusal(uves, **told)
    assert f"mandatory keyword missing or empty: {name}" in said
    assert "Fetch the file anew" in said
    frame_of(uves, **told, **{f"ESO_INS_GRAT{chips}_WLEN": 390.0})
    frame_of(uves, **told | {"ESO_DPR_TYPE": "BIAS", "ESO_DPR_TECH": "IMAGE"})


@pytest.mark.parametrize("value", ["abc", True, float("inf"), 1j])
def test_time_must_be_a_number(instrument: Instrument, value: object) -> None:
    assert "MJD-OBS is" in refusal(instrument, MJD__OBS=value)


@pytest.mark.parametrize("value", [0.0, 50_813.9, TODAY + 2.1])
def test_time_must_be_plausible(instrument: Instrument, value: float) -> None:
    assert "outside of 1998-01-01" in refusal(instrument, MJD__OBS=value)


def test_negative_exposure_time_is_refused(instrument: Instrument) -> None:
    assert "less than zero" in refusal(instrument, EXPTIME=-1.0)


def test_dates_that_disagree_are_reported(instrument: Instrument) -> None:
    message = refusal(instrument, DATE__OBS=iso_from_mjd(MJD + 1 / 24))
    assert "differ by 3600.0 s" in message


def test_dates_may_differ_by_rounding(instrument: Instrument) -> None:
    frame, _ = frame_of(instrument, DATE__OBS=iso_from_mjd(MJD + 0.9 / 86400))
    assert frame.mjd_obs == MJD


def test_date_must_be_a_date(instrument: Instrument) -> None:
    assert "no ISO 8601 time" in refusal(instrument, DATE__OBS="26/02/15")


@pytest.mark.parametrize(("number", "announced"), [(6, 5), (0, 5), (1, 0)])
def test_exposure_number_must_fit_its_template(
    instrument: Instrument, number: int, announced: int
) -> None:
    message = refusal(instrument, ESO_TPL_EXPNO=number, ESO_TPL_NEXP=announced)
    assert f"TPL.EXPNO is {number}" in message


@pytest.mark.parametrize("value", ["two", 2.5])
def test_exposure_number_must_be_whole(instrument: Instrument, value: object) -> None:
    assert "TPL.EXPNO is" in refusal(instrument, ESO_TPL_EXPNO=value)


def test_repair_is_applied_and_recorded(instrument: Instrument) -> None:
    frame, headers = frame_of(instrument, ESO_DPR_TYPE="BAIS")
    assert frame.repairs == ("bais_is_bias",)
    assert frame.dpr_type == headers[0]["ESO DPR TYPE"] == "BIAS"


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ({"ARCFILE": "UVES.2015-02-26T10:46:39.756.fits"}, "UVES.2015-02-26T10:46:39.756"),
        ({"ARCFILE": "UVES.X.fits.fz"}, "UVES.X"),
        (
            {"INSTRUME": "UVES", "DATE-OBS": "2015-02-26T10:46:39.7561"},
            "UVES.2015-02-26T10:46:39.756",
        ),
        (
            {"INSTRUME": "XSHOOTER", "DATE-OBS": "2015-02-26T10:46:39"},
            "XSHOO.2015-02-26T10:46:39.000",
        ),
        ({"INSTRUME": "UVES"}, "bias_1"),
    ],
)
def test_name_comes_from_the_archive_the_date_or_the_file(header: dict, expected: str) -> None:
    assert name_of(Header(header), "/raw/bias_1.fits.gz") == expected
