"""An execution differs for some setups, a derived keyword follows from others."""

import pytest
from pydantic import ValidationError

from vltflow.instruments.derived import DerivedKeyword
from vltflow.instruments.execution import Execution

EXECUTION = Execution.model_validate(
    {
        "recipe": "combine",
        "parameters": {"method": "median", "nifu": -1},
        "environment": {"OMP_NUM_THREADS": "4"},
        "cores": 4,
        "cases": [
            {"when": {"DET.CHIPS": 1}, "parameters": {"nifu": 1}, "cores": 1},
            {"when": {"DET.CHIPS": {"below": 5}}, "memory_mb": 3000},
        ],
    }
)


def test_the_first_case_that_holds_changes_what_it_names_and_no_more():
    found = EXECUTION.under({"DET.CHIPS": 1})
    assert found.parameters == {"method": "median", "nifu": 1}
    assert found.environment == {"OMP_NUM_THREADS": "4"}
    assert (found.cores, found.memory_mb) == (1, EXECUTION.memory_mb)


def test_a_later_case_counts_where_the_first_does_not_hold():
    found = EXECUTION.under({"DET.CHIPS": 4})
    assert (found.parameters["nifu"], found.cores, found.memory_mb) == (-1, 4, 3000)


@pytest.mark.parametrize("setup", [{"DET.CHIPS": 24}, {"DET.CHIPS": None}, {}])
def test_without_a_case_the_execution_stays_as_it_is(setup):
    assert EXECUTION.under(setup) is EXECUTION


def test_a_case_has_no_unknown_keys():
    with pytest.raises(ValidationError, match="recipe"):
        Execution.model_validate({"recipe": "a", "cases": [{"when": {}, "recipe": "b"}]})


def test_a_derived_keyword_has_the_value_of_the_first_case_or_none():
    keyword = DerivedKeyword.model_validate(
        {
            "name": "INS.KIND",
            "cases": [
                {"when": {"INS.A": {"like": "Blue%"}}, "value": "blue"},
                {"when": {"INS.A": {"undefined": False}}, "value": "other"},
            ],
        }
    )
    values = [keyword.value(header) for header in ({"ESO INS A": "Blue2"}, {"ESO INS A": "C"}, {})]
    assert values == ["blue", "other", None]
