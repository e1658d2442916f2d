"""The AMBER definition: each rule with an example."""

import pytest

from vltflow.classify import classify
from vltflow.instruments import load
from vltflow.instruments.conditions import keyword

AMBER = load("AMBER")

# raw type, tag, DPR CATG, TYPE, TECH
FRAMES = [
    ("AMBER_DETECTOR", "AMBER_DETECTOR_DARK", "CALIB", "DARK", "IMAGE"),
    ("AMBER_DETECTOR", "AMBER_DETECTOR_DARK", "CALIB", "DETDARK", "IMAGE"),
    ("AMBER_DETECTOR", "AMBER_DETECTOR_FFM", "CALIB", "FLAT,LAMP", "IMAGE"),
    ("AMBER_BEAMPOS", "", "CALIB", "STD", "IMAGE"),
    ("AMBER_P2VM", "AMBER_3WAVE", "CALIB", "WAVE,3TEL", "INTERFEROMETRY"),
    ("AMBER_P2VM", "AMBER_3P2V", "CALIB", "3P2V", "INTERFEROMETRY"),
    ("AMBER_P2VM", "AMBER_2WAVE", "CALIB", "WAVE,2TEL", "INTERFEROMETRY"),
    ("AMBER_P2VM", "AMBER_2P2V", "CALIB", "2P2V", "INTERFEROMETRY"),
    ("AMBER_3ZOFF", "", "CALIB", "ZOFF,3TEL", "INTERFEROMETRY"),
    ("AMBER_CALIB", "AMBER_DARK_CALIB", "CALIB", "DARK", "INTERFEROMETRY"),
    ("AMBER_CALIB", "AMBER_SKY_CALIB", "CALIB", "SKY", "INTERFEROMETRY"),
    ("AMBER_CALIB", "AMBER_SCIENCE_CALIB", "CALIB", "STD", "INTERFEROMETRY"),
    ("AMBER_CALIB", "AMBER_CALIB", "CALIB", "OBJECT", "INTERFEROMETRY"),
    ("AMBER_SCIENCE", "AMBER_DARK_SCIENCE", "SCIENCE", "DARK", "INTERFEROMETRY"),
    ("AMBER_SCIENCE", "AMBER_SKY_SCIENCE", "SCIENCE", "SKY", "INTERFEROMETRY"),
    ("AMBER_SCIENCE", "AMBER_SCIENCE", "SCIENCE", "OBJECT", "INTERFEROMETRY"),
    ("AMBER_SEARCH", "", "SCIENCE", "FRNSRC,BASE12", "INTERFEROMETRY"),
    ("AMBER_SEARCH", "", "CALIB", "CPTPIST,BASE23", "INTERFEROMETRY"),
    ("AMBER_FLUX", "", "CALIB", "FLUX,3TEL", "INTERFEROMETRY"),
    ("AMBER_COHER", "", "SCIENCE", "COHERENC,3TEL", "INTERFEROMETRY"),
    ("AMBER_COLPOS", "", "CALIB", "COLPOS", "INTERFEROMETRY"),
    ("TEST", "", "TEST", "OBJECT", "INTERFEROMETRY"),
    ("ACQUISITION", "", "ACQUISITION", "OBJECT", "IMAGE"),
    ("", "", "SCIENCE", "STD", "IMAGE"),
]


@pytest.mark.parametrize(("raw_type", "tag", "catg", "kind", "tech"), FRAMES)
def test_a_frame_gets_its_raw_type_and_tag(raw_type, tag, catg, kind, tech):
    values = {"DPR.CATG": catg, "DPR.TYPE": kind, "DPR.TECH": tech, "INSTRUME": "AMBER"}
    found = classify({keyword(name): value for name, value in values.items()}, AMBER)
    assert found.raw_type == raw_type
    if tag:
        rule = AMBER.classification.rules[int(found.reason.split(":")[0].split()[1]) - 1]
        assert rule.tag == tag


def test_every_raw_type_has_an_example():
    assert {raw_type for raw_type, *_ in FRAMES} - {""} == set(AMBER.raw_types)
