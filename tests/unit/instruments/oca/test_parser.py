"""Rules become a syntax tree, wholly; what makes no sense becomes a mistake with its line."""

import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vltflow.core.errors import UnreadableFile
from vltflow.instruments.oca import parse, parse_file
from vltflow.instruments.oca.parser import OPERATORS, RESERVED, SETTINGS
from vltflow.instruments.oca.tokens import scan
from vltflow.instruments.oca.tree import (
    Action,
    And,
    Assignment,
    Comparison,
    Execute,
    Is,
    Key,
    Not,
    Number,
    Or,
    Product,
    RecipeCall,
    Rule,
    RuleFile,
    SelectFile,
    Setting,
    Text,
)
from vltflow.instruments.oca.writing import write

# ---------------------------------------------------------------- any tree survives writing

_WORDS = st.from_regex(r"[A-Z][A-Z0-9_]{0,6}(\.[A-Z0-9]{1,4}){0,2}(-[A-Z]{2,3})?", fullmatch=True)
_NAMES = _WORDS.filter(lambda name: name not in RESERVED | SETTINGS)
_TEXTS = st.text(string.ascii_letters + string.digits + "%_,.=- /*#'", max_size=12)
_NUMBERS = st.from_regex(r"[+-]?(\d{1,5}\.?\d{0,3}|\.\d{1,3})([eE][+-]?\d)?", fullmatch=True)
_OPERANDS = st.one_of(
    st.builds(Key, _NAMES, st.booleans()), st.builds(Text, _TEXTS), st.builds(Number, _NUMBERS)
)
_SIMPLE = st.one_of(
    st.builds(Comparison, st.sampled_from(sorted(OPERATORS)), _OPERANDS, _OPERANDS),
    st.builds(Is, _OPERANDS, _NAMES, st.booleans()),
    _OPERANDS,
)


def _parts(kind, inner):
    """And of Ands is one And: the tree has no other way to say it."""
    fitting = inner.filter(lambda part: not isinstance(part, kind))
    return st.builds(kind, st.lists(fitting, min_size=2, max_size=3).map(tuple))


_EXPRESSIONS = st.recursive(
    _SIMPLE,
    lambda inner: st.one_of(st.builds(Not, inner), _parts(And, inner), _parts(Or, inner)),
    max_leaves=8,
)
_ASSIGNMENTS = st.builds(Assignment, _NAMES, _EXPRESSIONS)
_RULES = st.recursive(
    st.builds(Rule, _EXPRESSIONS, st.lists(_ASSIGNMENTS, max_size=3).map(tuple)),
    lambda inner: st.builds(
        Rule, _EXPRESSIONS, st.lists(_ASSIGNMENTS | inner, max_size=2).map(tuple)
    ),
    max_leaves=3,
)
_WHOLE = st.builds(Number, st.integers(0, 99).map(str))
_SETTINGS = st.builds(Setting, st.sampled_from(sorted(SETTINGS)), _WHOLE)
_CONDITIONS = st.none() | _EXPRESSIONS
_SOURCES = st.sampled_from(["inputFiles", "calibFiles", "rawFiles"])
_LISTS = st.lists(_NAMES, min_size=1, max_size=3).map(tuple)
_GROUPINGS = st.one_of(st.just(((), ())), st.tuples(_LISTS, st.just(())), st.tuples(_LISTS, _LISTS))
_EXECUTES = st.builds(
    lambda action, source, condition, grouping: Execute(action, source, condition, *grouping),
    _NAMES, _SOURCES, _CONDITIONS, _GROUPINGS,
)  # fmt: skip
_ACTIONS = st.builds(
    Action,
    _NAMES,
    st.lists(
        st.one_of(
            _SETTINGS,
            st.builds(SelectFile, _NAMES, _SOURCES, _CONDITIONS),
            st.builds(RecipeCall, _NAMES, st.lists(_TEXTS, max_size=2).map(tuple)),
            st.builds(Product, _NAMES, st.lists(_ASSIGNMENTS, max_size=2).map(tuple)),
        ),
        max_size=4,
    ).map(tuple),
)
_FILES = st.lists(st.one_of(_RULES, _SETTINGS, _EXECUTES, _ACTIONS), max_size=4).map(
    lambda statements: RuleFile(tuple(statements))
)


@pytest.mark.slow
@settings(max_examples=300)
@given(_FILES)
def test_a_tree_that_is_written_is_parsed_as_the_same_tree(tree):
    parsed = parse(write(tree))
    assert parsed.mistakes == ()
    assert parsed == tree


# ---------------------------------------------------------------- ESO's own files

# Rules, organisation rules and actions of the versions in Debian 12.
STATEMENTS = {
    "amber-4.4.3": (35, 14, 4), "giraf-2.16.10": (37, 7, 7), "hawki-2.4.11": (77, 11, 8),
    "muse-2.8.7": (47, 12, 16), "naco-4.4.11": (50, 21, 13), "uves-6.1.8": (394, 49, 38),
    "vimos-4.1.7": (84, 21, 20), "visir-4.4.2": (75, 39, 14),
}  # fmt: skip


def _meaning(source: str) -> list[tuple[str, str]]:
    """Tokens without parentheses: those of conditions are written only where they matter."""
    return [(one.kind, one.text) for one in scan(source).tokens if one.text not in "()"]


