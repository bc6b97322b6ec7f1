"""The node that the files of this folder share, and what each of their tests leaves as it was.

Belongs here: fixtures. Does not belong here: the node itself (``node_doors``), or what is thrown at it.
"""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from server.embedded import EmbeddedPostgres
from tests.acceptance.conftest import copied_database, span
from tests.fuzz.http_attempts import JUNE_2, UNKNOWN, Attempts, Fixed
from tests.fuzz.node_doors import Doors, contents, open_doors
from tests.fuzz.raw_sockets import FIRST, numbers
from tests.live_client import Screen


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def doors(
    postgres_server: EmbeddedPostgres, template_database: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Doors]:
    """A node that keeps what it has: for tests of what is refused, and of what a socket adds."""
    url = await copied_database(postgres_server, template_database, "fuzz_shared")
    async with open_doors(url, tmp_path_factory.mktemp("shared") / "node.log") as doors:
        yield doors


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def fixed(doors: Doors) -> Fixed:
    """Rows to name."""
    town, venue = doors.town, doors.venue
    async with doors.client() as admin:
        booked = await admin.post("/api/bookings", json={"resource_id": venue.bays[0], **span(JUNE_2)})
        assert booked.status_code == 201, booked.text
        closed = {"location_id": venue.id, "resource_ids": [venue.bays[3]], "reason": "x", **span(JUNE_2)}
        blackout = await admin.post("/api/admin/blackouts", json=closed)
        assert blackout.status_code == 201, blackout.text
        taken = {"location_id": venue.id, "resource_ids": [venue.bays[3]], "type": "BLOCKED", "reason": "x"}
        blocked = await admin.post("/api/admin/bookings/block", json={**taken, **span(JUNE_2 + 40 * 86_400)})
        assert blocked.status_code == 201, blocked.text
        lobby = {"location_id": venue.id, "name": "Lobby"}
        device = await admin.post("/api/admin/devices", json=lobby)
        assert device.status_code == 201, device.text
        key = await admin.post("/api/admin/api-keys", json={"name": "Help desk", "scopes": ["grid:read"]})
        assert key.status_code == 201, key.text
    banned = await town.person("Banned")
    await town.restrict(banned, "BOOKING_BAN")
    ids = {
        "booking": booked.json()["id"],
        "hold": UNKNOWN,
        "location": venue.id,
        "bay": venue.bays[1],
        "blackout": blackout.json()["id"],
        "series": blocked.json()["series_id"],
        "device": device.json()["id"],
        "key": key.json()["id"],
        "user": banned.user_id,
        "insight": await insight_of(doors, banned.user_id),
        "restriction": await town.value("SELECT id FROM booking_restrictions"),
    }
    return Fixed(doors, ids)


async def insight_of(doors: Doors, user_id: int | None) -> int:
    async with doors.client() as admin:
        made = await admin.post("/api/admin/insights/cancellation-pattern", json={"user_id": user_id})
    assert made.status_code == 201, made.text
    return int(made.json()["id"])


@pytest.fixture
async def nothing_changed(fixed: Fixed) -> AsyncIterator[None]:
    """Every table holds afterwards what it held: nothing that is refused changes anything."""
    before, logged = await contents(fixed.doors), fixed.doors.errors_logged()
    yield
    assert await contents(fixed.doors) == before
    assert fixed.doors.errors_logged() == logged


@pytest.fixture
async def attempts(fixed: Fixed) -> AsyncIterator[Attempts]:
    """Requests of an admin."""
    async with fixed.doors.client() as client:
        yield Attempts(fixed, client)


@pytest.fixture
async def bystander(doors: Doors) -> AsyncIterator[Screen]:
    """Watches throughout, and at the end is told of a change by its diff as if nothing had been."""
    screen = Screen(doors.node, doors.tokens["customer"], doors.venue, FIRST, 14, public=True)
    await screen.open()
    since = screen.grid.version
    assert since is not None
    logged = doors.errors_logged()
    yield screen
    async with doors.client("admin") as admin:
        place = {
            "resource_id": doors.venue.bays[2],
            **span(JUNE_2 + next(numbers) % 200 * 3600 + 86_400 * 2),
        }
        booked = await admin.post("/api/bookings", json=place)
        assert booked.status_code == 201, booked.text
        version = booked.json()["version"]
        await screen.until(lambda: screen.grid.version is not None and screen.grid.version >= version, 5.0)
        await admin.delete(f"/api/bookings/{booked.json()['id']}")
        await screen.until(lambda: screen.grid.version is not None and screen.grid.version > version, 5.0)
    assert screen.received["snapshot"] == 1
    assert screen.received["diff"] >= 2
    assert screen.received["resync"] == screen.received["nak"] == 0
    assert (screen.faults, screen.close_code) == ([], None)
    await screen.close()
    assert doors.errors_logged() == logged
