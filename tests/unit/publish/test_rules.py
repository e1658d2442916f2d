"""Each rule: silent on a good file, and heard on a bad one."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from vltflow.publish.rules import Severity
from vltflow.publish.standard import RULES
from vltflow.publish.standard.data import exceptions, keyword_groups
from vltflow.publish.validation import validate

NOW = 61_000.0


def put(hdu, **cards):
    """Set cards; a double underscore stands for a minus sign."""

    def spoil(hdus):
        for key, value in cards.items():
            hdus[hdu].header[key.replace("__", "-")] = value

    return spoil


def drop(hdu, *keywords):
    return lambda hdus: [hdus[hdu].header.remove(key) for key in keywords]


def row(name, place, value):
    """Change elements of a column."""

    def spoil(hdus):
        hdus[1].data[name][0][place] = value

    return spoil


def add(hdu):
    return lambda hdus: hdus.append(hdu() if callable(hdu) else hdu)


def pixels(hdu, value, *, planes=slice(None)):
    def spoil(hdus):
        hdus[hdu].data[planes] = value

    return spoil


def card(keyword, value):
    return keyword, f"{keyword:8}= '{value:8}'"


def rename(column, name):
    return card(f"TTYPE{column}", name)


def both(*spoils):
    return lambda hdus: [spoil(hdus) for spoil in spoils]


def second_flux(hdus):
    hdus[1].header["TUTYP4"] = "eso:Data.FluxAxis.Value"


def two_rows(hdus):
    header = hdus[1].header
    hdus[1] = fits.BinTableHDU(np.concatenate([hdus[1].data] * 2), header)


def variable_length(hdus):
    flux = np.empty(1, object)
    flux[0] = np.ones(200)
    columns = [fits.Column("WAVE", "200D", array=hdus[1].data["WAVE"])]
    columns += [fits.Column(n, "PD()", array=flux) for n in ("FLUX_REDUCED", "ERR_REDUCED")]
    table = fits.BinTableHDU.from_columns(columns)
    table.header.extend(hdus[1].header, unique=True)
    table.header["TFIELDS"] = 3
    hdus[1] = table


def provenance(name="PROV", form="68A"):
    column = fits.Column(name, form, array=np.array(["A"]))
    return fits.BinTableHDU.from_columns([column], name="PHASE3PROVENANCE")


def empty(name="EMPTY"):
    return fits.ImageHDU(np.ones((2, 2), np.float32), name=name)


def duplicate(hdus):
    hdus[0].header.append(("OBJECT", "other"), end=True, bottom=True)


def no_data(hdus):
    del hdus[1:]


def image_outside(hdus):
    hdus[0].header["RA"] = 10.0


def extension_image(hdus):
    header = hdus[0].header
    primary = fits.PrimaryHDU()
    own = ("BUNIT", "PHOTZP", "PHOTSYS", "ABMAGLIM", "ABMAGSAT", "PSF_FWHM")
    classes = {"HDUCLASS": "ESO", "HDUDOC": "SDP", "HDUVERS": "SDP version 8",
               "HDUCLAS1": "IMAGE", "HDUCLAS2": "DATA"}  # fmt: skip
    data = fits.ImageHDU(hdus[0].data, name="DATA")
    error = fits.ImageHDU(hdus[0].data, name="ERROR")
    for key, value in header.items():
        world = key[:5] in {"CTYPE", "CUNIT", "CRVAL", "CRPIX"} or key.startswith("CD")
        if world or key in own:
            data.header[key] = value
        elif key not in {"SIMPLE", "BITPIX", "EXTEND"} and not key.startswith("NAXIS"):
            primary.header[key] = value
    data.header.update(classes | {"ERRDATA": "ERROR"})
    error.header.update(classes | {"HDUCLAS2": "ERROR", "HDUCLAS3": "RMSE", "SCIDATA": "DATA"})
    hdus[:] = [primary, data, error]


CASES = [
    ("F005", "SPECTRUM", None),
    ("F008", "SPECTRUM", duplicate),
    ("F007", "SPECTRUM", put(0, COMMENT1="x" * 100)),
    ("F009", "CUBE", drop(2, "EXTNAME")),
    ("F010", "CUBE", put(2, EXTNAME="DATA")),
    ("F011", "SPECTRUM", put(1, PRODCATG="SCIENCE.SPECTRUM")),
    ("F011", "SPECTRUM", put(1, ORIGFILE="a.fits")),
    ("F012", "SPECTRUM", put(0, PRODCATG="SCIENCE.NONSENSE")),
    ("F012", "IMAGE", drop(0, "PRODCATG")),
    ("F013", "IMAGE", put(0, CDELT1=1e-5)),
    ("F014", "SPECTRUM", no_data),
    ("F015", "SPECTRUM", put(0, PROV01="A")),
    ("F016", "SPECTRUM", put(0, PRODCATG="ANCILLARY.SPECTRUM", ASSON1="b.fits")),
    ("F018", "SPECTRUM", put(0, PRODCATG="SCIENCE.CATALOG")),
    ("G101", "SPECTRUM", put(0, DATE="26/02/2015")),
    ("G102", "SPECTRUM", put(0, RADESYS="FK4")),
    ("G103", "SPECTRUM", drop(0, "EQUINOX")),
    ("G103", "SPECTRUM", put(0, RADESYS="ICRS", EQUINOX=1950.0)),
    ("G104", "SPECTRUM", put(0, MJD__OBS=40000.0)),
    ("G105", "SPECTRUM", put(0, MJD__END=55328.0)),
    ("G106", "SPECTRUM", put(0, MJD__END=NOW + 1)),
    ("G107", "SPECTRUM", put(0, EXPTIME=-1.0)),
    ("G107", "SPECTRUM", put(0, EXPTIME=0.0)),
    ("G108", "SPECTRUM", put(0, EXPTIME=6500.02)),
    ("G109", "SPECTRUM", put(0, TEXPTIME=6912.02)),
    ("G110", "SPECTRUM", put(0, RA=360.1)),
    ("G110", "SPECTRUM", put(1, DEC=-90.1)),
    ("G111", "CUBE", put(0, SKY_RES=99.5)),
    ("G111", "IMAGE", put(0, ABMAGLIM=-99.0)),
    ("G112", "SPECTRUM", put(0, WAVELMIN=400.0)),
    ("G112", "SPECTRUM", put(0, WAVELMIN=0.0)),
    ("G113", "CUBE", put(0, PIXNOISE=-1.0)),
    ("G114", "SPECTRUM", put(0, NCOMBINE=0)),
    ("G115", "SPECTRUM", put(0, STREHL=1.5)),
    ("G116", "SPECTRUM", put(0, TL_OFFAN=-1000.0)),
    ("G117", "IMAGE", put(0, NDIT=3.5)),
    ("G118", "SPECTRUM", put(0, DATE__OBS="2010-05-12T02:24:02")),
    ("G201", "SPECTRUM", put(0, PROG_ID="MULTI")),
    ("G201", "IMAGE", put(0, FILTER1="J", FILTER2="H")),
    ("G202", "SPECTRUM", put(0, OBID2=200301234)),
    ("G202", "SPECTRUM", put(0, PROV2="UVES.2010-05-07T02:24:00.000")),
    ("G203", "SPECTRUM", put(0, PROVXTN=True)),
    ("G203", "SPECTRUM", add(provenance)),
    ("G203", "SPECTRUM", both(put(0, PROVXTN=True), add(lambda: provenance("NAME")))),
    ("G204", "SPECTRUM", put(0, ASSOC1="ANCILLARY.SPECTRUM", ASSON1="a", ASSOM1="0" * 32)),
    ("G204", "SPECTRUM", put(0, ASSOC1="ANCILLARY.PREVIEW", ASSON1="a.png")),
    ("G204", "SPECTRUM", put(0, ASSOC1="ANCILLARY.README", ASSON1="a", ASSOM1="F" * 32)),
    ("G205", "SPECTRUM", put(0, ORIGIN="NOAO-IRAF")),
    ("G206", "SPECTRUM", put(0, REFERENC="Kotus et al. 2017")),
    ("G207", "SPECTRUM", put(0, PROG_ID="185.A-745")),
    ("G208", "SPECTRUM", put(0, FLUXCAL="RELATIVE")),
    ("G209", "SPECTRUM", put(0, PROV3="C")),
    ("G210", "SPECTRUM", put(0, ORIGIN="GRANTECAN", NOESODAT=True)),
    ("G211", "SPECTRUM", put(0, ORIGIN="APEX")),
    ("S101", "SPECTRUM", lambda hdus: setattr(hdus[0], "data", np.ones((2, 2), np.float32))),
    ("S102", "SPECTRUM", add(empty)),
    ("S102", "SPECTRUM", no_data),
    ("S103", "SPECTRUM", two_rows),
    ("S104", "SPECTRUM", variable_length),
    ("S105", "SPECTRUM", variable_length),
    ("S105", "SPECTRUM", put(1, NELEM=199)),
    ("S106", "SPECTRUM", rename(1, "LAMBDA")),
    ("S107", "SPECTRUM", rename(2, "COUNTS")),
    ("S107", "SPECTRUM", rename(3, "SIGMA")),
    ("S108", "SPECTRUM", put(1, TUTYP3="Spectrum.Data.FluxAxis.StatError")),
    ("S109", "SPECTRUM", put(1, TUCD1="em.wl;obs.space")),
    ("S110", "SPECTRUM", rename(4, "SKYBACK")),
    ("S111", "SPECTRUM", card("TUNIT3", "percent")),
    ("S112", "SPECTRUM", put(1, VOPUB="ESO")),
    ("S113", "SPECTRUM", put(1, VOCLASS="SPECTRUM v3.0")),
    ("S113", "SPECTRUM", second_flux),
    ("S114", "SPECTRUM", both(second_flux, put(1, VOCLASS="SPECTRUM V2.0"))),
    ("S115", "SPECTRUM", put(1, APERTURE=1.0)),
    ("S201", "SPECTRUM", put(1, RA=206.0212502)),
    ("S218", "SPECTRUM", card("TUCD2", "phot.mag")),
    ("S218", "SPECTRUM", card("TUCD3", "stat.error;em.wl")),
    ("S202", "SPECTRUM", put(1, OBJECT="HE1341")),
    ("S203", "SPECTRUM", put(1, TELAPSE=6499.8)),
    ("S204", "SPECTRUM", put(1, TELAPSE=6912.2)),
    ("S205", "SPECTRUM", put(1, TMID=55328.1402)),
    ("S206", "SPECTRUM", put(1, SPEC_VAL=390.5)),
    ("S207", "SPECTRUM", put(1, SPEC_BW=0.99)),
    ("S208", "SPECTRUM", put(0, SPEC_RES=0.0)),
    ("S209", "SPECTRUM", put(0, FLUXERR=5.0)),
    ("S209", "SPECTRUM", put(0, FLUXCAL="ABSOLUTE", FLUXERR=-1.0)),
    ("S210", "SPECTRUM", put(0, TOT_FLUX=True)),
    ("S211", "SPECTRUM", put(1, TITLE="a spectrum")),
    ("S212", "SPECTRUM", rename(4, "wave")),
    ("S213", "SPECTRUM", card("TUNIT1", "pixel")),
    ("S214", "SPECTRUM", put(0, CONTNORM=True)),
    ("S215", "SPECTRUM", drop(1, "TUCD4")),
    ("S216", "SPECTRUM", put(0, LAMRMS=-1.0)),
    ("S217", "SPECTRUM", put(0, LAMRMS=1e-3, LAMNLIN=100, SPEC_ERR=1e-3)),
    ("D101", "SPECTRUM", row("WAVE", 100, 3900.0)),
    ("D101", "SPECTRUM", row("WAVE", 100, np.nan)),
    ("D102", "SPECTRUM", put(0, SPEC_BIN=0.01)),
    ("D103", "SPECTRUM", put(0, WAVELMIN=389.99)),
    ("D103", "SPECTRUM", put(0, WAVELMAX=391.0)),
    ("D104", "SPECTRUM", put(1, TDMIN1=3899.9)),
    ("D104", "SPECTRUM", put(1, TDMAX1=3910.1)),
    ("D105", "SPECTRUM", row("FLUX_REDUCED", 3, np.inf)),
    ("D106", "SPECTRUM", row("ERR_REDUCED", 3, -1.0)),
    ("D107", "SPECTRUM", row("QUAL", 3, -1)),
    ("D108", "SPECTRUM", put(0, SNR=500.0)),
    ("D108", "SPECTRUM", row("FLUX_REDUCED", slice(None), np.nan)),
    ("D108", "SPECTRUM", row("QUAL", slice(None), 1)),
    ("D109", "SPECTRUM", both(row("FLUX_REDUCED", 0, 0.0), row("ERR_REDUCED", 0, 0.0))),
    ("C101", "CUBE", lambda hdus: setattr(hdus[0], "data", np.ones((2, 2), np.float32))),
    ("C102", "CUBE", put(2, HDUCLAS2="DATA")),
    ("C102", "CUBE", put(1, HDUCLAS2="SIGNAL")),
    ("C103", "CUBE", add(empty)),
    ("C104", "CUBE", put(1, CUNIT1="arcsec")),
    ("C105", "CUBE", put(0, RA=206.001)),
    ("C106", "CUBE", put(1, HDUCLASS="OGIP")),
    ("C112", "CUBE", put(1, HDUVERS="DICD version 6")),
    ("C107", "CUBE", put(2, HDUCLAS3="SIGMA")),
    ("C108", "CUBE", put(2, SCIDATA="FLUX")),
    ("C108", "CUBE", drop(1, "ERRDATA")),
    ("C109", "CUBE", put(2, CRVAL3=4751.0)),
    ("C110", "CUBE", put(0, WAVELMIN=300.0)),
    ("C112", "CUBE", put(2, HDUDOC="DICD")),
    ("C111", "CUBE", put(0, WAVELMAX=476.0)),
    ("D201", "CUBE", pixels(1, np.nan, planes=slice(0, 1))),
    ("D202", "CUBE", pixels(1, np.inf, planes=(0, 0, 0))),
    ("I101", "IMAGE", lambda hdus: setattr(hdus[0], "data", np.ones((2, 2, 2), np.float32))),
    ("I101", "MOSAIC", lambda hdus: setattr(hdus[0], "data", np.ones((2, 2), np.float32))),
    ("I102", "IMAGE", put(0, CUNIT2="arcsec")),
    ("I103", "IMAGE", image_outside),
    ("I103", "MOSAIC", put(0, DEC=10.0)),
    ("I104", "IMAGE", put(0, PSF_FWHM=-1.0)),
    ("I104", "MOSAIC", both(put(1, PSF_FWHM=-1.0), put(2, PSF_FWHM=-1.0))),
    ("I105", "IMAGE", put(0, ABMAGLIM=11.0)),
    ("I106", "IMAGE", both(extension_image, put(1, HDUCLAS2="SCI"))),
    ("I107", "IMAGE", both(extension_image, put(2, HDUCLAS3="SIGMA"))),
    ("I108", "IMAGE", both(extension_image, put(2, SCIDATA="FLUX"))),
    ("I109", "IMAGE", both(extension_image, put(1, HDUDOC="OGIP"))),
    ("K405", "IMAGE", put(0, INSTRUME="VIRCAM")),
    ("K901", "SPECTRUM", put(0, SNR="high")),
    ("K901", "SPECTRUM", put(0, TOT_FLUX=0)),
    ("K901", "CUBE", put(1, CTYPE1=5)),
    ("K901", "IMAGE", ("CRVAL1", "CRVAL1  =                1E400")),
]  # fmt: skip
ELSEWHERE = {
    *("F001", "F002", "F003", "F004", "F006", "F017"),
    *(rule.number for rule in RULES if rule.number.startswith("B")),
}
"""Rules of the file's bytes and of batches have their tests below, and in test_batch.py."""


