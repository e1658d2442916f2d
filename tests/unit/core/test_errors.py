import inspect
import re

import pytest

from vltflow.core import errors

CLASSES = {
    name: one
    for name, one in inspect.getmembers(errors, inspect.isclass)
    if one.__module__ == errors.__name__
}


def documented_tree() -> dict[str, str]:
    """Parent of each class, as the drawing in the module's text has it."""
    parents, path = {}, ["VltflowError"]
    for line in errors.__doc__.splitlines():
        drawn = re.match(r"( {4})((?:│   |    )*)[├└]── (\w+)", line)
        if drawn:
            depth = len(drawn[2]) // 4 + 1
            parents[drawn[3]] = path[depth - 1]
            path[depth:] = [drawn[3]]
    return parents


def test_the_drawing_shows_the_classes_as_they_are():
    real = {name: one.__base__.__name__ for name, one in CLASSES.items() if name != "VltflowError"}
    assert documented_tree() == real


def test_each_class_has_a_code_of_its_own():
    codes = [vars(one)["code"] for one in CLASSES.values()]
    assert len(set(codes)) == len(codes) == len(CLASSES)
    assert all(re.fullmatch(r"[a-z_]+", code) for code in codes)


def test_a_hint_follows_the_message_as_a_sentence():
    assert str(errors.UserError("no such AB")) == "no such AB"
    assert str(errors.UserError("no such AB", hint="Look again")) == "no such AB. Look again"
    assert str(errors.UserError("no such AB.", hint="Look again")) == "no such AB. Look again"


def test_the_failure_of_an_algorithm_shows_and_carries_its_numbers():
    error = errors.AlgorithmFailure("too few", numbers={"n": 3, "rms": 0.5}, hint="Take more")
    assert str(error) == "too few (n=3, rms=0.5). Take more"
    assert error.numbers == {"n": 3, "rms": 0.5}


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_every_error_is_caught_at_the_edge(name):
    assert issubclass(CLASSES[name], errors.VltflowError)
