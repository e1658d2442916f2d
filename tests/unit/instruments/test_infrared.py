"""The definitions of HAWK-I, NACO and VISIR: each rule's examples and near misses."""

import pytest

from vltflow.classify import classify
from vltflow.instruments import load
from vltflow.instruments.conditions import keyword
from vltflow.process.runners.esorex import find_esorex, recipe_metadata

HAWKI, NACO, VISIR = load("HAWKI"), load("NACO"), load("VISIR")

# raw type, DPR CATG, TYPE, TECH
FRAMES = {
    "HAWKI": [
        ("DARK", "CALIB", "DARK", "IMAGE"),
        ("FLAT_TWILIGHT", "CALIB", "FLAT", "IMAGE"),
        ("STD", "CALIB", "STD", "IMAGE"),
        ("OBJECT", "SCIENCE", "OBJECT", "IMAGE"),
        ("OBJECT", "SCIENCE", "SKY", "IMAGE"),
        ("JITTER_OBS", "SCIENCE", "OBJECT", "IMAGE,JITTER"),
        ("JITTER_SKY", "SCIENCE", "SKY", "IMAGE,JITTER"),
        ("DETLIN", "CALIB", "FLAT,LAMP,DETCHECK", "IMAGE"),
        ("DETLIN", "CALIB", "DARK,DETCHECK", "IMAGE"),
        ("DETMON", "CALIB", "LINEARITY,DARK,DETCHAR", "IMAGE"),
        ("DISTOR_OBS", "CALIB", "ASTROMETRY,OBJECT", "IMAGE"),
        ("TEC_ASTRO", "TECHNICAL", "ASTROMETRY,STD", "IMAGE"),
        ("ACQ_IMAGE", "ACQUISITION", "OBJECT", "IMAGE"),
        ("", "CALIB", "DARK", "SPECTRUM"),
        ("", "SCIENCE", "DARK", "IMAGE"),
    ],
    "NACO": [
        ("CAL_DARK", "CALIB", "DARK", "IMAGE"),
        ("CAL_FLAT_LAMP", "CALIB", "FLAT,LAMP", "IMAGE"),
        ("CAL_FLAT_LAMP", "CALIB", "LAMP,FLAT", "IMAGE"),
        ("CAL_FLAT_TW", "CALIB", "FLAT,SKY", "IMAGE"),
        ("CAL_DETLIN", "CALIB", "LAMP,LINEARITY", "IMAGE"),
        ("CAL_DETLIN", "CALIB", "OTHER,LINEARITY", "IMAGE"),
        ("DETMON", "CALIB", "FLAT,LAMP,DETCHECK", "IMAGE"),
        ("CAL_FLAT_SPEC", "CALIB", "FLAT,LAMP", "SPECTRUM"),
        ("CAL_ARC_SPEC", "CALIB", "WAVE,LAMP", "SPECTRUM"),
        ("SDI_CAL_LAMPFLATS", "CALIB", "FLAT,LAMP", "IMAGE,DIFFERENTIAL"),
        ("FPI_CAL_ARCS", "CALIB", "WAVE,LAMP", "IMAGE,FABRY-PEROT"),
        ("IM_JITTER_OBJ", "SCIENCE", "OBJECT", "IMAGE,JITTER"),
        ("IM_JITTER_OBJ", "SCIENCE", "SKY", "IMAGE,JITTER"),
        ("SPEC_NODDING", "SCIENCE", "OBJECT", "SPECTRUM,NODDING"),
        ("CORO_OBS_ASTRO", "SCIENCE", "SKY", "CORONOGRAPHY,JITTER"),
        ("", "CALIB", "FLAT", "IMAGE"),
    ],
    "VISIR": [
        ("IM_CAL_DARK", "CALIB", "DARK", "IMAGE"),
        ("SPEC_CAL_DARK", "CALIB", "DARK", "SPECTRUM"),
        ("IM_CAL_FLAT", "CALIB", "FLAT", "IMAGE,DIRECT"),
        ("IM_TECH_FLAT", "TECHNICAL", "FLAT", "IMAGE,DIRECT"),
        ("SPEC_CAL_FLAT", "CALIB", "FLAT", "SPECTRUM,DIRECT"),
        ("SPEC_TECH_FLAT", "TECHNICAL", "FLAT", "SPECTRUM,DIRECT"),
        ("IM_CAL_PHOT", "CALIB", "STD", "IMAGE,CHOPNOD,JITTER"),
        ("IM_CAL_PHOT_BURST", "CALIB", "STD", "IMAGE,CHOPNOD,BURST"),
        ("IM_OBS_CHO_NOD_JIT", "SCIENCE", "OBJECT", "IMAGE,CHOPNOD,JITTER"),
        ("IM_OBS_CHO_NOD_JIT_BURST", "SCIENCE", "OBJECT", "IMAGE,CHOPNOD,JITTER,BURST"),
        ("IM_OBS_CHO_NOD", "SCIENCE", "OBJECT", "IMAGE,CHOPNOD"),
        ("SPEC_OBS_LMR", "SCIENCE", "OBJECT", "SPECTRUM,CHOPNOD"),
        ("SPEC_OBS_HRG", "SCIENCE", "OBJECT", "ECHELLE"),
        ("SAM_OBS_CNJ", "SCIENCE", "OBJECT", "IMAGE,SAM,CHOPNOD,JITTER"),
        ("ACQUISITION", "ACQUISITION", "OBJECT", "IMAGE,CHOPNOD,JITTER"),
        ("", "CALIB", "FLAT", "IMAGE"),
    ],
}
CASES = [(load(name), *row) for name, rows in FRAMES.items() for row in rows]


