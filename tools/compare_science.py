"""Write the page that compares science of real light by native recipes and by ESO's.

``make compare-science``, or ``python tools/compare_science.py [--work FOLDER]``: real spectra are
painted as raw frames (they and the tool that paints them lie beside VLTFLOW_REAL_DATA), which go
through both chains, each with its own calibrations, and through the native recipe with ESO's
order and line tables. Their spectra are compared with what was painted: writes
docs/reference/science.md and docs/images/science-comparison.png. Needs esorex and
cpl-plugin-uves; let nothing else run meanwhile.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from astropy.io import fits
from scipy.ndimage import median_filter, uniform_filter1d

mpl.use("Agg")
import matplotlib.pyplot as plt

DOCS = Path(__file__).parents[1] / "docs"
PAGE = DOCS / "reference" / "science.md"
PICTURE = DOCS / "images" / "science-comparison.png"
EXPOSURES = ("390_02", "390_06")
SPECTRA = Path("uves") / "HE1341-1020"
RUNNERS = (
    '{ uves_cal_predict = "esorex", uves_cal_orderpos = "esorex", uves_cal_wavecal = "esorex", '
    'uves_obs_scired = "both" }'
)
"""ESO's order and line tables; the flat is native: the native science wants its blaze."""
NATIVE, ESO, TABLES = "native", "ESO", "native on ESO's tables"
RANGE = 3400.0, 4480.0
"""Angstrom; bluewards the truth is noise, redwards a part of one order is painted."""
PIECE, WINDOW = 4.0, 20.0
"""Angstrom; of flux ratios and of wavelength shifts."""
SLIT = 12.0
"""Pixels of noise below the object that weights take into account."""
COLUMNS = ("WAVE", "FLUX_REDUCED", "ERR_REDUCED", "QUAL")
ZOOM = 3962.0, 3972.0


@dataclass(frozen=True)
class Truth:
    """What was painted: orders as they were extracted from the real frame."""

    wave: np.ndarray
    """Angstrom, shape (orders, columns)."""
    light: np.ndarray
    """Object, electrons per pixel."""
    blaze: np.ndarray
    sky: np.ndarray
    conad: float
    ron: float

    @classmethod
    def read(cls, path: Path) -> Truth:
        """Read the file that is painted with the frames."""
        with fits.open(path) as hdus:
            names = ("WAVE", "OBJECT", "BLAZE", "SKY")
            planes = [np.array(hdus[name].data, float) for name in names]
            return cls(*planes, hdus[0].header["CONAD"], hdus[0].header["RON"])

    @property
    def pixel(self) -> float:
        """Mean width of a pixel, Angstrom."""
        return float(np.mean(np.diff(self.wave)))

    def merged(self, wave: np.ndarray) -> np.ndarray:
        """ADU per pixel over the blaze in bins, orders weighted with blaze^2 over variance."""
        step = wave[1] - wave[0]
        total, weights = np.zeros(len(wave)), np.zeros(len(wave))
        for own, light, blaze, sky in zip(self.wave, self.light, self.blaze, self.sky, strict=True):
            width = np.gradient(own)
            edges = np.concatenate(([own[0] - width[0] / 2], own + width / 2))
            variance = uniform_filter1d(light, 61) + SLIT * (sky + self.ron**2)

            def binned(values: np.ndarray, edges: np.ndarray = edges) -> np.ndarray:
                below = np.concatenate(([0.0], np.cumsum(values)))
                ends = (np.interp(wave + side * step / 2, edges, below) for side in (1, -1))
                return np.asarray(np.subtract(*ends) / step)

            seen = (wave > edges[0]) & (wave < edges[-1])
            share = binned(blaze)
            seen &= share * np.median(width) > 0.03 * blaze.max()
            weight = np.where(seen, share / np.maximum(binned(variance), 1e-9), 0.0)
            total += weight * binned(light)
            weights += weight * share
        with np.errstate(invalid="ignore"):
            return total / weights / self.conad


