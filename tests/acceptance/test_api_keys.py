"""What a support tool does with its key at a real node: within its scopes and locations, and no further."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from grid_engine.interval import HOUR
from server.clock import ManualClock
from server.commands import Command, Create
from server.principal import Principal
from server.service.access import SCOPES
from tests.acceptance.conftest import span
from tests.conftest import NOON
from tests.live.serving import open_socket
from tests.live_client import PUBLIC_FIELDS
from tests.running_node import RunningNode, running_node
from tests.venues import Town, Venue

START = NOON + 24 * HOUR


@pytest.fixture
async def node(database_url: str, clock: ManualClock) -> AsyncIterator[RunningNode]:
    async with running_node(database_url, clock) as node:
        yield node


@pytest.fixture
def town(database_url: str) -> Town:
    return Town(database_url)


@pytest.fixture
async def venue(town: Town) -> Venue:
    return await town.venue()


@pytest.fixture
async def ann(town: Town) -> Principal:
    return await town.person("Ann Able")


@pytest.fixture
async def admin(node: RunningNode, town: Town) -> AsyncIterator[httpx2.AsyncClient]:
    async with node.http(await town.person("Ada", "admin")) as client:
        yield client


async def make_key(admin: httpx2.AsyncClient, *scopes: str, at: Venue | None = None) -> dict[str, Any]:
    body = {"name": "Help desk", "scopes": scopes, "location_ids": None if at is None else [at.id]}
    made = await admin.post("/api/admin/api-keys", json=body)
    assert made.status_code == 201, made.text
    return dict(made.json())


def asking(node: RunningNode, key: str) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(base_url=node.address, headers={"authorization": f"Bearer {key}"})


async def booked(node: RunningNode, who: Principal, bay: int, start: int = START) -> dict[str, Any]:
    body = Create.model_validate({"resource_id": bay, **span(start)})
    return dict((await node.node.desk.perform(who, Command(op="create", body=body))).body)


async def test_a1_each_scope_opens_its_doors_and_no_others(
    node: RunningNode, venue: Venue, ann: Principal, admin: httpx2.AsyncClient
) -> None:
    booking = await booked(node, ann, venue.bays[0])
    here = {"location_id": venue.id}
    free = {**here, "date": "2027-06-02", "duration": 60}
    reading = {"grid:read", "bookings:read", "bookings:write"}
    about = {"bookings:read", "bookings:write"}
    place = {"resource_id": venue.bays[1], **span(START)}
    doors: list[tuple[str, str, dict[str, Any], set[str]]] = [
        ("GET", "/api/locations", {}, reading),
        ("GET", "/api/grid", {"params": {**here, "from": "2027-06-02"}}, reading),
        ("GET", "/api/availability", {"params": free}, reading),
        ("GET", "/api/availability", {"params": {**free, "user_id": ann.user_id}}, about),
        ("GET", "/api/bookings", {}, about),
        ("GET", f"/api/bookings/{booking['id']}", {}, about),
        ("GET", f"/api/bookings/{booking['id']}/events", {}, about),
        ("POST", "/api/bookings/judge", {"json": {**place, "user_id": ann.user_id}}, {"bookings:write"}),
        ("PATCH", f"/api/bookings/{booking['id']}", {"json": {"note": "x"}}, {"bookings:write"}),
        ("GET", "/api/users", {"params": {"q": "ann"}}, {"customers:read"}),
        ("GET", "/api/context", {"params": {"customer_id": ann.user_id}}, {"context:read"}),
        ("POST", "/api/holds", {"json": place}, set()),
        ("POST", f"/api/bookings/{booking['id']}/confirm", {}, set()),
        ("POST", f"/api/bookings/{booking['id']}/no-show", {}, set()),
        ("POST", f"/api/bookings/{booking['id']}/undo", {}, set()),
        ("POST", "/api/check-in", {"json": {"code": booking["code"]}}, set()),
        ("GET", "/api/me", {}, set()),
        ("GET", "/api/admin/users", {}, set()),
    ]
    wrong = []
    for scope in SCOPES:
        async with asking(node, (await make_key(admin, scope))["key"]) as tool:
            for method, path, more, scopes in doors:
                status = (await tool.request(method, path, **more)).status_code
                if status != (200 if scope in scopes else 403):
                    wrong.append((scope, method, path, status))
    assert wrong == []


async def test_a4_with_the_grid_alone_a_key_sees_busy_time_and_no_names(
    node: RunningNode, venue: Venue, ann: Principal, admin: httpx2.AsyncClient
) -> None:
    await booked(node, ann, venue.bays[0])
    asked: dict[str, Any] = {"location_id": venue.id, "from": "2027-06-02"}
    for scope, fields in (("grid:read", PUBLIC_FIELDS), ("bookings:read", None)):
        key = (await make_key(admin, scope))["key"]
        async with asking(node, key) as tool, open_socket(node.port, key) as socket:
            [over_http] = (await tool.get("/api/grid", params=asked)).json()["records"]
            [over_socket] = (await socket.subscribe(venue.id, "2027-06-02"))["records"]
            for record in (over_http, over_socket):
                if fields is None:
                    assert record["who"] == "Ann Able"
                else:
                    assert record.keys() == fields


async def test_a1_a_key_books_moves_and_cancels_for_customers_within_the_rules_and_the_audit_says_so(
    node: RunningNode, town: Town, venue: Venue, ann: Principal, admin: httpx2.AsyncClient
) -> None:
    made = await make_key(admin, "bookings:write")
    place = {"resource_id": venue.bays[0], **span(START)}
    async with asking(node, made["key"]) as tool:
        for_nobody = await tool.post("/api/bookings", json=place)
        assert (for_nobody.status_code, for_nobody.json()["errors"][0]["pointer"]) == (400, "/user_id")
        overriding = {**place, "user_id": ann.user_id, **span(START, 30), "override_reason": "asked"}
        assert (await tool.post("/api/bookings", json=overriding)).status_code in (403, 422)
        block = await tool.post("/api/bookings", json={**place, "type": "MAINTENANCE"})
        assert block.status_code == 403
        booking = await tool.post(
            "/api/bookings", json={**place, "user_id": ann.user_id}, headers={"idempotency-key": "k"}
        )
        assert booking.status_code == 201, booking.text
        again = await tool.post(
            "/api/bookings", json={**place, "user_id": ann.user_id}, headers={"idempotency-key": "k"}
        )
        assert again.json() == booking.json()
        walk_in = {"resource_id": venue.bays[1], **span(START), "visitor": {"name": "Vera"}}
        visit = (await tool.post("/api/bookings", json=walk_in)).json()
        path = f"/api/bookings/{visit['id']}"
        moved = await tool.post(f"{path}/reschedule", json=span(START + HOUR))
        assert (moved.status_code, moved.json()["reschedule_count"]) == (200, 0)
        assert (await tool.delete(path)).json()["status"] == "cancelled"
    assert booking.json()["created_by"] is None
    events = await town.fetch("SELECT event_type, actor_id, metadata FROM booking_events ORDER BY id")
    assert [row["event_type"] for row in events] == ["created", "created", "rescheduled", "cancelled"]
    assert {row["actor_id"] for row in events} == {None}
    assert {row["metadata"]["cause"] for row in events} == {f"api_key:{made['id']}"}


async def test_a3_a_key_for_one_location_knows_of_no_other(
    node: RunningNode, town: Town, venue: Venue, ann: Principal, admin: httpx2.AsyncClient
) -> None:
    elsewhere = await town.venue()
    bob = await town.person("Bob Builder")
    here, there = await booked(node, ann, venue.bays[0]), await booked(node, bob, elsewhere.bays[0])
    key = (await make_key(admin, *SCOPES, at=venue))["key"]
    async with asking(node, key) as tool, open_socket(node.port, key) as socket:
        listed = (await tool.get("/api/bookings")).json()["items"]
        assert [each["id"] for each in listed] == [here["id"]]
        assert (await tool.get("/api/bookings", params={"location_id": elsewhere.id})).json()["items"] == []
        for path in (f"/api/bookings/{there['id']}", f"/api/bookings/{there['id']}/events"):
            assert (await tool.get(path)).status_code == 404
        assert (await tool.delete(f"/api/bookings/{there['id']}")).status_code == 404
        grid: dict[str, Any] = {"location_id": elsewhere.id, "from": "2027-06-02"}
        assert (await tool.get("/api/grid", params=grid)).status_code == 404
        foreign = {"resource_id": elsewhere.bays[1], **span(START), "user_id": bob.user_id}
        assert (await tool.post("/api/bookings", json=foreign)).status_code == 404
        found = [
            each["name"]
            for name in ("ann", "bob")
            for each in (await tool.get("/api/users", params={"q": name})).json()["items"]
        ]
        assert found == ["Ann Able"]
        assert (await socket.subscribe(elsewhere.id))["status"] == 404
        assert (await socket.subscribe(venue.id))["t"] == "snapshot"


async def test_a3_what_is_there_for_others_is_answered_as_what_is_not_there(
    node: RunningNode, town: Town, venue: Venue, ann: Principal, admin: httpx2.AsyncClient
) -> None:
    elsewhere = await town.venue()
    booking = await booked(node, ann, elsewhere.bays[0])
    bob = await town.person("Bob Builder")
    key = (await make_key(admin, *SCOPES, at=venue))["key"]

    def questions(booking_id: str, resource_id: int) -> list[tuple[str, str, dict[str, Any] | None]]:
        path = f"/api/bookings/{booking_id}"
        place = {"resource_id": resource_id, **span(START)}
        return [
            ("GET", path, None),
            ("GET", f"{path}/events", None),
            ("PATCH", path, {"note": "x"}),
            ("DELETE", path, None),
            ("POST", f"{path}/reschedule", span(START)),
            ("POST", f"{path}/confirm", {}),
            ("POST", "/api/bookings/judge", {"booking_id": booking_id, **span(START)}),
            ("POST", "/api/bookings/judge", {**place, "user_id": bob.user_id}),
            ("POST", "/api/bookings", {**place, "user_id": bob.user_id}),
        ]

    there = questions(booking["id"], elsewhere.bays[1])
    nowhere = questions("018f0000-0000-7000-8000-000000000000", 999_999)
    async with asking(node, key) as tool, node.http(bob) as customer:
        for client, asked in ((tool, 9), (customer, 7)):  # customers know of all resources
            for known, unknown in zip(there[:asked], nowhere, strict=False):
                answers = [await client.request(each[0], each[1], json=each[2]) for each in (known, unknown)]
                assert [answer.status_code for answer in answers] == [404, 404], known
                assert answers[0].content == answers[1].content, known


async def test_a5_a_keys_open_socket_follows_its_scopes_and_ends_with_it(
    node: RunningNode, venue: Venue, ann: Principal, admin: httpx2.AsyncClient
) -> None:
    await booked(node, ann, venue.bays[0])
    made = await make_key(admin, "bookings:read")
    path = f"/api/admin/api-keys/{made['id']}"
    async with open_socket(node.port, made["key"]) as socket:
        [record] = (await socket.subscribe(venue.id, "2027-06-02"))["records"]
        assert record["who"] == "Ann Able"
        await admin.patch(path, json={"scopes": ["grid:read"]})
        async with asyncio.timeout(5):
            assert (await socket.next_of("resync"))["location"] == venue.id
        [record] = (await socket.subscribe(venue.id, "2027-06-02"))["records"]
        assert record.keys() == PUBLIC_FIELDS
        await admin.patch(path, json={"scopes": ["context:read"]})
        async with asyncio.timeout(5):
            assert (await socket.next_of("resync"))["location"] == venue.id
        assert (await socket.subscribe(venue.id, "2027-06-02"))["status"] == 403
        await socket.send(
            t="command", id="c", op="create", args={"resource_id": venue.bays[1], **span(START)}
        )
        assert (await socket.next_of("nak"))["status"] == 403
        await admin.delete(path)
        async with asyncio.timeout(5):
            assert (await socket.end())[1] == 4401
