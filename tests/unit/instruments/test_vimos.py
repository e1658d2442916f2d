"""The VIMOS definition: each rule with an example, and what a quadrant's block asks for."""

import pytest

from vltflow.classify import classify
from vltflow.instruments import load
from vltflow.instruments.conditions import keyword

VIMOS = load("VIMOS")

# raw type, DPR CATG, TYPE, TECH, TPL ID
FRAMES = [
    ("BIAS", "CALIB", "BIAS", "IMAGE", "VIMOS_img_cal_Bias"),
    ("DARK", "CALIB", "DARK", "IMAGE", "VIMOS_img_cal_Dark"),
    ("DETMON", "CALIB", "BIAS,DETCHECK", "IMAGE", "VIMOS_img_tec_DetLin"),
    ("DETMON", "CALIB", "FLAT,LAMP,DETCHECK", "IMAGE", "VIMOS_img_tec_Check"),
    ("DETECTOR_PROPERTIES", "CALIB", "FLAT,LAMP", "IMAGE", "VIMOS_img_tec_DetLin"),
    ("DETECTOR_PROPERTIES", "CALIB", "FLAT,LAMP", "MOS", "VIMOS_mos_tec_DetLin"),
    ("IMG_SKY_FLAT", "CALIB", "FLAT,SKY", "IMAGE", "VIMOS_img_cal_SkyFlat"),
    ("IMG_SCREEN_FLAT", "CALIB", "FLAT,LAMP", "IMAGE", "VIMOS_img_cal_ScreenFlat"),
    ("MOS_IMAGE_FLAT", "CALIB", "FLAT,LAMP", "IMAGE", "VIMOS_mos_cal_NightCalib"),
    ("IFU_IMAGE_FLAT", "CALIB", "FLAT,LAMP", "IMAGE", "VIMOS_ifu_cal_NightCalib"),
    ("MOS_IMAGE_FLAT_TEC", "CALIB", "FLAT,LAMP", "IMAGE", "VIMOS_mos_tec_ScreenFlat"),
    ("IMG_ARC_SPECTRUM", "CALIB", "WAVE,LAMP", "IMAGE", ""),
    ("IMG_STANDARD", "CALIB", "STD", "IMAGE", "VIMOS_img_cal_Phot"),
    ("IMG_ASTROMETRY", "CALIB", "ASTROMETRY", "IMAGE", ""),
    ("MASK_TO_CCD", "CALIB", "OTHER,LAMP", "IMAGE", "VIMOS_img_tec_MaskToCcd"),
    ("PINHOLE_FLEX", "CALIB", "OTHER,LAMP", "IMAGE", "VIMOS_img_tec_Flex_Pinhole"),
    ("MOS_FOCUS", "CALIB", "OTHER,LAMP", "MOS", "VIMOS_img_tec_FocusCheck"),
    ("IMG_FOCUS_CHECK", "CALIB", "OTHER,LAMP", "IMAGE", "VIMOS_img_tec_FocusCheck"),
    ("IMG_CENTER", "CALIB", "OTHER,LAMP", "IMAGE", "VIMOS_img_tec_Center"),
    ("IFU_FOCUS", "CALIB", "OTHER,LAMP", "IFU", ""),
    ("MOS_SCREEN_FLAT_TEC", "CALIB", "FLAT,LAMP", "MOS", "VIMOS_mos_tec_ScreenFlat"),
    ("MOS_CAL", "CALIB", "FLAT,LAMP", "MOS", "VIMOS_mos_cal_DayCalib"),
    ("MOS_CAL", "CALIB", "LAMP,WAVE", "MOS", "VIMOS_mos_cal_DayCalib"),
    ("IFU_CAL", "CALIB", "FLAT,LAMP", "IFU", "VIMOS_ifu_cal_DayCalib"),
    ("IFU_CAL", "CALIB", "WAVE,LAMP", "IFU", "VIMOS_ifu_cal_DayCalib"),
    ("MOS_STANDARD", "CALIB", "STD", "MOS", ""),
    ("IFU_STANDARD", "CALIB", "STD", "IFU", ""),
    ("IMG_PREIMAGING", "SCIENCE", "OBJECT", "IMAGE,PRE", ""),
    ("IMG_SCIENCE", "SCIENCE", "OBJECT", "IMAGE", ""),
    ("MOS_SCIENCE", "SCIENCE", "OBJECT", "MOS", ""),
    ("IFU_SCIENCE", "SCIENCE", "OBJECT", "IFU", ""),
    ("ACQUISITION_SLIT_IMG", "ACQUISITION", "OBJECT,SLIT", "IMAGE", ""),
    ("ACQUISITION", "ACQUISITION", "OBJECT", "IMAGE", ""),
    ("IMG_PREIMAGING_TEST", "TEST", "OBJECT", "IMAGE,PRE", ""),
    ("TEST_BIAS", "TEST", "BIAS", "IMAGE", ""),
    ("IMG_FOCUS", "TEST", "FOCUS", "IMAGE", ""),
    ("IMG_ARC_TEST", "TEST", "WAVE,LAMP", "IMAGE", ""),
    ("IMG_LAMP_TEST", "TEST", "LAMP", "IMAGE", ""),
    ("TEST_THROUGH_SLIT", "TEST", "OBJECT,SLIT", "IMAGE", ""),
    ("MOS_SCREEN_FLAT_TEST", "TEST", "FLAT,LAMP", "MOS", ""),
    ("MOS_ARC_SPECTRUM_TEST", "TEST", "WAVE,LAMP", "MOS", ""),
    ("IFU_ARC_SPECTRUM_TEST", "TEST", "WAVE,LAMP", "IFU", ""),
    ("", "CALIB", "OBJECT", "IMAGE", ""),
    ("", "SCIENCE", "BIAS", "IMAGE", ""),
]


def header(catg, kind, tech, template="", **others):
    values = {"DPR.CATG": catg, "DPR.TYPE": kind, "DPR.TECH": tech, "TPL.ID": template}
    values |= {"OCS.CON.QUAD": 2, "DET.CHIP1.ID": "Keith", "DET.WIN1.BINX": 1} | others
    return {keyword(name): value for name, value in values.items()}


@pytest.mark.parametrize(("raw_type", "catg", "kind", "tech", "template"), FRAMES)
def test_a_frame_gets_its_raw_type(raw_type, catg, kind, tech, template):
    found = classify(header(catg, kind, tech, template), VIMOS)
    assert found.raw_type == raw_type


def test_every_raw_type_has_an_example():
    assert {raw_type for raw_type, *_ in FRAMES} - {""} == set(VIMOS.raw_types)


def test_flats_and_arc_of_a_mask_keep_the_names_that_the_recipe_wants():
    tags = {rule.tag for rule in VIMOS.classification.rules if rule.raw_type == "MOS_CAL"}
    assert tags == {"MOS_SCREEN_FLAT", "MOS_ARC_SPECTRUM"}


def test_the_label_names_the_quadrants_own_filter():
    found = classify(
        header("CALIB", "STD", "IMAGE", **{"INS.FILT2.NAME": "R_SPECIAL", "DET.WIN1.BINY": 1}),
        VIMOS,
    )
    assert found.setup == "Q2_1x1_R_SPECIAL"


def test_detector_recipes_run_through_esorex():
    run = {name for name, entry in VIMOS.recipes.recipes.items() if entry.runner == "esorex"}
    assert run == {"vmbias", "vmdark", "vmdet"}
