"""A kiosk's life at a real node: paired, shown a grid that names nobody, and revoked."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from grid_engine.interval import HOUR
from server.clock import ManualClock
from server.commands import BODIES, Command, Create
from server.edge.authentication import ACCESS_COOKIE
from server.wire.arguments import TARGETS
from tests.acceptance.conftest import span
from tests.conftest import NOON
from tests.document_requests import Names, requests_of, signed_in_operations
from tests.live.serving import open_socket
from tests.live_client import PUBLIC_FIELDS
from tests.running_node import RunningNode, running_node
from tests.venues import Town, Venue


@pytest.fixture
async def node(database_url: str, clock: ManualClock) -> AsyncIterator[RunningNode]:
    async with running_node(database_url, clock) as node:
        yield node


@pytest.fixture
def town(database_url: str) -> Town:
    return Town(database_url)


async def paired(node: RunningNode, admin: httpx2.AsyncClient, venue: Venue) -> tuple[int, str]:
    """A new kiosk's id and token."""
    made = await admin.post("/api/admin/devices", json={"location_id": venue.id, "name": "Lobby"})
    assert made.status_code == 201, made.text
    async with node.http() as nobody:
        answer = await nobody.post("/api/auth/device", json={"pairing_code": made.json()["pairing_code"]})
    assert answer.status_code == 200, answer.text
    return made.json()["id"], answer.json()["access_token"]


async def test_k1_a5_a_kiosk_is_paired_shown_a_grid_that_names_nobody_and_revoked(
    node: RunningNode, town: Town
) -> None:
    venue, elsewhere = await town.venue(), await town.venue()
    ann, admin = await town.person("Ann Example"), await town.person("Ada", "admin")
    wanted = {"resource_id": venue.bays[0], "note": "Left-handed", **span(NOON + 3 * HOUR)}
    body = Create.model_validate(wanted)
    await node.node.desk.perform(ann, Command(op="create", body=body))

    async with node.http(admin) as admin_client:
        device_id, token = await paired(node, admin_client, venue)
        async with open_socket(node.port, token) as kiosk:
            snapshot = await kiosk.subscribe(venue.id, "2027-06-01")
            assert snapshot["t"] == "snapshot"
            [record] = snapshot["records"]
            assert record.keys() == PUBLIC_FIELDS
            assert (record["start"], record["kind"], record["status"]) == (
                NOON + 3 * HOUR,
                "booking",
                "busy",
            )
            assert (await kiosk.subscribe(elsewhere.id, "2027-06-01"))["status"] == 404

            later = Create.model_validate({"resource_id": venue.bays[1], **span(NOON + 5 * HOUR)})
            await node.node.desk.perform(ann, Command(op="create", body=later))
            diff = await kiosk.next_of("diff")
            assert [operation[1] for operation in diff["ops"]] == ["put"]
            assert diff["ops"][0][2].keys() == PUBLIC_FIELDS

            assert (await admin_client.delete(f"/api/admin/devices/{device_id}")).status_code == 204
            async with asyncio.timeout(5):
                _, code = await kiosk.end()
            assert code == 4401
        async with httpx2.AsyncClient(base_url=node.address) as client:
            headers = {"authorization": f"Bearer {token}"}
            assert (await client.get("/api/locations", headers=headers)).status_code == 401


async def test_a5_an_open_socket_follows_a_kiosk_that_is_carried_elsewhere_and_ends_when_another_takes_its_place(
    node: RunningNode, town: Town
) -> None:
    venue, elsewhere = await town.venue(), await town.venue()
    admin = await town.person("Ada", "admin")
    async with node.http(admin) as client:
        device_id, token = await paired(node, client, venue)
        path = f"/api/admin/devices/{device_id}"
        async with open_socket(node.port, token) as kiosk:
            assert (await kiosk.subscribe(venue.id))["t"] == "snapshot"
            assert (await client.patch(path, json={"location_id": elsewhere.id})).status_code == 200
            async with asyncio.timeout(5):
                assert (await kiosk.next_of("resync"))["location"] == venue.id
            assert (await kiosk.subscribe(venue.id))["status"] == 404
            assert (await kiosk.subscribe(elsewhere.id))["t"] == "snapshot"

            code = (await client.patch(path, json={"pair_again": True})).json()["pairing_code"]
            async with node.http() as nobody:
                assert (await nobody.post("/api/auth/device", json={"pairing_code": code})).status_code == 200
            async with asyncio.timeout(5):
                assert (await kiosk.end())[1] == 4401


