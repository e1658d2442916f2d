"""Every combination of the keywords that ESO's rule files ask for gets the same tag from ours."""

import itertools
from pathlib import Path

import pytest

from vltflow.classify import classify
from vltflow.instruments import load
from vltflow.instruments.oca import parse_file
from vltflow.instruments.oca.evaluation import evaluate

CATEGORIES = ("CALIB", "SCIENCE", "TEST", "ACQUISITION")
TYPES = {
    "VIMOS": (
        "BIAS", "BIAS,DETCHECK", "DARK", "FLAT,LAMP", "FLAT,LAMP,DETCHECK", "FLAT,SKY", "WAVE,LAMP",
        "OTHER,LAMP", "STD", "ASTROMETRY", "OBJECT", "OBJECT,SLIT", "FOCUS",
    ),
    "AMBER": (
        "DARK", "DETDARK", "FLAT,LAMP", "DETFLAT", "SKY", "STD", "OBJECT", "WAVE,2TEL", "2P2V",
        "WAVE,3TEL", "3P2V", "ZOFF,3TEL", "COLPOS", "FRNSRC,BASE12", "CPTPIST,BASE23", "FLUX,2TEL",
        "FLUX,3TEL", "COHERENC,3TEL",
    ),
}  # fmt: skip
TECHNIQUES = {"VIMOS": ("IMAGE", "IMAGE,PRE", "MOS", "IFU"), "AMBER": ("IMAGE", "INTERFEROMETRY")}
TEMPLATES = {
    "VIMOS": (
        "", "img_tec_DetLin", "mos_tec_DetLin", "img_tec_Center", "img_tec_FocusCheck",
        "img_tec_Flex_Pinhole", "img_tec_MaskToCcd", "mos_tec_ScreenFlat", "mos_cal_NightCalib",
        "ifu_cal_NightCalib", "img_cal_ScreenFlat",
    ),
    "AMBER": ("",),
}  # fmt: skip


def _rule_file(instrument):
    name = instrument.lower()
    pattern = f"cpl-plugins/{name}-*/gasgano/config/{name}.oca"
    found = sorted(Path("/usr/share").glob(pattern))
    if not found:
        pytest.skip(f"cpl-plugin-{name} with ESO's rules is not installed")
    return found[-1]


def _ours(definition, header):
    found = classify(header, definition)
    if not found.raw_type:
        return ""
    number = int(found.reason.split(":")[0].removeprefix("rule "))
    rule = definition.classification.rules[number - 1]
    return rule.tag or rule.raw_type


def _chosen_otherwise(catg, kind, tech, template):
    """Where README.md says that we differ, or two tests of the detector contradict each other."""
    linearity_of_mos = "DetLin" in template and tech == "MOS"
    check_in_another_template = "DETCHECK" in kind and template
    return catg == "ACQUISITION" or linearity_of_mos or check_in_another_template


@pytest.mark.slow
@pytest.mark.parametrize("instrument", TYPES)
def test_tags_are_those_of_esos_rules(instrument):
    rules = parse_file(_rule_file(instrument)).rules
    definition = load(instrument)
    different = []
    for values in itertools.product(
        CATEGORIES, TYPES[instrument], TECHNIQUES[instrument], TEMPLATES[instrument]
    ):
        catg, kind, tech, template = values
        header = {
            "INSTRUME": instrument,
            "ESO DPR CATG": catg,
            "ESO DPR TYPE": kind,
            "ESO DPR TECH": tech,
            "ESO TPL ID": f"{instrument}_{template}",
        }
        theirs, ours = evaluate(rules, header).tag, _ours(definition, header)
        if theirs != ours and not (instrument == "VIMOS" and _chosen_otherwise(*values)):
            different.append((values, theirs, ours))
    assert different == []
