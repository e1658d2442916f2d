"""The UVES definition: each rule with positive examples and near misses."""

import gzip
import json
import re

import pytest
from astropy.io import fits

from vltflow.classify import classify
from vltflow.core.errors import ConfigurationError
from vltflow.core.site import Site
from vltflow.instruments import load
from vltflow.instruments.conditions import keyword
from vltflow.instruments.naming import product_name
from vltflow.recipes import find_recipe

UVES = load("UVES")
BLUE, RED = 1, 2
ECHELLE = ("ECHELLE", "FREE")

# raw type, DPR CATG, TYPE, TECH, INS SLIT1 NAME
BOTH_ARMS = [
    ("BIAS_@", "CALIB", "BIAS", "IMAGE", ""),
    ("DARK_@", "CALIB", "DARK", "IMAGE", ""),
    ("PDARK_@", "CALIB", "DARK,PARASITIC", "IMAGE", ""),
    ("LINEARITY_@_DETCHAR", "CALIB", "BIAS,DETCHAR", "IMAGE", ""),
    ("LINEARITY_@_DETCHAR", "CALIB", "LAMP,FLAT,DETCHAR", "IMAGE", "FREE"),
    ("ARC_LAMP_FORM_@", "CALIB", "LAMP,FMTCHK", "ECHELLE", "FREE"),
    ("ORDER_FLAT_@", "CALIB", "LAMP,ORDERDEF", "ECHELLE", "FREE"),
    ("FLAT_@", "CALIB", "LAMP,FLAT", *ECHELLE),
    ("DFLAT_@", "CALIB", "LAMP,DFLAT", *ECHELLE),
    ("IFLAT_@", "CALIB", "LAMP,IFLAT", "ECHELLE,ABSORPTION-CELL", "FREE"),
    ("TFLAT_@", "CALIB", "LAMP,TFLAT", "ECHELLE", ""),
    ("FLAT_SLICER_@", "CALIB", "LAMP,FLAT", "ECHELLE", "SLIC#2"),
    ("SCREEN_FLAT_@", "CALIB", "LAMP,FLAT", "IMAGE", "FREE"),
    ("CD_ALIGN_@", "CALIB", "LAMP,CDALIGN", "SPECTRUM", ""),
    ("ARC_LAMP_@", "CALIB", "LAMP,WAVE", *ECHELLE),
    ("ARC_LAMP_@", "CALIB", "LAMP,WAVE", "ECHELLE", "SLIC#1"),
    ("STANDARD_@", "CALIB", "STD", *ECHELLE),
    ("SOLAR_SPEC_ECH_@", "CALIB", "SKY,RADIAL_VELOCITY", *ECHELLE),
    ("SCI_EXTND_FLAT_SKY_OBJ_@", "CALIB", "OBJECT,EXTENDED", "FLAT,SKY", "FREE"),
    ("SCIENCE_@", "SCIENCE", "OBJECT", *ECHELLE),
    ("SCI_POINT_@", "SCIENCE", "OBJECT,POINT", *ECHELLE),
    ("SCI_EXTND_@", "SCIENCE", "OBJECT,EXTENDED", *ECHELLE),
    ("SCI_EXTND_@", "CALIB", "OBJECT,EXTENDED", "ECHELLE,SLIT", "FREE"),
    ("SCI_SLICER_@", "SCIENCE", "OBJECT,POINT", "ECHELLE", "SLIC#3"),
    ("TEST_IMAGE_@", "CALIB", "TEST", "IMAGE", ""),
    ("TEST_IMAGE_ECHELLE_@", "CALIB", "TEST", "ECHELLE", ""),
    ("ACQUISITION_SLIT_@", "ACQUISITION", "SLIT", "IMAGE", ""),
    ("ARC_LAMP_FORM_IGNOREME_@", "IGNOREME", "LAMP,FMTCHK", "ECHELLE", ""),
    ("BIAS_TEST_@", "TEST", "BIAS", "IMAGE", ""),
    ("DARK_TEST_@", "TEST", "DARK", "IMAGE", ""),
    ("TFLAT_TEST_@", "TEST", "LAMP,TFLAT", "ECHELLE", ""),
    ("FLAT_ECHELLE_TEST_@", "TEST", "LAMP,FLAT", *ECHELLE),
    ("FLAT_IMAGE_TEST_@", "TEST", "LAMP,FLAT", "IMAGE", "FREE"),
    ("ARC_LAMP_TEST_@", "TEST", "LAMP,WAVE", *ECHELLE),
    ("ARC_LAMP_FORM_TEST_@", "TEST", "LAMP,FMTCHK", "ECHELLE", ""),
    ("STANDARD_TEST_@", "TEST", "STD", "ECHELLE", ""),
    ("SCI_POINT_TEST_@", "TEST", "OBJECT,POINT", *ECHELLE),
    ("SCI_EXTND_TEST_@", "TEST", "OBJECT,EXTENDED", *ECHELLE),
    ("TEST_POINT_TEST_@", "TEST", "TEST", *ECHELLE),
    ("ACQUISITION", "ACQUISITION", "SKY", "IMAGE", ""),
    ("TEST", "TEST", "OTHER", "OTHER", ""),
]
RED_ONLY = [
    ("SFLAT_RED", "CALIB", "LAMP,SFLAT", *ECHELLE),
    ("FFLAT_MOS_RED", "CALIB", "LAMP,FLAT,ODD", "MOS", ""),
    ("FFLAT_MOS_RED", "CALIB", "LAMP,FLAT,EVEN", "MOS", ""),
    ("FFLAT_MOS_RED", "CALIB", "LAMP,FLAT,ALL", "MOS", ""),
    ("FIB_FF_NASMYTH_RED", "CALIB", "LAMP,FLAT,NASMYTH", "MOS", ""),
    ("FIB_ORDEF_RED", "CALIB", "LAMP,ORDERDEF,SimCal", "MOS", ""),
    ("FIB_ARC_LAMP_FORM_RED", "CALIB", "LAMP,FMTCHK,SimCal", "MOS", ""),
    ("FIB_ARC_LAMP_RED", "CALIB", "LAMP,WAVE,OzPoz", "MOS", ""),
    ("FIB_SCI_RED", "SCIENCE", "OBJECT,OzPoz", "MOS", ""),
    ("FIB_SCI_SIM_RED", "SCIENCE", "OBJECT,SimCal", "MOS", ""),
    ("FIB_SCI_COM_RED", "SCIENCE", "OBJECT,COMBINED", "MOS", ""),
    ("FIB_FF_ODD_TEST_RED", "TEST", "LAMP,FLAT,ODD", "MOS", ""),
    ("FIB_FF_EVEN_TEST_RED", "TEST", "LAMP,FLAT,EVEN", "MOS", ""),
    ("FIB_ARC_LAMP_FORM_TEST_RED", "TEST", "LAMP,FMTCHK", "MOS", ""),
    ("FIB_SCI_TEST_RED", "TEST", "OBJECT,OzPoz", "MOS", ""),
]
EXAMPLES = [
    (name.replace("@", arm), catg, kind, tech, slit, chips)
    for name, catg, kind, tech, slit in BOTH_ARMS
    for arm, chips in (("BLUE", BLUE), ("RED", RED))
] + [(*example, RED) for example in RED_ONLY]


