"""A node in the test's own process, a venue, and an admin who blocks there over HTTP."""

from collections.abc import AsyncIterator
from typing import Any
from zoneinfo import ZoneInfo

import httpx2
import pytest

from grid_engine.interval import HOUR, MINUTE
from server.clock import ManualClock
from server.commands import format_instant
from server.principal import Principal
from tests.conftest import NOON
from tests.running_node import RunningNode, running_node
from tests.venues import Town, Venue

START = NOON + 24 * HOUR
"""Wednesday 2027-06-02, 08:00 in New York."""


def span(start: int = START, minutes: int = 60) -> dict[str, str]:
    return {"start_time": format_instant(start), "end_time": format_instant(start + minutes * MINUTE)}


@pytest.fixture
def town(database_url: str) -> Town:
    return Town(database_url)


@pytest.fixture
async def venue(town: Town) -> Venue:
    return await town.venue(policy={"concurrent_limit": 1000})


@pytest.fixture
async def ada(town: Town) -> Principal:
    return await town.person("Ada Admin", "admin")


@pytest.fixture
async def node(database_url: str, clock: ManualClock) -> AsyncIterator[RunningNode]:
    async with running_node(database_url, clock) as node:
        yield node


@pytest.fixture
async def admin(node: RunningNode, ada: Principal) -> AsyncIterator[httpx2.AsyncClient]:
    async with node.http(ada) as client:
        yield client


class Blocks:
    """What a test asks of one venue."""

    def __init__(self, admin: httpx2.AsyncClient, town: Town, venue: Venue) -> None:
        self.admin, self.town, self.venue = admin, town, venue

    async def ask(self, key: str | None = None, **body: Any) -> httpx2.Response:
        given = {
            "location_id": self.venue.id,
            "resource_ids": list(self.venue.bays[:2]),
            "type": "MAINTENANCE",
            "reason": "New turf",
            **span(),
        }
        headers = {} if key is None else {"Idempotency-Key": key}
        return await self.admin.post("/api/admin/bookings/block", json=given | body, headers=headers)

    async def block(self, **body: Any) -> dict[str, Any]:
        answer = await self.ask(**body)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    async def book(self, bay: int, start: int = START, minutes: int = 60, **more: Any) -> dict[str, Any]:
        answer = await self.admin.post(
            "/api/bookings",
            json={"resource_id": self.venue.bays[bay], **span(start, minutes), "visitor": {"name": "Vic"}}
            | more,
        )
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    async def rows(self) -> list[tuple[int, str, str]]:
        """(bay's place, start, end) of each active block, times as the clocks at the venue show them."""
        zone = ZoneInfo(self.venue.timezone)
        rows = await self.town.fetch(
            """SELECT * FROM bookings WHERE location_id = $1 AND type <> 'CUSTOMER' AND status = 'confirmed'
            ORDER BY start_time, resource_id""",
            self.venue.id,
        )
        return [
            (
                self.venue.bays.index(row["resource_id"]),
                f"{row['start_time'].astimezone(zone):%m-%d %H:%M}",
                f"{row['end_time'].astimezone(zone):%H:%M}",
            )
            for row in rows
        ]

    async def version(self) -> int:
        return int(await self.town.value("SELECT version FROM locations WHERE id = $1", self.venue.id))


@pytest.fixture
def blocks(admin: httpx2.AsyncClient, town: Town, venue: Venue) -> Blocks:
    return Blocks(admin, town, venue)
