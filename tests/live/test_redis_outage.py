"""P3: two nodes joined by a real Valkey that goes away and comes back, with clients on both."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from grid_engine.calendar_day import window_of
from grid_engine.follower import ClientGrid, Outcome
from grid_engine.interval import HOUR
from server.bus.redis import RedisBus
from server.embedded import EmbeddedValkey
from tests.live.doubles import NOON, ZONE, MemoryStore, booking, manual_clock, put, until
from tests.live.serving import Client, Node
from tests.live.simulation import TODAY


@pytest.fixture
async def valkey(tmp_path: Path) -> AsyncIterator[EmbeddedValkey]:
    server = EmbeddedValkey(tmp_path)
    await server.start()
    yield server
    await server.stop()


async def take(client: Client, grid: ClientGrid, version: int) -> None:
    while grid.version != version:
        message = await client.next()
        if message["t"] == "diff":
            told = message["epoch"], message["base"], message["version"], message["ops"]
            assert grid.take_diff(*told) is Outcome.APPLIED


async def test_p3_changes_cross_nodes_with_redis_there_gone_and_back(valkey: EmbeddedValkey):
    store = MemoryStore(manual_clock())
    async with (
        Node(store, RedisBus(valkey.url)).serving() as one,
        Node(store, RedisBus(valkey.url)).serving() as other,
        one.client("staff") as here,
        other.client("colleague") as there,
    ):
        await until(lambda: one.bus.connected and other.bus.connected)
        grids = {client: ClientGrid(window_of(TODAY, 1, ZONE)) for client in (here, there)}
        for client, grid in grids.items():
            snapshot = await client.subscribe()
            grid.take_snapshot(snapshot["epoch"], snapshot["version"], snapshot["records"])

        async def change(node: Node, name: str) -> None:
            room = node.rooms.loaded(1)
            assert room is not None
            await room.catch_up()  # as a writer does under the lock
            diff = store.commit(1, put(booking(name, NOON + HOUR)))
            room.advance(diff)
            await node.rooms.publish(1, room.epoch, diff)
            for client, grid in grids.items():
                await take(client, grid, diff.version)

        for n in range(5):
            await change(one, f"a{n}")
            await change(other, f"b{n}")
        await valkey.stop()
        await until(lambda: not one.bus.connected and not other.bus.connected)
        await change(one, "c")
        await change(other, "d")
        await valkey.start()
        await until(lambda: one.bus.connected and other.bus.connected)
        for n in range(5):
            await change(one, f"e{n}")
            await change(other, f"f{n}")
        assert grids[here].version == 22
        assert grids[here].digest() == grids[there].digest()
