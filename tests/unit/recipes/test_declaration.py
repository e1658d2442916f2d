from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from vltflow.core.errors import UnknownName
from vltflow.instruments.uves import statics
from vltflow.process.runners.frames import tables_of
from vltflow.recipes import MasterTable, TableProduct, find_recipe, recipes
from vltflow.simulate.uves.programme import SCIENCE

pytestmark = pytest.mark.slow


def test_recipes_are_found_by_name():
    assert [recipe.name for recipe in recipes()] == [
        "detector.master_bias",
        "detector.master_dark",
        "detector.master_flat",
        "echelle.coaddition",
        "echelle.format_check",
        "echelle.order_definition",
        "echelle.order_flat",
        "echelle.response",
        "echelle.science",
        "echelle.wavelength_calibration",
    ]
    with pytest.raises(UnknownName, match=r"Known: detector\.master_bias"):
        find_recipe("detector.master_bais")


@pytest.mark.parametrize("recipe", recipes(), ids=lambda recipe: recipe.name)
def test_every_parameter_has_a_description_with_unit(recipe):
    for name, field in recipe.parameters.model_fields.items():
        assert field.description, name
        assert field.description.rstrip(".").endswith("]"), name


@pytest.mark.parametrize("recipe", recipes(), ids=lambda recipe: recipe.name)
def test_unknown_parameters_are_refused(recipe):
    with pytest.raises(ValueError, match="extra"):
        recipe.parameters(stack_metod="mean")


@pytest.fixture(scope="module")
def science_products(science_day, tmp_path_factory):
    """What the recipes of a science frame make of one in a window, and of two of them."""
    folder = tmp_path_factory.mktemp("science")
    day = science_day(folder, SCIENCE["point"][:1])
    names = day.files[0][:1]
    (science,) = day.run("echelle.science", names)
    inputs = day.inputs(names)
    header = inputs.frames[0].header
    cards = {f"ESO {key}": value for key, value in science.qc.items()}
    read = MasterTable(
        {one.name: one.rows for one in science.tables}, {**header, **science.header, **cards}
    )
    statics.extinction(folder / "EXTCOEFF_TABLE.fits")
    tables = {"EXTCOEFF_TABLE": tables_of(folder / "EXTCOEFF_TABLE.fits", "EXTCOEFF_TABLE")}
    tables |= _catalogue(header, science.qc)
    response, stack = find_recipe("echelle.response"), find_recipe("echelle.coaddition")
    starlit = replace(inputs, tables={**inputs.tables, **tables})
    together = replace(inputs, frames=(), spectra=(read, read))
    return {
        "echelle.order_flat": day.flat,
        "echelle.science": (science,),
        "echelle.response": response.process(starlit, response.parameters(knots=40.0)).products,
        "echelle.coaddition": stack.process(together, stack.parameters()).products,
    }


def _catalogue(header, qc):
    """The target as a standard star with points every four Angstrom: a window has few orders."""
    wave = np.arange(10.0 * qc["QC WLENMIN"] - 5, 10.0 * qc["QC WLENMAX"] + 5)
    kinds = [("OBJECT", "U20"), ("RA_DEG", "f8"), ("DEC_DEG", "f8"), ("NDATA", "i4")]
    kinds += [(name, "f8", (len(wave),)) for name in ("LAMBDA", "F_LAMBDA")]
    place = (header["RA"], header["DEC"])
    star = np.array([("TARGET", *place, len(wave), wave, np.full(len(wave), 1e-15))], kinds)
    index = np.array([(2, *place)], [("ext_id", "i4"), ("ra", "f8"), ("dec", "f8")])
    points = np.array([(value,) for value in wave[::4] / 10.0], [("LAMBDA", "f8")])
    return {
        "FLUX_STD_TABLE": MasterTable({"STARS": star}, {}),
        "RESP_FIT_POINTS_CATALOG": MasterTable({"INDEX": index, "TARGET": points}, {}),
    }


@pytest.fixture
def products(blue, kit, echelle_products, format_day, science_products):
    checked = find_recipe("echelle.format_check")
    inputs = format_day.inputs("ARC_LAMP_FORM", "BLUE")
    (bias,) = kit.run("detector.master_bias", blue.biases(), blue.chip)
    masters = {"MASTER_BIAS": kit.as_master(bias)}
    darks = [blue.expose(0, seed=i, exptime=600.0) for i in range(3)]
    flats = [blue.expose(9000, seed=i, exptime=10.0) for i in range(3)]
    return {
        "echelle.order_definition": echelle_products[:1],
        "echelle.wavelength_calibration": echelle_products[1:],
        "echelle.format_check": checked.process(inputs, checked.parameters()).products,
        "detector.master_bias": (bias,),
        "detector.master_dark": kit.run("detector.master_dark", darks, blue.chip, masters=masters),
        "detector.master_flat": kit.run("detector.master_flat", flats, blue.chip, masters=masters),
        **science_products,
    }


def declared_of(recipe, chip):
    return {entry.resolved(chip) for entry in recipe.qc}


def measured_in(products):
    """Names of QC1 values without those of single orders, whose number is the chip's."""
    names = {name for product in products for name in product.qc}
    return {name for name in names if not re.match(r"QC ORD\d+ ", name)}


@pytest.mark.parametrize("recipe", recipes(), ids=lambda recipe: recipe.name)
def test_what_is_declared_is_what_comes_out(recipe, products, blue):
    made = products[recipe.name]
    assert [product.role for product in made] == [output.role for output in recipe.outputs]
    assert measured_in(made) == declared_of(recipe, blue.chip)
    for product in made:
        unknown = {name for name, value in product.qc.items() if not np.isfinite(value)}
        # Orders of a window do not overlap, so nothing tells of steps between them; its sky is
        # faint; no format check was given to the arc.
        untold = ("QC MERGE STEP", "QC SKY DARK", "QC LINE DGUESS")
        assert all(name.startswith(untold) for name in unknown)
        if isinstance(product, TableProduct):
            continue
        assert product.data.dtype == product.variance.dtype == np.float32
        assert product.quality.dtype == np.uint8
        assert product.data.flags.c_contiguous


@pytest.mark.parametrize("recipe", recipes(), ids=lambda recipe: recipe.name)
def test_figures_are_complete_and_name_parameters_that_exist(recipe, products, blue):
    for product in products[recipe.name]:
        declared = declared_of(recipe, blue.chip) | set(product.qc)
        names = [figure.name for figure in product.figures]
        assert len(names) == len(set(names))
        for figure in product.figures:
            assert set(figure.parameters) <= declared
            expected = {"line": len(figure.y), "histogram": len(figure.y) + 1}
            assert len(figure.x) == expected.get(figure.kind, 1)
            assert max(figure.y.shape) <= 4096


def test_recipes_ask_for_little_more_memory_when_frames_are_many():
    recipe = find_recipe("detector.master_bias")
    few, many = recipe.resources(5, 6_444_000), recipe.resources(50, 6_444_000)
    assert many.memory_mb == few.memory_mb
    assert many.wall_s > few.wall_s
