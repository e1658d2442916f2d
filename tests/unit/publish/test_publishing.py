"""From certified spectra in the store to products of the standard."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from astropy import units
from astropy.io import fits
from astropy.table import QTable

from vltflow.archive import export_files
from vltflow.flow.decisions import decide
from vltflow.instruments import load
from vltflow.publish import run
from vltflow.publish.producing import produce
from vltflow.publish.validation import validate
from vltflow.records import Decision, ProductState, ScienceState

UVES = load("UVES")


def published(site, **options):
    return run(site.store, UVES, **options)


def files_of(site, product, folder):
    folder.mkdir(exist_ok=True)
    return export_files(site.store, [product, *product.associated], folder)


@pytest.fixture(params=["images", "table"])
def layout(request):
    """As ESO's recipe leaves a spectrum, and as ours does."""
    return request.param


@pytest.mark.slow
def test_both_red_chips_become_one_product_that_the_standard_accepts(
    science_site, layout, tmp_path
):
    science_site.science(layout=layout)
    (product,) = published(science_site).new
    path, *others = files_of(science_site, product, tmp_path / "out")
    verdicts = validate([tmp_path / "out"])
    assert [one.findings for one in verdicts if not one.is_accepted] == []
    with fits.open(path) as hdus:
        wave = hdus[1].data["WAVE"][0]
    assert (wave[0], wave[-1]) == pytest.approx((4780.0, 5830.0 + 0.0172 * 2999), abs=0.4)
    assert (np.diff(wave) > 0).all()
    assert {one.suffix for one in others} == {".png", ".fits"}


def test_keywords_come_from_raw_headers_masters_and_scores(science_site, tmp_path):
    science_site.science(bits=(1, 7))
    (product,) = published(science_site).new
    header = fits.getheader(files_of(science_site, product, tmp_path / "out")[0])
    wanted = {
        "OBJECT": "HE1341-1020", "PROG_ID": "185.A-0745(C)", "OBID1": 200301234,
        "PROV1": "UVES.2010-05-12T02:24:00.000", "SPEC_RES": 58000.0, "LAMNLIN": 1600,
        "LAMRMS": 7e-5, "NCOMBINE": 1, "EXPTIME": 1500.0, "TEXPTIME": 1500.0,
        "OBSTECH": "ECHELLE", "ARCFILE": "ADP.2026-11-24T12:00:01.000.fits", "EXT_OBJ": False,
        "ESO QC BITS": "100000100", "ESO QC VRAD BARYCOR": -11.9, "DATE": "2026-11-24",
        "FLUXCAL": "UNCALIBRATED",
    }  # fmt: skip
    assert {key: header[key] for key in wanted} == pytest.approx(wanted)
    assert header["SNR"] == pytest.approx(20.0, rel=0.02)
    assert header["ESO QC BIT1"].startswith("BIT 1: ")
    assert product.bits == "100000100"
    assert header["ASSOC3"] == "ANCILLARY.PREVIEW"


def test_resolving_power_is_that_of_the_slit_of_the_science(science_site, tmp_path):
    science_site.science(**{"ESO INS SLIT3 WID": 1.2})
    (product,) = published(science_site).new
    header = fits.getheader(files_of(science_site, product, tmp_path / "out")[0])
    assert header["SPEC_RES"] == pytest.approx(58000.0 * np.hypot(0.8, 0.5) / np.hypot(1.2, 0.5))
    assert header["ESO DRS SPECRES FROM"] == "arc 0.8 arcsec, science 1.2 arcsec"


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("fitsverify") is None, reason="fitsverify is not installed")
def test_products_pass_fitsverify(science_site, layout, tmp_path):
    science_site.science(layout=layout)
    (product,) = published(science_site).new
    paths = [
        one for one in files_of(science_site, product, tmp_path / "out") if one.suffix != ".png"
    ]
    ended = subprocess.run(["fitsverify", "-q", *map(str, paths)], capture_output=True, check=False)
    assert (ended.returncode, ended.stdout.count(b"verification OK")) == (0, len(paths))


@pytest.mark.slow
def test_products_read_in_astropy_and_specutils_with_units(science_site, tmp_path):
    specutils = pytest.importorskip("specutils")
    science_site.science()
    (product,) = published(science_site).new
    path = files_of(science_site, product, tmp_path / "out")[0]
    table = QTable.read(path, hdu=1)
    assert table["WAVE"].unit == units.angstrom
    spectrum = specutils.Spectrum(spectral_axis=table["WAVE"][0], flux=table["FLUX_REDUCED"][0])
    assert spectrum.flux.unit == units.adu
    assert spectrum.shape == table["FLUX_REDUCED"][0].shape


def test_publishing_again_does_nothing_unless_asked_and_keeps_the_earlier_version(science_site):
    block = science_site.science()
    assert len(published(science_site).new) == 1
    assert published(science_site).new == ()
    (second,) = published(science_site, again=True, blocks=[block.name]).new
    assert second.version == 2
    with science_site.store.read() as tx:
        every = tx.science.find(states=tuple(ScienceState))
        shown = tx.science.find()
    assert [(one.version, one.state) for one in every] == [(1, "HIDDEN"), (2, "PUBLISHED")]
    assert [one.version for one in shown] == [2]
    assert every[0].archive_name != every[1].archive_name
    assert science_site.store.vault.exists(every[0].file_id)