@pytest.mark.parametrize("kind", ["SPECTRUM", "CUBE", "IMAGE", "MOSAIC"])
def test_a_good_file_has_no_findings(desk, kind):
    one = desk(kind)
    assert one.judged(one.write()) == []


def test_a_good_image_in_an_extension_has_no_findings(desk):
    one = desk("IMAGE")
    assert one.judged(one.write(extension_image)) == []


@pytest.mark.filterwarnings("ignore::astropy.io.fits.verify.VerifyWarning")
@pytest.mark.parametrize(
    ("number", "kind", "spoil"), CASES, ids=[f"{case[0]}-{n}" for n, case in enumerate(CASES)]
)
def test_a_bad_file_breaks_the_rule(desk, number, kind, spoil):
    one = desk(kind)
    if number == "F005":
        path = one.write(checksum=False)
    elif isinstance(spoil, tuple):
        path = one.write_with_card(*spoil)
    else:
        path = one.write(spoil)
    (verdict,) = validate([path], now=NOW)
    found = [finding for finding in verdict.findings if finding.rule == number]
    assert found, [(one.rule, one.keyword, one.reason) for one in verdict.findings]
    assert all(finding.reason and finding.keyword for finding in found)
    assert not any("cannot be checked" in finding.reason for finding in found)


