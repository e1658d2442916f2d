"""The MUSE definition: raw types, setups, executions and static calibrations."""

import hashlib
import json
import re

import numpy as np
import pytest
from astropy.io import fits

from vltflow.classify import classify
from vltflow.core.errors import ConfigurationError
from vltflow.instruments import load
from vltflow.instruments.conditions import keyword
from vltflow.instruments.loader import load_folder
from vltflow.instruments.muse import statics
from vltflow.instruments.muse.geometry import IFUS, SLICES, slices
from vltflow.instruments.muse.lamps import arc_lines
from vltflow.simulate import headers_only

MUSE = load("MUSE")
CALIB, TECH = "CALIB", "IFU"

# raw type, DPR CATG, TYPE, TPL ID
EXAMPLES = [
    ("BIAS", CALIB, "BIAS", ""),
    ("DARK", CALIB, "DARK", ""),
    ("FLAT", CALIB, "FLAT,LAMP", "MUSE_wfm_cal_specflat"),
    ("FLAT", CALIB, "FLAT,LAMP", "MUSE_nfm_cal_specflat"),
    ("ILLUMFLAT", CALIB, "FLAT,LAMP,ILLUM", "MUSE_wfm_cal_illum"),
    ("SKYFLAT", CALIB, "FLAT,SKY", ""),
    ("MASK", CALIB, "WAVE,MASK", ""),
    ("ARC_LSF", CALIB, "WAVE,LSF", ""),
    ("ARC", CALIB, "WAVE", ""),
    ("SKY", CALIB, "SKY", ""),
    ("SKY", "SCIENCE", "SKY", ""),
    ("STD", CALIB, "STD", ""),
    ("ASTROMETRY", CALIB, "ASTROMETRY", ""),
    ("OBJECT", "SCIENCE", "OBJECT", ""),
    ("AMPL", "TECHNICAL", "FLAT,LAMP,THRUPUT", ""),
    ("LINEARITY", CALIB, "BIAS,DETCHECK", ""),
    ("LINEARITY", CALIB, "LINEARITY,FLAT,DETCHAR", ""),
    ("ACQUISITION", "ACQUISITION", "OBJECT", ""),
    ("TEST", "TEST", "WAVE", ""),
]


def header(catg, kind, template="", **more):
    known = {"INSTRUME": "MUSE", "ESO DPR CATG": catg, "ESO DPR TYPE": kind, "ESO DPR TECH": TECH}
    return known | {"ESO TPL ID": template} | {keyword(name): value for name, value in more.items()}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda one: f"{one[0]}-{one[2]}")
def test_each_example_is_recognised(example):
    assert classify(header(*example[1:]), MUSE).raw_type == example[0]


def test_each_raw_type_and_rule_has_an_example():
    assert {example[0] for example in EXAMPLES} == set(MUSE.raw_types)
    reasons = {classify(header(*one[1:]), MUSE).reason.split(":")[0] for one in EXAMPLES}
    rules = {f"rule {number}" for number in range(1, len(MUSE.classification.rules) + 1)}
    assert reasons == rules


def test_near_misses_are_unknown():
    for kind, template in (
        ("FLAT,LAMP", "MUSE_wfm_gen_flat"),
        ("FLAT", "MUSE_wfm_cal_specflat"),
        ("FLAT,LAMP,ILLUM", "MUSE_wfm_cal_flat"),
        ("WAVE,OTHER", ""),
        ("OBJECT", ""),
    ):
        assert classify(header(CALIB, kind, template), MUSE).raw_type == ""
    assert classify(header(CALIB, "BIAS") | {"ESO DPR TECH": "IMAGE"}, MUSE).raw_type == ""


def test_linearity_frames_have_the_tags_of_esos_recipe():
    tags = {MUSE.tag_of("LINEARITY", header(CALIB, kind)) for _, _, kind, _ in EXAMPLES[15:17]}
    assert tags == {"DETMON_LAMP_OFF", "DETMON_LAMP_ON"}


@pytest.mark.parametrize(
    ("name", "value"), [("Blue", "nominal"), ("Blue+X", "nominal"), ("Clear", "extended")]
)
def test_the_cut_off_filter_tells_nominal_from_extended(name, value):
    found = classify(header(CALIB, "WAVE", **{"INS.OPTI1.NAME": name}), MUSE)
    assert json.loads(found.setup_keys)["INS.OPTI1.FILTER"] == value


def test_a_frame_without_the_filter_is_neither():
    found = classify(header(CALIB, "WAVE"), MUSE)
    assert json.loads(found.setup_keys)["INS.OPTI1.FILTER"] is None