def _header(catg, kind, tech, slit, chips):
    header = {
        "INSTRUME": "UVES",
        "ESO DPR CATG": catg,
        "ESO DPR TYPE": kind,
        "ESO DPR TECH": tech,
        "ESO DET CHIPS": chips,
    }
    return header | ({"ESO INS SLIT1 NAME": slit} if slit else {})


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda one: f"{one[0]}-{one[2]}")
def test_each_example_is_recognised(example):
    assert classify(_header(*example[1:]), UVES).raw_type == example[0]


def test_each_raw_type_and_rule_has_an_example():
    of_frames = {name for name, entry in UVES.raw_types.items() if entry.members is None}
    assert {example[0] for example in EXAMPLES} == of_frames
    reasons = {classify(_header(*one[1:]), UVES).reason.split(":")[0] for one in EXAMPLES}
    rules = {f"rule {number}" for number in range(1, len(UVES.classification.rules) + 1)}
    assert reasons == rules


@pytest.mark.parametrize("rule", UVES.classification.rules, ids=lambda rule: rule.raw_type)
def test_no_rule_holds_when_one_of_its_keywords_is_missing(rule):
    for example in EXAMPLES:
        header = _header(*example[1:])
        if example[0] != rule.raw_type:
            continue
        for name in rule.when:
            near = {key: value for key, value in header.items() if key != keyword(name)}
            assert classify(near, UVES).raw_type != rule.raw_type