def test_every_rule_is_tested_and_has_its_own_number_and_words():
    numbers = [rule.number for rule in RULES]
    assert len(set(numbers)) == len(numbers)
    groups = {group.number for group in keyword_groups()}
    assert set(numbers) == {case[0] for case in CASES} | ELSEWHERE | groups
    assert all(rule.title and rule.source and rule.of for rule in RULES)


PLACES = {
    "SPECTRUM": {"primary": 0, "table": 1},
    "CUBE": {"primary": 0, "planes": 1, "data": 1},
    "IMAGE": {"primary": 0, "pixels": 0},
}
STRUCTURE = {"SIMPLE", "BITPIX", "NAXIS", "EXTEND", "TFIELDS"}
"""Without these a file is no FITS file."""
GROUPED = [
    pytest.param(group, kind, keyword, id=f"{group.number}-{kind}-{keyword}")
    for group in keyword_groups()
    for kind, places in PLACES.items()
    for keyword in group.keywords
    if group.where in places
    and any(f"SCIENCE.{kind}".startswith(of) or of == "SCIENCE.CUBE.IFS" == f"SCIENCE.{kind}.IFS"
            for of in group.of)
    and keyword not in STRUCTURE
    and keyword != "PRODCATG"
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("group", "kind", "keyword"), GROUPED)
def test_a_keyword_that_is_missing_or_forbidden_is_reported(desk, group, kind, keyword):
    hdu, name = PLACES[kind][group.where], keyword.split("|")[0]

    def spoil(hdus):
        if group.level == "forbidden":
            hdus[hdu].header[name] = 1.0
        else:
            hdus[hdu].header.remove(name, ignore_missing=True)
            hdus[hdu].header.remove("PROVXTN", ignore_missing=True)

    by_library = keyword.startswith(("TTYPE", "TFORM", "TUNIT"))
    one = desk(kind)
    path = one.write_with_card(name, "COMMENT") if by_library else one.write(spoil)
    (verdict,) = validate([path], now=NOW)
    found = [one for one in verdict.findings if one.rule == group.number and one.keyword == name]
    assert [one.severity for one in found] == [
        Severity.NOTE if group.level == "recommended" else Severity.ERROR
    ]


