"""Reading historical QC1 values: what is accepted, what they are called, what is refused."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path

import pytest
from astropy.io import fits

from vltflow.core.errors import InvalidHeader, UnreadableFile
from vltflow.instruments import load
from vltflow.qc.history import import_file, read

UVES = load("UVES")
CARDS = {
    "INSTRUME": "UVES",
    "MJD-OBS": 55324.05,
    "ESO DET CHIPS": 1,
    "ESO DET WIN1 BINX": 1,
    "ESO DET WIN1 BINY": 1,
    "ESO INS GRAT1 ID": "CD#2",
    "ESO INS GRAT1 WLEN": 390.0,
    "ESO INS SLIT2 WID": 0.8,
    "ESO PRO CATG": "LINE_TABLE_BLUE",
    "ESO PRO REC1 ID": "uves_cal_wavecal",
    "ESO PRO REC1 PIPE ID": "uves/4.7.8",
    "ESO QC DID": "UVES-1.14",
    "ESO QC RESOLMED": 60042.09,
    "ESO QC NLINSOL": 548,
}


def header(**changes):
    made = fits.Header()
    for name, value in (CARDS | changes).items():
        if value is not None:
            made[f"HIERARCH {name}" if name.startswith("ESO") else name] = value
    return made


@pytest.fixture
def product(tmp_path):
    path = tmp_path / "linetable_blue.fits"
    fits.PrimaryHDU(header=header()).writeto(path)
    return path


def collection(path, **headers):
    cards = {name: [str(card).rstrip() for card in one.cards] for name, one in headers.items()}
    path.write_bytes(gzip.compress(json.dumps(cards).encode()))
    return path


def test_a_product_gives_its_numbers_with_unit_setup_and_origin(sqlite_store, product):
    done = import_file(sqlite_store, [UVES], product)
    assert (done.new, done.known, done.values) == (1, 0, 2)
    with sqlite_store.read() as look:
        values = {one.parameter: one for one in look.history.values(instrument="UVES")}
    assert set(values) == {"QC RESOLMED", "QC NLINSOL"}
    source = values["QC RESOLMED"].source
    assert (source.raw_type, source.setup) == ("ARC_LAMP_BLUE", "1x1_390nm_CD#2_0.8")
    assert (source.pipeline, source.recipe) == ("uves/4.7.8", "uves_cal_wavecal")
    assert (source.name, source.origin, source.night) == (product.name, str(product), "2010-05-07")


def test_a_product_and_its_header_in_a_collection_are_the_same(sqlite_store, product, tmp_path):
    headers = collection(tmp_path / "headers.json.gz", **{"wpol_01.fits": header()})
    assert import_file(sqlite_store, [UVES], product).new == 1
    assert import_file(sqlite_store, [UVES], headers).known == 1


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"INSTRUME": "FEROS"}, "'FEROS', no instrument of this site"),
        ({"ESO PRO CATG": "LINE_TABLE"}, "'LINE_TABLE', which UVES does not make"),
        ({"MJD-OBS": None}, "no MJD-OBS"),
        ({"ESO QC RESOLMED": None, "ESO QC NLINSOL": None}, "no QC1 values"),
    ],
)
def test_a_file_with_one_unfit_header_enters_nothing(sqlite_store, tmp_path, changes, reason):
    path = collection(tmp_path / "mixed.json.gz", good=header(), unfit=header(**changes))
    with pytest.raises(InvalidHeader, match=reason) as refused:
        import_file(sqlite_store, [UVES], path)
    assert f"{path}: unfit" in str(refused.value)
    with sqlite_store.read() as look:
        assert look.history.values() == []


@pytest.mark.parametrize("content", [b"", b"no header", b"[1, 2]", b'{"a": "b"}', b"\x1f\x8bxx"])
def test_other_files_are_refused_by_name(tmp_path, content):
    path = tmp_path / "other"
    path.write_bytes(content)
    with pytest.raises(UnreadableFile, match=str(path)):
        read(path)


@pytest.mark.slow
def test_real_line_tables_are_a_trend(sqlite_store):
    root = Path(os.environ.get("VLTFLOW_REAL_DATA", "../shared/data"))
    path = root / "uves" / "line_table_headers" / "wpol_primary_headers.json.gz"
    if not path.is_file():
        pytest.skip(f"no real headers at {path}; VLTFLOW_REAL_DATA names the folder")
    assert import_file(sqlite_store, [UVES], path).new == 78
    with sqlite_store.read() as look:
        blue = look.history.values(
            parameter="QC RESOLMED", category="LINE_TABLE_BLUE", setup="1x1_390nm_CD#2_0.8"
        )
    of_target = [one.value for one in blue if "hem1341" in one.source.name]
    assert [round(value) for value in of_target[:2]] == [60042, 59630]
    assert len(of_target) == 10