@pytest.mark.parametrize("raw_type", ["BIAS", "DARK", "FLAT", "ARC", "ARC_LSF", "OBJECT"])
def test_one_ifu_is_processed_alone_and_24_are_merged(raw_type):
    entry = MUSE.recipe_of(raw_type).esorex
    all_ifus, one = entry.under({"DET.CHIPS": 24}), entry.under({"DET.CHIPS": 1})
    assert (all_ifus.parameters["nifu"], all_ifus.parameters["merge"]) == (-1, True)
    assert (one.parameters["nifu"], one.parameters["merge"]) == (1, False)
    assert str(all_ifus.cores) == all_ifus.environment["OMP_NUM_THREADS"]
    assert str(one.cores) == one.environment["OMP_NUM_THREADS"]
    assert one.memory_mb < all_ifus.memory_mb


def test_a_case_on_a_keyword_outside_the_setup_is_refused(tmp_path):
    for name in ("instrument", "classification", "association", "recipes", "qc", "scores"):
        text = (statics.FOLDER / f"{name}.yaml").read_text()
        (tmp_path / f"{name}.yaml").write_text(text.replace("{DET.CHIPS: 1}", "{DET.CHIP: 1}"))
    with pytest.raises(ConfigurationError, match=r"muse_bias: \['DET.CHIP'\] not in the setup"):
        load_folder(tmp_path)


def test_each_parameter_is_scored_or_says_why_not():
    scored = {entry.parameter for entry in MUSE.scores.thresholds}
    known = {entry.name for entry in MUSE.qc.parameters}
    assert scored | set(MUSE.qc.unscored) == known
    assert not scored & set(MUSE.qc.unscored)


def test_thresholds_name_categories_that_are_made():
    made = {category for name in MUSE.raw_types for category in MUSE.products_of(name)}
    assert {name for entry in MUSE.scores.thresholds for name in entry.categories} <= made


def test_the_simulated_headers_have_every_setup_keyword():
    for record in headers_only("muse", ["2018-03-15"]):
        found = classify(record, MUSE)
        keys = json.loads(found.setup_keys)
        assert None not in keys.values(), found
        assert re.fullmatch(r"(1x1_mode1|WFM-(NO)?AO-[NE])_1ifu", found.setup)


def built(tmp_path, builder):
    paths = [tmp_path / "first.fits", tmp_path / "second.fits"]
    for path in paths:
        builder(path)
    digests = {hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}
    assert len(digests) == 1
    return fits.open(paths[0])


def test_the_line_catalogue_is_what_esos_recipes_read(tmp_path):
    with built(tmp_path, statics.line_catalog) as file:
        assert file[0].header["VERSION"] == 3
        assert file[0].header["ESO PRO CATG"] == "LINE_CATALOG"
        table = file[1].data
        assert table.columns.names == ["lambda", "flux", "ion", "quality", "comment"]
        assert np.all(np.diff(table["lambda"]) > 0)
        # The strongest neon line: 6402.248 Angstrom in air (NIST).
        assert np.abs(table["lambda"] - 6402.248).min() < 0.01
        usable = table["quality"] >= 3
        assert {name: int(np.sum(usable & (table["comment"] == name))) for name in
                ("Ne", "Xe", "HgCd")} == {"Ne": 42, "Xe": 15, "HgCd": 7}  # fmt: skip


def test_a_line_with_a_bright_neighbour_in_its_lamp_is_a_blend():
    lines = arc_lines()
    blends = [line for line in lines if statics.quality(line, lines) == 1]
    assert [round(line.wave_vac) for line in blends] == [4918, 4925]


def test_the_geometry_has_each_slice_once_in_a_field_of_a_minute(tmp_path):
    with built(tmp_path, statics.geometry_table) as file:
        table = file[1].data
    assert len(table) == IFUS * SLICES
    for name in ("SliceCCD", "SliceSky"):
        pairs = set(zip(table["SubField"].tolist(), table[name].tolist(), strict=True))
        assert len(pairs) == IFUS * SLICES
    assert np.ptp(table["y"]) * 0.2 == pytest.approx(60.0, abs=1.5)
    assert (np.ptp(table["x"]) + table["width"][0]) * 0.2 == pytest.approx(60.0, abs=1.5)
    first, second = slices(1), slices(2)
    assert min(one.y for one in first) > max(one.y for one in second)


def test_the_extinction_is_patats(tmp_path):
    with built(tmp_path, statics.extinct_table) as file:
        table = file[1].data
    assert np.interp(5500.0, table["lambda"], table["extinction"]) == pytest.approx(0.12, abs=0.02)
