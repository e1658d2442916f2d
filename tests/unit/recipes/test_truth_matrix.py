"""Extraction and wavelengths of many setups of UVES against the light that was put in.

With the environment variable VLTFLOW_TRUTH_TABLE the rows of docs/reference/echelle.md are added
to the file that it names.
"""

from __future__ import annotations

import json
import os
import shutil
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.polynomial.chebyshev import chebvander

from vltflow.core.errors import AlgorithmFailure
from vltflow.instruments.uves import statics
from vltflow.process.runners.frames import tables_of
from vltflow.recipes import find_recipe
from vltflow.simulate.day import model
from vltflow.simulate.detector import cosmic_rays
from vltflow.simulate.plan import Setup, Window
from vltflow.simulate.source import Source
from vltflow.simulate.uves.constants import SLICERS
from vltflow.simulate.uves.programme import SCIENCE, Exposure

TARGET, NEBULA = (SCIENCE[name][0].source.target for name in ("point", "extended"))
WINDOWS = {
    "blue": Window(x=300, y=600, nx=2400, ny=640),
    "red": Window(x=500, y=400, nx=3000, ny=1000),
}
"""What the few setups read out instead of whole chips."""
PIECE = 30.0
"""Angstrom in which calibrated flux is compared."""
BRIGHT = 2
"""Number of the scene whose flux is calibrated."""
SMOOTH = 25
"""Degree of what is smooth along an order."""
RIM = 25
"""Columns at the window's rim that are left out: tilted slits leave it there."""


@dataclass(frozen=True)
class Row:
    """What came out of one scene on one chip."""

    setup: str
    scene: str
    snr: float
    flux: float
    """Median of extracted over put in."""
    mean: float
    mean_error: float
    """All light over all that was put in, and its error."""
    width: float
    rms: float
    """Of the pulls: robust, and plain."""
    beyond: int
    """Pixels further than 5 sigma, and 2 % of a line's slope, from the truth."""
    residues: int
    """Those of them, or beside them, that a cosmic ray hit."""
    pixels: int
    shift: float
    shift_error: float
    """Of the lines in the extracted spectrum, what the format drifted taken off, pixels."""
    wave: float
    worst_wave: float
    """Error of the wavelengths at the lines of the arc: mean, largest; pixels."""
    calibrated: float
    """Deviation of the chip's calibrated flux in its worst piece; NaN: no response."""


def scenes(arm, setting, binning, width, slicer=""):
    """SNR 3, 30 and 300; an extended source of 30 a detector pixel."""
    common = {"arm": arm, "wavelength": float(setting), "binning": binning}
    if slicer:
        common |= {"slicer": slicer}
    else:
        common |= {"slit_width": width}
    made = [Exposure(Source(target=TARGET, snr=snr), **common) for snr in (3.0, 30.0, 300.0)]
    extended = Exposure(Source("extended", target=NEBULA, snr=30.0), **common)
    return made if slicer else [*made, extended]


def light_in_slit(day, number, found):
    """What the extraction of a mode should give, and where it is to be judged."""
    expected, slit = day.expected(number, found.spectra), 2.0 * found.traces.slit.half
    sky = day.expected(number, found.spectra, "sky")
    if found.mode != "point":
        expected = slit * (expected + sky) if found.mode == "extended" else expected + slit * sky
    blaze = found.spectra.blaze
    brightest = np.nanmax(np.where(np.isfinite(blaze), blaze, 0.0), axis=1, keepdims=True)
    inside = np.isfinite(found.spectra.flux) & (expected > 0) & (blaze > 0.2 * brightest)
    inside[:, :RIM] = inside[:, -RIM:] = False
    return expected, inside


@pytest.fixture(scope="module")
def sky_tables(tmp_path_factory):
    """Static calibrations of a response, as the runner reads them."""
    folder, tables = tmp_path_factory.mktemp("statics"), {}
    for role, build in (
        ("EXTCOEFF_TABLE", statics.extinction),
        ("FLUX_STD_TABLE", statics.standard_fluxes),
        ("RESP_FIT_POINTS_CATALOG", statics.fit_points),
    ):
        build(folder / f"{role}.fits")
        tables[role] = tables_of(folder / f"{role}.fits", role)
    return tables