SERVED = {
    "GET /api/locations",
    "GET /api/resources",
    "GET /api/blackouts",
    "GET /api/availability",
    "GET /api/grid",
    "POST /api/check-in",
}
"""All that a kiosk is served of what is for those who are signed in."""


async def test_a1_a_kiosk_is_served_its_grid_and_check_in_and_nothing_else_of_the_whole_document(
    node: RunningNode, town: Town
) -> None:
    venue = await town.venue()
    admin, ann = await town.person("Ada", "admin"), await town.person("Ann")
    body = Create.model_validate({"resource_id": venue.bays[0], **span(NOON)})
    booking = (await node.node.desk.perform(ann, Command(op="create", body=body))).body
    async with node.http(admin) as client:
        _, token = await paired(node, client, venue)
        document = (await client.get("/api/openapi.json")).json()
    names = Names(
        path={
            "booking_id": [booking["id"]],
            "hold_id": [booking["id"]],
            "location_id": [venue.id],
            "resource_id": [venue.bays[0]],
            "user_id": [ann.user_id],
        },
        queries=(
            {"location_id": venue.id, "date": "2027-06-01", "from": "2027-06-01", "duration": 60},
            {"location_id": venue.id, "limit": 10},
        ),
        body={"location_id": venue.id, "resource_id": venue.bays[0], "code": booking["code"]},
    )
    signed_in = set(signed_in_operations(document))
    served: set[str] = set()
    refused: set[str] = set()
    async with httpx2.AsyncClient(
        base_url=node.address, headers={"authorization": f"Bearer {token}"}
    ) as kiosk:
        for request in requests_of(document, names):
            if request.operation not in signed_in:
                continue
            answer = await kiosk.request(
                request.method, request.path, params=request.params, json=request.json
            )
            assert answer.status_code < 500, (str(request), answer.text)
            if answer.status_code != 400:
                (served if answer.is_success else refused).add(request.operation)
    assert served == SERVED
    assert refused == signed_in - served


