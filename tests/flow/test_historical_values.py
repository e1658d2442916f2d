"""`vltflow qc import`, `qc plot` and `qc values` as a user runs them."""

import json

import pytest

CARDS = [
    "INSTRUME= 'UVES    '",
    "HIERARCH ESO DET WIN1 BINX = 1",
    "HIERARCH ESO DET WIN1 BINY = 1",
    "HIERARCH ESO INS GRAT1 ID = 'CD#2'",
    "HIERARCH ESO INS GRAT1 WLEN = 390.0",
    "HIERARCH ESO INS SLIT2 WID = 0.8",
    "HIERARCH ESO PRO CATG = 'LINE_TABLE_BLUE'",
    "HIERARCH ESO PRO REC1 PIPE ID = 'uves/4.7.8'",
]


@pytest.fixture
def headers(tmp_path):
    content = {
        f"wpol_{number}.fits": [
            *CARDS,
            f"MJD-OBS = {55324.0 + 30 * number}",
            f"HIERARCH ESO QC RESOLMED = {60000.0 + 100 * number}",
        ]
        for number in range(5)
    }
    path = tmp_path / "headers.json"
    path.write_text(json.dumps(content))
    return path


@pytest.mark.usefixtures("empty_site")
def test_imported_values_are_listed_and_drawn(command, headers, tmp_path):
    assert "5 products new with 5 QC1 values" in command("qc", "import", str(headers))
    assert "0 products new with 0 QC1 values, 5 known" in command("qc", "import", str(headers))
    rows = command("qc", "values", "-p", "QC RESOLMED", "--json")
    assert [row["value"] for row in rows] == [60000.0, 60100.0, 60200.0, 60300.0, 60400.0]
    assert rows[0]["origin"] == "wpol_0.fits uves/4.7.8"
    picture = tmp_path / "trend.svg"
    said = command("qc", "plot", "QC RESOLMED", "-i", "uves", "--out", str(picture))
    assert "5 values of 1 kinds" in said
    assert b"<svg" in picture.read_bytes()


@pytest.mark.usefixtures("empty_site")
def test_what_cannot_be_done_is_said(command, headers, tmp_path):
    broken = tmp_path / "broken.fits"
    broken.write_bytes(b"nothing")
    said = command("qc", "import", str(broken), str(headers), code=1)
    assert f"refused: {broken}: neither FITS nor JSON" in said
    assert "5 products new" in said
    said = command("qc", "plot", "QC RESOL", "-i", "UVES", "--out", "trend.svg", code=2)
    assert "no values of 'QC RESOL'" in said
    said = command("qc", "plot", "QC RESOLMED", "-i", "UVES", "--out", "trend.pdf", code=2)
    assert ".png or .svg" in said