def test_image_extension_needs_its_classes(desk):
    one = desk("IMAGE")
    path = one.write(both(extension_image, drop(1, "HDUDOC")))
    assert [(f.rule, f.keyword) for f in one.judged(path)] == [("K404", "HDUDOC")]


@pytest.mark.parametrize(("name", "rule"), [
    ("x" * 64 + ".fits", "F002"), ("spectrum.fit", "F003"), ("spectrum.fits.fz", "F004"),
])  # fmt: skip
def test_a_bad_name_breaks_the_rule(desk, name, rule):
    one = desk("SPECTRUM")
    assert rule in {f.rule for f in one.judged(one.write(name=name))}


def test_a_file_packed_by_gzip_is_no_product(desk):
    one = desk("SPECTRUM")
    path = one.write(name="spectrum.fits.gz")
    assert {"F003", "F004"} == {f.rule for f in one.judged(path)}


def test_compressed_images_are_judged_as_the_images_they_hold(desk):
    one = desk("CUBE")

    def compress(hdus):
        hdus[1:] = [
            fits.CompImageHDU(hdu.data, hdu.header, compression_type="GZIP_1") for hdu in hdus[1:]
        ]

    path = one.write(compress, name="cube.fits.fz")
    assert one.judged(path) == []
    shutil.copy(path, one.folder / "renamed.fits")
    assert {f.rule for f in one.judged(one.folder / "renamed.fits")} == {"F004"}


