"""The endpoint layer by itself: made-up endpoints, everything a stranger can send, through HTTP."""

import json
import logging
import uuid
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict, Field
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from grid_engine.interval import Interval
from rules.model import Suggestion, Violation
from server.commands import Body, Id, Name, Text, Time
from server.edge.endpoint import Answer, Endpoint, Endpoints
from server.edge.parsing import MAX_BODY_BYTES, Preconditions
from server.edge.serving import EXCEPTION_HANDLERS, routes_of
from server.errors import NotFound, Refused, TooMany, Unauthenticated
from server.principal import Principal


class Thing(Body):
    name: Name
    size: Id = 1
    note: Text | None = None
    at: Time | None = None
    parts: list[int] = Field(default_factory=list)


class ThingQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")
    size: int = 0
    word: str | None = None


class OpenDoor:
    async def admit(self, request: Request, endpoint: Endpoint) -> Principal | None:
        if not endpoint.signed_in:
            return None
        if "authorization" not in request.headers:
            raise Unauthenticated
        return Principal(user_id=7, role="admin")


def things() -> Endpoints:
    endpoints = Endpoints("Things")

    @endpoints.post("/api/things", summary="Make", answer=dict[str, Any], status=201)
    async def make(body: Thing) -> dict[str, Any]:
        return body.model_dump(mode="json")

    @endpoints.get("/api/things", summary="List", answer=dict[str, Any])
    async def list_things(query: ThingQuery) -> dict[str, Any]:
        return query.model_dump()

    @endpoints.get("/api/things/{thing_id}", summary="One", answer=dict[str, Any])
    async def one(thing_id: int) -> Answer:
        return Answer(body={"id": thing_id}, etag="42")

    @endpoints.patch("/api/things/{thing_id}", summary="Change", answer=dict[str, Any])
    async def change(
        thing_id: int, preconditions: Preconditions, idempotency_key: str | None, body: Thing | None
    ) -> dict[str, Any]:
        preconditions.check("42")
        return {"version": preconditions.version, "key": idempotency_key, "body": body and body.name}

    @endpoints.get("/api/things/special", summary="A word among ids", answer=dict[str, Any])
    async def special() -> dict[str, Any]:
        return {"id": "special"}

    @endpoints.get("/api/units/{unit_id}", summary="By UUID", answer=dict[str, Any])
    async def unit(unit_id: uuid.UUID, caller: Principal) -> dict[str, Any]:
        return {"id": str(unit_id), "caller": caller.user_id}

    @endpoints.post("/api/faults/{kind}", summary="Fails", limited=False)
    async def fail(kind: str) -> None:
        match kind:
            case "refused":
                raise Refused(
                    [
                        Violation(code="min_duration", params={"minimum": 90}, overridable=True),
                        Violation(code="conflict", params={"until_time": 1812204000}),
                    ],
                    [Suggestion(resource_id=3, interval=Interval(1812204000, 1812207600))],
                    [(2, Interval(1812204000, 1812207600))],
                )
            case "missing":
                raise NotFound
            case "busy":
                raise TooMany(retry_after=9)
            case _:
                raise RuntimeError("a secret of the house")

    return endpoints


async def crash(_: Request) -> PlainTextResponse:
    raise RuntimeError("a secret of the house")


@pytest.fixture
def client() -> TestClient:
    app = Starlette(
        routes=[*routes_of(things(), OpenDoor()), Route("/crash", crash)],
        exception_handlers=EXCEPTION_HANDLERS,
    )
    return TestClient(app, raise_server_exceptions=False)


def post(client: TestClient, raw: bytes | str, content_type: str = "application/json") -> Any:
    return client.post("/api/things", content=raw, headers={"content-type": content_type})


def test_a_body_is_parsed_and_answered(client):
    answer = post(client, '{"name": "x", "at": "2027-06-05T14:00:00Z"}')
    assert answer.status_code == 201
    assert answer.json()["at"] == "2027-06-05T14:00:00Z"
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "content_type",
    ["application/json; charset=utf-8", 'Application/JSON;charset="UTF-8"', "application/json ; x=y"],
)
def test_json_with_parameters_is_json(client, content_type):
    assert post(client, '{"name": "x"}', content_type).status_code == 201


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/xml", "application/json; charset=latin-1", "", "json"]
)
def test_other_media_types_are_415(client, content_type):
    answer = post(client, '{"name": "x"}', content_type)
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"nonsense",
        b'{"name": "x"} trailing',
        b'\xef\xbb\xbf{"name": "x"}',
        b'{"name": "\xff"}',
        b'{"name": "x\x00"}',
        b'{"name": "x", "size": NaN}',
        b'{"name": "x", "size": Infinity}',
        b'{"name": "x", "size": 1e999}',
        b'{"name": "x", "name": "y"}',
        b'{"name": "x", "size": ' + b"9" * 5000 + b"}",
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b'{"name": "x", "parts": ' + b"[" * 500 + b"]" * 500 + b"}",
    ],
)
def test_what_is_not_json_is_400_invalid_json(client, raw):
    answer = post(client, raw)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_json")


