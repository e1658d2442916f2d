"""The GIRAFFE definition: each rule with positive examples and near misses; its static tables."""

import hashlib

import numpy as np
import pytest
from astropy.io import fits

from vltflow.classify import classify
from vltflow.instruments import load
from vltflow.instruments.conditions import keyword
from vltflow.instruments.giraffe import statics
from vltflow.instruments.giraffe.spectrograph import SETTINGS

GIRAFFE = load("GIRAFFE")

# raw type, tag, DPR CATG, TYPE, TECH
EXAMPLES = [
    ("DETMON", "DETMON_LAMP_OFF", "CALIB", "BIAS,DETCHECK", "IMAGE"),
    ("DETMON", "DETMON_LAMP_ON", "CALIB", "LAMP,FLAT,DETCHECK", "IMAGE"),
    ("BIAS", "BIAS", "CALIB", "BIAS", "IMAGE"),
    ("DARK", "DARK", "CALIB", "DARK", "IMAGE"),
    ("IMAGE_FLAT", "IMAGE_FLAT", "CALIB", "LAMP,FLAT", "IMAGE"),
    ("SLITLAMP", "SLITLAMP", "CALIB", "SLITLAMP,HAL", "IMAGE"),
    ("SIMCAL_ARC", "SIMCAL_ARC", "CALIB", "SIMLAMP,TAL", "MOS"),
    ("SIMCAL_FLAT", "SIMCAL_FLAT", "CALIB", "SIMLAMP,HAL", "IFU"),
    ("NASMYTH_FLAT", "FIBER_FLAT", "CALIB", "LAMP,FLAT,NASMYTH", "IFU"),
    ("FIBER_FLAT", "FIBER_FLAT", "CALIB", "LAMP,FLAT", "MOS"),
    ("FIBER_FLAT", "FIBER_FLAT", "CALIB", "LAMP,FLAT", "IFU"),
    ("ARC_SPECTRUM", "ARC_SPECTRUM", "CALIB", "LAMP,WAVE", "MOS"),
    ("SKY_FLAT", "SKY_FLAT", "CALIB", "FLAT,SKY", "MOS"),
    ("STD", "STD", "CALIB", "STD", "IFU"),
    ("SCIENCE", "SCIENCE", "SCIENCE", "OBJECT,OzPoz", "MOS"),
    ("SCIENCE", "SCIENCE", "SCIENCE", "OBJECT,SimCal", "IFU"),
    ("ACQUISITION", "ACQUISITION", "ACQUISITION", "FIELD", "IMAGE"),
    ("TEST", "TEST", "TEST", "OTHER", "OTHER"),
]


def _header(catg, kind, tech):
    return {
        "INSTRUME": "GIRAFFE",
        "ESO DPR CATG": catg,
        "ESO DPR TYPE": kind,
        "ESO DPR TECH": tech,
    }


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda one: f"{one[0]}-{one[3]}-{one[4]}")
def test_each_example_is_recognised_and_has_the_recipes_tag(example):
    raw_type, tag, *told = example
    header = _header(*told)
    assert classify(header, GIRAFFE).raw_type == raw_type
    assert GIRAFFE.tag_of(raw_type, header) == tag


def test_each_raw_type_and_rule_has_an_example():
    assert {example[0] for example in EXAMPLES} == set(GIRAFFE.raw_types)
    reasons = {classify(_header(*one[2:]), GIRAFFE).reason.split(":")[0] for one in EXAMPLES}
    rules = {f"rule {number}" for number in range(1, len(GIRAFFE.classification.rules) + 1)}
    assert reasons == rules


@pytest.mark.parametrize("rule", GIRAFFE.classification.rules, ids=lambda rule: rule.raw_type)
def test_no_rule_holds_when_one_of_its_keywords_is_missing(rule):
    for example in EXAMPLES:
        if example[0] != rule.raw_type:
            continue
        for name in rule.when:
            near = {k: v for k, v in _header(*example[2:]).items() if k != keyword(name)}
            assert classify(near, GIRAFFE).raw_type != rule.raw_type


def test_a_standard_star_in_medusa_fibres_is_unknown():
    assert classify(_header("CALIB", "STD", "MOS"), GIRAFFE).raw_type not in GIRAFFE.raw_types


def test_each_qc_parameter_is_scored_or_has_a_reason():
    scored = {threshold.parameter for threshold in GIRAFFE.scores.thresholds}
    named = {entry.name for entry in GIRAFFE.qc.parameters}
    assert scored | set(GIRAFFE.qc.unscored) == named
    assert not scored & set(GIRAFFE.qc.unscored)


@pytest.mark.parametrize("entry", GIRAFFE.statics.statics, ids=lambda entry: entry.name)
def test_a_static_table_says_what_it_is_and_has_the_same_bytes_every_time(entry, tmp_path):
    build = getattr(statics, entry.builder.rpartition(":")[2])
    digests = set()
    for name in ("first.fits", "second.fits"):
        build(tmp_path / name)
        digests.add(hashlib.sha256((tmp_path / name).read_bytes()).hexdigest())
    assert len(digests) == 1
    header = fits.getheader(tmp_path / "first.fits")
    assert header["ESO PRO CATG"] == entry.category
    for key, value in entry.keys.items():
        assert header[keyword(key)] == value


def test_tables_have_what_esos_recipes_fail_without(tmp_path):
    statics.grating_data_hr(tmp_path / "grating.fits")
    statics.slit_geometry_medusa1(tmp_path / "slit.fits")
    with fits.open(tmp_path / "grating.fits") as file:
        assert {"WLEN0", "ORDER", "RMED", "RIFA", "THETA", "FCOLL"} <= set(file[1].columns.names)
        assert file[1].data["RMED"].dtype.kind == "i"
    with fits.open(tmp_path / "slit.fits") as file:
        assert file[0].header["ESO INS MODE"]
        assert file[1].header["EXTNAME"] == "SLIT_GEOMETRY_SETUP"
        assert "RINDEX" not in file[1].columns.names


def test_line_catalog_is_sorted_and_covers_all_settings(tmp_path):
    statics.line_catalog(tmp_path / "lines.fits")
    wave = fits.getdata(tmp_path / "lines.fits", 1)["WLEN"]
    assert np.all(np.diff(wave) >= 0.0)
    for setting in SETTINGS.values():
        first, last = setting.edges
        assert np.sum((wave > first) & (wave < last)) > 100, setting.name


@pytest.mark.parametrize(
    ("name", "first", "last", "power"),
    [("H525.8B", 514.3, 535.6, 25_900), ("L543.1", 501.5, 582.1, 6_000)],
)
def test_nominal_optics_come_close_to_the_instrument(name, first, last, power):
    edges = SETTINGS[name].edges
    assert edges[1] - edges[0] == pytest.approx(last - first, rel=0.07)
    assert sum(edges) == pytest.approx(first + last, rel=0.002)
    assert SETTINGS[name].resolving_power == pytest.approx(power, rel=0.05)
