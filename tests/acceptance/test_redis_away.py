"""Nodes without the Valkey between them: they follow each other by polling, and nothing is lost or doubled (P3)."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from grid_engine.interval import HOUR
from server.embedded import EmbeddedValkey
from tests.acceptance.conftest import City, Person, StartNode, soon, span, until
from tests.live_client import Screen
from tests.node_process import NodeProcess
from tests.venues import Venue


@pytest.fixture
async def valkey(tmp_path: Path) -> AsyncIterator[EmbeddedValkey]:
    """A Valkey to be killed."""
    server = EmbeddedValkey(tmp_path)
    await server.start()
    yield server
    await server.stop()


async def seen_after(
    city: City, venue: Venue, writer: tuple[Person, NodeProcess], hour: int, screens: list[Screen]
) -> float:
    """Books an hour at one node and gives the seconds from the answer until all the screens show it."""
    person, node = writer
    body = {"resource_id": venue.bays[hour % len(venue.bays)], **span(soon(24) + hour * HOUR)}
    loop = asyncio.get_running_loop()
    answer = await person.at(node).post("/api/bookings", json=body)
    answered = loop.time()
    assert answer.status_code == 201, answer.text
    version = answer.json()["version"]
    await asyncio.gather(
        *(screen.until(lambda screen=screen: screen.grid.version >= version) for screen in screens)  # type: ignore[misc]  # bound now
    )
    return loop.time() - answered


async def bus_is(node: NodeProcess, person: Person, *, there: bool) -> bool:
    answer = await person.at(node).get("/readyz")
    return (answer.json()["checks"]["bus"] == "ok") is there


async def test_p3_with_redis_killed_or_hung_changes_arrive_by_polling_and_nothing_is_lost_or_doubled(
    city: City, start_node: StartNode, valkey: EmbeddedValkey
) -> None:
    here, there = await asyncio.gather(*(start_node(valkey.url) for _ in range(2)))
    venue = await city.town.venue(bays=4, policy={"concurrent_limit": 1_000})
    desk = await city.person(here, "Sam Staff", "staff", [venue])
    guest = await city.person(there, "Ann Able")
    screens = {
        node: [await city.screen(node, desk, venue), await city.screen(node, guest, venue)]
        for node in (here, there)
    }
    everybody = [
        (screen, who)
        for node in (here, there)
        for screen, who in zip(screens[node], (desk, guest), strict=True)
    ]
    hours = iter(range(1_000))

    async def both_ways() -> list[float]:
        return [
            await seen_after(city, venue, writer, next(hours), screens[there] + screens[here])
            for writer in ((desk, here), (guest, there))
        ]

    # With it, changes are pushed: over ten of them no poll can be as quick.
    assert sorted([lag for _ in range(5) for lag in await both_ways()])[5] < 0.3

    os.kill(valkey.pid, signal.SIGKILL)
    for _ in range(3):
        assert max(await both_ways()) < 2.0
    await until(lambda: bus_is(here, desk, there=False), 5, "the bus is known to be away")
    # Away for long, and many changes at once on both nodes.
    answers = await asyncio.gather(
        *(
            person.at(node).post(
                "/api/bookings", json={"resource_id": venue.bays[n % 4], **span(soon(200) + n // 4 * HOUR)}
            )
            for n in range(40)
            for person, node in [((desk, here), (guest, there))[n % 2]]
        )
    )
    assert {answer.status_code for answer in answers} == {201}
    await city.settled(venue, everybody, (here, there))

    await valkey.stop()  # what is left of it
    await valkey.start()
    for node in (here, there):
        await until(lambda node=node: bus_is(node, desk, there=True), 5, "the bus is back")  # type: ignore[misc]  # bound now
    assert sorted([lag for _ in range(5) for lag in await both_ways()])[5] < 0.3

    # It hangs: what is sent to it is taken, and goes nowhere.
    os.kill(valkey.pid, signal.SIGSTOP)
    try:
        for _ in range(3):
            assert max(await both_ways()) < 2.0
    finally:
        os.kill(valkey.pid, signal.SIGCONT)
    for node in (here, there):
        await until(lambda node=node: bus_is(node, desk, there=True), 10, "the bus is back")  # type: ignore[misc]  # bound now
    assert sorted([lag for _ in range(5) for lag in await both_ways()])[5] < 0.3
    await city.settled(venue, everybody, (here, there))
    assert await city.town.value("SELECT count(*) FROM bookings") == next(hours) + 40
    assert {screen.received["snapshot"] for screen, _ in everybody} == {1}, "no screen had to begin afresh"
