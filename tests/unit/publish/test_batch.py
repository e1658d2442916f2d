"""Rules of several files: each silent on a good batch, and heard on a bad one."""

import hashlib

import numpy as np
import pytest
from astropy.io import fits

from vltflow.publish.validation import validate

NOW = 61_000.0
RAW = "RAW.2010-05-07T02:24:00.000"


def found(paths, **options):
    verdicts = validate(paths, now=NOW, **options)
    return {(one.rule, one.keyword) for verdict in verdicts for one in verdict.findings}


def change(path, hdu=0, **cards):
    with fits.open(path, mode="update", checksum=True) as opened:
        for key, value in cards.items():
            opened[hdu].header[key.replace("__", "-")] = value
        for one in opened:
            one.add_checksum()
    return path


@pytest.fixture
def raws(tmp_path):
    """Two raw frames, and a product that tells the truth about them."""
    folder = tmp_path / "raw"
    folder.mkdir()
    for number, name in enumerate((RAW, "RAW.2010-05-07T03:00:00.000")):
        header = fits.Header({
            "TELESCOP": "ESO-VLT-U4", "INSTRUME": "HAWKI", "EXPTIME": 600.0,
            "MJD-OBS": 55323.1 + number * 0.025, "HIERARCH ESO OBS ID": 100,
            "HIERARCH ESO OBS PROG ID": "60.A-9100(A)", "HIERARCH ESO INS FILT1 NAME": "J",
        })  # fmt: skip
        fits.PrimaryHDU(np.ones((4, 4), np.int16), header).writeto(folder / f"{name}.fits")
    return folder


@pytest.fixture
def image(desk, raws):
    path = desk("IMAGE").write()
    return change(path, PROV2="RAW.2010-05-07T03:00:00.000.fits", MJD__END=55323.1320)


def test_a_product_that_agrees_with_its_originals_has_no_findings(image, raws):
    assert found([image], originals=[raws]) == set()


def test_originals_that_are_not_at_hand_are_a_note(image):
    assert found([image]) == {("B201", "PROV1"), ("B201", "PROV2")}


@pytest.mark.parametrize(("rule", "cards"), [
    ("B202", {"TELESCOP": "ESO-VLT-U1"}),
    ("B202", {"PROG_ID": "60.A-9100(B)"}),
    ("B203", {"OBID1": 101}),
    ("B203", {"OBID2": 102}),
    ("B204", {"MJD__OBS": 55323.10001}),
    ("B204", {"MJD__OBS": 55323.0}),
    ("B205", {"MJD__END": 55323.1319}),
    ("B206", {"FILTER": "H"}),
    ("B207", {"NCOMBINE": 3}),
    ("B208", {"TEXPTIME": 1201.0}),
    ("B208", {"EXPTIME": 1200.5, "TEXPTIME": 1200.5}),
])  # fmt: skip
def test_a_product_that_differs_from_its_originals_breaks_the_rule(image, raws, rule, cards):
    rules = {number for number, _ in found([change(image, **cards)], originals=[raws])}
    assert rule in rules


def test_originals_may_be_products_of_the_batch(desk, image, raws):
    stack = change(
        desk("IMAGE").write(name="stack.fits"), PROV1=image.name, MJD__END=55323.132, NCOMBINE=2
    )
    assert found([stack, image], originals=[raws]) == set()
    assert ("B207", "NCOMBINE") in found([change(stack, NCOMBINE=1), image])


def test_files_of_one_name_break_the_rule(desk, tmp_path):
    first = desk("SPECTRUM").write()
    (tmp_path / "b").mkdir()
    second = tmp_path / "b" / first.name
    second.write_bytes(first.read_bytes())
    assert {("B101", "(name)"), ("B104", "TITLE")} <= found([first, second])


def test_associated_files_must_be_there_with_their_sum(desk, tmp_path):
    preview = tmp_path / "preview.png"
    preview.write_bytes(b"picture")
    cards = {
        "ASSON1": "preview.png", "ASSOC1": "ANCILLARY.PREVIEW",
        "ASSOM1": hashlib.md5(b"picture").hexdigest(),
    }  # fmt: skip
    path = change(desk("SPECTRUM").write(), **cards)
    assert found([path]) & {("B102", "ASSON1"), ("B103", "ASSOM1")} == set()
    preview.write_bytes(b"another")
    assert ("B103", "ASSOM1") in found([path])
    preview.unlink()
    assert ("B102", "ASSON1") in found([path])


def test_a_cube_needs_one_white_light_image(desk, tmp_path):
    path = desk("CUBE").write()
    change(tmp_path / "white.fits", PRODCATG="ANCILLARY.IMAGE")
    assert ("B105", "ASSON1") in found([path])
    (tmp_path / "white.fits").write_bytes(b"broken")
    assert ("B105", "ASSON1") in found([path, tmp_path / "white.fits"])


@pytest.mark.parametrize(("rule", "values"), [
    ("B106", np.ones((8, 7), np.float32)), ("B107", np.full((8, 8), 12.0, np.float32)),
])  # fmt: skip
def test_the_white_light_image_is_the_mean_of_the_cube(desk, tmp_path, rule, values):
    path = desk("CUBE").write()
    primary = fits.PrimaryHDU()
    primary.header["PRODCATG"] = "ANCILLARY.IMAGE.WHITELIGHT"
    hdus = [primary, fits.ImageHDU(values, name="WHITE")]
    fits.HDUList(hdus).writeto(tmp_path / "white.fits", overwrite=True, checksum=True)
    assert {number for number, _ in found([path])} >= {rule}
