import hashlib
import json
import random
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vltflow.core.identity import content_hash, new_id

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


@given(values)
def test_equal_content_has_an_equal_hash_after_any_journey(value):
    assert content_hash(json.loads(json.dumps(value))) == content_hash(value)


@given(st.dictionaries(st.text(), st.integers(), min_size=2), st.randoms())
def test_the_order_of_keys_does_not_matter(value, chance):
    keys = list(value)
    chance.shuffle(keys)
    assert content_hash({key: value[key] for key in keys}) == content_hash(value)


@given(values, values)
def test_different_content_has_a_different_hash(one, other):
    same = json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    assert (content_hash(one) == content_hash(other)) == same


def test_the_hash_is_the_one_written_down_in_products():
    expected = hashlib.sha256(b'{"a":[1,2.5,null],"b":"\\u00e9"}').hexdigest()
    assert content_hash({"b": "é", "a": (1, 2.5, None)}) == expected


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_numbers_that_json_does_not_know_are_refused(number):
    with pytest.raises(ValueError, match="JSON"):
        content_hash({"a": number})


def test_identifiers_are_unique_and_ascend_with_time(monkeypatch):
    assert len({new_id() for _ in range(10_000)}) == 10_000
    assert re.fullmatch("[0-9a-f]{32}", new_id())
    times = sorted(random.Random(1).sample(range(10**18, 2 * 10**18), 20))
    monkeypatch.setattr(time, "time_ns", iter(times).__next__)
    identifiers = [new_id() for _ in times]
    assert identifiers == sorted(identifiers)
