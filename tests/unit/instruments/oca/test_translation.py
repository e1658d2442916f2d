"""Rules translated into a definition say the same as the rules themselves."""

from __future__ import annotations

import random
from collections import defaultdict
from pathlib import Path

import pytest
import yaml

from vltflow.classify.check import Check
from vltflow.core.errors import UserError
from vltflow.instruments import load_folder
from vltflow.instruments.conditions import keyword
from vltflow.instruments.oca import parse, parse_file
from vltflow.instruments.oca.definition import definition
from vltflow.instruments.oca.folder import write_folder
from vltflow.instruments.oca.tree import And, Comparison, Is, Key, Not, Number, Or, RuleFile, Text

FRAMES = 1500


def translated(rules: RuleFile, folder: Path, **more):
    found = definition(rules, name="TOY", **more)
    write_folder(found, folder, source="toy.oca")
    return found, load_folder(folder)


def toy(text: str, tmp_path: Path, **more):
    return translated(parse(text), tmp_path / "toy", **more)


# ---------------------------------------------------------------- classification


def comparisons(expression):
    match expression:
        case And(parts) | Or(parts):
            for part in parts:
                yield from comparisons(part)
        case Not(part):
            yield from comparisons(part)
        case Comparison(_, Key(name), constant):
            yield name, constant
        case Is(Key(name), _, _):
            yield name, Text("ANY")


def vocabulary(rules: RuleFile) -> dict[str, list]:
    """Values that headers may have so that rules hold often: the constants of the rules."""
    words: dict[str, dict] = defaultdict(dict)
    for rule in rules.rules:
        for name, constant in comparisons(rule.condition):
            if isinstance(constant, Text):
                words[name][constant.value.strip("%")] = None
            elif isinstance(constant, Number):
                words[name] |= {constant.value: None, constant.value + 1: None}
    return {name: list(found) for name, found in words.items() if not name.startswith("PRO.")}


def header(words, rnd: random.Random) -> dict:
    """A header with some of the words, in DPR TYPE and TECH often several."""
    values = {}
    for name, found in words.items():
        if rnd.random() < 0.07:
            continue
        number = 1 if name in {"DPR.CATG", "INSTRUME"} else rnd.choice([1, 1, 2, 3])
        chosen = [rnd.choice(found) for _ in range(number)]
        text = isinstance(chosen[0], str)
        values[keyword(name)] = ",".join(map(str, chosen)) if text else chosen[0]
    return values


@pytest.mark.slow
def test_a_translated_genuine_file_classifies_any_header_as_its_rules_do(genuine, tmp_path):
    rules = parse_file(genuine)
    found, instrument = translated(rules, tmp_path / "made")
    check = Check(instrument, rules.rules)
    words, rnd = vocabulary(rules), random.Random(1)
    checked = [check("", header(words, rnd)) for _ in range(FRAMES)]
    assert sum(bool(one.theirs) for one in checked) > FRAMES / 10
    assert [one for one in checked if one.ours != one.theirs] == []
    # Where tags differ there is a note that says so.
    noted = {note.line for note in found.notes if "tagged otherwise" in note.message}
    assert sum(not one.agree for one in checked) <= (FRAMES / 100 if noted else 0)


@pytest.mark.parametrize(
    ("condition", "when"),
    [
        ('A == "x"', {"A": "x"}),
        ('A == "x" or A == "y"', {"A": ["x", "y"]}),
        ('A like "%x%" or A == "y"', {"A": {"any": [{"like": "%x%"}, "y"]}}),
        ('A like "%x%" and A like "%y%"', {"A": {"all": [{"like": "%x%"}, {"like": "%y%"}]}}),
        ('A like "x"', {"A": "x"}),
        ('A regexp "^x" and B.C == 3', {"A": {"regexp": "^x"}, "B.C": 3}),
        ("A is undefined", {"A": {"undefined": True}}),
        ("A is not undefined", {"A": {"undefined": False}}),
        ("A < 3 and B >= 4.5", {"A": {"below": 3}, "B": {"from": 4.5}}),
        ("3 < A", {"A": {"above": 3}}),
        ('A != "x"', {"A": {"all": [{"not": "x"}, {"undefined": False}]}}),
        ('not A == "x"', {"A": {"not": "x"}}),
        (
            'not (A like "%x%" or B == 1)',
            {"A": {"not": {"like": "%x%"}}, "B": {"not": 1}},
        ),
    ],
)
def test_a_condition_stands_in_the_words_of_a_definition(condition, when, tmp_path):
    toy(f'if {condition} then {{ DO.CATG = "T"; }}', tmp_path)
    written = yaml.safe_load((tmp_path / "toy" / "classification.yaml").read_text())
    assert written["rules"] == [{"raw_type": "T", "when": when}]


