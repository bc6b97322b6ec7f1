"""What is said of the API in general, held against every operation of its document.

Belongs here: promises that an operation keeps by being declared: pages, strict names, ids, media types, entity tags. Does not
belong here: what somebody thought of for one door (``tests/fuzz``). A new operation is under test as soon as it is declared.
"""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from grid_engine.interval import HOUR
from server.clock import ManualClock
from server.commands import format_instant
from server.edge.parsing import MAX_BODY_BYTES
from server.embedded import EmbeddedPostgres
from server.principal import Principal
from tests.acceptance.conftest import copied_database
from tests.conftest import NOON
from tests.document_requests import Names, Request, requests_of, signed_in_operations
from tests.running_node import RunningNode, running_node
from tests.venues import Town, Venue

pytestmark = pytest.mark.asyncio(loop_scope="module")  # as the node that they share

TOMORROW = NOON + 24 * HOUR
SIGNED = "/api/webhooks/"
"""Whoever cannot sign what they send is told nothing else."""
FILLED_LATER = {
    "GET /api/admin/patterns",
    "GET /api/admin/notifications",
    "GET /api/bookings/{booking_id}/notifications",
}
"""Lists of what is kept aside of the commands that it comes from: they may still be empty."""


def span(start: int, minutes: int = 60) -> dict[str, str]:
    return {"start_time": format_instant(start), "end_time": format_instant(start + minutes * 60)}


@dataclass
class World:
    """A node with a few of everything, and its document."""

    node: RunningNode
    venue: Venue
    people: dict[str, Principal]
    document: dict[str, Any] = field(default_factory=dict)
    names: Names = field(default_factory=lambda: Names(path={}))
    booking: str = ""

    async def call(self, who: str, method: str, path: str, **request: Any) -> httpx2.Response:
        async with self.node.http(self.people[who]) as client:
            return await client.request(method, path, **request)

    def requests(self, *methods: str) -> Iterator[tuple[dict[str, Any], Request]]:
        """(the operation as described, a request that is right) of each operation, but for what must be signed."""
        for request in requests_of(self.document, self.names):
            _, path = request.operation.split(" ")
            if request.method in methods and not path.startswith(SIGNED):
                yield self.document["paths"][path][request.method], request

    def lists(self) -> list[Request]:
        """A request of each list, of all that is on it at the venue."""
        found = {}
        for operation, request in self.requests("get"):
            content = operation["responses"]["200"].get("content", {}).get("application/json", {})
            if content.get("schema", {}).get("$ref", "").startswith("#/components/schemas/Page_"):
                here = {"location_id"} & {each["name"] for each in operation["parameters"]}
                found[request.operation] = replace(request, params=dict.fromkeys(here, self.venue.id))
        return list(found.values())


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(postgres_server: EmbeddedPostgres, template_database: str) -> AsyncIterator[World]:
    url = await copied_database(postgres_server, template_database, "contract")
    town = Town(url)
    venue = await town.venue(policy={"concurrent_limit": 100})
    await town.venue(bays=1)
    people = {
        "admin": await town.person("Ada Admin", "admin"),
        "staff": await town.person("Sam Staff", "staff", [venue]),
        "ann": await town.person("Ann Able"),
        "bob": await town.person("Bob Brown"),
    }
    async with running_node(url, ManualClock(NOON)) as node:
        world = World(node, venue, people)
        made: dict[str, list[Any]] = {}
        async with node.http(people["admin"]) as admin:

            async def post(path: str, parameter: str, **body: Any) -> None:
                answer = await admin.post(path, json=body)
                assert answer.status_code == 201, answer.text
                told = answer.json()
                made.setdefault(parameter, []).append(told.get("id") or told[parameter])

            for who, bay in (("ann", 0), ("bob", 1), ("ann", 2), ("bob", 3)):
                place = {"resource_id": venue.bays[bay], **span(TOMORROW)}
                await post("/api/bookings", "booking_id", **place, user_id=people[who].user_id)
            for number in range(3):
                await post(
                    "/api/admin/blackouts",
                    "blackout_id",
                    location_id=venue.id,
                    reason="x",
                    **span(TOMORROW + 99 * HOUR),
                )
                await post(
                    "/api/admin/bookings/block",
                    "series_id",
                    location_id=venue.id,
                    resource_ids=[venue.bays[0]],
                    type="TRAINING",
                    reason="x",
                    **span(TOMORROW + (20 + number) * HOUR),
                )
                await post("/api/admin/devices", "device_id", location_id=venue.id, name=f"Kiosk {number}")
                await post("/api/admin/api-keys", "key_id", name=f"Key {number}", scopes=["grid:read"])
                restriction = {"restriction_type": "MAX_CONCURRENT", "value": 90 + number, "reason": "x"}
                await post(
                    f"/api/admin/users/{people['ann'].user_id}/restrictions", "restriction_id", **restriction
                )
                note = await admin.patch(f"/api/bookings/{made['booking_id'][0]}", json={"note": f"{number}"})
                assert note.status_code == 200, note.text
                analysed = {"location_id": venue.id, "from": "2027-05-01", "to": f"2027-05-0{number + 2}"}
                insight = await admin.post("/api/admin/insights/optimize-schedule", json=analysed)
                assert insight.is_success, insight.text
                for thread in ("thread-1", f"other-{number}"):
                    asked = {"customer_id": people["ann"].user_id, "thread_id": thread}
                    assert (await admin.get("/api/context", params=asked)).status_code == 200
            world.document = (await admin.get("/api/openapi.json")).json()
        world.booking = made["booking_id"][0]
        world.names = Names(
            path={
                **{name: ids[:1] for name, ids in made.items()},
                "hold_id": made["booking_id"][:1],
                "location_id": [venue.id],
                "resource_id": [venue.bays[0]],
                "user_id": [people["ann"].user_id],
                "thread_id": ["thread-1"],
            },
            queries=({"location_id": venue.id, "date": "2027-06-02", "duration": 60},),
            body={"resource_id": venue.bays[0], "location_id": venue.id},
        )
        yield world