@pytest.mark.parametrize(
    ("catg", "kind", "tech", "slit", "chips", "words"),
    [
        ("CALIB", "BIAS", "IMAGE", "", 3, "BIAS_BLUE, but DET.CHIPS is 3"),
        ("CALIB", "LAMP,FLAT", "ECHELLE", "CLOSED", 1, "INS.SLIT1.NAME is 'CLOSED'"),
        ("CALIB", "LAMP,GLOW", "ECHELLE", "FREE", 1, "DPR.TYPE is 'LAMP,GLOW'"),
        ("CALIB", "LAMP,FLAT,ODD", "MOS", "", 1, "FFLAT_MOS_RED, but DET.CHIPS is 1"),
        ("OTHER", "BIAS", "IMAGE", "", 1, "DPR.CATG is 'OTHER'"),
    ],
)
def test_near_misses_are_unknown_with_the_reason(catg, kind, tech, slit, chips, words):
    found = classify(_header(catg, kind, tech, slit, chips), UVES)
    assert (found.raw_type, found.setup_keys) == ("", "")
    assert words in found.reason


def test_products_have_eso_s_categories():
    assert set(UVES.products_of("BIAS_RED")) == {"MASTER_BIAS_REDL", "MASTER_BIAS_REDU"}
    assert "MASTER_DFLAT_BLUE" in UVES.products_of("DFLAT_BLUE")
    assert "MASTER_PDARK_REDL" in UVES.products_of("PDARK_RED")
    assert UVES.products_of("ACQUISITION") == {}


def test_file_names_follow_eso_s_codes():
    keys = {
        "DET.WIN1.BINX": 1, "DET.WIN1.BINY": 1, "INS.GRAT1.WLEN": 390, "INS.SLIT2.WID": 0.8,
    }  # fmt: skip
    common = {"prefix": "UV", "date": "150226", "letter": "A", "chip": "BLUE", "keys": keys}
    bias = UVES.products_of("BIAS_BLUE")["MASTER_BIAS_BLUE"].name
    flat = UVES.products_of("DFLAT_BLUE")["MASTER_DFLAT_BLUE"].name
    assert product_name(bias, **common) == "UV_MBIA_150226A_BLUE_1x1.fits"
    assert product_name(flat, **common) == "UV_MDFT_150226A_BLUE390_1x1_0.8.fits"


def test_no_two_products_of_a_block_share_a_name():
    keys = {"DET.WIN1.BINX": 1, "DET.WIN1.BINY": 1, "INS.GRAT1.WLEN": 390, "INS.SLIT2.WID": 1}
    for raw_type in UVES.raw_types:
        names = {
            product_name(one.name, prefix="UV", date="150226", letter="A", chip=category, keys=keys)
            for category, one in UVES.products_of(raw_type).items()
        }
        assert len(names) == len(UVES.products_of(raw_type))


def test_each_parameter_has_a_threshold_or_a_reason_for_none():
    scored = {threshold.parameter for threshold in UVES.scores.thresholds}
    names = [entry.name for entry in UVES.qc.parameters]
    assert len(names) == len(set(names))
    assert scored.isdisjoint(UVES.qc.unscored)
    assert scored | set(UVES.qc.unscored) == set(names)