def test_an_or_over_several_keywords_becomes_several_rules(tmp_path):
    _, instrument = toy('if C == 1 and (A == "x" or B == "y") then { DO.CATG = "T"; }', tmp_path)
    assert [rule.when for rule in instrument.classification.rules] == [
        {"C": 1, "B": "y"},
        {"C": 1, "A": "x"},
    ]


def test_the_last_rule_of_the_file_stands_first(tmp_path):
    _, instrument = toy(
        'if A == "x" then { DO.CATG = "EARLY"; }\nif A like "x%" then { DO.CATG = "LATE"; }',
        tmp_path,
    )
    assert [rule.raw_type for rule in instrument.classification.rules] == ["LATE", "EARLY"]


def test_raw_type_and_tag_that_different_rules_set_are_put_together(tmp_path):
    rules = """
        if A like "%x%" then { RAW.TYPE = "T"; DO.CATG = "ON"; }
        if A like "%x%" and B == 1 then { DO.CATG = "OFF"; }
        """
    _, instrument = toy(rules, tmp_path)
    check = Check(instrument, parse(rules).rules)
    assert [(one.ours, one.our_tag, one.agree) for one in (
        check("", {"A": "x", "B": 1}), check("", {"A": "x", "B": 2}), check("", {"B": 1}),
    )] == [("T", "OFF", True), ("T", "ON", True), ("", "", True)]  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ('if A is string then { DO.CATG = "T"; }', "whether a value is string"),
        ('if A == B then { DO.CATG = "T"; }', "compares a keyword with a constant only"),
        ('if A == 1 then { C.D = B; }\nif C.D == 2 then { DO.CATG = "T"; }', "computed by rules"),
        (
            " and ".join(f"(A{n} == 1 or B{n} == 1)" for n in range(12)).join(
                ("if ", ' then { DO.CATG = "T"; }')
            ),
            "more than 100 rules",
        ),
        ('if A == "x" and A == "y" then { DO.CATG = "T"; }', "no frame can fulfil it"),
        ("if A == 1 then { DO.CATG = B; }", "no constant text"),
        ('if A == 1 then { PACK.DIR = "x"; }', "PACK.DIR has no place"),
        ("if A == 1 then { }", "without any assignment"),
        ('if A = 1 then { DO.CATG = "T"; }', "not understood"),
    ],
)
def test_what_cannot_be_said_is_noted_with_its_line_and_stands_in_the_file(rule, words, tmp_path):
    found, _ = toy(f"\n{rule}", tmp_path)
    fitting = [note for note in found.notes if words in note.message]
    assert [note.line for note in fitting] == [rule.count("\n") + 2]
    written = (tmp_path / "toy" / "classification.yaml").read_text()
    assert f"line {fitting[0].line}:" in written


# ---------------------------------------------------------------- organisation and association

BIAS = """
if DPR.CATG == "CALIB" and DPR.TYPE == "BIAS" then { DO.CATG = "BIAS"; }
if DPR.CATG == "CALIB" and DPR.TYPE == "FLAT" then { DO.CATG = "FLAT"; }
if DPR.CATG == "SCIENCE" then { DO.CATG = "OBJECT"; }
if PRO.CATG like "%MBIAS%" then { DO.CATG = "MASTER_BIAS"; INS.BLUE = INS.FILT like "B%"; }
minRet = 3;
select execute(BIASES) from inputFiles where SIG.TEMPLATE == 1 and LF.DO.CATG == "BIAS";
select execute(FLATS) from inputFiles where DO.CATG == "FLAT" group by INS.FILT,TPL.START as (T,tpl);
select execute(FRAMES) from inputFiles where SIG.FRAME == 1 and DO.CATG == "OBJECT";
action BIASES { recipe make_bias { "--method=median --kappa=3.5"; "--niter=5"; "--clean"; "--x=FALSE"; } }
action FLATS {
  minRet = 1; maxRet = 1;
  select file as MASTER_BIAS from calibFiles where DO.CATG == "MASTER_BIAS"
    and inputFile.INSTRUME == INSTRUME and inputFile.DET.BIN == DET.BIN;
  minRet = 0; maxRet = 1;
  select file as LINES from calibFiles where PRO.CATG == "LINE_LIST" and inputFile.INS.BLUE ?= INS.BLUE;
  recipe make_flat;
  product FLAT { PRO.CATG = "MASTER_FLAT"; PRO.EXT = "0000.fits"; }
}
action FRAMES {
  minRet = 0; maxRet = 0;
  select file as A from calibFiles where DO.CATG == "A";
  minRet = 1; maxRet = 6;
  select file as MASTER_FLAT from calibFiles where DO.CATG == "MASTER_FLAT" and MJD-OBS < 57000.;
  minRet = 1; maxRet = 1;
  select file as RAW_FLAT from rawFiles where DO.CATG == "FLAT";
  recipe reduce;
}
"""  # noqa: E501 - rules as they are written