def _header(instrument, catg, dpr_type, tech, **more):
    words = {"DPR.CATG": catg, "DPR.TYPE": dpr_type, "DPR.TECH": tech, **more}
    header = {keyword(name): value for name, value in words.items()}
    return header | {"INSTRUME": instrument.header.instrume[0]}


@pytest.mark.parametrize(("instrument", "raw_type", "catg", "dpr_type", "tech"), CASES)
def test_frames_are_recognised(instrument, raw_type, catg, dpr_type, tech):
    found = classify(_header(instrument, catg, dpr_type, tech), instrument)
    assert (found.raw_type if found.raw_type in instrument.raw_types else "") == raw_type


def test_an_acquisition_of_visirs_imager_is_one_that_can_be_reduced():
    header = _header(VISIR, "ACQUISITION", "OBJECT", "IMAGE", **{"INS.MODE": "IMG"})
    assert classify(header, VISIR).raw_type == "ACQ_OBS_CHO_NOD_JIT"


@pytest.mark.parametrize(
    ("instrument", "raw_type", "dpr_type", "tag"),
    [
        (HAWKI, "DETLIN", "FLAT,LAMP,DETCHECK", "FLAT_LAMP_DETCHECK"),
        (HAWKI, "DETLIN", "DARK,DETCHECK", "DARK_DETCHECK"),
        (NACO, "CAL_DETLIN", "LAMP,LINEARITY", "CAL_DETLIN_LAMP"),
        (NACO, "CAL_DETLIN", "OTHER,LINEARITY", "CAL_DETLIN_DARK"),
    ],
)
def test_frames_with_light_and_without_keep_esos_names(instrument, raw_type, dpr_type, tag):
    header = _header(instrument, "CALIB", dpr_type, "IMAGE")
    assert classify(header, instrument).raw_type == raw_type
    assert instrument.tag_of(raw_type, header) == tag


@pytest.mark.parametrize("instrument", [HAWKI, NACO, VISIR], ids=lambda one: one.name)
def test_each_measured_parameter_is_scored_or_says_why_not(instrument):
    scored = {one.parameter for one in instrument.scores.thresholds}
    silent = {one.name for one in instrument.qc.parameters} - scored
    assert silent == set(instrument.qc.unscored)


@pytest.mark.esorex("hawki", "naco", "visir")
@pytest.mark.parametrize("instrument", [HAWKI, NACO, VISIR], ids=lambda one: one.name)
def test_esos_plug_in_has_each_recipe_with_these_parameters(instrument):
    for entry in instrument.recipes.recipes.values():
        if entry.esorex is not None:
            metadata = recipe_metadata(find_esorex(), entry.esorex.recipe)
            assert metadata.plugin == instrument.header.pipeline.name
            metadata.resolved(entry.esorex.parameters, where="recipes.yaml")
