"""ESO's rules, translated and not edited, and ESO's recipes: from raw frames to products."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from vltflow.cli.app import run
from vltflow.simulate import simulate_day

NIGHT = "2015-02-26"
RULES = sorted(Path("/usr/share/cpl-plugins").glob("uves-*/gasgano/config/uves.oca"))

pytestmark = [
    pytest.mark.slow,
    pytest.mark.esorex("uves"),
    pytest.mark.skipif(not RULES, reason="ESO's rules are not in /usr/share/cpl-plugins"),
]


@pytest.fixture
def site(tmp_path, capsys):
    """A site that knows UVES only by ESO's rules, with biases and darks of the blue arm."""
    made = [
        "UVES_MASTER_BIAS_B=MASTER_BIAS_BLUE",  # rules do not say what a recipe makes
        "UVES_MASTER_DARK_B=MASTER_DARK_BLUE",
    ]
    options = [word for one in made for word in ("--makes", one)]
    out, site = tmp_path / "uves", tmp_path / "site"
    assert run(["instruments", "import-oca", str(RULES[-1]), "--out", str(out), *options]) == 0
    assert run(["init", str(site)]) == 0
    with (site / "vltflow.toml").open("a") as file:
        file.write('\n[instruments]\nUVES = "../uves"\n')
    day = simulate_day(
        "uves", NIGHT, tmp_path / "raw", small=True, raw_types=("BIAS_BLUE", "DARK_BLUE")
    )
    assert run(["ingest", str(day.folder), "--site", str(site)]) == 0
    capsys.readouterr()
    return site


def listed(capsys, *words):
    assert run([*words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_imported_rules_take_a_day_through_esos_recipes(site, capsys):
    raw = str(site.parent / "raw")
    assert listed(
        capsys, "instruments", "check", "UVES", "--oca", str(RULES[-1]), raw, "--site", str(site)
    ) == []  # fmt: skip
    assert run(["night", NIGHT, "--instrument", "UVES", "--site", str(site)]) == 0
    capsys.readouterr()
    blocks = listed(capsys, "status", "--site", str(site))
    assert {(one["raw_type"], one["recipe"], one["status"]) for one in blocks} == {
        ("BIAS_BLUE", "uves_cal_mkmaster", "SUCCEEDED"),
        ("DARK_BLUE", "uves_cal_mdark", "SUCCEEDED"),
    }
    values = listed(capsys, "qc", "values", "--site", str(site), "-p", "QC OUT1 RON MASTER")
    assert len(values) == sum(one["raw_type"] == "BIAS_BLUE" for one in blocks)
    known = {
        one["name"]: one for one in listed(capsys, "qc", "parameters", "uves", "--site", str(site))
    }
    assert known["QC OUT1 RON MASTER"]["format"] == "%e"
