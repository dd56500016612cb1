"""The API answers as its description says, whatever it is asked."""

import httpx
import pytest

schemathesis = pytest.importorskip("schemathesis", reason="schemathesis is not installed")

from hypothesis import HealthCheck, Phase, settings

from server.serving import FROM_OUR_PAGES

EXAMPLES = 8


@pytest.fixture(scope="module")
def described(served):
    return schemathesis.openapi.from_url(f"{served.url}/openapi.json")


schema = schemathesis.pytest.from_fixture("described")


@schema.exclude(path="/mcp").exclude(path="/v1/ask").exclude(method="DELETE").parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
    derandomize=True,
)
def test_the_api_does_as_it_says(case):
    case.call_and_validate(
        headers=FROM_OUR_PAGES,
        excluded_checks=[schemathesis.checks.positive_data_acceptance]
        if hasattr(schemathesis.checks, "positive_data_acceptance")
        else [],
    )


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
