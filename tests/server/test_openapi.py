"""The API answers any request as its description says."""

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given, settings

from server.serving import FROM_OUR_PAGES

EXAMPLES = 8
APART = {"/v1/ask"}  # it needs a model


def test_the_api_does_as_it_says(served):
    """A plain loop: what is asked is made from the description, which a running server has to give first."""
    schemathesis = pytest.importorskip("schemathesis", reason="schemathesis is not installed")
    schema = schemathesis.openapi.from_url(f"{served.url}/openapi.json")
    operations = [found.ok() for found in schema.get_all_operations()]
    assert len(operations) > 15
    for operation in operations:
        if operation.path not in APART:
            check(operation)


def check(operation):
    from schemathesis.specs.openapi.checks import positive_data_acceptance

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def does_as_it_says(case):
        # A question of nothing but commas is text, and still can't be searched for.
        case.call_and_validate(headers=FROM_OUR_PAGES, excluded_checks=[positive_data_acceptance])

    does_as_it_says()


def test_the_description_names_every_route_and_its_errors(served):
    described = httpx.get(f"{served.url}/openapi.json").json()
    assert set(described["paths"]) >= {
        "/v1/search", "/v1/documents", "/v1/documents/{document_id}", "/v1/documents/{document_id}/source",
        "/v1/jobs", "/v1/jobs/{job_id}", "/v1/jobs/{job_id}/events", "/v1/pages/{page_id}",
        "/v1/pages/{page_id}/image", "/v1/pages/{page_id}/heatmap", "/v1/pages/{page_id}/explanation",
        "/v1/embeddings", "/v1/library", "/v1/health", "/v1/ready", "/v1/session", "/metrics",
    }  # fmt: skip
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            assert operation.get("summary") or operation.get("description"), (method, path)
            assert "application/problem+json" in operation["responses"]["4XX"]["content"], (method, path)
