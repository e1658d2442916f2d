"""Two runners on the same AB, as a user compares them."""

import pytest

from vltflow.cli.app import run
from vltflow.simulate import simulate_day

NIGHT = "2015-02-26"

pytestmark = [pytest.mark.slow, pytest.mark.esorex("uves")]


@pytest.fixture(scope="module")
def bias_night(tmp_path_factory):
    """A site that has processed one bias with the runner `both`."""
    raw, site = tmp_path_factory.mktemp("raw"), tmp_path_factory.mktemp("both") / "site"
    simulate_day("uves", NIGHT, raw, small=True, raw_types=["BIAS_BLUE"])
    assert run(["init", str(site)]) == 0
    with (site / "vltflow.toml").open("a") as file:
        file.write('\n[runners]\nUVES = { uves_cal_mbias = "both" }\n')
    assert run(["ingest", str(raw), "--site", str(site)]) == 0
    assert run(["night", NIGHT, "--site", str(site)]) == 0
    return site


def first_block(command, site):
    return command("status", "--json", "--site", str(site))[0]["ab"]


def test_with_runner_both_the_night_keeps_a_comparison(bias_night, command, tmp_path):
    name, page = first_block(command, bias_night), tmp_path / "page.html"
    command("compare", name, "--kept", "--out", str(page), "--site", str(bias_night))
    text = page.read_text()
    assert name in text
    assert "QC OUT1 RON MASTER" in text
    assert text.count("<svg") == 4
    shown = command("ab", "show", name, "--site", str(bias_night))
    assert "native" in shown
    assert "esorex" not in shown.split("jobs")[1].split("products")[0]


def test_both_agree_on_the_same_frames(bias_night, command):
    name = first_block(command, bias_night)
    (found,) = command("compare", name, "--json", "--site", str(bias_night))
    parameters = {row["parameter"]: row for row in found["parameters"]}
    for parameter in ("QC OUT1 RON MASTER", "QC OUT1 STRUCTX", "QC OUT1 STRUCTY"):
        row = parameters[parameter]
        assert row["native"] == pytest.approx(row["esorex"], rel=0.03), parameter
    (pixels,) = found["pixels"]
    assert abs(pixels["median"]) < 0.1
    assert {row["runner"] for row in found["runners"]} == {"native", "esorex"}


def test_what_has_one_runner_only_is_not_compared(bias_night, command, tmp_path):
    raw = tmp_path / "raw"
    simulate_day("uves", NIGHT, raw, small=True, raw_types=["SFLAT_RED"])
    command("ingest", str(raw), "--site", str(bias_night))
    command("night", NIGHT, "--site", str(bias_night))
    rows = command("status", "--json", "--site", str(bias_night))
    flat = next(row["ab"] for row in rows if row["raw_type"] == "SFLAT_RED")
    command("compare", flat, "--site", str(bias_night), code=2)
