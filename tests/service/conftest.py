"""A node without its doors: rooms, writers and reads on a real Postgres."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass

import pytest

from server.bus.memory import Exchange, MemoryBus
from server.clock import ManualClock
from server.edge.problems import describe
from server.live.rooms import Rooms
from server.service.customer_cache import CustomerCache
from server.service.desk import BookingDesk
from server.service.reading import Reading
from server.service.refusals import RefusalLog
from server.storage import Database
from server.storage.locations import Locations
from tests.venues import Town


@dataclass(frozen=True, kw_only=True)
class Node:
    """One node's service; nodes of a test share Postgres, the clock and a bus."""

    rooms: Rooms
    database: Database
    desk: BookingDesk
    reading: Reading


@pytest.fixture
def town(database_url: str) -> Town:
    """An empty database to build in."""
    return Town(database_url)


@pytest.fixture
async def start_node(database_url: str, clock: ManualClock) -> AsyncIterator[Callable[[], object]]:
    """Starts a node; all are stopped when the test ends."""
    exchange = Exchange()
    async with AsyncExitStack() as stack:

        async def start() -> Node:
            database = Database(database_url)
            await database.open()
            stack.push_async_callback(database.close)
            rooms = Rooms(store=Locations(database, clock), bus=MemoryBus(exchange), clock=clock)
            running = asyncio.create_task(rooms.run())

            async def stop() -> None:
                running.cancel()
                await asyncio.gather(running, return_exceptions=True)

            stack.push_async_callback(stop)
            customers = CustomerCache(database, clock)
            refusals = RefusalLog(database, clock)
            desk = BookingDesk(
                rooms=rooms,
                database=database,
                clock=clock,
                customers=customers,
                refusals=refusals,
                describe=describe,
            )
            stack.push_async_callback(desk.idle)
            reading = Reading(rooms=rooms, database=database, clock=clock, customers=customers)
            return Node(rooms=rooms, database=database, desk=desk, reading=reading)

        yield start


@pytest.fixture
async def node(start_node: Callable[[], object]) -> Node:
    """A node."""
    return await start_node()  # type: ignore[misc, no-any-return]  # the fixture is an async factory