def test_thresholds_score_products_that_exist():
    made = {category for name in UVES.raw_types for category in UVES.products_of(name)}
    assert {name for one in UVES.scores.thresholds for name in one.categories} <= made


def test_each_native_product_is_scored_on_its_first_night():
    fixed = {
        category
        for threshold in UVES.scores.thresholds
        if threshold.method == "FIXED"
        for category in threshold.categories
    }
    native = {
        category
        for name, entry in UVES.raw_types.items()
        if entry.group != "none" and UVES.recipe_of(name).runner == "native"
        for category in UVES.products_of(name)
        if category.startswith("MASTER_") and "PDARK" not in category
    }
    assert native <= fixed


def test_recipes_and_data_name_the_same_parameters_and_products():
    names = {entry.name for entry in UVES.qc.parameters}
    for entry in UVES.recipes.recipes.values():
        if entry.native is not None:
            recipe = find_recipe(entry.native.recipe)
            outputs = {chip.output for chips in UVES.header.detectors.values() for chip in chips}
            declared = {
                re.sub(r"\{output\}", str(output), one.name)
                for one in recipe.qc
                for output in outputs
            }
            assert declared <= names
            assert {one.role for one in recipe.outputs} == {
                one.role for one in entry.products if one.runner != "esorex"
            }


def test_lower_case_test_frames_are_repaired():
    [repair] = UVES.header.repairs
    assert repair.set == {"DPR.CATG": "TEST"}


def test_setups_of_real_headers(real_data):
    path = real_data / "uves/line_table_headers/wpol_primary_headers.json.gz"
    labels = set()
    for cards in json.loads(gzip.decompress(path.read_bytes())).values():
        header = fits.Header.fromstring("\n".join(cards), sep="\n")
        values = {card.keyword: card.value for card in header.cards}
        dpr = {"ESO DPR CATG": "CALIB", "ESO DPR TYPE": "LAMP,WAVE", "ESO DPR TECH": "ECHELLE"}
        labels.add(classify(values | dpr, UVES).setup)
    assert "1x1_390nm_CD#2_0.8" in labels
    assert all("NA" not in label for label in labels)


def test_a_changed_definition_does_not_remember_the_products_of_the_one_before():
    before = UVES.products_of("BIAS_BLUE")
    assert UVES.products_of("BIAS_BLUE") is before
    entry = UVES.raw_types["BIAS_BLUE"].model_copy(update={"group": "none"})
    association = UVES.association.model_copy(update={"raw_types": {"BIAS_BLUE": entry}})
    assert UVES.model_copy(update={"association": association}).products_of("BIAS_BLUE") == {}


def test_a_site_may_switch_a_recipe_off():
    quiet = UVES.run_by({"uves_cal_predict": "none"})
    assert quiet.recipe_of("ARC_LAMP_FORM_BLUE").executed_by is None
    assert quiet.context != UVES.context


ORDERS = dict.fromkeys(("uves_cal_predict", "uves_cal_orderpos"), "esorex")


@pytest.mark.parametrize(
    ("chosen", "refused"),
    [
        ({"uves_cal_wavecal": "esorex"}, "uves_cal_wavecal .* what uves_cal_predict by native"),
        ({"uves_obs_scired": "both"}, "uves_obs_scired .* what uves_cal_orderpos by native"),
        (ORDERS | {"uves_cal_mflat": "esorex"}, ""),
        ({"uves_cal_mbias": "esorex"}, ""),
        ("esorex", ""),
    ],
)
def test_a_site_cannot_choose_recipes_of_eso_without_those_that_they_read(
    chosen, refused, tmp_path
):
    site = Site(tmp_path, "", "", 1, 1000, runners={"UVES": chosen})
    if not refused:
        assert load("UVES", site).context != UVES.context
        return
    with pytest.raises(ConfigurationError, match=f"vltflow.toml: .*{refused}"):
        load("UVES", site)