async def refusals(
    client: httpx2.AsyncClient, wrong: list[tuple[str, Request, dict[str, Any], tuple[int, str], str | None]]
) -> list[str]:
    """What is told otherwise than expected, of (what, request, changes to it, (status, code), pointer); all sent at once."""
    gate = asyncio.Semaphore(8)

    async def one(
        what: str, request: Request, changes: dict[str, Any], expected: tuple[int, str], pointer: str | None
    ) -> str | None:
        sent: dict[str, Any] = {"params": dict(request.params), "json": request.json} | changes
        async with gate:
            answer = await client.request(
                sent.pop("method", request.method), sent.pop("path", request.path), **sent
            )
        body = answer.json() if answer.headers.get("content-type") == "application/problem+json" else {}
        pointers = [each["pointer"] for each in body.get("errors", ())]
        if (answer.status_code, body.get("code")) == expected and (pointer is None or pointer in pointers):
            return None
        return f"{what} at {request.operation}: {answer.status_code} {answer.text[:300]}"

    assert wrong
    return [each for each in await asyncio.gather(*(one(*each) for each in wrong)) if each]


STRANGE: dict[type, tuple[Any, ...]] = {
    int: (2**31, 253_402_300_799, 253_402_300_800, 2**53 - 1, 2**63, -1, -62_135_596_800, 1 - 2**53),
    str: ("", "x", "00000000-0000-0000-0000-000000000000", "\N{SNOWMAN}" * 50, "\x00"),
}


def encoded(key: list[Any]) -> str:
    """A cursor as ours are."""
    return base64.urlsafe_b64encode(json.dumps(key).encode()).decode().rstrip("=")


BAD_CURSORS = ("x", "W10", "bnVsbA", "eyJhIjoxfQ", "WzEsMiwzLDQsNV0", "%00", "W251bGxd", "é")


async def test_every_list_takes_limit_and_cursor_and_refuses_what_is_none(world: World) -> None:
    lists = world.lists()
    assert {"GET /api/bookings", "GET /api/users", "GET /api/bookings/{booking_id}/events"} <= {
        each.operation for each in lists
    }
    wrong: list[tuple[str, Request, dict[str, Any], tuple[int, str], str | None]] = []
    for request in lists:
        described = world.document["paths"][request.operation.split(" ")[1]]["get"]["parameters"]
        limit = next(each["schema"] for each in described if each["name"] == "limit")
        assert (limit["minimum"], limit["maximum"]) == (1, 200), request.operation
        for value in ("0", "201", "-1", "1.5", "many", ""):
            params = {**request.params, "limit": value}
            wrong.append(
                (f"limit={value}", request, {"params": params}, (400, "invalid_request"), "query:limit")
            )
        for value in BAD_CURSORS:
            params = {**request.params, "cursor": value}
            wrong.append(
                (f"cursor={value}", request, {"params": params}, (400, "invalid_request"), "query:cursor")
            )
    async with world.node.http(world.people["admin"]) as admin:
        assert await refusals(admin, wrong) == []


