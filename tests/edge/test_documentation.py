"""The OpenAPI document, the page to try it, operations, and the headers that every answer carries."""

import asyncio

import pytest
from openapi_pydantic import OpenAPI

from server.edge.headers import DATA_POLICY, PAGE_POLICY
from server.edge.problem_schema import example_of
from server.errors import Problem, Unavailable


def references(value):
    match value:
        case {"$ref": str() as reference}:
            yield reference
        case dict():
            for member in value.values():
                yield from references(member)
        case list():
            for member in value:
                yield from references(member)


@pytest.fixture
async def document(edge):
    answer = await edge.client().get("/api/openapi.json")
    assert answer.status_code == 200
    return answer.json()


async def test_the_document_describes_every_endpoint(edge, document):
    assert document["openapi"].startswith("3.1")
    OpenAPI.model_validate(document)
    for endpoint in edge.endpoints:
        operation = document["paths"][endpoint.path][endpoint.method.lower()]
        assert operation["summary"]
        for status in endpoint.answers:
            assert str(status) in operation["responses"]
        for fault in endpoint.all_faults:
            assert str(fault.status) in operation["responses"] or fault.__name__ == "Refused"


async def test_every_reference_of_the_document_leads_somewhere(document):
    found = set(references(document))
    assert found
    for reference in found:
        part = document
        for key in reference.removeprefix("#/").split("/"):
            part = part[key.replace("~1", "/")]


async def test_operations_have_names_of_their_own(document):
    names = [operation["operationId"] for item in document["paths"].values() for operation in item.values()]
    assert len(names) == len(set(names))


async def test_every_body_has_an_example_and_every_fault_too(document):
    for path, item in document["paths"].items():
        for operation in item.values():
            for media in operation.get("requestBody", {}).get("content", {}).values():
                assert media["example"], path
    for response in document["components"]["responses"].values():
        examples = response["content"]["application/problem+json"]["examples"].values()
        assert all(example["value"]["status"] >= 400 for example in examples)


async def test_the_document_says_who_may_call(document):
    assert document["paths"]["/api/me"]["get"]["security"] == [{"bearer": []}, {"cookie": []}]
    assert document["paths"]["/api/auth/login"]["post"]["security"] == []


async def test_every_type_of_problem_leads_to_a_place_on_the_page(document):
    places = {
        example["value"]["code"]
        for response in document["components"]["responses"].values()
        for example in response["content"]["application/problem+json"]["examples"].values()
    } | set(document["x-violations"])
    assert places >= {"not_found", "unavailable", "min_duration", "ambiguous_time", "conflict"}
    assert all(message.endswith(".") for message in document["x-violations"].values())


async def test_the_document_is_kept_by_its_etag(edge):
    first = await edge.client().get("/api/openapi.json")
    again = await edge.client().get("/api/openapi.json", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


async def test_the_page_needs_nothing_from_elsewhere(edge):
    page = await edge.client().get("/api/docs")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["content-security-policy"] == PAGE_POLICY
    for name, media_type in (("docs.js", "text/javascript"), ("docs.css", "text/css")):
        assert f"/api/docs/{name}" in page.text
        part = await edge.client().get(f"/api/docs/{name}")
        assert part.status_code == 200
        assert part.headers["content-type"].startswith(media_type)
        assert "http://" not in part.text
        assert "https://" not in part.text
    for unknown in ("docs.html", "x", "..%2f..%2fapp.py", "%00"):
        assert (await edge.client().get(f"/api/docs/{unknown}")).status_code == 404


@pytest.mark.parametrize("path", ["/api/docs", "/api/openapi.json", "/api/nothing", "/healthz", "/api/me"])
async def test_every_answer_carries_the_security_headers(edge, path):
    answer = await edge.client().get(path)
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-frame-options"] == "DENY"
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert "strict-transport-security" not in answer.headers
    if path != "/api/docs":
        assert answer.headers["content-security-policy"] == DATA_POLICY
    safe = await edge.client(base_url="https://baygrid.test").get(path)
    assert safe.headers["strict-transport-security"] == "max-age=31536000"


async def test_health_is_of_the_process_alone(edge, database):
    await database.close()
    answer = await edge.client().get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


async def test_readiness_is_of_every_part(edge):
    async def fine():
        return None

    async def away():
        raise Unavailable("The database is away")

    async def lagging():
        return "12 versions behind"

    async def broken():
        raise RuntimeError("secret")

    edge.checks.update(postgres=fine)
    ready = await edge.client().get("/readyz")
    assert (ready.status_code, ready.json()) == (200, {"status": "ready", "checks": {"postgres": "ok"}})
    edge.checks.update(bus=away, replicas=lagging, other=broken)
    answer = await edge.client().get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {
        "status": "not ready",
        "checks": {
            "postgres": "ok",
            "bus": "The database is away",
            "replicas": "12 versions behind",
            "other": "RuntimeError",
        },
    }


async def test_readiness_does_not_wait_for_ever(edge, monkeypatch):
    monkeypatch.setattr("server.edge.routes.operations.CHECK_SECONDS", 0.01)
    edge.checks["bus"] = asyncio.Event().wait
    answer = await edge.client().get("/readyz")
    assert answer.json()["checks"]["bus"].startswith("no answer within")


async def test_metrics_count_requests_by_route(edge):
    await edge.client().get("/api/admin/users/123456789")
    await edge.client().request("BREW", "/api/me")
    answer = await edge.client().get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    line = 'baygrid_http_requests_total{method="GET",route="/api/admin/users/{user_id}",status="401"}'
    assert line in answer.text
    assert "123456789" not in answer.text
    assert "BREW" not in answer.text


def test_every_problem_can_be_told_in_the_document():
    def kinds(kind):
        for each in kind.__subclasses__():
            yield each
            yield from kinds(each)

    for kind in kinds(Problem):
        if kind.__module__ == "server.errors":
            assert example_of(kind)["code"]
