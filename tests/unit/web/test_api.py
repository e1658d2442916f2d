"""The API holds what its description says, and breaks on nothing."""

import pytest
from hypothesis import HealthCheck, Phase, given, settings

schemathesis = pytest.importorskip("schemathesis")


@pytest.mark.slow
def test_no_request_that_the_description_allows_breaks_the_server(web, add_judged) -> None:
    add_judged(web.store, "A")
    web.login("ada")
    web.client._transport.raise_server_exceptions = False
    schema = schemathesis.openapi.from_dict(web.get("/api/openapi.json").json())
    operations = [found.ok() for found in schema.get_all_operations()]
    assert {one.path for one in operations} >= {"/api/nights", "/api/ab/{name}/decision"}
    csrf = web.csrf()
    for operation in operations:

        @given(case=operation.as_strategy())
        @settings(
            max_examples=25, deadline=None, database=None, derandomize=True,
            suppress_health_check=list(HealthCheck), phases=[Phase.generate],
        )  # fmt: skip
        def ask(case) -> None:
            arguments = case.as_transport_kwargs(base_url="https://localhost")
            arguments["headers"] = dict(arguments["headers"]) | {"X-CSRF-Token": csrf}
            arguments.pop("cookies", None)
            answer = web.client.request(**arguments)
            assert answer.status_code < 500, answer.text

        ask()