async def test_no_cursor_of_a_lists_form_is_an_error_of_ours_whatever_is_in_it(world: World) -> None:
    tried: set[str] = set()
    async with world.node.http(world.people["admin"]) as admin:
        for request in world.lists():
            first = await admin.get(request.path, params={**request.params, "limit": 1})
            given = first.json()["next_cursor"]
            if given is None:
                continue
            key = json.loads(base64.urlsafe_b64decode(given + "=="))
            for place, part in enumerate(key):
                for strange in STRANGE[type(part)]:
                    cursor = encoded([*key[:place], strange, *key[place + 1 :]])
                    answer = await admin.get(request.path, params={**request.params, "cursor": cursor})
                    assert answer.status_code in (200, 400), (request.operation, key, strange, answer.text)
                    tried.add(request.operation)
    assert {each.operation for each in world.lists()} - tried <= FILLED_LATER


async def test_every_list_is_the_same_read_whole_or_one_by_one(world: World) -> None:
    async with world.node.http(world.people["admin"]) as admin:
        for request in world.lists():
            whole = (await admin.get(request.path, params={**request.params, "limit": 200})).json()
            assert whole.keys() == {"items", "next_cursor"}, request.operation
            assert whole["next_cursor"] is None
            assert len(whole["items"]) > 1 or request.operation in FILLED_LATER, request.operation
            found: list[Any] = []
            cursor = None
            while len(found) <= len(whole["items"]):
                params = {**request.params, "limit": 1} | ({} if cursor is None else {"cursor": cursor})
                page = (await admin.get(request.path, params=params)).json()
                assert len(page["items"]) <= 1
                found += page["items"]
                cursor = page["next_cursor"]
                if cursor is None:
                    break
            assert found == whole["items"], request.operation


async def test_bookings_and_blackouts_are_in_order_of_start_and_id(world: World) -> None:
    for path in ("/api/bookings", "/api/blackouts"):
        answer = await world.call("staff", "GET", path, params={"location_id": world.venue.id})
        items = answer.json()["items"]
        keys = [(each["start_time"], each["id"]) for each in items]
        assert keys == sorted(keys)
        assert len(keys) > 2
        assert len({start for start, _ in keys}) < len(keys)


async def test_names_that_are_not_described_are_400_in_every_query_and_every_body(world: World) -> None:
    signed_in = set(signed_in_operations(world.document))
    wrong: list[tuple[str, Request, dict[str, Any], tuple[int, str], str | None]] = []
    for _, request in world.requests("get", "post", "put", "patch", "delete"):
        if request.operation in signed_in:
            params = {**request.params, "surprise": "1"}
            wrong.append(("a query", request, {"params": params}, (400, "invalid_request"), "query:surprise"))
        if request.json is not None:
            body = {**request.json, "surprise": 1}
            wrong.append(("a body", request, {"json": body}, (400, "invalid_request"), "/surprise"))
    async with world.node.http(world.people["admin"]) as admin:
        assert await refusals(admin, wrong) == []


async def test_every_body_is_json_of_at_most_a_mebibyte(world: World) -> None:
    wrong: list[tuple[str, Request, dict[str, Any], tuple[int, str], str | None]] = []
    for _, request in world.requests("post", "put", "patch"):
        if request.json is None:
            continue
        media: dict[str, Any] = {"json": None, "content": b"{}", "headers": {"content-type": "text/plain"}}
        wrong.append(("text", request, media, (415, "unsupported_media_type"), None))
        long: dict[str, Any] = {
            "json": None,
            "content": b" " * (MAX_BODY_BYTES + 1),
            "headers": {"content-type": "application/json"},
        }
        wrong.append(("a long body", request, long, (413, "too_large"), None))
        cut: dict[str, Any] = {
            "json": None,
            "content": b'{"',
            "headers": {"content-type": "application/json"},
        }
        wrong.append(("half a body", request, cut, (400, "invalid_json"), None))
    async with world.node.http(world.people["admin"]) as admin:
        assert await refusals(admin, wrong) == []


async def test_every_malformed_id_in_a_path_is_404(world: World) -> None:
    wrong: list[tuple[str, Request, dict[str, Any], tuple[int, str], str | None]] = []
    for operation, request in world.requests("get", "post", "put", "patch", "delete"):
        template = request.operation.split(" ")[1]
        for parameter in operation.get("parameters", ()):
            if (
                parameter["in"] != "path"
                or parameter["schema"].get("format", parameter["schema"]["type"]) == "string"
            ):
                continue
            for value in ("0", "-1", "1.5", "x", "99999999999", "%00", "018f0000-0000-7000-8000-00000000000"):
                path = template.replace(f"{{{parameter['name']}}}", value)
                for name, ids in world.names.path.items():
                    path = path.replace(f"{{{name}}}", str(ids[0]))
                wrong.append((value, request, {"path": path}, (404, "not_found"), None))
    async with world.node.http(world.people["admin"]) as admin:
        assert await refusals(admin, wrong) == []