@pytest.mark.parametrize(
    ("document", "pointers"),
    [
        ([], [""]),
        (None, [""]),
        ("x", [""]),
        ({}, ["/name"]),
        ({"name": " "}, ["/name"]),
        ({"name": "x", "more": 1}, ["/more"]),
        ({"name": 5, "size": "5", "parts": ["x", 1, None]}, ["/name", "/size", "/parts/0", "/parts/2"]),
        ({"name": "x", "size": 2**63}, ["/size"]),
        ({"name": "x", "size": 10**400}, ["/size"]),
        ({"name": "x", "size": True}, ["/size"]),
        ({"name": "x", "size": 1.0}, ["/size"]),
        ({"name": "nul\x00"}, ["/name"]),
        ({"name": "lone\ud800"}, ["/name"]),
        ({"name": "x", "a/b~\udfff": {"c": ["\x00"]}}, ["", "/a~1b~0?/c/0"]),
        ({"name": "x", "at": "2027-06-05"}, ["/at"]),
        ({"name": "x", "at": "9999-12-31T23:59:59-23:00"}, ["/at"]),
    ],
)
def test_wrong_fields_are_400_with_a_pointer_to_each(client, document, pointers):
    answer = post(client, json.dumps(document))
    body = answer.json()
    assert (answer.status_code, body["code"]) == (400, "invalid_request")
    assert [error["pointer"] for error in body["errors"]] == pointers
    assert all(error["message"] for error in body["errors"])


def test_a_body_over_a_mebibyte_is_413_without_being_read(client):
    assert post(client, b" " * (MAX_BODY_BYTES + 1)).status_code == 413

    sent = 0

    def endless():
        nonlocal sent
        for _ in range(64):
            sent += 1
            yield b" " * 65536

    answer = client.post("/api/things", content=endless(), headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


def test_a_body_just_within_the_limit_is_read(client):
    assert post(client, '{"name": "x"}' + " " * (MAX_BODY_BYTES - 13)).status_code == 201


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("nope=1", "query:nope"),
        ("size=x", "query:size"),
        ("size=1&size=2", "query:size"),
        ("size=", "query:size"),
        ("word=%00", "query:word"),
        ("size=" + "9" * 5000, "query:size"),
    ],
)
def test_wrong_queries_are_400(client, query, pointer):
    answer = client.get(f"/api/things?{query}")
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")
    assert answer.json()["errors"][0]["pointer"] == pointer


@pytest.mark.parametrize("query", ["word=%ff", "&".join(f"a{n}=1" for n in range(200))])
def test_unreadable_queries_are_400(client, query):
    assert client.get(f"/api/things?{query}").status_code == 400


def test_a_query_is_parsed(client):
    assert client.get("/api/things?size=5&word=a%20b").json() == {"size": 5, "word": "a b"}


@pytest.mark.parametrize(
    "path_id",
    [
        "0",
        "-1",
        "01",
        "x",
        "1.0",
        "2147483648",
        "9" * 30,
        "\N{ARABIC-INDIC DIGIT FIVE}",
        "%00",
        "%ff",
        "1%2f2",
        " 1",
    ],
)
def test_malformed_ids_in_paths_are_404(client, path_id):
    answer = client.get(f"/api/things/{path_id}")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert answer.headers["content-type"] == "application/problem+json"


def test_uuids_in_paths(client):
    known = uuid.uuid4()
    headers = {"authorization": "Bearer x"}
    assert client.get(f"/api/units/{str(known).upper()}", headers=headers).json() == {
        "id": str(known),
        "caller": 7,
    }
    for malformed in ("x", f"{{{known}}}", known.hex, f"{known}0"):
        assert client.get(f"/api/units/{malformed}", headers=headers).status_code == 404


def test_words_come_before_ids(client):
    assert client.get("/api/things/special").json() == {"id": "special"}


@pytest.mark.parametrize(
    "path", ["/api/nothing", "/api/things/", "/api/things/1/2", "/api/", "/api/things//1"]
)
@pytest.mark.parametrize("method", ["GET", "POST", "BREW"])
def test_unknown_paths_under_api_are_404_problems(client, path, method):
    answer = client.request(method, path)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_another_method_is_405_with_allow(client):
    for method in ("DELETE", "PUT", "TRACE", "BREW"):
        answer = client.request(method, "/api/things")
        assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
        assert answer.headers["allow"] == "GET, HEAD, OPTIONS, POST"


def test_options_tells_what_is_allowed(client):
    answer = client.options("/api/things/1")
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS, PATCH"


def test_head_is_get_without_its_body(client):
    got, head = client.get("/api/things/1"), client.head("/api/things/1")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == got.headers["content-length"] == str(len(got.content))
    assert client.head("/api/things/x").status_code == 404


def test_an_etag_is_honoured(client):
    assert client.get("/api/things/1").headers["etag"] == '"42"'
    for tags in ('"42"', 'W/"42"', '"41", "42"', "*"):
        answer = client.get("/api/things/1", headers={"if-none-match": tags})
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", '"42"')
    assert client.get("/api/things/1", headers={"if-none-match": '"41"'}).status_code == 200


