"""One real exposure, painted back on its chip: from raw frames to a product, against the truth."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from astropy import units
from astropy.io import fits
from astropy.table import QTable

from vltflow.cli.app import run as run_command
from vltflow.core.site import load_site
from vltflow.process.runners.frames import tables_of
from vltflow.recipes.echelle.surfaces import read_surface
from vltflow.store import Store

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

EXPOSURE = "390_02"
ESO_LINES, ESO_RESOLUTION = 696, 58_460
"""Of ESO's recipe on these frames with the parameters of the real reduction."""


def _kept(site: Path, category: str) -> Path:
    opened = load_site(site)
    store = Store(opened.database, opened.vault)
    with store.read() as tx:
        blocks = [one.name for one in tx.blocks.find(instrument="UVES")]
        made = [one for several in tx.products.of_blocks(blocks).values() for one in several]
    (product,) = [one for one in made if one.category == category]
    path = store.vault.local_path(product.file_id, Path())
    store.close()
    return path


@pytest.fixture(scope="module")
def real(tmp_path_factory, real_data):
    """Product, extracted orders and line table of the exposure, and what was painted."""
    tool = real_data.parent / "tools" / "repaint_uves.py"
    if not tool.is_file():
        pytest.skip(f"no tool {tool} that paints real spectra as raw frames")
    folder, spectra = tmp_path_factory.mktemp("real"), real_data / "uves" / "HE1341-1020"
    call = [sys.executable, str(tool), str(spectra), EXPOSURE, str(folder / "raw")]
    subprocess.run([*call, "--bias", "3", "--flats", "3"], check=True, capture_output=True)
    (truth,) = (folder / "raw").glob("*.truth.fits")
    truth = truth.rename(folder / truth.name)
    assert run_command(["reduce", str(folder / "raw")]) == 0
    products = folder / "raw" / "products"
    with fits.open(next(spectra.glob(f"wpol_*{EXPOSURE}_b.fits.gz"))) as hdus:
        lines = np.array(hdus[4].data)
    return SimpleNamespace(
        product=next(products.glob("UVES_*.fits")),
        orders=_kept(products / ".vltflow", "RED_SCI_POINT_BLUE"),
        line_table=_kept(products / ".vltflow", "LINE_TABLE_BLUE"),
        truth=truth,
        lines=lines[lines["NLinSol"] > 0],
    )


@pytest.fixture(scope="module")
def compared(real):
    """Ratio of each order's light to the painted one, and all pulls where the blaze is bright."""
    with fits.open(real.truth) as hdus:
        painted = dict(zip(hdus["ORDERS"].data["ORDER"], hdus["OBJECT"].data, strict=True))
        conad = hdus[0].header["CONAD"]
    ratios, pulls = [], []
    for row in fits.getdata(real.orders, "ORDERS"):
        expected = painted[row["ORDER"]] / conad
        good = np.isfinite(row["FLUX"]) & (row["QUAL"] == 0)
        good &= row["BLAZE"] > 0.3 * np.nanmax(row["BLAZE"])
        ratios.append(row["FLUX"][good].sum() / expected[good].sum())
        pulls.append(((row["FLUX"] - expected) / row["ERR"])[good])
    return np.array(ratios), np.concatenate(pulls)


def test_extracted_light_is_what_was_painted(compared):
    ratios, _ = compared
    assert len(ratios) == 40
    assert np.median(ratios) == pytest.approx(1.0, abs=0.005)
    assert np.mean(np.abs(ratios - 1.0) < 0.015) > 0.9


def test_errors_of_real_light_are_honest_and_no_cosmic_ray_is_left(compared):
    _, pulls = compared
    assert 1.4826 * np.median(np.abs(pulls)) == pytest.approx(1.0, abs=0.05)
    assert np.std(pulls) == pytest.approx(1.0, abs=0.06)
    assert np.mean(np.abs(pulls) > 5.0) < 1e-4


def test_lines_and_resolution_are_at_least_those_of_esos_recipe(real):
    header = fits.getheader(real.product)
    assert header["LAMNLIN"] > ESO_LINES
    assert header["SPEC_RES"] >= 0.999 * ESO_RESOLUTION


def test_wavelengths_are_those_of_the_real_line_table_in_the_corners_too(real):
    solution = read_surface(tables_of(real.line_table, "LINE_TABLE"), "MLAMBDA_AIR")
    x, order = real.lines["X"] - 1.0, real.lines["Order"].astype(float)
    distance = solution(x, order) - order * real.lines["WaveC"]
    distance = distance / solution.slope(x, order)
    # The painted spectrum is displaced against the table: see the page on echelle recipes.
    assert np.median(distance) == pytest.approx(-0.04, abs=0.02)
    assert np.std(distance) < 0.05
    assert np.abs(distance - np.median(distance)).max() < 0.3


def test_the_product_is_accepted_and_read_with_units_and_covariance(real, command):
    specutils = pytest.importorskip("specutils")
    assert ": accepted; SCIENCE.SPECTRUM" in command("validate", str(real.product))
    header, table = fits.getheader(real.product), QTable.read(real.product, hdu=1)
    spectrum = specutils.Spectrum(spectral_axis=table["WAVE"][0], flux=table["FLUX_REDUCED"][0])
    assert (spectrum.spectral_axis.unit, spectrum.flux.unit) == (units.angstrom, units.adu)
    assert 1.3 < header["ESO DRS COVAR FACTOR"] < 2.0
    assert header["SNR"] > 17.0