async def test_every_path_refuses_the_methods_that_it_has_not_and_names_those_it_has(world: World) -> None:
    async with world.node.http(world.people["admin"]) as admin:
        for path, operations in world.document["paths"].items():
            has = {method.upper() for method in operations}
            filled = path
            for name, ids in world.names.path.items():
                filled = filled.replace(f"{{{name}}}", str(ids[0]))
            for method in {"GET", "POST", "PUT", "PATCH", "DELETE"} - has:
                answer = await admin.request(
                    method, filled.replace("{token}", "x").replace("{name}", "docs.js")
                )
                assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed"), (
                    method,
                    path,
                )
                allowed = set(answer.headers["allow"].split(", "))
                assert allowed == has | {"OPTIONS"} | ({"HEAD"} if "GET" in has else set()), path


async def test_a_booking_has_an_etag_and_if_match_of_an_older_one_is_412(world: World) -> None:
    path = f"/api/bookings/{world.booking}"
    read = await world.call("ann", "GET", path)
    etag = read.headers["etag"]
    assert etag == f'"{read.json()["version"]}"'
    assert read.headers["vary"] == "authorization, cookie"
    unchanged = await world.call("ann", "GET", path, headers={"if-none-match": etag})
    assert (unchanged.status_code, unchanged.content, unchanged.headers["etag"]) == (304, b"", etag)
    changed = await world.call("ann", "PATCH", path, json={"note": "first"}, headers={"if-match": etag})
    assert (changed.status_code, changed.headers["etag"] != etag) == (200, True)
    for method, tail, body in (
        ("PATCH", "", {"note": "second"}),
        ("POST", "/reschedule", span(TOMORROW + 6 * HOUR)),
        ("DELETE", "", None),
        ("POST", "/confirm", {}),
    ):
        stale = await world.call("ann", method, path + tail, json=body, headers={"if-match": etag})
        assert (stale.status_code, stale.json()["code"]) == (412, "stale"), (method, tail)
    after = await world.call("ann", "GET", path, headers={"if-none-match": etag})
    assert (after.status_code, after.json()["note"], after.headers["etag"]) == (
        200,
        "first",
        changed.headers["etag"],
    )
    matching = f'"1", {changed.headers["etag"]}'
    assert (
        await world.call("ann", "PATCH", path, json={"note": "third"}, headers={"if-match": matching})
    ).is_success


async def test_a_grids_etag_is_of_its_version_and_of_whom_it_is_shown_to(world: World) -> None:
    asked = {"location_id": world.venue.id, "from": "2027-06-02", "days": 1}

    async def look(who: str, etag: str | None = None, **more: Any) -> httpx2.Response:
        headers = {} if etag is None else {"if-none-match": etag}
        return await world.call(who, "GET", "/api/grid", params={**asked, **more}, headers=headers)

    staff, ann = await look("staff"), await look("ann")
    assert (staff.status_code, ann.status_code) == (200, 200)
    tags = {who: answer.headers["etag"] for who, answer in (("staff", staff), ("ann", ann))}
    body = staff.json()
    assert tags["staff"].startswith(f'"{body["epoch"]}-{body["version"]}-')
    assert tags["staff"] != tags["ann"]
    assert (await look("bob")).headers["etag"] == tags["ann"], "customers are shown the same"
    for who, etag in tags.items():
        unchanged = await look(who, etag)
        assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert (await look("ann", tags["staff"])).status_code == 200

    place = {"resource_id": world.venue.bays[0], **span(TOMORROW + 12 * HOUR)}
    booked = await world.call("bob", "POST", "/api/bookings", json=place)
    assert booked.status_code == 201, booked.text
    version = booked.json()["version"]
    for who, etag in tags.items():
        newer = await look(who, etag, min_version=version)
        assert (newer.status_code, newer.json()["version"] >= version) == (200, True)
    # A version that nobody has yet is not waited for.
    assert (await look("staff", min_version=version + 1_000)).status_code == 200
    for wrong in (-1, "x", 1.5):
        assert (await look("staff", min_version=wrong)).status_code == 400


async def test_the_document_tells_of_tags_and_of_waiting(world: World) -> None:
    for path in ("/api/bookings/{booking_id}", "/api/grid", "/calendar/{token}.ics", "/api/openapi.json"):
        operation = world.document["paths"][path]["get"]
        assert "ETag" in operation["responses"]["200"]["headers"]
        assert "ETag" in operation["responses"]["304"]["headers"]
        assert "If-None-Match" in [each["name"] for each in operation["parameters"]]
    for operations in world.document["paths"].values():
        for operation in operations.values():
            for status in {"429", "503"} & operation["responses"].keys():
                response = operation["responses"][status]
                if "$ref" in response:
                    response = world.document["components"]["responses"][response["$ref"].rsplit("/", 1)[1]]
                readiness = "application/json" in response["content"]
                assert readiness or response["headers"]["Retry-After"]["required"] is True