def worst_flux(day, number, kit, tables):
    """Deviation from the truth, in the worst piece, of flux that a standard star calibrated.

    NaN where a window holds too few of the points at which a response is measured.
    """
    names = day.kinds[f"STANDARD_{day.arm.upper()}"][:1]
    try:
        response = kit.as_tables(process("echelle.response", day.inputs(names, **tables))[0])
    except AlgorithmFailure as error:
        if "points with light" in str(error):
            return float("nan")
        raise
    inputs = day.inputs(day.files[number][:1], INSTR_RESPONSE_FINE=response, **tables)
    rows = process("echelle.science", inputs)[0].tables[0].rows
    light, told = day.truth(day.files[number][0], "flux")
    wave, flux = (np.concatenate([one[k] for one in light.values()]) for k in (0, 1))
    # The truth was divided as light is, by the electrons of an ADU; flux knows none.
    flux = flux[np.argsort(wave)] * told["conad_e_per_adu"] * told["light"]["slit_transmission"]
    good = np.isfinite(rows["FLUX"]) & (rows["QUAL"] == 0)
    truth = np.interp(rows["WAVE"][good], np.sort(wave), flux)
    piece = ((rows["WAVE"][good] - rows["WAVE"][good][0]) // PIECE).astype(int)
    counts = np.bincount(piece)
    whole = counts > 0.5 * counts.max()
    ratio = np.bincount(piece, rows["FLUX"][good])[whole] / np.bincount(piece, truth)[whole]
    return float(np.abs(ratio[1:-1] - 1.0).max())  # both ends lie beyond the response's points


def process(name, inputs):
    recipe = find_recipe(name)
    return recipe.process(inputs, recipe.parameters()).products


def line_shift(spectra, expected, inside):
    """Shift of all lines together by least squares, and its error, pixels.

    Beside what each order has too much or too little of smoothly: on a slope of the continuum
    a ten-thousandth of that is as much as a tenth of a pixel.
    """
    pulled, normal = 0.0, 0.0
    slopes = np.gradient(expected, axis=1)
    for flux, variance, light, slope, good in zip(
        spectra.flux, spectra.variance, expected, slopes, inside & np.isfinite(slopes), strict=True
    ):
        if good.sum() < 8 * SMOOTH:
            continue
        weight = variance[good] ** -0.5
        smooth = chebvander(np.linspace(-1.0, 1.0, good.sum()), SMOOTH)
        smooth, _ = np.linalg.qr(smooth * (light[good] * weight)[:, None])
        steep, off = slope[good] * weight, (flux - light)[good] * weight
        steep -= smooth @ (smooth.T @ steep)
        pulled -= steep @ off
        normal += steep @ steep
    return pulled / normal, normal**-0.5


def hit_columns(day, number, found):
    """Columns of each order whose slit a cosmic ray hit, or the one beside it.

    The rays are drawn once more from the seed of the frame.
    """
    name = day.files[number][0].replace(".fits", "")
    told = json.loads((day.folder / f"{name}.truth.json").read_text())
    values = told["setup_values"]
    window = values["window"]
    setup = Setup(**values | {"window": window and Window(**window)})
    uves = model("uves")
    (chip,) = [one for one in uves.chips(setup) if one.label == day.chip.lower()]
    layout = uves.layout(chip, setup, small=False)
    rng = np.random.Generator(np.random.SFC64([1, zlib.crc32(name.encode()), chip.index]))
    charge = np.zeros((layout.rows, layout.columns), np.float32)
    rng.standard_normal(charge.shape, dtype=np.float32)
    rng.integers(1, 2**62)
    hits = cosmic_rays(rng, charge, layout, told["exptime_s"])
    assert hits == next(
        one["cosmic_ray_hits"] for one in told["chips"] if one["label"] == chip.label
    )
    turned = day.inputs([f"{name}.fits"]).chip
    charge = np.rot90(charge, turned.quarter_turns)
    row, column = np.nonzero(charge[:, ::-1] if turned.mirrored else charge)
    hit = np.zeros(found.spectra.flux.shape, bool)
    for order, centre in zip(hit, found.traces.slit.centre, strict=True):
        inside = np.abs(row - centre[column]) <= found.traces.slit.half + 1.0
        for beside in (-1, 0, 1):
            order[np.clip(column[inside] + beside, 0, len(order) - 1)] = True
    return hit


def measure(day, number, setup, snr, kit, calibrated):
    found = day.extracted(number)
    expected, inside = light_in_slit(day, number, found)
    spectra, waves = found.spectra, day.wave_errors()
    pulls = ((spectra.flux - expected) / np.sqrt(spectra.variance))[inside]
    # On the flank of a line narrower than two pixels, half a pixel of tilt is known to 2 %.
    steep = np.abs(np.gradient(expected, axis=1))
    far = np.abs(spectra.flux - expected) > 5.0 * np.hypot(np.sqrt(spectra.variance), 0.02 * steep)
    residues = far & inside & hit_columns(day, number, found)
    shift, error = line_shift(spectra, expected, inside)
    shift -= day.drift(number)
    # Weights by the errors would count low columns, whose errors are lower, more.
    total = expected[inside].sum()
    return Row(
        setup, found.mode, snr, float(np.median(spectra.flux[inside] / expected[inside])),
        float(spectra.flux[inside].sum() / total),
        float(spectra.variance[inside].sum() ** 0.5 / total),
        float(kit.robust(pulls)), float(pulls.std()),
        int(far[inside].sum()), int(residues.sum()), pulls.size,
        float(shift), float(error), float(waves.mean()), float(np.abs(waves).max()), calibrated,
    )  # fmt: skip


def note(rows):
    """Add the scenes of a setup to the table, if one is wanted."""
    if "VLTFLOW_TRUTH_TABLE" not in os.environ:
        return
    best = max((row for row in rows if row.scene != "extended"), key=lambda row: row.snr)
    cells = [
        rows[0].setup,
        ", ".join(f"{row.flux:.4f}" for row in rows),
        f"{min(row.rms for row in rows):.2f} to {max(row.rms for row in rows):.2f}",
        "{} ({}) of {:,}".format(
            *(sum(getattr(row, name) for row in rows) for name in ("beyond", "residues", "pixels"))
        ),
        f"{best.shift:.4f} +- {best.shift_error:.4f}",
        f"{best.wave:.4f}; {best.worst_wave:.3f}",
        f"{100.0 * best.calibrated:.1f}" if np.isfinite(best.calibrated) else "",
    ]
    with Path(os.environ["VLTFLOW_TRUTH_TABLE"]).open("a", encoding="utf-8") as table:
        table.write("| " + " | ".join(cells) + " |\n")


def judge(row, *, whole):
    """The limits; medians of windows with few pixels have a scatter of their own."""
    noise = 0.0 if whole else 3.0 * 1.25 / (row.snr * row.pixels**0.5)
    assert row.flux == pytest.approx(1.0, abs=0.01 + noise), row
    assert row.mean == pytest.approx(1.0, abs=0.005 + 3.0 * row.mean_error), row
    assert 0.95 <= row.rms <= 1.05, row
    assert 0.94 <= row.width <= 1.06, row
    assert row.beyond <= 3 + 1e-4 * row.pixels, row
    assert row.residues <= 3, row
    assert not row.calibrated > 0.03, row
    assert abs(row.shift) < 0.005 + 3.0 * row.shift_error, row
    assert abs(row.wave) < 0.02, row
    assert row.worst_wave < 0.1, row


def run(folder, case, kit, science_day, tables, *, whole):
    arm, setting, binning, width, slicer, chips = case
    asked, rows = scenes(arm, setting, binning, width, slicer), []
    window = False if whole else WINDOWS[arm]
    day = science_day(folder, asked, chip=chips[0], window=window, standard=not slicer)
    for chip in chips:
        if chip != day.chip:
            day.calibrate(chip)
        slit = f"{slicer} {width}" if slicer else f"{width}"
        setup = f"{setting} {chip} {binning}x{binning} {slit}"
        flux = np.nan if slicer else worst_flux(day, BRIGHT, kit, tables)
        for number, exposure in enumerate(asked):
            rows.append(measure(day, number, setup, exposure.source.snr, kit, flux))
        note(rows[-len(asked) :])
    for row in rows:
        judge(row, whole=whole)
    return rows


CHIPS = {"blue": ("BLUE",), "red": ("REDL", "REDU")}
SETTINGS = [("blue", 346), ("blue", 437), ("red", 580), ("red", 760), ("red", 860)]
MATRIX = [
    (arm, setting, binning, (0.4, 0.8, 1.2)[(n + binning) % 3], "", chips)
    for n, (arm, setting) in enumerate(SETTINGS)
    for binning in (1, 2)
    for chips in (CHIPS[arm],)
] + [
    (arm, setting, 1, SLICERS[slicer].width, slicer, chips)
    for arm, setting, slicer, chips in (
        ("blue", 437, "SLIC#2", ("BLUE",)),
        ("red", 580, "SLIC#1", ("REDL", "REDU")),
        ("red", 860, "SLIC#3", ("REDL",)),
    )
]
"""Every setting in both binnings, the widths of the slit in turn, and the slicers."""
FEW = [
    ("blue", 346, 1, 0.8, "", ("BLUE",)),
    ("blue", 437, 1, 0.44, "SLIC#2", ("BLUE",)),
    ("red", 860, 2, 0.4, "", ("REDL",)),
]


@pytest.mark.slow
@pytest.mark.parametrize("case", FEW, ids=lambda case: "-".join(map(str, case[:5])))
def test_light_and_lines_of_some_setups_are_those_put_in(
    case, tmp_path, kit, science_day, sky_tables
):
    rows = run(tmp_path, case, kit, science_day, sky_tables, whole=False)
    assert np.isfinite(rows[0].calibrated) != bool(case[4])  # slicers have no standard star


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_light_and_lines_of_whole_chips_are_those_put_in(tmp_path, kit, science_day, sky_tables):
    """Of all orders no more than 1e-5 of the pixels lie beyond 5 sigma, cosmic rays or not."""
    rows, wrong = [], []
    for n, case in enumerate(MATRIX):
        try:
            rows += run(tmp_path / str(n), case, kit, science_day, sky_tables, whole=True)
        except (AssertionError, AlgorithmFailure) as error:
            wrong.append(f"{case[:5]}: {str(error).splitlines()[0]}")
        shutil.rmtree(tmp_path / str(n), ignore_errors=True)
    assert wrong == []
    assert sum(row.beyond for row in rows) <= 1e-5 * sum(row.pixels for row in rows)