@pytest.fixture
def instrument(tmp_path):
    return toy(BIAS, tmp_path, makes={"make_bias": ["MBIAS"], "FRAMES": ["SPECTRUM", "ERRORS"]})


def test_raw_types_group_as_rules_say(instrument):
    entries = instrument[1].raw_types
    assert {name: (one.group, one.minimum, one.kind) for name, one in entries.items()} == {
        "BIAS": ("template", 3, "calibration"),
        "FLAT": ("template", 1, "calibration"),
        "OBJECT": ("frame", 1, "science"),
    }


def test_what_a_recipe_makes_is_a_master_and_what_none_makes_a_static_calibration(instrument):
    flat = instrument[1].raw_types["FLAT"]
    assert [(need.category, need.tag, need.required) for need in flat.masters] == [
        ("MBIAS", "MASTER_BIAS", True)
    ]
    assert [(need.category, need.tag, need.required) for need in flat.statics] == [
        ("LINE_LIST", "LINES", False)
    ]


def test_match_keys_are_in_the_setups_of_both_and_computed_keys_are_derived(instrument):
    _, made = instrument
    assert made.raw_types["FLAT"].masters[0].match == ("DET.BIN",)
    assert made.raw_types["BIAS"].setup == ("DET.BIN",)
    assert made.raw_types["FLAT"].setup == ("INS.FILT", "DET.BIN", "INS.BLUE")
    assert made.raw_types["FLAT"].statics[0].match == ("INS.BLUE",)
    (blue,) = made.header.derived
    assert [blue.value({"ESO INS FILT": name}) for name in ("B1", "V")] == [True, False]


def test_keys_that_rules_compute_in_several_ways_are_matched_by_their_sources(tmp_path):
    other = 'if DPR.TYPE == "FLAT" then { INS.BLUE = INS.FILT like "U%"; }'
    found, made = toy(BIAS + other, tmp_path)
    assert made.raw_types["FLAT"].statics[-1].match == ("INS.FILT",)
    assert any("rules compute INS.BLUE from INS.FILT" in note.message for note in found.notes)


def test_recipes_have_their_parameters_and_products(instrument):
    recipes = instrument[1].recipes.recipes
    assert recipes["make_bias"].esorex.parameters == {
        "method": "median", "kappa": 3.5, "niter": 5, "clean": True, "x": False,
    }  # fmt: skip
    assert [one.category for one in recipes["make_flat"].products] == ["MASTER_FLAT"]
    assert [(one.category, one.master, one.main) for one in recipes["reduce"].products] == [
        ("SPECTRUM", False, True),
        ("ERRORS", False, False),
    ]


@pytest.mark.parametrize(
    "words",
    [
        "A is switched off",
        "1 to 6 files",
        "condition left out: MJD-OBS < 57000.",
        "raw frames of other",
    ],
)
def test_what_association_cannot_say_is_noted(instrument, words):
    assert sum(words in note.message for note in instrument[0].notes) == 1