def test_every_token_of_a_genuine_rule_file_is_in_the_tree(genuine):
    source = genuine.read_text()
    tree = parse_file(genuine)
    assert tree.mistakes == ()
    assert _meaning(write(tree)) == _meaning(source)


def test_statements_of_a_genuine_rule_file_are_counted(genuine):
    package = genuine.parents[2].name
    if package not in STATEMENTS:
        pytest.skip(f"statements of {package} were never counted")
    tree = parse_file(genuine)
    assert (len(tree.rules), len(tree.executes), len(tree.actions)) == STATEMENTS[package]


def test_lines_are_those_of_the_file(genuine):
    lines = genuine.read_text().splitlines()
    for one in parse_file(genuine).statements:
        word = {Rule: "if", Action: "action", Execute: "select"}.get(type(one), "minRet")
        assert word in lines[one.line - 1]


# ---------------------------------------------------------------- what makes no sense

GOOD = 'if A == "x" then { B = "y"; }\n'


@pytest.mark.parametrize(
    ("source", "line", "words"),
    [
        ('if A = "x" then { B = "y"; }', 1, "expected 'then', found '='"),
        ('if A == then { B = "y"; }', 1, "expected a keyword, a text or a number, found 'then'"),
        ('\nif A == "x" then { B "y"; }', 2, "expected '=', found \"y\""),
        ('if A == "x then { B = "y"; }', 1, "no closing quote"),
        ('if A == "x" then\n{ B = "y";', 2, "this { has no }"),
        ("select execute(a) inputFiles;", 1, "expected 'from'"),
        ("select execute(a) from inputFiles group by;", 1, "expected a name, found ';'"),
        ("action a { minRet = x; }", 1, "expected a whole number, found 'x'"),
        ("action a { delete file b; }", 1, "expected a part of an action"),
        ('action a { recipe r { "--x" } }', 1, "expected ';', found '}'"),
        ("for A in B", 1, "expected a statement"),
        ("}", 1, "expected a statement"),
        ("/* never closed", 1, "has no end"),
        ('#include "macros.h"', 1, "preprocessor"),
        ("minRet = 3 $;", 1, "'$' has no meaning"),
    ],
)
def test_a_mistake_names_its_line_and_the_rest_is_read(source, line, words):
    tree = parse(f"{GOOD}{source}\n{GOOD}")
    assert any(words in one.message and one.line == line + 1 for one in tree.mistakes), (
        tree.mistakes
    )
    kept = tree.rules if "never closed" not in source and "no }" not in words else tree.rules[:1]
    assert parse(GOOD).rules[0] in kept
    if "closed" not in source and "no }" not in words and "quote" not in words:
        assert kept[-1].line == source.count("\n") + 3


def test_a_mistake_inside_an_action_leaves_the_rest_of_it():
    tree = parse("action a { minRet = ; maxRet = 1; select file as B from calibFiles; recipe r; }")
    assert [type(part) for part in tree.actions[0].body] == [Setting, SelectFile, RecipeCall]
    assert len(tree.mistakes) == 1


def test_an_action_without_its_closing_brace_ends_where_the_next_begins():
    tree = parse("action a { minRet = 1;\naction b { recipe r; }")
    assert [action.name for action in tree.actions] == ["b"]
    assert [str(one) for one in tree.mistakes] == ["line 1: this { has no }"]


def test_comments_and_lines_of_hashes_mean_nothing():
    tree = parse(f"// one\n/* two\n #### three */\n# four\n  #### five\n{GOOD}")
    assert (tree.mistakes, tree.rules[0].line) == ((), 6)


@pytest.mark.slow
@settings(max_examples=200)
@given(st.data())
def test_damaged_rules_give_mistakes_and_never_anything_else(data):
    source = write(data.draw(_FILES))
    at = data.draw(st.integers(0, len(source)))
    length = data.draw(st.integers(0, 10))
    damage = data.draw(st.text(string.printable, max_size=5))
    tree = parse(source[:at] + damage + source[at + length :])
    assert all(1 <= one.line <= one.last_line for one in tree.mistakes)


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.1, 0.37, 0.5, 0.83, 0.99])
def test_a_genuine_file_that_is_cut_off_gives_whole_statements_and_a_mistake(genuine, share):
    source = genuine.read_text()
    cut = source[: int(len(source) * share)]
    whole, part = parse(source), parse(cut)
    assert part.statements == whole.statements[: len(part.statements)]
    assert part.mistakes or len(_meaning(cut)) == len(_meaning(write(part)))


@pytest.mark.parametrize(
    "source",
    [
        "if " + "(" * 5000 + 'A == "x"' + ")" * 5000 + ' then { B = "y"; }',
        "if " + "not " * 5000 + 'A == "x" then { B = "y"; }',
        "if A then { " * 5000 + "}" * 5000,
    ],
)
def test_what_is_nested_without_end_is_a_mistake(source):
    tree = parse(f"{source}\n{GOOD}")
    assert "nested more than 50 times" in tree.mistakes[0].message
    assert tree.rules[-1].line == 2


def test_what_is_no_text_or_not_there_is_refused(tmp_path):
    with pytest.raises(UnreadableFile, match=r"absent\.oca: cannot be read"):
        parse_file(tmp_path / "absent.oca")
    (tmp_path / "image.oca").write_bytes(b"SIMPLE\0\0")
    with pytest.raises(UnreadableFile, match="binary data"):
        parse_file(tmp_path / "image.oca")