@pytest.mark.parametrize(
    ("if_match", "status", "version"),
    [(None, 200, None), ("*", 200, None), ('"42"', 200, 42), ('"41","42"', 200, 42)],
)
def test_if_match_that_holds(client, if_match, status, version):
    answer = client.patch("/api/things/1", headers={} if if_match is None else {"if-match": if_match})
    assert (answer.status_code, answer.json()["version"]) == (status, version)


def test_if_match_that_fails_is_412(client):
    for tags in ('"41"', 'W/"42"', '"x"'):
        answer = client.patch("/api/things/1", headers={"if-match": tags})
        assert (answer.status_code, answer.json()["code"]) == (412, "stale")


@pytest.mark.parametrize("header", ["", "42", '"42', '"a" "b"', "x" * 1000])
def test_malformed_if_match_is_400(client, header):
    answer = client.patch("/api/things/1", headers={"if-match": header})
    assert answer.json()["errors"][0]["pointer"] == "header:If-Match"


def test_idempotency_keys(client):
    assert client.patch("/api/things/1", headers={"idempotency-key": "a-1"}).json()["key"] == "a-1"
    for wrong in ("", "a b", "x" * 201):
        answer = client.patch("/api/things/1", headers={"idempotency-key": wrong})
        assert answer.json()["errors"][0]["pointer"] == "header:Idempotency-Key"


def test_an_optional_body_may_be_left_out(client):
    assert client.patch("/api/things/1").json()["body"] is None
    assert client.patch("/api/things/1", json={"name": "x"}).json()["body"] == "x"
    assert (
        client.patch("/api/things/1", content=b"{}", headers={"content-type": "text/plain"}).status_code
        == 415
    )


def test_a_refusal_tells_all_of_it(client):
    answer = client.post("/api/faults/refused")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "type": "/api/docs#min_duration",
        "title": "The rules refuse this",
        "status": 422,
        "code": "min_duration",
        "detail": "A booking here lasts at least 1 hour 30 minutes. This time is already taken.",
        "violations": [
            {
                "code": "min_duration",
                "message": "A booking here lasts at least 1 hour 30 minutes.",
                "params": {"minimum": 90},
                "overridable": True,
            },
            {
                "code": "conflict",
                "message": "This time is already taken.",
                "params": {"until_time": "2027-06-05T14:00:00Z"},
                "overridable": False,
            },
        ],
        "suggestions": [
            {"resource_id": 3, "start_time": "2027-06-05T14:00:00Z", "end_time": "2027-06-05T15:00:00Z"}
        ],
        "conflicts": [
            {"resource_id": 2, "start_time": "2027-06-05T14:00:00Z", "end_time": "2027-06-05T15:00:00Z"}
        ],
    }


def test_problems_without_violations_have_empty_lists(client):
    body = client.post("/api/faults/missing").json()
    assert (body["violations"], body["suggestions"], body["conflicts"]) == ([], [], [])


def test_retry_after_is_told(client):
    answer = client.post("/api/faults/busy")
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "9")


def test_unauthenticated_names_the_scheme(client):
    answer = client.get(f"/api/units/{uuid.uuid4()}")
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'Bearer realm="baygrid"')


@pytest.mark.parametrize(("method", "path"), [("POST", "/api/faults/bug"), ("GET", "/crash")])
def test_the_unexpected_is_logged_and_told_by_its_trace_id_alone(client, caplog, capsys, method, path):
    with caplog.at_level(logging.ERROR):
        answer = client.request(method, path)
    assert answer.status_code == 500
    assert "secret" not in answer.text
    logged = caplog.text + "".join(capsys.readouterr())
    assert answer.json()["trace_id"] in logged


def test_what_starlette_refuses_is_a_problem_too(client):
    assert client.get("/nowhere").json()["code"] == "not_found"
    answer = client.post("/crash")
    assert (answer.status_code, answer.json()["code"], set(answer.headers["allow"].split(", "))) == (
        405,
        "method_not_allowed",
        {"GET", "HEAD"},
    )


async def test_declarations_that_do_not_add_up_are_refused_at_once():
    endpoints = Endpoints("Wrong")

    async def unknown(something: int) -> None: ...
    async def missing() -> None: ...
    async def wrong_kind(thing_id: float) -> None: ...
    async def wrong_query(query: int) -> None: ...
    async def wrong_caller(caller: int) -> None: ...
    def not_async(thing_id: int) -> None: ...

    handlers: list[Any] = [unknown, missing, wrong_kind, wrong_query, wrong_caller, not_async]
    for handler in handlers:
        with pytest.raises(TypeError):
            endpoints.get("/api/x/{thing_id}", summary="")(handler)
    with pytest.raises(TypeError):
        endpoints.post("/api/x", summary="", limited=True)(missing)
    with pytest.raises(TypeError):
        routes_of([*things(), *things()], OpenDoor())
