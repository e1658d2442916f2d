"""Rules evaluated themselves: the last true one wins, key by key."""

import pytest

from vltflow.instruments.oca import parse
from vltflow.instruments.oca.evaluation import evaluate, holds

HEADER = {
    "INSTRUME": "TOY",
    "MJD-OBS": 57000.5,
    "ESO DPR TYPE": "LAMP,FLAT",
    "ESO DET CHIPS": 2,
    "ESO DET ON": True,
}


def condition(text):
    return parse(f'if {text} then {{ A = "b"; }}').rules[0].condition


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ('INSTRUME == "TOY"', True),
        ('INSTRUME == "TO"', False),
        ('INSTRUME != "UVES"', True),
        ('ABSENT != "UVES"', False),
        ('not ABSENT == "UVES"', True),
        ("DET.CHIPS == 2", True),
        ("DET.CHIPS == 2.", True),
        ('DET.CHIPS == "2"', False),
        ("2 < DET.CHIPS", False),
        ("DET.CHIPS <= 2 and DET.CHIPS >= 2", True),
        ("MJD-OBS > 57000.", True),
        ('DPR.TYPE like "%FLAT%"', True),
        ('DPR.TYPE like "FLAT"', False),
        ('DPR.TYPE like "LAMP_FLAT"', True),
        ('DPR.TYPE like "%flat%"', False),
        ('DPR.TYPE regexp "^LAMP"', True),
        ("ABSENT is undefined", True),
        ("DPR.TYPE is undefined", False),
        ("DPR.TYPE is string and DET.CHIPS is not string", True),
        ("DET.CHIPS is number", True),
        ("DET.ON is boolean", True),
        ('DET.CHIPS == 1 or DET.CHIPS == 2 and DPR.TYPE like "%BIAS%"', False),
        ('(DET.CHIPS == 1 or DET.CHIPS == 2) and DPR.TYPE like "%LAMP%"', True),
    ],
)
def test_a_condition_holds_or_not(text, wanted):
    assert holds(condition(text), HEADER) is wanted


def test_the_last_true_rule_wins_key_by_key():
    rules = parse(
        """
        if INSTRUME == "TOY" then { DO.CATG = "A"; RAW.TYPE = "T"; }
        if DET.CHIPS == 2 then { DO.CATG = "B"; }
        if DET.CHIPS == 3 then { DO.CATG = "C"; RAW.TYPE = "U"; }
        """
    ).rules
    labels = evaluate(rules, HEADER)
    assert (labels.raw_type, labels.tag) == ("T", "B")
    assert labels.lines == {"RAW.TYPE": 2, "DO.CATG": 3}


def test_a_frame_that_no_rule_knows_has_neither_raw_type_nor_tag():
    labels = evaluate(parse('if INSTRUME == "X" then { DO.CATG = "A"; }').rules, HEADER)
    assert (labels.raw_type, labels.tag) == ("", "")


def test_of_do_catg_and_do_class_the_one_that_was_set_last_is_the_tag():
    rules = parse(
        'if DET.CHIPS == 2 then { DO.CLASS = "A"; }\nif DET.CHIPS == 2 then { DO.CATG = "B"; }\n'
        'if DET.CHIPS == 2 then { DO.CLASS = "C"; }'
    ).rules
    assert evaluate(rules, HEADER).tag == "C"


def test_rules_see_what_rules_before_them_computed():
    rules = parse(
        """
        if INSTRUME == "TOY" then { INS.LAMP = DPR.TYPE like "LAMP%"; INS.COPY = DPR.TYPE; }
        if INS.LAMP then { DO.CATG = "LIT"; if INS.COPY == "LAMP,FLAT" then { RAW.TYPE = "F"; } }
        """
    ).rules
    labels = evaluate(rules, HEADER)
    assert (labels.raw_type, labels.tag) == ("F", "LIT")