def test_a_changed_byte_breaks_the_checksum_and_a_filling_is_noted(desk):
    one = desk("SPECTRUM")
    path = one.write()
    content = bytearray(path.read_bytes())
    content[-2870] ^= 1
    path.write_bytes(content)
    assert "F006" in {f.rule for f in one.judged(path)}
    path = one.write()
    path.write_bytes(path.read_bytes() + bytes(2880))
    (verdict,) = validate([path], now=NOW)
    assert "F017" in {f.rule for f in verdict.findings}
    assert verdict.is_accepted


FOREIGN = {
    "empty": b"",
    "text": b"hello",
    "page": b"<html>502</html>" * 300,
    "zeros": bytes(5760),
    "half a header": b"SIMPLE  =                    T" + b" " * 50,
}


@pytest.mark.parametrize("content", FOREIGN.values(), ids=FOREIGN)
def test_foreign_files_are_refused_with_one_clear_finding(tmp_path, content):
    path = tmp_path / "foreign.fits"
    path.write_bytes(content)
    (verdict,) = validate([path], now=NOW)
    assert [one.rule for one in verdict.findings] == ["F001"]
    assert str(path) not in verdict.findings[0].reason


ODD_VALUES = (
    "-1", "0", "1E400", "1E308", "T", "'x'", "''", "1.5", "99999999999999999999", "(1,2)", "",
    "'999999999D'", "'PD(5)'", "2147483648", "NaN", "'2010-99-99'", "'MULTI'", "3",
)  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["SPECTRUM", "CUBE", "IMAGE", "MOSAIC"])
def test_odd_values_of_any_keyword_never_give_an_exception(desk, kind):
    one = desk(kind)
    whole = one.write().read_bytes()
    cards = [place for place in range(0, len(whole), 80) if whole[place + 8 : place + 10] == b"= "]
    chance = np.random.default_rng(11)
    for _ in range(150):
        odd = bytearray(whole)
        for place in chance.choice(cards, 4):
            value = ODD_VALUES[chance.integers(len(ODD_VALUES))]
            odd[place + 10 : place + 80] = f"{value:>20}".ljust(70).encode()
        one.path.write_bytes(odd)
        (verdict,) = validate([one.path], now=NOW)
        assert verdict.findings