def test_actions_and_organisation_rules_that_lead_nowhere_are_noted(tmp_path):
    found, _ = toy(
        'if A == "x" then { DO.CATG = "T"; }\nif PRO.CATG == "P" then { DO.CATG = "P"; }\n'
        'select execute(B) from inputFiles where DO.CATG == "P";\n'
        'select execute(C) from inputFiles where DO.CATG == "T";\n'
        "action B { recipe b; }\naction D { recipe d; }",
        tmp_path,
    )
    assert [(note.line, note.message) for note in sorted(found.notes)] == [
        (3, "B starts from no raw type: left out"),
        (4, "there is no action C: left out"),
        (6, "no rule executes action D: left out"),
    ]


def test_calls_of_one_recipe_that_differ_are_entries_of_their_own(tmp_path):
    _, instrument = toy(
        'if A == "x" then { DO.CATG = "X"; }\nif A == "y" then { DO.CATG = "Y"; }\n'
        'select execute(FIRST) from inputFiles where DO.CATG == "X" group by ARCFILE;\n'
        'select execute(SECOND) from inputFiles where DO.CATG == "Y" group by ARCFILE;\n'
        'action FIRST { recipe r; }\naction SECOND { recipe r { "--n=2"; } }',
        tmp_path,
    )
    assert instrument.raw_types["X"].group == "frame"
    assert {one.recipe for one in instrument.raw_types.values()} == {"r", "second"}
    assert instrument.recipes.recipes["second"].esorex.recipe == "r"


def test_of_several_recipes_the_one_that_holds_today_is_taken_and_the_other_noted(tmp_path):
    found, instrument = toy(
        'if A == "x" then { DO.CATG = "X"; }\n'
        'select execute(OLD) from inputFiles where SIG.FRAME == 1 and DO.CATG == "X" '
        "and MJD-OBS < 5.;\n"
        'select execute(NEW) from inputFiles where SIG.FRAME == 1 and DO.CATG == "X" '
        "and MJD-OBS >= 5.;\n"
        "action OLD { recipe old; }\naction NEW { recipe new; }",
        tmp_path,
    )
    assert instrument.raw_types["X"].recipe == "new"
    assert {note.line for note in found.notes if "starts" in note.message} == {2, 3}


@pytest.mark.slow
def test_a_genuine_file_becomes_a_definition_that_loads_with_all_its_raw_types(genuine, tmp_path):
    rules = parse_file(genuine)
    _, instrument = translated(rules, tmp_path / "made")
    named = {
        str(part.value.value)
        for rule in rules.rules
        for part in rule.body
        if part.key in {"DO.CATG", "RAW.TYPE"} and "PRO.CATG" not in str(rule.condition)
    }
    tags = {rule.tag or rule.raw_type for rule in instrument.classification.rules}
    assert named == tags | set(instrument.raw_types) - {""}
    wanted = {execute.action for execute in rules.executes} & {one.name for one in rules.actions}
    assert len(instrument.recipes.recipes) <= len(wanted)
    assert any(entry.group != "none" for entry in instrument.raw_types.values())


def test_a_definition_is_not_written_over_files(tmp_path):
    (tmp_path / "toy").mkdir()
    (tmp_path / "toy" / "mine.txt").write_text("")
    with pytest.raises(UserError, match="is not empty"):
        toy(BIAS, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("pipeline", ["amber", "giraf", "muse", "hawki", "vimos"])
@pytest.mark.parametrize("seed", range(4))
def test_a_damaged_genuine_file_becomes_a_definition_that_loads_and_tells_of_its_damage(
    rules_of, pipeline, seed, tmp_path
):
    rnd, source = random.Random(seed), rules_of(pipeline).read_text()
    for _ in range(5):
        place = rnd.randrange(len(source))
        lost = rnd.choice(["", "{", "}", ";", '"', "(", "$", "select", "\n#if 0\n"])
        source = source[:place] + lost + source[place + rnd.randrange(9) :]
    rules = parse(source)
    found, instrument = translated(rules, tmp_path / "made")
    told = [note for note in found.notes if "not understood" in note.message]
    assert len(told) == len(rules.mistakes)
    assert instrument.name == "TOY"


@pytest.mark.parametrize("text", ["yes", "1", "a: b", "x\x7fy", "#", "é", "\\", "- a", "{b}", "'"])
def test_any_text_of_a_rule_comes_back_from_the_files(text, tmp_path):
    _, instrument = toy(f'if A == "{text}" then {{ DO.CATG = "T_{text}"; }}', tmp_path)
    (rule,) = instrument.classification.rules
    assert (rule.raw_type, rule.when) == (f"T_{text}", {"A": text})