@dataclass(frozen=True)
class Spectrum:
    """A science product in the range that is compared, and the truth in its bins."""

    header: fits.Header
    wave: np.ndarray
    flux: np.ndarray
    error: np.ndarray
    truth: np.ndarray
    """Scaled to the flux: the lamp's level is in neither."""
    good: np.ndarray

    @classmethod
    def read(cls, path: Path, truth: Truth) -> Spectrum:
        """Read a product of the standard."""
        with fits.open(path) as hdus:
            rows = hdus["SPECTRUM"].data
            values = [np.array(rows[name][0], float) for name in COLUMNS]
            wave = values[0]
            inside = (wave > RANGE[0]) & (wave < RANGE[1])
            wave, flux, error, quality = (one[inside] for one in values)
            painted = truth.merged(wave)
            good = np.isfinite(flux * error * painted) & (error > 0) & (quality == 0)
            # Where an order is flagged the faint end of its neighbour stands in, alone.
            good &= error < 2.0 * median_filter(np.nan_to_num(error), 601)
            scale = flux[good].sum() / painted[good].sum()
            return cls(hdus[0].header, wave, flux, error, scale * painted, good)

    def sums(self, width: float) -> tuple[np.ndarray, ...]:
        """Middle, flux, truth and error of sums of bins, `width` Angstrom each."""
        place = np.floor((self.wave - RANGE[0]) / width).astype(int)
        flux, truth, variance, count = (
            np.bincount(place, np.where(self.good, one, 0.0))
            for one in (self.flux, self.truth, self.error**2, np.ones(len(place)))
        )
        full = count > 0.8 * width / (self.wave[1] - self.wave[0])
        middle = RANGE[0] + (np.flatnonzero(full) + 0.5) * width
        return middle, flux[full], truth[full], np.sqrt(variance[full])

    def pulls(self, width: float) -> np.ndarray:
        """Errors of sums in units of what the product claims, slow changes of the ratio out."""
        _, flux, truth, error = self.sums(width)
        truth = np.maximum(truth, 1e-3 * np.median(truth))
        slow = median_filter(flux / truth, 41)
        return (flux - slow * truth) / error

    def shifts(self) -> np.ndarray:
        """Displacement against the truth in windows, Angstrom."""
        found = []
        for start in np.arange(*RANGE, WINDOW):
            part = self.good & (self.wave >= start) & (self.wave < start + WINDOW)
            slope = np.gradient(self.truth, self.wave)
            terms = np.stack([self.truth, -slope, self.truth * (self.wave - start)])[:, part]
            solved = np.linalg.lstsq((terms / self.error[part]).T, (self.flux / self.error)[part])
            found.append(solved[0][1] / solved[0][0])
        return np.array(found)


def robust(values: np.ndarray) -> float:
    """Robust standard deviation."""
    return 1.4826 * float(np.median(np.abs(values - np.median(values))))


def vltflow(*words: str | Path) -> Any:
    """Run a command; gives what it prints as JSON, if it does."""
    argv = [sys.executable, "-m", "vltflow", *map(str, words)]
    ended = subprocess.run(argv, capture_output=True, text=True, check=False)
    if ended.returncode not in {0, 1}:
        sys.exit(f"{' '.join(argv)}: {ended.stderr}")
    return json.loads(ended.stdout) if "--json" in words else ended.stdout


def painted(exposure: str, data: Path, work: Path) -> Path:
    """Raw frames of an exposure in `work`/raw; gives the file with the truth."""
    if not (work / "raw").exists():
        tool = data.parent / "tools" / "repaint_uves.py"
        argv = [sys.executable, tool, data / SPECTRA, exposure, work / "raw"]
        subprocess.run(argv, check=True, capture_output=True)
        for path in (work / "raw").glob("*.truth.fits"):
            path.rename(work / path.name)
    return next(work.glob("*.truth.fits"))


def reduced(work: Path, name: str, *options: str) -> Path:
    """Science product of a chain with its own calibrations."""
    folder = work / name
    folder.mkdir(exist_ok=True)
    for path in (work / "raw").iterdir():
        if not (folder / path.name).exists():
            (folder / path.name).symlink_to(path)
    vltflow("reduce", folder, *options)
    return _product(folder / "products")


def _product(folder: Path) -> Path:
    return next(
        path
        for path in sorted(folder.glob("*.fits"))
        if fits.getval(path, "PRODCATG") == "SCIENCE.SPECTRUM"
    )


