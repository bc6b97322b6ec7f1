"""The outbox, what was said about a booking, and saying it again: through HTTP, on a whole node."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest

from grid_engine.interval import HOUR
from server.clock import ManualClock
from server.commands import format_instant
from server.principal import Principal
from tests.conftest import NOON
from tests.running_node import RunningNode, running_node
from tests.venues import Town, Venue

TOMORROW = NOON + 24 * HOUR
CONFIRMATION = {"kind": "confirmation"}


@dataclass(frozen=True, kw_only=True)
class Place:
    """A node with two venues, people of every kind signed in, and a booking at the first venue by each way."""

    town: Town
    node: RunningNode
    venue: Venue
    people: dict[str, Principal]
    clients: dict[str, httpx2.AsyncClient]
    booking: str
    visited: str

    async def again(self, who: str = "staff", booking: str | None = None, **options: Any) -> httpx2.Response:
        """Has the confirmation sent again."""
        path = f"/api/bookings/{booking or self.booking}/notifications"
        return await self.clients[who].post(path, json=CONFIRMATION, **options)

    async def listed(self, who: str = "staff", **query: Any) -> list[dict[str, Any]]:
        """The outbox as somebody sees it."""
        answer = await self.clients[who].get("/api/admin/notifications", params=query)
        assert answer.status_code == 200, answer.text
        items: list[dict[str, Any]] = answer.json()["items"]
        return items


@pytest.fixture
async def place(database_url: str, clock: ManualClock) -> AsyncIterator[Place]:
    town = Town(database_url)
    venue, elsewhere = await town.venue(), await town.venue()
    people = {
        "admin": await town.person("Ada", "admin"),
        "operator": await town.person("Otto", "operator"),
        "staff": await town.person("Sam", "staff", [venue]),
        "stranger": await town.person("Sue", "staff", [elsewhere]),
        "owner": await town.person("Ann"),
        "customer": await town.person("Bob"),
    }
    await town.fetch("UPDATE users SET phone = '+15550000001' WHERE name = 'Ann'")
    async with running_node(database_url, clock) as node, AsyncExitStack() as stack:
        clients = {who: await stack.enter_async_context(node.http(person)) for who, person in people.items()}

        async def book(who: str, bay: int, **fields: Any) -> str:
            span = {"start_time": format_instant(TOMORROW), "end_time": format_instant(TOMORROW + HOUR)}
            body = {"resource_id": venue.bays[bay], **span, **fields}
            answer = await clients[who].post("/api/bookings", json=body)
            assert answer.status_code == 201, answer.text
            return str(answer.json()["id"])

        yield Place(
            town=town,
            node=node,
            venue=venue,
            people=people,
            clients=clients,
            booking=await book("owner", 0),
            visited=await book("staff", 1, visitor={"name": "Walt", "phone": "+15550000002"}),
        )


async def test_n1_staff_send_a_confirmation_again(place: Place) -> None:
    answer = await place.again()
    assert answer.status_code == 202
    (email,) = answer.json()["items"]
    assert {
        name: email[name] for name in ("kind", "channel", "recipient", "status", "attempts", "error")
    } == {
        "kind": "confirmation",
        "channel": "email",
        "recipient": "ann@example.com",
        "status": "outbox",
        "attempts": 0,
        "error": None,
    }
    assert email["subject"] == "Your booking at Fairway on Wednesday 2 June 2027"
    assert "Bay 1 at Fairway, Wednesday 2 June 2027, 08:00–09:00" in email["body"]
    assert (email["booking_id"], email["location_id"]) == (place.booking, place.venue.id)
    assert (await place.clients["owner"].patch("/api/me", json={"sms_consent": True})).status_code == 200
    sms, _ = (await place.again()).json()["items"]
    assert (sms["channel"], sms["recipient"], sms["subject"]) == ("sms", "+15550000001", None)
    (visitor,) = (await place.again(booking=place.visited)).json()["items"]
    assert (visitor["channel"], visitor["recipient"], visitor["user_id"]) == ("sms", "+15550000002", None)
    assert len(await place.listed()) == 4
    audited = await place.town.fetch("SELECT actor_id FROM audit_events WHERE event_type = 'sent_again'")
    assert {row["actor_id"] for row in audited} == {place.people["staff"].user_id}
    assert len(audited) == 4


async def test_n1_nobody_is_told_where_nobody_can_be_reached(place: Place) -> None:
    await place.town.fetch("UPDATE visitors SET phone = NULL")
    answer = await place.again(booking=place.visited)
    assert (answer.status_code, answer.json()) == (202, {"items": []})


async def test_n1_only_staff_there_and_admins_send_and_only_what_is_confirmed(place: Place) -> None:
    statuses = {who: (await place.again(who)).status_code for who in place.clients}
    assert statuses == {
        "admin": 202,
        "operator": 403,
        "staff": 202,
        "stranger": 404,
        "owner": 403,
        "customer": 404,
    }
    assert (await place.again(booking=str(uuid.uuid4()))).status_code == 404
    staff = place.clients["staff"]
    path = f"/api/bookings/{place.booking}"
    wrong = await staff.post(f"{path}/notifications", json={"kind": "sign_in_code"})
    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (400, "/kind")
    assert (await staff.delete(path)).status_code == 200
    answer = await place.again()
    assert (answer.status_code, answer.json()["code"]) == (409, "not_active")
    span = {"start_time": format_instant(TOMORROW), "end_time": format_instant(TOMORROW + HOUR)}
    stale = await place.again(headers={"if-match": '"0"'})
    assert (stale.status_code, stale.json()["code"]) == (412, "stale")
    block = await place.clients["admin"].post(
        "/api/bookings", json={"resource_id": place.venue.bays[3], "type": "MAINTENANCE", **span}
    )
    assert (await place.again("admin", block.json()["id"])).status_code == 409


async def test_g7_a_repeated_key_sends_nothing_more(place: Place) -> None:
    keyed: dict[str, Any] = {"headers": {"idempotency-key": "again-1"}}
    answers = await asyncio.gather(*(place.again(**keyed) for _ in range(4)))
    assert all((answer.status_code, answer.json()) == (202, answers[0].json()) for answer in answers)
    assert len(await place.listed()) == 1
    other = await place.again(booking=place.visited, **keyed)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_mismatch")
    path = f"/api/bookings/{place.booking}"
    cancelled = await place.clients["staff"].delete(path, **keyed)
    assert cancelled.status_code == 422
    assert (await place.clients["staff"].delete(path)).status_code == 200
    assert (await place.again(**keyed)).json() == answers[0].json(), (
        "the key is looked up before anything is judged"
    )
    assert len(await place.listed()) == 1


async def test_n6_staff_read_the_outbox_of_their_locations_and_admins_alone_read_codes(place: Place) -> None:
    async with place.node.http() as nobody:
        for path in ("code", "reset"):
            assert (
                await nobody.post(f"/api/auth/{path}", json={"email": "ann@example.com"})
            ).status_code == 202
        assert (await nobody.get("/api/admin/notifications")).status_code == 401
    await place.again()
    kinds = {
        who: [each["kind"] for each in await place.listed(who)]
        for who in ("admin", "operator", "staff", "stranger")
    }
    assert kinds == {
        "admin": ["confirmation", "reset_code", "sign_in_code"],
        "operator": ["confirmation"],
        "staff": ["confirmation"],
        "stranger": [],
    }
    for who in ("operator", "staff", "stranger"):
        for query in ({"kind": "sign_in_code"}, {"kind": "reset_code"}):
            assert await place.listed(who, **query) == []
    for who in ("owner", "customer"):
        answer = await place.clients[who].get("/api/admin/notifications")
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


async def test_n3_what_was_said_about_a_booking_stands_by_it(place: Place) -> None:
    await place.again()
    await place.town.fetch(
        "UPDATE notifications SET status = 'failed', error = 'no such mailbox', attempts = 5"
    )
    await place.again()
    await place.again(booking=place.visited)

    async def said(who: str, booking: str) -> httpx2.Response:
        return await place.clients[who].get(f"/api/bookings/{booking}/notifications")

    items = (await said("operator", place.booking)).json()["items"]
    assert [(each["status"], each["error"], each["attempts"]) for each in items] == [
        ("outbox", None, 0),
        ("failed", "no such mailbox", 5),
    ]
    statuses = {who: (await said(who, place.booking)).status_code for who in place.clients}
    assert statuses == {
        "admin": 200,
        "operator": 200,
        "staff": 200,
        "stranger": 404,
        "owner": 403,
        "customer": 404,
    }
    assert (await said("staff", str(uuid.uuid4()))).status_code == 404


async def test_n6_the_outbox_is_filtered_and_read_in_pages(place: Place) -> None:
    for _ in range(3):
        await place.again()
    await place.again(booking=place.visited)
    await place.town.fetch(
        "UPDATE notifications SET status = 'failed' WHERE id = (SELECT min(id) FROM notifications)"
    )
    assert [len(await place.listed(**query)) for query in (
        {"status": "failed"},
        {"status": "outbox"},
        {"kind": "confirmation"},
        {"kind": "cancellation"},
        {"booking_id": place.visited},
        {"booking_id": place.booking, "status": "outbox"},
        {"location_id": place.venue.id},
        {"location_id": 2**62},
    )] == [1, 3, 4, 0, 1, 2, 4, 0]  # fmt: skip
    staff, seen = place.clients["staff"], []
    cursor: dict[str, str] = {}
    while True:
        page = (await staff.get("/api/admin/notifications", params={"limit": "3", **cursor})).json()
        seen += [each["id"] for each in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert (seen, len(seen)) == (sorted(seen, reverse=True), 4)
    for query in ({"status": "lost"}, {"booking_id": "x"}, {"cursor": "x"}, {"limit": "0"}, {"who": "me"}):
        assert (await staff.get("/api/admin/notifications", params=query)).status_code == 400, query
