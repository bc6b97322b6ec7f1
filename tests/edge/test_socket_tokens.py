"""A socket lives no longer than the token by which it was opened, at a real node."""

from collections.abc import AsyncIterator

import pytest

from grid_engine.interval import DAY
from server.clock import ManualClock
from server.service.tokens import ACCESS_SECONDS, LEEWAY_SECONDS
from tests.live.serving import Client, open_socket
from tests.running_node import RunningNode, running_node
from tests.venues import Town


@pytest.fixture
async def node(database_url: str, clock: ManualClock) -> AsyncIterator[RunningNode]:
    async with running_node(database_url, clock) as node:
        yield node


async def assert_open(socket: Client, n: int) -> None:
    await socket.send(t="ping", n=n)
    assert (await socket.next_of("pong"))["n"] == n


async def test_a5_an_access_token_that_ends_ends_its_sockets_unless_a_fresh_one_came(
    node: RunningNode, database_url: str, clock: ManualClock
) -> None:
    staff = await Town(database_url).person("Sam Staff", "staff")
    async with node.socket(staff) as one, node.socket(staff) as other:
        clock.advance(ACCESS_SECONDS + LEEWAY_SECONDS - 1)
        node.node.connections.look()
        await assert_open(one, 1)
        await assert_open(other, 1)
        await one.send(t="auth", token=await node.token(staff))
        await assert_open(one, 2)
        clock.advance(1)
        node.node.connections.look()
        assert (await other.end())[1] == 4401
        await assert_open(one, 3)
        clock.advance(ACCESS_SECONDS + LEEWAY_SECONDS)
        node.node.connections.look()
        assert (await one.end())[1] == 4401


async def test_k1_sockets_of_kiosks_and_keys_do_not_end_by_themselves(
    node: RunningNode, database_url: str, clock: ManualClock
) -> None:
    town = Town(database_url)
    venue = await town.venue()
    async with node.http(await town.person("Ada", "admin")) as admin, node.http() as nobody:
        lobby = await admin.post("/api/admin/devices", json={"location_id": venue.id, "name": "Lobby"})
        code = {"pairing_code": lobby.json()["pairing_code"]}
        kiosk_token = (await nobody.post("/api/auth/device", json=code)).json()["access_token"]
        key = {"name": "Help desk", "scopes": ["grid:read"]}
        key_text = (await admin.post("/api/admin/api-keys", json=key)).json()["key"]
    async with open_socket(node.port, kiosk_token) as kiosk, open_socket(node.port, key_text) as tool:
        clock.advance(40 * DAY)
        node.node.connections.look()
        await assert_open(kiosk, 1)
        await assert_open(tool, 1)