def on_tables(work: Path, repeats: int) -> tuple[Path, dict[str, Any]]:
    """Science product of the native recipe with ESO's tables, and what both runners needed."""
    site, told = work / "site", work / "costs.json"
    if not told.exists():
        vltflow("init", site)
        with (site / "vltflow.toml").open("a") as settings:
            settings.write(f"\n[runners]\nUVES = {RUNNERS}\n")
        vltflow("ingest", work / "raw", "--site", site)
        # Twice: the biases of these frames are younger than the flats. What waits is accepted.
        for night in 2 * sorted({_night(path) for path in (work / "raw").iterdir()}):
            vltflow("night", night, "--instrument", "UVES", "--site", site)
            for row in vltflow("certify", "list", "--json", "--site", site):
                words = ("--by", "comparison", "--comment", "compared with the painted truth")
                vltflow("certify", "accept", row["ab"], *words, "--site", site)
        vltflow("products", "export", "--out", work / "tables", "--site", site)
        rows = vltflow("status", "--json", "--site", site)
        names = {row["raw_type"]: row["ab"] for row in rows}
        costs = {
            kind: vltflow(
                "compare", names[kind], "--json", "--repeats", str(repeats), "--site", site
            )
            for kind in ("ARC_LAMP_BLUE", "SCI_POINT_BLUE")
        }
        told.write_text(json.dumps({kind: one[0]["runners"] for kind, one in costs.items()}))
    return _product(work / "tables"), json.loads(told.read_text())


def _night(raw: Path) -> str:
    taken = datetime.fromisoformat(raw.name.removesuffix(".fits").partition(".")[2])
    return (taken - timedelta(hours=12)).date().isoformat()


ROWS = (
    ("flux / truth, 16 to 84 % of pieces of 4 Angstrom", "{low:.3f} to {high:.3f}"),
    ("... beyond 3 %, share of pieces [%]", "{far:.1f}"),
    ("SNR of a bin: claimed", "{claimed:.1f}"),
    ("SNR of 1 Angstrom, from the scatter about the truth", "{real:.0f}"),
    ("pulls of single bins: robust, rms", "{pull:.2f}, {rms:.2f}"),
    ("pulls of sums of 1 Angstrom, over sqrt(ESO DRS COVAR FACTOR)", "{sums}"),
    ("bins beyond 5 errors, of 100,000", "{beyond:.0f}"),
    ("wavelength, median and robust scatter of windows of 20 Angstrom [pixel]",
     "{shift:+.3f}, {scatter:.3f}"),
    ("lines of the arc in the solution", "{lines}"),
    ("resolving power (median)", "{resolution:,.0f}"),
    ("... of the lines that both used", "{alike}"),
)  # fmt: skip


def line_table(folder: Path) -> np.ndarray:
    """Lines of a chain's wavelength solution; ESO's are those of its middle window."""
    site = folder / "products" / ".vltflow"
    words = ("--instrument", "UVES", "--category", "LINE_TABLE_BLUE", "--json", "--site", site)
    (name,) = (row["name"] for row in vltflow("masters", "find", *words))
    vltflow("masters", "get", name, "--out", folder / "tables", "--site", site)
    with fits.open(folder / "tables" / name) as hdus:
        rows = np.array(hdus["LINES" if "LINES" in hdus else 4].data)
    return rows[rows["USED" if "USED" in rows.dtype.names else "NLinSol"] == 1]


def alike(native: np.ndarray, eso: np.ndarray) -> dict[str, dict[str, str]]:
    """Median resolving power, at ESO's dispersion, of the lines that both solutions use."""
    apart = np.abs(native["X"] - eso["X"][:, None])
    apart[native["ORDER"] != eso["Order"][:, None]] = np.inf
    both, same = apart.min(axis=1) < 1.0, apart.argmin(axis=1)
    power = eso["WaveC"][both] / np.abs(eso["Pixel"][both])
    widths = {NATIVE: native["FWHM"][same[both]], ESO: eso["deltaX"][both], TABLES: None}
    return {
        name: {"alike": "" if fwhm is None else f"{np.median(power / fwhm):,.0f} ({both.sum()})"}
        for name, fwhm in widths.items()
    }


