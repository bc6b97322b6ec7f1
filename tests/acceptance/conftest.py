"""Whole systems under test: node processes on a real Postgres and, where they are several, a real Valkey.

Belongs here: starting nodes, signing people in, and the comparison that every story ends with. Does not belong here: any
one story.
"""

import asyncio
import datetime as dt
import itertools
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg
import httpx2
import pytest
import pytest_asyncio
from pwdlib.hashers.argon2 import Argon2Hasher

from grid_engine.digest import digest_of_wire_records
from grid_engine.interval import HOUR, MINUTE
from server.commands import format_instant
from server.embedded import EmbeddedPostgres, EmbeddedValkey
from server.principal import AccountRole, Principal
from tests.live_client import Screen
from tests.node_process import NodeProcess
from tests.venues import Town, Venue

PASSWORD = "correct horse battery"
CHEAP_HASH = Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
"""Whoever checks it does as little work as went into it."""

Pair = tuple[NodeProcess, NodeProcess]
StartNode = Callable[[str], Awaitable[NodeProcess]]

_numbers = itertools.count(1)


def soon(hours: float = 24) -> int:
    """A whole hour, about so many hours from now: a slot boundary in every zone that the tests use."""
    return (int(time.time()) // HOUR + 1) * HOUR + int(hours * HOUR)


def span(start: int, minutes: int = 60) -> dict[str, str]:
    """The times of a booking, as a body has them."""
    return {"start_time": format_instant(start), "end_time": format_instant(start + minutes * MINUTE)}


def today_at(venue: Venue) -> dt.date:
    """The date at the venue now."""
    return dt.datetime.now(ZoneInfo(venue.timezone)).date()


async def until(condition: Callable[[], Awaitable[bool]], seconds: float, what: str) -> float:
    """Ask until it holds; gives the seconds that took. Fails after ``seconds``."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    while not await condition():
        if loop.time() - began > seconds:
            raise AssertionError(f"{what}: not within {seconds} s")
        await asyncio.sleep(0.02)  # how often is asked; not how long is waited
    return loop.time() - began


@dataclass
class Person:
    """Somebody with an account, signed in: the same token is good at every node."""

    principal: Principal
    token: str
    _clients: dict[str, httpx2.AsyncClient] = field(default_factory=dict)

    @property
    def id(self) -> int:
        assert self.principal.user_id is not None
        return self.principal.user_id

    def at(self, node: NodeProcess) -> httpx2.AsyncClient:
        """A client of this node that sends the person's token."""
        if node.address not in self._clients:
            self._clients[node.address] = httpx2.AsyncClient(
                base_url=node.address, timeout=30.0, headers={"authorization": f"Bearer {self.token}"}
            )
        return self._clients[node.address]

    async def close(self) -> None:
        """Closes the connections to all nodes."""
        for client in self._clients.values():
            await client.aclose()


@dataclass
class City:
    """A town's people and screens; all that is opened here is closed with the test."""

    town: Town
    _stack: AsyncExitStack

    async def person(
        self, node: NodeProcess, name: str, role: AccountRole = "customer", at: Iterable[Venue] = ()
    ) -> Person:
        """A new account, signed in at ``node``; a number is added to the name, for others may have it."""
        name = f"{name} {next(_numbers)}"
        principal = await self.town.person(name, role, tuple(at), password_hash=CHEAP_HASH)
        caller = await node.sign_in(f"{name.lower().replace(' ', '.')}@example.com", PASSWORD)
        await caller.close()
        person = Person(principal, caller.token)
        self._stack.push_async_callback(person.close)
        return person

    async def screen(self, node: NodeProcess, person: Person, venue: Venue, **more: Any) -> Screen:
        """What the person sees of the venue's next days, connected."""
        public = person.principal.role == "customer" or (
            person.principal.role == "staff" and venue.id not in person.principal.location_ids
        )
        first = more.pop("first", None) or today_at(venue)
        screen = Screen(node, person.token, venue, first, public=public, **more)
        self._stack.push_async_callback(screen.close)
        await screen.open()
        assert screen.close_code is None, (screen.close_code, screen.bye)
        assert screen.grid.version is not None, screen.refused
        return screen

    async def version(self, venue: Venue) -> int:
        """The location's version in Postgres."""
        return int(await self.town.value("SELECT version FROM locations WHERE id = $1", venue.id))

    async def settled(
        self, venue: Venue, screens: Iterable[tuple[Screen, Person]], nodes: Iterable[NodeProcess]
    ) -> None:
        """Every screen gets to the version in Postgres and then holds what a fresh snapshot of any node holds (W1).

        The snapshots are held against the rows in Postgres, each customer's ``own`` records too.
        """
        version = await self.version(venue)
        for screen, person in screens:
            await screen.until(lambda screen=screen: screen.grid.version == version)  # type: ignore[misc]  # bound now
            for node in nodes:
                fresh = await person.at(node).get(
                    "/api/grid",
                    params={
                        "location_id": venue.id,
                        "from": screen.first.isoformat(),
                        "days": screen.days,
                        "min_version": version,
                    },
                )
                assert fresh.status_code == 200, fresh.text
                body = fresh.json()
                assert (body["version"], body["stale"]) == (version, False)
                assert screen.grid.digest() == digest_of_wire_records(body["records"]), screen.described()
            await self._compare_with_rows(venue, screen, person)
            assert screen.faults == []
        assert await self.version(venue) == version, "something went on changing while it was compared"

    async def _compare_with_rows(self, venue: Venue, screen: Screen, person: Person) -> None:
        rows = await self.town.fetch(
            """
            SELECT id::text, grid_id, resource_id, user_id, status, extract(epoch FROM start_time)::bigint AS start_,
                   extract(epoch FROM end_time)::bigint AS end_
            FROM bookings WHERE location_id = $1 AND status IN ('held', 'confirmed', 'completed')
            """,
            venue.id,
        )
        window = screen.grid.window
        told = {
            (row["grid_id"] if screen.public else row["id"], row["resource_id"], row["start_"], row["end_"])
            for row in rows
            if row["start_"] < window.end and window.start < row["end_"]
        }
        shown = {
            (record["id"], record["resource_id"], record["start"], record["end"])
            for record in screen.grid.records.values()
        }
        assert shown == told
        if screen.public:
            await screen.ping()  # `own` follows the diff of its version
            mine = {
                (row["id"], row["grid_id"], row["resource_id"], row["start_"], row["end_"], row["status"])
                for row in rows
                if row["user_id"] == person.id
            }
            own = {
                tuple(record[name] for name in ("id", "grid_id", "resource_id", "start", "end", "status"))
                for record in screen.own.values()
            }
            assert own == mine


@pytest.fixture
async def city(town: Town) -> AsyncIterator[City]:
    """A town's people and screens."""
    async with AsyncExitStack() as stack:
        yield City(town, stack)


# Nodes of a test's own


@pytest.fixture
def town(database_url: str) -> Town:
    """An empty database to build in."""
    return Town(database_url)


@pytest.fixture
async def start_node(database_url: str) -> AsyncIterator[StartNode]:
    """``await start_node(redis_url)`` starts a node on this test's database; all end with the test."""
    async with AsyncExitStack() as stack:

        async def start(redis_url: str | None = None) -> NodeProcess:
            return await stack.enter_async_context(NodeProcess(database_url, redis_url=redis_url))

        yield start


@pytest.fixture
async def own_pair(start_node: StartNode, redis_url: str) -> Pair:
    """Two nodes joined by Valkey, to be killed if need be."""
    first, second = await asyncio.gather(start_node(redis_url), start_node(redis_url))
    return first, second


# Nodes that tests share: to start one takes longer than many a test. Each test has venues and people of its own.


@dataclass(frozen=True)
class SharedPair:
    """Two nodes joined by Valkey, for tests that kill nothing, on a database that others use too."""

    nodes: Pair
    town: Town


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared_pair(
    postgres_server: EmbeddedPostgres, template_database: str, server_data: Path
) -> AsyncIterator[SharedPair]:
    # A Valkey of its own: channels are named by location, and other tests' locations have the same ids.
    valkey = EmbeddedValkey(server_data / "shared-pair")
    url = await copied_database(postgres_server, template_database, "shared_pair")
    await valkey.start()
    try:
        first, second = (NodeProcess(url, redis_url=valkey.url) for _ in range(2))
        async with first, second:
            yield SharedPair((first, second), Town(url))
    finally:
        await valkey.stop()


async def copied_database(server: EmbeddedPostgres, template: str, name: str) -> str:
    """The URL of a new database that is a copy of ``template``; it ends with the server."""
    connection = await asyncpg.connect(server.url())
    try:
        await connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
    finally:
        await connection.close()
    return server.url(name)


@pytest.fixture
def pair(shared_pair: SharedPair) -> Pair:
    """The nodes of ``shared_city``."""
    return shared_pair.nodes


@pytest.fixture
async def shared_city(shared_pair: SharedPair) -> AsyncIterator[City]:
    """People and screens at ``pair``."""
    async with AsyncExitStack() as stack:
        yield City(shared_pair.town, stack)
