"""W3: clients that do not read, over real sockets."""

import asyncio
import datetime as dt
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from grid_engine.audience import Audience
from grid_engine.calendar_day import window_of
from grid_engine.follower import ClientGrid, Outcome
from grid_engine.interval import HOUR
from grid_engine.snapshot import snapshot_of
from server.live import connection as connection_module
from server.live.connection import Connection
from server.live.protocol import GridSocket
from server.live.session import Closing
from tests.live.doubles import NOON, ZONE, MemoryStore, booking, manual_clock, put, until
from tests.live.serving import Client, Node

LIMIT = 256 * 1024
JUNE = dt.date(2027, 6, 1)
CREATE = {"resource_id": 1, "start_time": "2027-06-01T18:00:00Z", "end_time": "2027-06-01T19:00:00Z"}


@pytest.fixture
async def node():
    async with Node(MemoryStore(manual_clock(), 1, 2, 3)).serving() as node:
        yield node


@asynccontextmanager
async def sluggish(node: Node, token: str = "staff") -> AsyncIterator[tuple[Client, Connection]]:
    """A greeted client with small buffers, which reads only when asked to; and the server's end of it."""
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    raw.setblocking(False)
    await asyncio.get_running_loop().sock_connect(raw, ("127.0.0.1", node.port))
    before = set(node.connections)
    async with node.client(token, sock=raw, max_queue=1, close_timeout=0.1) as client:
        (mine,) = set(node.connections) - before
        yield client, mine


def grow(node: Node, first: int, count: int, size: int = 2_000) -> None:
    """Versions, each with a note of ``size`` characters, one by one."""
    room = node.rooms.loaded(1)
    assert room is not None
    for n in range(first, first + count):
        record = booking(f"b{n % 50}", NOON + (n % 5) * HOUR, note=f"{n} " + "x" * size)
        room.advance(node.store.commit(1, put(record)))
        room.watchers.flush()


async def converge(client: Client, grid: ClientGrid, node: Node) -> None:
    """Follow as a client does until it has what the room has."""
    room = node.rooms.loaded(1)
    assert room is not None
    while grid.version != room.version:
        message = await client.next()
        match message["t"]:
            case "snapshot":
                grid.take_snapshot(message["epoch"], message["version"], message["records"])
            case "diff":
                outcome = grid.take_diff(
                    message["epoch"], message["base"], message["version"], message["ops"]
                )
                assert outcome is Outcome.APPLIED
            case "resync":
                grid.forget()
                await client.send(t="subscribe", location=1, from_="2027-06-01", days=1)
            case other:
                assert other in ("tick", "own", "stale")


async def test_w3_a_client_that_does_not_read_costs_little_and_is_served_from_the_ring_after(node):
    async with sluggish(node) as (slow, connection), node.client("colleague") as quick:
        window = window_of(JUNE, 1, ZONE)
        grids = {client: ClientGrid(window) for client in (slow, quick)}
        for client, grid in grids.items():
            message = await client.subscribe()
            grid.take_snapshot(message["epoch"], message["version"], message["records"])
        most = 0
        for step in range(0, 900, 20):
            grow(node, step, 20)
            most = max(most, connection.socket.buffered)
            await converge(quick, grids[quick], node)
        assert connection.draining
        assert most < LIMIT
        await converge(slow, grids[slow], node)
        assert grids[slow].digest() == grids[quick].digest()
        await until(lambda: not connection.draining)
        grow(node, 900, 1)
        await converge(slow, grids[slow], node)


async def test_w3_a_client_further_behind_than_the_ring_has_to_resync(node):
    async with sluggish(node) as (slow, connection):
        grid = ClientGrid(window_of(JUNE, 1, ZONE))
        message = await slow.subscribe()
        grid.take_snapshot(message["epoch"], message["version"], message["records"])
        grow(node, 0, 100, 20_000)
        await until(lambda: connection.draining)
        grow(node, 100, 1_200, 10)
        await converge(slow, grid, node)
        room = node.rooms.loaded(1)
        expected = ClientGrid(grid.window)
        snapshot = snapshot_of(room.grid, grid.window, Audience.STAFF)
        expected.take_snapshot(snapshot.epoch, snapshot.version, snapshot.records)
        assert grid.digest() == expected.digest()


async def test_w3_many_large_snapshots_are_sent_one_at_a_time(node):
    records = [booking(f"b{n}", NOON + (n % 8) * HOUR, note="y" * 2_000) for n in range(200)]
    for location in (1, 2, 3):
        node.store.commit(location, *map(put, records))
    async with sluggish(node, "admin") as (slow, connection):
        for location in (1, 2, 3, 1, 2, 3):
            await slow.send(t="subscribe", location=location, from_="2027-06-01", days=31)
        await until(lambda: connection.draining)
        largest = 0
        answered: list[int] = []
        while len(answered) < 6:
            largest = max(largest, connection.socket.buffered)
            message = await slow.next()
            if message["t"] == "snapshot":
                answered.append(message["location"])
        assert answered == [1, 2, 3, 1, 2, 3]
        assert largest < 200 * 2_300 + LIMIT


async def test_w3_answers_wait_for_a_client_that_drains_and_come_before_their_diffs(node):
    async with sluggish(node) as (slow, _):
        await slow.subscribe()
        for n in range(20):
            await slow.send(t="command", id=f"k{n}", op="create", args=CREATE)
        grow(node, 0, 300)
        acked: set[int] = set()
        made: set[int] = set()
        have = 0
        while len(made) < 20:
            message = await slow.next()
            if message["t"] == "ack":
                acked.add(message["version"])
            elif message["t"] == "diff":
                assert message["base"] <= have
                have = message["version"]
                made |= {op[0] for op in message["ops"] if op[2]["id"].startswith("made")}
                assert made <= acked


async def test_w3_a_client_that_never_reads_is_let_go_of(node, monkeypatch):
    monkeypatch.setattr(connection_module, "STUCK_SECONDS", 0.1)
    async with sluggish(node) as (slow, connection):
        await slow.subscribe()
        grow(node, 0, 400)
        await until(lambda: connection.draining)

        def let_go() -> bool:
            node.connections.look()
            return not connection.open

        await until(let_go)
        assert connection.session.state == Closing(1013)
        # It is not waited for, even if it never takes the close frame.
        assert isinstance(connection.socket, GridSocket)
        await until(connection.socket.transport.is_closing)
        assert len(node.rooms.loaded(1).watchers) == 0


async def test_w3_a_client_that_asks_and_does_not_read_is_not_listened_to(node):
    async with sluggish(node) as (slow, connection):
        await slow.subscribe()
        grow(node, 0, 400)
        await until(lambda: connection.draining)
        pings = 0
        while pings < 150:
            await slow.send(t="ping", n=pings)
            pings += 1
        assert connection._backlog_bytes < LIMIT
        told = 0
        while told < pings:
            told += (await slow.next())["t"] == "pong"
