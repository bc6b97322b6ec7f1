"""A kiosk's life at a real node: paired, shown a grid that names nobody, and revoked."""

import asyncio
from collections.abc import AsyncIterator

import httpx2
import pytest

from grid_engine.interval import HOUR
from server.clock import ManualClock
from server.commands import Command, Create, format_instant
from tests.conftest import NOON
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
    times = {
        "start_time": format_instant(NOON + 3 * HOUR),
        "end_time": format_instant(NOON + 4 * HOUR),
    }
    body = Create.model_validate({"resource_id": venue.bays[0], "note": "Left-handed", **times})
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

            later = Create.model_validate(
                {
                    "resource_id": venue.bays[1],
                    "start_time": format_instant(NOON + 5 * HOUR),
                    "end_time": format_instant(NOON + 6 * HOUR),
                }
            )
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