def test_who_is_slower_than_another_publishes_nothing_twice(science_site):
    science_site.science(layout="table")

    class Slow:
        def map(self, requests):
            for request in requests:
                made = produce(request, UVES, science_site.store.vault)
                assert len(published(science_site).new) == 1  # a person's decision meanwhile
                yield request, made

    assert published(science_site, helpers=Slow()).new == ()
    with science_site.store.read() as tx:
        assert [one.version for one in tx.science.find(states=tuple(ScienceState))] == [1]


@pytest.mark.slow
@pytest.mark.parametrize("state", [ProductState.REVOKED, ProductState.SUPERSEDED])
def test_a_product_whose_spectrum_lost_its_trust_is_hidden(science_site, state):
    block = science_site.science()
    published(science_site)
    with science_site.store.write(by="Maria", why="clouds") as tx:
        for one in tx.products.of_block(block.name):
            tx.products.set_state(one.product_id, state)
    done = published(science_site)
    assert [one.block for one in done.hidden] == [block.name]
    assert done.new == ()
    with science_site.store.read() as tx:
        assert tx.science.find() == []
        (kept,) = tx.science.find(states=[ScienceState.HIDDEN])
    assert str(state) in kept.problem


@pytest.mark.slow
def test_a_decision_publishes_and_hides_at_once(science_site):
    block, other = science_site.science(0, layout="table"), science_site.science(1, layout="table")
    with science_site.store.write(by="test", why="nobody looked yet") as tx:
        for one in tx.products.of_block(block.name):
            tx.products.set_state(one.product_id, ProductState.CREATED)
    said = {"who": "Maria", "comment": "looked at it"}
    decide(science_site.store, UVES, block.name, Decision.ACCEPTED, **said)
    with science_site.store.read() as tx:
        assert [one.block for one in tx.science.find()] == [block.name]  # the other has its turn
    decide(science_site.store, UVES, block.name, Decision.REVOKED, **said)
    with science_site.store.read() as tx:
        assert tx.science.find() == []
    assert [one.block for one in published(science_site).new] == [other.name]


def test_uncertified_spectra_are_not_published(science_site):
    block = science_site.science()
    with science_site.store.write(by="test", why="test") as tx:
        for one in tx.products.of_block(block.name):
            tx.products.set_state(one.product_id, ProductState.CREATED)
    assert published(science_site).new == ()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("cards", "words"),
    [
        ({"RA": None}, "no value of RA"),
        ({"DEC": 95.0}, "rules of the standard refuse it"),
        ({"ESO OBS TARG NAME": None}, "no value of OBS.TARG.NAME or OBJECT"),
    ],
)
def test_a_product_that_cannot_be_made_says_why_and_the_others_go_on(science_site, cards, words):
    bad = science_site.science(0, **cards)
    good = science_site.science(1)
    done = published(science_site)
    assert done.failed == (bad.name,)
    assert [one.block for one in done.new] == [good.name]
    with science_site.store.read() as tx:
        assert words in tx.blocks.get(bad.name).problem


def test_of_named_abs_only_those_of_the_instrument_that_are_not_published_are_made(science_site):
    first, second = science_site.science(0), science_site.science(1)
    named = [second.name, "GIRAFFE.2010-05-12T02:24:00.000_tpl"]
    assert [one.block for one in published(science_site, blocks=named).new] == [second.name]
    assert published(science_site, blocks=named).new == ()
    assert [one.block for one in published(science_site).new] == [first.name]


def test_a_missing_chip_is_no_product(science_site):
    block = science_site.science()
    with science_site.store.write(by="test", why="test") as tx:
        (upper,) = [
            one for one in tx.products.of_block(block.name) if one.category == "RED_SCI_POINT_REDU"
        ]
        tx.products.adopt(upper.product_id, 7)  # of another revision now
    done = published(science_site)
    assert done.failed == (block.name,)
    with science_site.store.read() as tx:
        assert "has no RED_SCIENCE of REDU" in tx.blocks.get(block.name).problem


@pytest.mark.slow
def test_versions_of_the_same_input_differ_by_their_archive_name_only(science_site, tmp_path):
    block = science_site.science()
    (first,) = published(science_site).new
    (second,) = published(science_site, again=True, blocks=[block.name]).new
    paths = [files_of(science_site, one, tmp_path / str(one.version))[0] for one in (first, second)]
    difference = fits.FITSDiff(*paths, ignore_keywords=["CHECKSUM", "ARCFILE"])
    assert difference.identical, difference.report()


def test_files_are_exported_under_their_names(science_site, tmp_path):
    science_site.science()
    (product,) = published(science_site).new
    names = {path.name for path in files_of(science_site, product, tmp_path / "out")}
    assert product.name in names
    assert Path(product.name).with_suffix(".png").name in names
    assert len(product.name) <= 68
