"""Science of UVES: a simulated day, and real light, from raw frames to products of the standard."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from vltflow.cli.app import run as run_command
from vltflow.core.site import load_site
from vltflow.publish.validation import validate
from vltflow.records import BlockState, Decision, MatchState
from vltflow.simulate import simulate_day
from vltflow.store import Store

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(900),
    pytest.mark.esorex("uves"),
]

NIGHT = "2015-02-26"
KINDS = ("BIAS", "ARC_LAMP_FORM", "ORDER_FLAT", "FLAT", "ARC_LAMP", "SCI_POINT")
SETUPS = {
    "BLUE": ("blue_1x1", *(f"blue_1x1_346nm_{slit}" for slit in ("0.7", "1.2", "0.6"))),
    "RED": ("red_1x1", *(f"red_1x1_580nm_{slit}" for slit in ("0.6", "1.2"))),
}
OPTICAL = ("uves_cal_predict", "uves_cal_orderpos", "uves_cal_wavecal")
"""By ESO's recipes; flats are native."""
REAL_SNR = 17.7
REAL, REAL_NIGHTS = "390_02", ("2010-05-12", "2010-05-10", "2010-05-11")


def _site(folder: Path, nights, science: str) -> Store:
    site = folder / "site"
    assert run_command(["init", str(site), "--cores", "2", "--memory-mb", "4000"]) == 0
    runners = dict.fromkeys(OPTICAL, "esorex") | {"uves_obs_scired": science}
    chosen = ", ".join(f'{recipe} = "{runner}"' for recipe, runner in runners.items())
    with (site / "vltflow.toml").open("a") as settings:
        settings.write(f"\n[runners]\nUVES = {{ {chosen} }}\n")
    assert run_command(["ingest", str(folder / "raw"), "--site", str(site)]) == 0
    for night in nights:
        assert run_command(["night", night, "--instrument", "UVES", "--site", str(site)]) == 0
    opened = load_site(site)
    return Store(opened.database, opened.vault)


@pytest.fixture(scope="module", params=list(SETUPS))
def day(request, tmp_path_factory: pytest.TempPathFactory):
    """Folder and store of a day's science in one arm, reduced by ESO's recipe."""
    folder = tmp_path_factory.mktemp(request.param)
    raw_types = [f"{kind}_{request.param}" for kind in KINDS]
    simulate_day("uves", NIGHT, folder / "raw", raw_types=raw_types, setups=SETUPS[request.param])
    store = _site(folder, [NIGHT], "esorex")
    yield folder, store
    store.close()
    shutil.rmtree(folder)


def _science(store: Store):
    with store.read() as tx:
        blocks = tx.blocks.find(instrument="UVES")
    return next(one for one in blocks if one.raw_type.startswith("SCI_POINT"))


def test_science_takes_certified_masters_and_its_attached_arc(day):
    _, store = day
    block = _science(store)
    assert block.state is BlockState.SUCCEEDED, block.problem
    matches = [one for one in block.masters if one.state is MatchState.REAL]
    with store.read() as tx:
        sources = tx.blocks.by_name(one.source_block for one in matches)
        decisions = tx.blocks.decisions(sources)
    assert set(decisions.values()) == {Decision.AUTO}
    arcs = [one for one in matches if one.category.startswith("LINE_TABLE")]
    assert arcs
    for match in arcs:
        assert (match.level, match.distance_celsius) == (-1, pytest.approx(0.0, abs=0.2))
        assert abs(match.distance_days or 1.0) < 0.05  # the arcs of the morning are far


def test_science_becomes_a_product_that_everybody_accepts(day, tmp_path):
    folder, store = day
    block, site = _science(store), str(folder / "site")
    with store.read() as tx:
        decided = tx.blocks.decisions([block.name])[block.name]
    if not decided:
        command = ["certify", "accept", block.name, "--comment", "seen", "--site", site]
        assert run_command(command) == 0
        assert run_command(["products", "publish", "--instrument", "UVES", "--site", site]) == 0
    assert run_command(["products", "export", "--out", str(tmp_path), "--site", site]) == 0
    verdicts = validate([tmp_path], originals=[folder / "raw"])
    assert [one.findings for one in verdicts if not one.is_accepted] == []
    (path,) = tmp_path.glob("UVES_*.fits")
    header = fits.getheader(path)
    assert header["ESO QC BITS"].startswith("000000")
    assert header["PROV1"] == block.name.removesuffix("_none")
    if shutil.which("fitsverify"):
        ended = subprocess.run(["fitsverify", "-q", str(path)], capture_output=True, check=False)
        assert b"verification OK" in ended.stdout


def test_real_light_is_reduced_by_both_with_esos_order_and_line_tables(
    real_data: Path, tmp_path_factory: pytest.TempPathFactory
):
    tool = real_data.parent / "tools" / "repaint_uves.py"
    if not tool.is_file():
        pytest.skip(f"no tool {tool} that paints real spectra as raw frames")
    folder = tmp_path_factory.mktemp("real science")
    spectra = real_data / "uves" / "HE1341-1020"
    call = [sys.executable, str(tool), str(spectra), REAL, str(folder / "raw")]
    subprocess.run(call, check=True, capture_output=True)
    (truth,) = (folder / "raw").glob("*.truth.fits")
    truth = truth.rename(folder / truth.name)
    store = _site(folder, REAL_NIGHTS, "both")
    with store.read() as tx:
        (product,) = tx.science.find(instrument="UVES")
        decision = tx.blocks.decisions([product.block])[product.block]
        compared = tx.quality.compared([product.block])
        (orders,) = tx.products.of_block(product.block)
    assert (product.bits, decision, set(compared)) == ("000000000", "AUTO", {product.block})
    assert product.snr == pytest.approx(REAL_SNR, rel=0.05)
    assert _light(store.vault.local_path(orders.file_id, folder), truth) == pytest.approx(
        1.0, abs=0.01
    )
    store.close()


def _light(orders: Path, truth: Path) -> float:
    """Extracted light over the painted one, the median of all orders."""
    with fits.open(truth) as hdus:
        painted = dict(zip(hdus["ORDERS"].data["ORDER"], hdus["OBJECT"].data, strict=True))
        conad = hdus[0].header["CONAD"]
    middle = slice(500, 2500)
    return float(
        np.median(
            [
                conad * np.nansum(row["FLUX"][middle]) / painted[row["ORDER"]][middle].sum()
                for row in fits.getdata(orders, "ORDERS")
            ]
        )
    )
