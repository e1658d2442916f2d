"""What plug-ins tell of their products."""

import pytest

from vltflow.instruments.oca.plugins import Plugin, read_plugin, read_plugins, sole_makers

TABLES = {
    "with a line below its head": (
        (
            'Product frames for raw frame tag "FLAT":\n\n Frame tag   Level   Description\n'
            " ----------- ------- -----------\n MASTER_FLAT final   Master flat\n"
            " TRACE_TABLE final   Trace table"
        ),
        ("MASTER_FLAT", "TRACE_TABLE"),
    ),
    "of output files": (
        (
            "Output files:\n\n  DO category:  Data type:  Explanation:\n"
            "  MASTER_BIAS   FITS image  Master bias\n\nA table must be given.\n"
        ),
        ("MASTER_BIAS",),
    ),
    "in a sentence": (
        (
            "The product will have a FITS card\n'HIERARCH ESO PRO CATG' with a value of\n"
            "IMG_FF or\nIMG_FF_TECH\nThe rest is prose\n"
        ),
        ("IMG_FF", "IMG_FF_TECH"),
    ),
}


@pytest.mark.parametrize("kind", TABLES)
def test_products_are_found_in_a_table(kind, tmp_path):
    text, products = TABLES[kind]
    path = tmp_path / "r.so"
    path.write_bytes(b"\x7fELF\0\x01" + text.encode() + b"\0LINE_LIST\0")
    found = read_plugin(path)
    assert found.products == products
    assert "LINE_LIST" in found.mentioned


def test_recipes_that_are_not_installed_tell_nothing(tmp_path):
    assert read_plugins(["r"], tmp_path) == {}
    assert read_plugins(["r"], None) == {}


BIAS, DARK = (
    Plugin(mentioned=frozenset({"MASTER_BIAS", *more})) for more in ((), ("MASTER_DARK",))
)


def test_a_category_that_one_recipe_alone_names_unasked_comes_from_it():
    plugins = {"mbias": BIAS, "mdark": DARK}
    inputs = {"mdark": {"MASTER_BIAS"}}
    found = sole_makers(["MASTER_BIAS", "MASTER_DARK", "MASTER_FLAT"], inputs, plugins)
    assert found == {"MASTER_BIAS": "mbias", "MASTER_DARK": "mdark"}


@pytest.mark.parametrize(
    ("plugins", "inputs"),
    [
        ({"mbias": BIAS, "other_bias": BIAS}, {}),  # two could make it
        ({"mdark": DARK}, {"mdark": {"MASTER_DARK"}}),  # named otherwise, takes calibrations
        ({"mbias": Plugin(("ELSE",), BIAS.mentioned)}, {}),  # its manual page says what it makes
    ],
)
def test_otherwise_nothing_is_guessed(plugins, inputs):
    assert sole_makers(["MASTER_BIAS"], inputs, plugins) == {}