async def test_k3_a8_a_guest_checks_in_at_a_kiosk_and_the_desk_sees_it_at_once(
    node: RunningNode, town: Town
) -> None:
    venue = await town.venue()
    ann, admin = await town.person("Ann"), await town.person("Ada", "admin")
    staff = await town.person("Sam", "staff", [venue])
    body = Create.model_validate({"resource_id": venue.bays[0], **span(NOON + HOUR // 2)})
    booking = (await node.node.desk.perform(ann, Command(op="create", body=body))).body
    async with node.http(admin) as client:
        device_id, token = await paired(node, client, venue)
    async with (
        node.socket(staff) as desk,
        open_socket(node.port, token) as kiosk_socket,
        httpx2.AsyncClient(base_url=node.address, cookies={ACCESS_COOKIE: token}) as kiosk,
    ):
        assert (await desk.subscribe(venue.id))["t"] == "snapshot"
        assert (await kiosk_socket.subscribe(venue.id))["t"] == "snapshot"
        foreign = {"origin": "https://elsewhere.example"}
        code = {"code": booking["code"]}
        assert (await kiosk.post("/api/check-in", json=code, headers=foreign)).status_code == 403
        answer = await kiosk.post("/api/check-in", json=code, headers={"idempotency-key": "k"})
        assert answer.status_code == 200, answer.text
        assert answer.headers["etag"] == f'"{answer.json()["version"]}"'
        assert "id" not in answer.json()
        again = await kiosk.post("/api/check-in", json=code, headers={"idempotency-key": "k"})
        assert again.json() == answer.json()
        [operation] = (await desk.next_of("diff"))["ops"]
        assert operation[2]["attended_at"] == NOON
        assert (await kiosk_socket.next_of("diff"))["ops"] == []  # that somebody came is nobody's business
    async with node.http(staff) as client:
        told = (await client.get(f"/api/bookings/{booking['id']}/events")).json()["items"][-1]
    assert (told["event_type"], told["actor_id"], told["metadata"]["cause"]) == (
        "attended",
        None,
        f"device:{device_id}",
    )


async def test_a1_a_kiosks_commands_over_the_socket_are_refused_one_by_one(
    node: RunningNode, town: Town
) -> None:
    venue = await town.venue()
    ann, admin = await town.person("Ann"), await town.person("Ada", "admin")
    body = Create.model_validate({"resource_id": venue.bays[0], **span(NOON)})
    booking = (await node.node.desk.perform(ann, Command(op="create", body=body))).body
    async with node.http(admin) as client:
        _, token = await paired(node, client, venue)
    place = {"resource_id": venue.bays[1], **span(NOON + HOUR)}
    arguments: dict[str, dict[str, Any]] = {
        "create": place,
        "hold": place,
        "reschedule": span(NOON + HOUR),
        "update": {"note": "x"},
    }
    async with open_socket(node.port, token) as kiosk:
        for op in BODIES:
            target = {TARGETS[op]: booking["id"]} if op in TARGETS else {}
            args = arguments.get(op, {}) | target
            for kind in ("command", "judge"):
                await kiosk.send(t=kind, id=f"{kind}-{op}", op=op, args=args)
                nak = await kiosk.next_of("nak")
                expected = 403 if op in ("create", "hold") else 404
                if kind == "judge" and op not in arguments:
                    expected = nak["status"]  # there is nothing to judge
                assert (nak["id"], nak["status"]) == (f"{kind}-{op}", expected), nak
                assert nak["status"] < 500
        await kiosk.send(t="presence", location=venue.id, drag=place)
        assert (await kiosk.next_of("nak"))["status"] == 403
        assert (await kiosk.subscribe(venue.id))["t"] == "snapshot"


async def test_a7_the_codes_that_a_kiosk_shows_are_limited(database_url: str, clock: ManualClock) -> None:
    town = Town(database_url)
    venue, admin = await town.venue(), await town.person("Ada", "admin")
    async with running_node(database_url, clock, login_rate="2/minute") as node:
        async with node.http(admin) as client:
            _, token = await paired(node, client, venue)
        async with httpx2.AsyncClient(
            base_url=node.address, headers={"authorization": f"Bearer {token}"}
        ) as kiosk:
            answers = [await kiosk.post("/api/check-in", json={"code": "AAAAAA"}) for _ in range(7)]
    assert [answer.status_code for answer in answers] == [404] * 6 + [429]


async def test_r21_what_a_kiosk_lists_as_free_is_accepted_for_a_walk_in_at_once(
    node: RunningNode, town: Town
) -> None:
    venue = await town.venue(bays=2, policy={"min_duration_minutes": 60, "buffer_minutes": 30})
    admin, staff = await town.person("Ada", "admin"), await town.person("Sam", "staff", [venue])
    async with node.http(admin) as client:
        _, token = await paired(node, client, venue)
    asked: dict[str, Any] = {"location_id": venue.id, "date": "2027-06-01", "duration": 60}
    async with (
        node.http(staff) as desk,
        httpx2.AsyncClient(base_url=node.address, headers={"authorization": f"Bearer {token}"}) as kiosk,
    ):
        for _ in range(3):
            slots = (await kiosk.get("/api/availability", params=asked)).json()["slots"]
            walk_in = await desk.post("/api/bookings", json={**slots[0], "visitor": {"name": "Vera"}})
            assert walk_in.status_code == 201, walk_in.text
            left = (await kiosk.get("/api/availability", params=asked)).json()["slots"]
            assert slots[0] not in left
            # What is left is what was there, but for what overlaps the walk-in or its buffer.
            assert all(slot in slots for slot in left)
        assert (
            await kiosk.get("/api/availability", params={**asked, "user_id": admin.user_id})
        ).status_code == 403
