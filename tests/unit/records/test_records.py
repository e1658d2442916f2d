import ast
import dataclasses
import inspect
from enum import StrEnum
from pathlib import Path

import pytest

import vltflow.records
from vltflow.records import (
    ACTIVE_STATES,
    FINAL_STATES,
    BatchState,
    BlockState,
    Colour,
    Decision,
    JobState,
    MasterState,
    MatchState,
    ProductState,
    Right,
    Role,
    ScienceState,
    StaticState,
    ThresholdMethod,
)

PUBLIC = [getattr(vltflow.records, name) for name in vltflow.records.__all__]
RECORDS = [one for one in PUBLIC if dataclasses.is_dataclass(one)]
ENUMS = [one for one in PUBLIC if inspect.isclass(one) and issubclass(one, StrEnum)]
MODULES = sorted(Path(vltflow.records.__file__).parent.glob("*.py"))


def test_all_public_classes_are_records_or_words():
    assert len(RECORDS) + len(ENUMS) == sum(inspect.isclass(one) for one in PUBLIC)


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.__name__)
def test_a_record_is_frozen_has_slots_and_no_behaviour(record):
    assert record.__dataclass_params__.frozen
    assert "__slots__" in vars(record)
    own = [name for name, one in vars(record).items() if inspect.isfunction(one)]
    assert all(name.startswith("__") for name in own)


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.__name__)
def test_a_record_cannot_be_changed_but_can_be_replaced(record):
    values = {field.name: field.name for field in dataclasses.fields(record)}
    one = record(**values)
    name = next(iter(values))
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(one, name, "changed")
    assert getattr(dataclasses.replace(one, **{name: "changed"}), name) == "changed"


@pytest.mark.parametrize("words", ENUMS, ids=lambda words: words.__name__)
def test_each_word_is_its_own_text(words):
    assert all(words(str(word)) is word for word in words)
    assert len({word.lower() for word in words}) == len(words)


@pytest.mark.parametrize("words", [BatchState, BlockState, JobState, MatchState, ProductState])
def test_each_state_says_what_can_be_relied_upon(words):
    (source,) = [path for path in MODULES if f"class {words.__name__}(" in path.read_text()]
    body = next(
        node.body
        for node in ast.parse(source.read_text()).body
        if isinstance(node, ast.ClassDef) and node.name == words.__name__
    )
    for member, text in zip(body[1::2], body[2::2], strict=True):
        assert isinstance(member, ast.Assign)
        assert isinstance(ast.literal_eval(text.value), str)
    assert len(body) == 2 * len(words) + 1


def test_a_job_is_active_or_final():
    assert set(JobState) == ACTIVE_STATES | FINAL_STATES
    assert not ACTIVE_STATES & FINAL_STATES


def test_the_words_are_the_ones_that_are_stored():
    # Changing a word needs a migration of what is stored under it.
    stored = {
        words.__name__: " ".join(words)
        for words in (
            BlockState,
            MatchState,
            ProductState,
            MasterState,
            StaticState,
            ScienceState,
            Colour,
            Decision,
            BatchState,
            Right,
            Role,
        )
    }
    assert stored == {
        "BlockState": "PLANNED BLOCKED RUNNING SUCCEEDED PARTIAL FAILED ABORTED",
        "MatchState": "VIRTUAL REAL MISSING",
        "ProductState": "CREATED CERTIFIED REJECTED REVOKED SUPERSEDED",
        "MasterState": "VALID REVOKED SUPERSEDED",
        "StaticState": "VALID SUPERSEDED WITHDRAWN",
        "ScienceState": "PUBLISHED HIDDEN",
        "Colour": "green red grey",
        "BatchState": "RUNNING DONE",
        "Decision": "AUTO ACCEPTED REJECTED REVOKED",
        "Right": "read decide operate administer",
        "Role": "viewer qc-scientist operator admin",
    }
    assert {words.__name__ for words in ENUMS} - set(stored) == {
        JobState.__name__,
        ThresholdMethod.__name__,
    }
    assert " ".join(JobState) == stored["BlockState"]