def measured(one: Spectrum, pixel: float) -> dict[str, Any]:
    """What the table says of a spectrum."""
    _, flux, truth, _ = one.sums(PIECE)
    _, _, wide, error = one.sums(1.0)
    single, summed = one.pulls(one.wave[1] - one.wave[0]), one.pulls(1.0)
    ratio, shifts = flux / truth, one.shifts() / pixel
    ratio /= np.median(ratio)
    factor = one.header.get("ESO DRS COVAR FACTOR")
    spread = f"{robust(summed) / (factor or 1.0) ** 0.5:.2f}"
    return {
        "low": np.percentile(ratio, 16), "high": np.percentile(ratio, 84),
        "far": 100.0 * np.mean(np.abs(ratio - 1.0) > 0.03),
        "claimed": np.median((one.flux / one.error)[one.good]),
        "real": np.median(wide / error) / robust(summed),
        "pull": robust(single), "rms": single.std(),
        "beyond": 1e5 * np.mean(np.abs(single) > 5.0),
        "sums": spread if factor else f"{spread} (no factor told)",
        "shift": np.median(shifts), "scatter": robust(shifts),
        "lines": one.header["LAMNLIN"], "resolution": one.header["SPEC_RES"],
    }  # fmt: skip


HEAD = """\
# Science of real light: native and ESO's

Made by `make compare-science` on {date} ({cores} cores, {machine}). Real extracted spectra of
HE1341-1020 (UVES, 390 nm, 1x1, programme 185.A-0745) were painted back on the chip as raw frames
with their calibrations; `vltflow reduce` made products of the standard of them, by native recipes
and by ESO's (uves {version}), each with calibrations of its own. *Native on ESO's tables* is
`echelle.science` with the ORDER_TABLE and LINE_TABLE that ESO's recipes made.

![Both spectra, and what was painted](../images/science-comparison.png)

The truth is the painted light, its orders merged with blaze^2 over variance, {low:.0f} to
{high:.0f} Angstrom. Each spectrum is scaled to it once: the level of the lamp, by which a flat is
normalised, says nothing. Pulls are errors over error bars; slow changes of the ratio (41 bins)
count as flux, not as noise. Single pieces below 3800 Angstrom stick out of both: there the painted
orders contradict each other (their faint ends hold the real extraction's noise, cut at zero), and
the sum depends on the weights; order by order ours are the painted ones. All wavelengths lie
beside the truth's because the painted arc does: see [echelle recipes](echelle.md).

A median resolving power depends on which lines a solution takes (ESO's runs with a tolerance of
0.1 pixel, which leaves it few, sharp lines), so that of the lines which both used is told too.
Both fit a Gaussian on a slope, weighted by noise; the lines are no Gaussians, and the weights alone
move a width by 2 to 4 %. The same fit with the same weights at the same lines finds those in our
extracted arc 0.0 to 0.2 % narrower than in ESO's, which its --debug saves (+- 0.1 %; 2026-11-28).
"""
COSTS = """
## What they need

One frame to its products, both with the same tables, warm worker, medians of {repeats}, the two
taking turns. CPU is seconds of one core, memory that of the whole process at its peak, MB of 10^6
bytes.

| recipe | exposure | native s | ESO s | times as fast | native, ESO CPU s | native, ESO MB |
|---|---|---|---|---|---|---|
"""


def table(exposure: str, found: dict[str, dict[str, Any]]) -> str:
    """Table of one exposure."""
    lines = [f"\n## {exposure}\n\n| | {' | '.join(found)} |", "|---" * (len(found) + 1) + "|"]
    for title, form in ROWS:
        lines.append(f"| {title} | {' | '.join(form.format(**one) for one in found.values())} |")
    return "\n".join(lines) + "\n"


def costs(exposure: str, told: dict[str, Any]) -> str:
    """Rows of what both runners needed for the arc and the science frame."""
    rows = ""
    for native, eso in told.values():
        rows += (
            f"| {native['recipe']} | {exposure} | {native['elapsed_s']:.2f} "
            f"| {eso['elapsed_s']:.2f} | {eso['elapsed_s'] / native['elapsed_s']:.1f} "
            f"| {native['cpu_s']:.1f}, {eso['cpu_s']:.1f} "
            f"| {native['peak_mb']:.0f}, {eso['peak_mb']:.0f} |\n"
        )
    return rows


