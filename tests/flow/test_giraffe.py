"""A GIRAFFE day through ESO's recipes, and what they found against what the simulator painted."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from vltflow.cli.app import run as run_command
from vltflow.core.site import load_site
from vltflow.records import AssociationBlock
from vltflow.simulate import SimulatedDay, simulate_day
from vltflow.store import Store

NIGHT = "2015-02-26"
SETUPS = ("giraffe_1x1", "giraffe_1x1_525.8nm_1.2")
CASCADE = {
    "BIAS": "gimasterbias",
    "DARK": "gimasterdark",
    "FIBER_FLAT": "gimasterflat",
    "ARC_SPECTRUM": "giwavecalibration",
    "SCIENCE": "giscience",
}
NEEDS_OF_SCIENCE = {
    "MASTER_BIAS",
    "FF_LOCCENTROID",
    "FF_LOCWIDTH",
    "FF_EXTSPECTRA",
    "FF_EXTERRORS",
    "DISPERSION_SOLUTION",
    "GRATING_DATA",
    "SLIT_GEOMETRY_SETUP",
}
pytestmark = [pytest.mark.slow, pytest.mark.esorex("giraf")]


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> SimulatedDay:
    """One setting and slit with all it needs, at the only size that the recipes take."""
    folder = tmp_path_factory.mktemp("giraffe")
    return simulate_day("giraffe", NIGHT, folder, setups=SETUPS)


@pytest.fixture(scope="module")
def store(day: SimulatedDay, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """The store of a site that has processed the day."""
    folder = tmp_path_factory.mktemp("giraffe site") / "site"
    where = ("--site", str(folder))
    assert run_command(["init", str(folder), "--cores", "2", "--memory-mb", "4000"]) == 0
    assert run_command(["statics", "build", "--instrument", "GIRAFFE", *where]) == 0
    assert run_command(["ingest", str(day.folder), *where]) == 0
    assert run_command(["night", NIGHT, "--instrument", "GIRAFFE", *where]) == 0
    site = load_site(folder)
    opened = Store(site.database, site.vault)
    yield opened
    opened.close()
    shutil.rmtree(folder)
    shutil.rmtree(day.folder)


def blocks(store: Store) -> list[AssociationBlock]:
    with store.read() as tx:
        return tx.blocks.find(instrument="GIRAFFE")


@contextmanager
def product(store: Store, category: str) -> Iterator[fits.HDUList]:
    """The one product of a category."""
    with store.read() as tx:
        made = tx.products.of_blocks([block.name for block in blocks(store)])
    (one,) = [one for several in made.values() for one in several if one.category == category]
    with fits.open(store.vault.local_path(one.file_id, Path())) as file:
        yield file


def truth(day: SimulatedDay, raw_type: str) -> list[dict]:
    """Truth about the chip in each frame of a raw type."""
    told = [json.loads(p.with_suffix(".truth.json").read_text()) for p in day.files]
    return [one["chips"][0] for one in told if one["raw_type"] == raw_type]


def painted(day: SimulatedDay, raw_type: str) -> dict[str, np.ndarray]:
    """Traces and spectra that were painted."""
    with np.load(day.folder / truth(day, raw_type)[0]["light"]["arrays"]) as arrays:
        return dict(arrays)


def test_each_block_has_all_it_needs_and_every_recipe_succeeds(store: Store) -> None:
    found = blocks(store)
    assert {block.raw_type: block.recipe for block in found} == CASCADE
    assert {str(block.state) for block in found} == {"SUCCEEDED"}
    needs = [match for block in found for match in block.masters if match.required]
    assert {str(match.state) for match in needs} == {"REAL"}
    science = next(block for block in found if block.raw_type == "SCIENCE")
    assert {match.category for match in science.masters} == NEEDS_OF_SCIENCE


def test_calibrations_are_scored_green_and_certified(store: Store) -> None:
    names = [block.name for block in blocks(store) if block.raw_type != "SCIENCE"]
    with store.read() as tx:
        scores, verdicts = tx.quality.scores(names), tx.quality.verdicts(names)
    for name in names:
        colours = {str(score.colour) for score in scores[name]}
        # Grey: a running threshold without a past.
        assert "green" in colours
        assert colours <= {"green", "grey"}, name
        assert [str(verdict.decision) for verdict in verdicts[name]] == ["AUTO"], name


def test_bias_level_and_read_noise_are_recovered(day: SimulatedDay, store: Store) -> None:
    frames = truth(day, "BIAS")
    with product(store, "MASTER_BIAS") as file:
        header = file[0].header
    level = np.mean([one["bias_level_adu"] for one in frames])
    noise = frames[0]["read_noise_e"] / frames[0]["conad_e_per_adu"]
    assert header["ESO QC BIAS MASTER MEDIAN"] == pytest.approx(level, abs=0.3)
    assert header["ESO QC OUT1 RON RAW"] == pytest.approx(noise, rel=0.04)


def test_dark_current_is_recovered(day: SimulatedDay, store: Store) -> None:
    (first, *_) = truth(day, "DARK")
    with np.load(day.folder / first["maps"]) as maps:
        rate = maps["dark_rate"][~maps["hot"]].mean() * 3600.0 / first["conad_e_per_adu"]
    with product(store, "MASTER_DARK") as file:
        assert file[0].header["ESO QC DARK CURRENT"] == pytest.approx(rate, abs=0.15)


def test_fibres_are_found_where_they_were_painted(day: SimulatedDay, store: Store) -> None:
    light = painted(day, "FIBER_FLAT")
    rows = light["row"].astype(int) - 1
    with product(store, "FF_LOCCENTROID") as file:
        found = file[0].data[rows] + 1.0  # the recipe counts from 0
    difference = found - light["column"].T
    assert found.shape[1] == 135
    assert np.std(difference) < 0.01
    assert np.abs(difference).max() < 0.05


def test_transmissions_of_the_fibres_are_recovered(day: SimulatedDay, store: Store) -> None:
    with product(store, "FF_EXTSPECTRA") as file:
        fibres = file["FIBER_SETUP"].data
    science = fibres["RP"] > 0
    ratio = fibres["TRANSMISSION"][science] / painted(day, "FIBER_FLAT")["transmission"][science]
    assert np.std(ratio) / np.mean(ratio) < 0.005


def test_place_of_the_slit_and_wavelengths_are_recovered(day: SimulatedDay, store: Store) -> None:
    (arc,) = truth(day, "ARC_SPECTRUM")
    with product(store, "DISPERSION_SOLUTION") as file:
        header = file[0].header
    shift = arc["light"]["shift_along_dispersion_mm"]
    # 0.001 mm in the slit is 0.027 pixels.
    assert header["ESO PRO WSOL OPTMOD SLITDX"] == pytest.approx(shift, abs=0.001)
    assert header["ESO PRO WSOL RMS"] < 0.25


def test_lines_stand_at_their_wavelengths_after_rebinning(day: SimulatedDay, store: Store) -> None:
    with product(store, "ARC_RBNSPECTRA") as file:
        spectra, header = file[0].data, file[0].header
    step = header["CDELT2"]
    wave = header["CRVAL2"] + step * (np.arange(len(spectra)) + 1.0 - header["CRPIX2"])
    centres = isolated_lines(day, wave[0], wave[-1])
    assert len(centres) >= 3
    for centre in centres:
        near = np.abs(wave - centre) < 0.045
        line = spectra[near] - np.median(spectra, axis=0)
        found = (line * wave[near, None]).sum(axis=0) / line.sum(axis=0)
        assert abs(np.median(found) - centre) / step < 0.2


def isolated_lines(day: SimulatedDay, first: float, last: float) -> list[float]:
    """Bright lines of the lamp (air, nm) without a neighbour within 0.1 nm."""
    rows = (day.folder / "truth" / "thar_lines.csv").read_text().splitlines()[2:]
    vacuum = np.array([float(row.split(",")[0]) for row in rows])
    weak = np.array([row.split(",")[1].startswith("Ar") for row in rows])
    bright = np.array([float(row.split(",")[2]) for row in rows]) * np.where(weak, 0.12, 1.0)
    # Index of standard air at 525 nm: Ciddor 1996; good to 1e-6 over a setting.
    air = vacuum / 10.0 / 1.000_278_2
    centres = []
    for wave, flux in zip(air, bright, strict=True):
        around = (np.abs(air - wave) < 0.1) & (air != wave)
        inside = first + 0.3 < wave < last - 0.3
        if inside and flux > 800.0 and bright[around].sum() < flux / 50.0:
            centres.append(float(wave))
    return centres


def test_stars_come_out_in_their_fibres_without_their_transmission(
    day: SimulatedDay, store: Store
) -> None:
    light = painted(day, "SCIENCE")
    with product(store, "SCIENCE_EXTSPECTRA") as file:
        found = np.median(file[0].data, axis=0)
        fps = file["FIBER_SETUP"].data["FPS"]
    stars = np.median(light["spectrum"], axis=1) / light["transmission"]
    assert len(fps) == 130
    assert np.corrcoef(found, stars[fps - 1])[0, 1] > 0.999
