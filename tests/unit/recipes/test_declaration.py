from __future__ import annotations

import numpy as np
import pytest

from vltflow.core.errors import UnknownName
from vltflow.recipes import TableProduct, find_recipe, recipes


def test_recipes_are_found_by_name():
    assert [recipe.name for recipe in recipes()] == [
        "detector.master_bias",
        "detector.master_dark",
        "detector.master_flat",
        "echelle.coaddition",
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


@pytest.fixture
def products(blue, kit, echelle_products):
    (bias,) = kit.run("detector.master_bias", blue.biases(), blue.chip)
    masters = {"MASTER_BIAS": kit.as_master(bias)}
    darks = [blue.expose(0, seed=i, exptime=600.0) for i in range(3)]
    flats = [blue.expose(9000, seed=i, exptime=10.0) for i in range(3)]
    return {
        "echelle.order_definition": echelle_products[:1],
        "echelle.wavelength_calibration": echelle_products[1:],
        "detector.master_bias": (bias,),
        "detector.master_dark": kit.run("detector.master_dark", darks, blue.chip, masters=masters),
        "detector.master_flat": kit.run("detector.master_flat", flats, blue.chip, masters=masters),
    }


@pytest.mark.parametrize("recipe", recipes(), ids=lambda recipe: recipe.name)
def test_what_is_declared_is_what_comes_out(recipe, products, blue):
    made = products[recipe.name]
    assert [product.role for product in made] == [output.role for output in recipe.outputs]
    measured = [name for product in made for name in product.qc]
    assert sorted(measured) == sorted(entry.resolved(blue.chip) for entry in recipe.qc)
    for product in made:
        assert all(np.isfinite(value) for value in product.qc.values())
        if isinstance(product, TableProduct):
            continue
        assert product.data.dtype == product.variance.dtype == np.float32
        assert product.quality.dtype == np.uint8
        assert product.data.flags.c_contiguous


@pytest.mark.parametrize("recipe", recipes(), ids=lambda recipe: recipe.name)
def test_figures_are_complete_and_name_parameters_that_exist(recipe, products, blue):
    declared = {entry.resolved(blue.chip) for entry in recipe.qc}
    for product in products[recipe.name]:
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