def picture(exposure: str, spectra: dict[str, Spectrum]) -> None:
    """Spectra, their ratio to the truth, and a part of them with its errors."""
    figure, (whole, ratios, part, pulls) = plt.subplots(
        4, 1, figsize=(10, 12), height_ratios=(2, 1.3, 2, 1.3)
    )
    _curves(whole, part, spectra[NATIVE], spectra[NATIVE].truth, "painted", "k")
    for name, colour in ((ESO, "#d95f02"), (NATIVE, "#1b7fa6")):
        one = spectra[name]
        _curves(whole, part, one, one.flux, name, colour)
        middle, flux, truth, _ = one.sums(PIECE)
        ratios.plot(middle, flux / truth, color=colour, lw=0.9, label=name)
        shown = one.good & (one.wave > ZOOM[0]) & (one.wave < ZOOM[1])
        pull = (one.flux - one.truth)[shown] / one.error[shown]
        pulls.plot(one.wave[shown], pull, ".", color=colour, ms=2, label=name)
    whole.set(title=f"HE1341-1020, {exposure}, repainted", ylabel="flux, means of 4 Angstrom")
    ratios.set(ylabel="flux / painted", ylim=(0.93, 1.07))
    part.set(ylabel="flux of a bin", xlim=ZOOM)
    pulls.set(ylabel="(flux - painted) / error", xlabel="wavelength in air [Angstrom]", xlim=ZOOM)
    for axes in (whole, ratios, part, pulls):
        axes.grid(alpha=0.3)
        axes.legend(loc="upper right", fontsize=8)
    figure.tight_layout()
    figure.savefig(PICTURE, dpi=90, metadata={"Software": None})
    plt.close(figure)


def _curves(
    whole: Any, part: Any, one: Spectrum, values: np.ndarray, name: str, colour: str
) -> None:
    """Means of 4 Angstrom, and single bins; the mean of the truth is 1."""
    values = values / one.truth[one.good].mean()
    middle, means, _, _ = replace(one, flux=values).sums(PIECE)
    whole.plot(
        middle, means * (one.wave[1] - one.wave[0]) / PIECE, color=colour, lw=0.8, label=name
    )
    shown = one.good & (one.wave > ZOOM[0]) & (one.wave < ZOOM[1])
    part.plot(one.wave[shown], values[shown], color=colour, lw=0.6, label=name)


def write(data: Path, work: Path, repeats: int) -> None:
    """All of it: frames, chains, numbers, page and picture."""
    tables, needed, version = "", "", ""
    for exposure in EXPOSURES:
        folder = work / exposure
        folder.mkdir(parents=True, exist_ok=True)
        truth = Truth.read(painted(exposure, data, folder))
        shared, told = on_tables(folder, repeats)
        paths = {
            NATIVE: reduced(folder, "native"),
            ESO: reduced(folder, "esorex", "--runner", "esorex"),
            TABLES: shared,
        }
        spectra = {name: Spectrum.read(path, truth) for name, path in paths.items()}
        lines = alike(line_table(folder / "native"), line_table(folder / "esorex"))
        found = {name: measured(one, truth.pixel) | lines[name] for name, one in spectra.items()}
        tables += table(exposure, found)
        needed += costs(exposure, told)
        version = told["SCI_POINT_BLUE"][1]["version"].rpartition("/")[2]
        if exposure == EXPOSURES[0]:
            picture(exposure, spectra)
        print(exposure, flush=True)
    head = HEAD.format(
        date=datetime.now(UTC).date(), cores=os.cpu_count(), machine=platform.machine(),
        version=version, low=RANGE[0], high=RANGE[1],
    )  # fmt: skip
    PAGE.write_text(head + tables + COSTS.format(repeats=repeats) + needed, encoding="utf-8")


def main() -> None:
    """Compare and write page and picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--work", type=Path, help="kept; what is in it is not made again")
    chosen = parser.parse_args()
    default = Path(__file__).parents[2] / "shared" / "data"
    data = Path(os.environ.get("VLTFLOW_REAL_DATA", default)).absolute()
    with tempfile.TemporaryDirectory() as folder:
        write(data, (chosen.work or Path(folder)).absolute(), chosen.repeats)
    print(PAGE)


if __name__ == "__main__":
    main()