@pytest.mark.parametrize("kind", ["SPECTRUM", "CUBE", "IMAGE"])
def test_files_damaged_anywhere_give_findings_and_never_an_exception(desk, kind):
    one = desk(kind)
    whole = one.write().read_bytes()
    chance = np.random.default_rng(7)
    for turn in range(60):
        damaged = bytearray(whole if turn % 3 else whole[: chance.integers(len(whole))])
        for place in chance.integers(0, max(len(damaged), 1), 6 if damaged else 0):
            damaged[place] = chance.integers(32, 127)
        one.path.write_bytes(damaged)
        (verdict,) = validate([one.path], now=NOW)
        assert verdict.findings


def test_a_raw_frame_is_told_to_be_no_product(tmp_path):
    path = tmp_path / "raw.fits"
    fits.PrimaryHDU(np.ones((4, 4), np.int16)).writeto(path)
    (verdict,) = validate([path], now=NOW)
    assert [one.rule for one in verdict.findings] == ["F005", "F005", "F012"]


@pytest.mark.parametrize(("collection", "keyword"), [("VIMOS", "EXT_OBJ"), ("VEXAS", "TELESCOP")])
def test_a_collection_may_need_less(desk, collection, keyword):
    one = desk("SPECTRUM")
    path = one.write(drop(0, keyword))
    assert {f.keyword for f in one.judged(path)} == {keyword}
    assert one.judged(path, collection=collection) == []
    assert keyword in exceptions().waived[collection]


def test_a_folder_is_a_batch_of_its_files(desk, tmp_path):
    desk("CUBE").write()
    assert [Path(one.file).name for one in validate([tmp_path], now=NOW)] == [
        "cube.fits", "white.fits",
    ]  # fmt: skip
