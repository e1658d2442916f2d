"""Process QC of science spectra: numbers, bits, statistics."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from astropy.io import fits

from vltflow import certify, qc
from vltflow.instruments import load
from vltflow.qc.statistics import science_statistics
from vltflow.records import Colour, QcValue, Score, score_bits

UVES = load("UVES")


@pytest.fixture(params=["images", "table"])
def scored(request, science_site):
    """An AB of each layout, measured and scored."""
    block = science_site.science(layout=request.param)
    qc.run(science_site.store, UVES, blocks=[block.name], again=True)
    return science_site, block


def values_of(site, block):
    with site.store.read() as tx:
        return {
            (one.category.rpartition("_")[2], one.parameter): one.value
            for one in tx.quality.values(block=block.name)
        }


def test_spectra_of_both_layouts_are_measured_the_same(scored):
    found = values_of(*scored)
    for chip in ("REDL", "REDU"):
        assert found[chip, "QC SPEC SNR"] == pytest.approx(20.0, rel=0.02)
        assert found[chip, "QC SPEC SNRRATIO"] == pytest.approx(1.0, abs=0.06)
        assert found[chip, "QC SPEC SKYFRAC"] == 100.0
        assert found[chip, "QC SPEC NEGFRAC"] == 0.0
        assert found[chip, "QC SPEC MERGSTEP"] < 0.5
        assert found[chip, "QC CAL DT ARC"] == 0.1
        assert found[chip, "QC CAL DTEMP ARC"] == 0.2
        assert (chip, "QC NPIXSAT") not in found  # the raw frame is away


def test_each_bit_has_number_limit_reason_and_date(scored):
    site, block = scored
    with site.store.read() as tx:
        scores = tx.quality.scores([block.name])[block.name]
    bits = score_bits(scores)
    assert len(bits) == 9
    assert bits[1] + bits[3:7] + bits[8] == "000000"
    assert bits[0] + bits[2] + bits[7] == "---"  # no raw frame, so nothing was counted
    entries = [one for one in UVES.scores.thresholds if one.bit]
    assert {one.bit for one in entries} == set(range(1, 10))
    assert all(one.reason and one.valid_from.year >= 2000 for one in entries)


def test_saturated_pixels_gain_and_area_are_those_of_the_raw_frame(science_site, tmp_path):
    block = science_site.science()
    path = tmp_path / "raw.fits"
    pixels = np.zeros((3, 50, 40), np.uint16)
    pixels[2, :5, :7] = 65_535  # lower chip: second extension
    hdus = [fits.PrimaryHDU(), *(fits.ImageHDU(pixels[n]) for n in (1, 2))]
    for hdu in hdus[1:]:
        hdu.header["HIERARCH ESO DET OUT1 CONAD"] = 1.5
        hdu.header["HIERARCH ESO DET WIN1 BINX"] = 2
        hdu.header["HIERARCH ESO DET CHIP1 PSZX"] = hdu.header["HIERARCH ESO DET CHIP1 PSZY"] = 15.0
    fits.HDUList(hdus).writeto(path)
    with science_site.store.write(by="test", why="found") as tx:
        tx.frames.relocate(block.frames[0], str(path), path.stat().st_size)
    qc.run(science_site.store, UVES, blocks=[block.name], again=True)
    found = values_of(science_site, block)
    assert (found["REDL", "QC NPIXSAT"], found["REDU", "QC NPIXSAT"]) == (35.0, 0.0)
    assert found["REDL", "QC SPEC COUNTS"] == pytest.approx(300.0, rel=0.01)
    area = 50 * 40 * 2 * 0.0015**2  # cm2
    assert found["REDL", "QC CRH RATE"] == pytest.approx(25 * 3600 / 1500 / area)
    assert found["REDL", "QC SPEC SNRSHOT"] == pytest.approx(20.0 / 300.0**0.5, rel=0.03)


def test_a_bit_is_the_worst_of_all_chips():
    score = Score("ab", 1, "c", "p", 1.0, None, 1.0, Colour.GREEN, "FIXED", "", 2)
    red, grey = replace(score, colour=Colour.RED), replace(score, colour=Colour.GREY)
    assert score_bits([score, red, grey]) == "-1"
    assert score_bits([score, grey]) == "-0"
    assert score_bits([replace(score, bit=None)]) == ""


@pytest.mark.parametrize("every", [1, 1_000_000_007])
def test_some_green_science_is_drawn_by_lot_for_a_look(science_site, every):
    block = science_site.science()
    scores = UVES.scores.model_copy(update={"sample_every": every})
    drawing = UVES.model_copy(update={"scores": scores})
    with science_site.store.read() as tx:
        green = [
            replace(one, colour=Colour.GREEN) for one in tx.quality.scores([block.name])[block.name]
        ]
        decision, reason = certify.automatic(tx.blocks.get(block.name), green, drawing, {})
    assert (decision is None) == (every == 1)
    assert ("drawn by lot for a look, one of 1" in reason) == (every == 1)


def test_calibrations_are_never_drawn_by_lot(science_site):
    scores = UVES.scores.model_copy(update={"sample_every": 1})
    green = [Score("ab", 1, "c", "p", 1.0, None, 2.0, Colour.GREEN, "FIXED", "")]
    drawing = UVES.model_copy(update={"scores": scores})
    assert certify.automatic(science_site.arc, green, drawing, {})[0] == "AUTO"


def test_spectra_far_below_the_law_of_their_mode_are_listed(science_site):
    blocks = [science_site.science(number) for number in range(8)]
    numbers = {"QC SPEC COUNTS": 400.0, "QC SPEC SNR": 20.0, "QC SPEC SNRRATIO": 1.0}
    with science_site.store.write(by="qc", why="test") as tx:
        for place, block in enumerate(blocks):
            product = tx.products.of_block(block.name)[0]
            told = numbers | ({"QC SPEC SNR": 8.0} if place == 3 else {})
            told |= {"QC SPEC SNRRATIO": 0.4} if place == 5 else {}
            tx.quality.add_values([
                QcValue(
                    block=block.name, revision=1, product_id=product.product_id,
                    instrument="UVES", night=block.night, raw_type=block.raw_type,
                    setup=block.setup, category=product.category, parameter=name, value=value,
                    unit="", mjd=block.mjd_mid,
                )
                for name, value in told.items()
            ])  # fmt: skip
    with science_site.store.read() as tx:
        (mode,) = science_statistics(tx, UVES)
    assert mode.mode == "REDL 1x1_2pts/225kHz/lg_0.8"
    assert mode.law.scale == pytest.approx(1.0)
    assert [point.block for point, _ in mode.anomalies] == [blocks[3].name, blocks[5].name]
    assert mode.anomalies[0][1] == "SNR 8 of 20 that 400 e- allow"
    assert mode.is_anomalous.sum() == 2
