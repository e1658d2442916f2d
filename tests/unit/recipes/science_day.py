"""A night of chosen science in windows of the chips, reduced by the native recipes, with truth."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np

from vltflow.instruments import load
from vltflow.instruments.uves import statics
from vltflow.process.runners.frames import FrameImage, chip_of, tables_of
from vltflow.recipes import MasterImage, MasterTable, RecipeInputs, find_recipe
from vltflow.recipes.echelle.extraction import ExtractionParameters, extract_orders
from vltflow.simulate import simulate_day
from vltflow.simulate.uves import night as nights
from vltflow.simulate.uves.programme import science_night

NIGHT = "2015-02-26"


def as_master(product):
    cards = {**product.header, **{f"ESO {key}": value for key, value in product.qc.items()}}
    return MasterImage(product.data, product.variance, product.quality, cards, product.role)


def as_tables(product):
    cards = {**product.header, **{f"ESO {key}": value for key, value in product.qc.items()}}
    return MasterTable({one.name: one.rows for one in product.tables}, cards, product.role)


class ScienceDay:
    """Exposures of one setup, and masters made of the same night's calibrations."""

    def __init__(self, folder, exposures, *, chip="BLUE", window=True, night=NIGHT):
        arm = exposures[0].arm
        plan = science_night(night, exposures, window=window, standard=False)
        # Rows that are warm from a trap on look like nothing else than a dark.
        dark = nights._dark(arm)
        setup = replace(dark.setup, binning=exposures[0].binning, window=plan[0].setup.window)
        darks = nights.one_by_one([replace(dark, setup=setup)], 3600.0)
        plan = (*plan, replace(darks[0], ordinal=len(plan)))
        day = simulate_day("uves", night, folder, templates=plan)
        self.folder, self.chip = folder, chip
        (self.section,) = [
            one for one in load("UVES").header.detectors[arm.upper()] if one.name == chip
        ]
        blocks = sorted(day.blocks, key=lambda block: block["files"][0])
        self.files = [block["files"] for block in blocks if block["raw_type"].startswith("SCI")]
        kinds = {block["raw_type"]: block["files"] for block in blocks}
        suffix = arm.upper()
        self.masters, self.tables = {}, self._statics()
        self.masters["MASTER_BIAS"] = as_master(
            self.run("detector.master_bias", kinds[f"BIAS_{suffix}"])[0]
        )
        self.masters["MASTER_DARK"] = as_master(
            self.run("detector.master_dark", kinds[f"DARK_{suffix}"])[0]
        )
        self.tables["ORDER_TABLE"] = as_tables(
            self.run("echelle.order_definition", kinds[f"ORDER_FLAT_{suffix}"])[0]
        )
        self.tables["LINE_TABLE"] = as_tables(
            self.run("echelle.wavelength_calibration", kinds[f"ARC_LAMP_{suffix}"])[0]
        )
        self.flat_files = kinds[f"FLAT_{suffix}"]
        self.flat = self.run("echelle.order_flat", self.flat_files)
        self.masters["PIXEL_RESPONSE"] = as_master(self.flat[1])
        self.tables["BLAZE"] = as_tables(self.flat[2])

    def _statics(self):
        tables = {}
        for role, build in (
            ("SPECTRAL_FORMAT_TAB", statics.spectral_format),
            ("LINE_REFER_TABLE", statics.line_reference),
        ):
            build(self.folder / f"{role}.fits")
            tables[role] = tables_of(self.folder / f"{role}.fits", role)
        return tables

    def inputs(self, names, **tables):
        """What a recipe gets of some frames."""
        images = tuple(
            FrameImage(self.folder / name, self.section.extension, name=name, repairs={})
            for name in names
        )
        chip = chip_of(self.section.model_dump(), images[0].header, names[0])
        return RecipeInputs(images, dict(self.masters), chip, 2, {**self.tables, **tables})

    def run(self, name, names, **parameters):
        recipe = find_recipe(name)
        return recipe.process(self.inputs(names), recipe.parameters(**parameters)).products

    def extracted(self, number, **parameters):
        """Orders of an exposure, numbered as it was asked for."""
        names = self.files[number][:1]
        return extract_orders(self.inputs(names), ExtractionParameters(**parameters))

    def truth(self, name, key="object"):
        """Light put in, ADU, by order number; and all that is known of it."""
        told = json.loads((self.folder / name.replace(".fits", ".truth.json")).read_text())
        (mine,) = [one for one in told["chips"] if one["label"] == self.chip.lower()]
        arrays = np.load(self.folder / mine["light"]["arrays"])
        rows = arrays[key] / mine["conad_e_per_adu"]
        return {
            int(m): (np.interp(np.arange(rows.shape[1]), arrays["x"] - 1, wave), row)
            for m, wave, row in zip(arrays["orders"], arrays["wave_air"], rows, strict=True)
        }, mine

    def expected(self, number, spectra):
        """Object put in, at the wavelengths of the extracted orders, ADU."""
        light, _ = self.truth(self.files[number][0])
        result = np.full(spectra.flux.shape, np.nan)
        for row, order, wave in zip(result, spectra.orders, spectra.wave, strict=True):
            if int(order) in light:
                true_wave, values = light[int(order)]
                place = np.argsort(true_wave)
                at = np.interp(wave, true_wave[place], np.arange(len(wave))[place])
                row[:] = _cubic(values, at)
        return result

    def pulls(self, number, extracted, *, rim=25):
        """Extracted minus put in, over the errors; rims of the chip left out."""
        spectra = extracted.spectra
        pulls = (spectra.flux - self.expected(number, spectra)) / np.sqrt(spectra.variance)
        pulls[:, :rim] = pulls[:, -rim:] = np.nan
        return pulls


def _cubic(values, at):
    """Between pixels by the cubic through four of them: it keeps a line's flux and place."""
    i = np.clip(np.floor(at).astype(int), 1, len(values) - 3)
    t = at - i
    a, b, c, d = (values[i + k].astype(float) for k in (-1, 0, 1, 2))
    return (
        b * (1 + t) * (1 - t) * (2 - t) / 2
        + c * t * (1 + t) * (2 - t) / 2
        - a * t * (1 - t) * (2 - t) / 6
        - d * t * (1 - t) * (1 + t) / 6
    )


def robust(values):
    """Width of a distribution from its median absolute deviation."""
    good = values[np.isfinite(values)]
    return 1.4826 * np.median(np.abs(good - np.median(good)))
