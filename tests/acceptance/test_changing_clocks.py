"""Days of 46, 47, 49 and 50 rows through every door: rows, slots, and wall times that are skipped or occur twice (T2–T6)."""

import datetime as dt
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass

import httpx2
import pytest
import pytest_asyncio

from grid_engine.interval import HOUR, MINUTE
from server.embedded import EmbeddedPostgres
from tests.acceptance.conftest import City, Person, copied_database
from tests.node_process import NodeProcess
from tests.venues import Town, Venue

NOW = "2027-03-01T12:00:00Z"
HALF = 30 * MINUTE


@dataclass(frozen=True)
class Change:
    """A day on which the clocks change, written down from the zones' published rules, in UTC."""

    zone: str
    date: str
    rows: int
    first: str
    """The first row."""
    end: str
    """The next day's first row."""
    skipped: tuple[str, str] | None = None
    """A wall time that does not exist, and the next instant that does."""
    doubled: tuple[str, str, str] | None = None
    """A wall time that occurs twice, and its two readings."""

    def __str__(self) -> str:
        return f"{self.zone} {self.date}"


CHANGES = [
    Change(
        "America/New_York", "2027-03-14", 46, "2027-03-14T05:00:00Z", "2027-03-15T04:00:00Z",
        skipped=("2027-03-14T02:30:00", "2027-03-14T07:00:00Z"),
    ),
    Change(
        "America/New_York", "2027-11-07", 50, "2027-11-07T04:00:00Z", "2027-11-08T05:00:00Z",
        doubled=("2027-11-07T01:30:00", "2027-11-07T05:30:00Z", "2027-11-07T06:30:00Z"),
    ),
    # Half an hour: from +10:30 to +11 and back.
    Change(
        "Australia/Lord_Howe", "2027-10-03", 47, "2027-10-02T13:30:00Z", "2027-10-03T13:00:00Z",
        skipped=("2027-10-03T02:00:00", "2027-10-02T15:30:00Z"),
    ),
    Change(
        "Australia/Lord_Howe", "2027-04-04", 49, "2027-04-03T13:00:00Z", "2027-04-04T13:30:00Z",
        doubled=("2027-04-04T01:30:00", "2027-04-03T14:30:00Z", "2027-04-03T15:00:00Z"),
    ),
    # At midnight: the day in spring begins at one o'clock, and the one in autumn has its last hour twice.
    Change(
        "Africa/Cairo", "2027-04-30", 46, "2027-04-29T22:00:00Z", "2027-04-30T21:00:00Z",
        skipped=("2027-04-30T00:30:00", "2027-04-29T22:00:00Z"),
    ),
    Change(
        "Africa/Cairo", "2027-10-28", 50, "2027-10-27T21:00:00Z", "2027-10-28T22:00:00Z",
        doubled=("2027-10-28T23:30:00", "2027-10-28T20:30:00Z", "2027-10-28T21:30:00Z"),
    ),
]  # fmt: skip
EVERY = pytest.mark.parametrize("change", CHANGES, ids=str)
SPRING = pytest.mark.parametrize("change", [each for each in CHANGES if each.skipped], ids=str)
AUTUMN = pytest.mark.parametrize("change", [each for each in CHANGES if each.doubled], ids=str)


def instant(text: str) -> int:
    return int(dt.datetime.fromisoformat(text).timestamp())


def told(at: int) -> str:
    return dt.datetime.fromtimestamp(at, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def node_in_march(
    postgres_server: EmbeddedPostgres, template_database: str
) -> AsyncIterator[tuple[NodeProcess, Town]]:
    """A node whose clock began in March 2027, and whose machine is somewhere else (T5)."""
    url = await copied_database(postgres_server, template_database, "changing_clocks")
    before = os.environ.get("TZ")
    os.environ["TZ"] = "Pacific/Chatham"  # the node's: this process has read its own
    try:
        node = NodeProcess(url, now=NOW)
        await node.start()
    finally:
        if before is None:
            del os.environ["TZ"]
        else:
            os.environ["TZ"] = before
    yield node, Town(url)
    await node.stop()


@pytest.fixture
async def city(node_in_march: tuple[NodeProcess, Town]) -> AsyncIterator[City]:
    async with AsyncExitStack() as stack:
        yield City(node_in_march[1], stack)


@dataclass
class Here:
    """A venue in the zone of the change, and somebody who books there."""

    node: NodeProcess
    venue: Venue
    staff: Person
    guest: Person

    async def post(self, **body: object) -> httpx2.Response:
        given = {"resource_id": self.venue.bays[0]} | body
        return await self.guest.at(self.node).post("/api/bookings", json=given)


@pytest.fixture
async def here(node_in_march: tuple[NodeProcess, Town], city: City, change: Change) -> Here:
    node = node_in_march[0]
    venue = await city.town.venue(
        bays=2,
        timezone=change.zone,
        policy={"advance_days": 400, "concurrent_limit": 100, "max_duration_minutes": 600},
    )
    return Here(
        node,
        venue,
        await city.person(node, "Sam Staff", "staff", [venue]),
        await city.person(node, "Ann Able"),
    )


@EVERY
async def test_t2_the_grid_and_the_socket_show_the_rows_of_a_day_on_which_the_clocks_change(
    city: City, here: Here, change: Change
) -> None:
    start, end = instant(change.first), instant(change.end)
    expected = list(range(start, end, HALF))
    assert len(expected) == change.rows
    for person in (here.staff, here.guest):
        answer = await person.at(here.node).get(
            "/api/grid", params={"location_id": here.venue.id, "from": change.date, "days": 2}
        )
        body = answer.json()
        assert body["timezone"] == change.zone
        following = (dt.date.fromisoformat(change.date) + dt.timedelta(days=1)).isoformat()
        assert list(body["rows"]) == [change.date, following]
        assert body["rows"][change.date] == expected
        assert body["rows"][following][0] == end
        assert len(body["rows"][following]) == 48
        screen = await city.screen(
            here.node, person, here.venue, first=dt.date.fromisoformat(change.date), days=2
        )
        assert screen.snapshot["rows"] == body["rows"]
        assert screen.grid.window.start == start


@EVERY
async def test_t2_and_r21_every_row_is_offered_and_what_is_offered_is_accepted(
    here: Here, change: Change
) -> None:
    async def offered(minutes: int) -> list[dict[str, str]]:
        answer = await here.guest.at(here.node).get(
            "/api/availability",
            params={
                "location_id": here.venue.id,
                "date": change.date,
                "duration": minutes,
                "resource_id": here.venue.bays[0],
            },
        )
        assert answer.status_code == 200, answer.text
        slots: list[dict[str, str]] = answer.json()["slots"]
        return slots

    rows = list(range(instant(change.first), instant(change.end), HALF))
    slots = await offered(60)
    assert [slot["start_time"] for slot in slots] == [told(row) for row in rows]
    assert [slot["end_time"] for slot in slots] == [told(row + HOUR) for row in rows]
    # Around the change itself: book every other hour, which must leave exactly the rest.
    for slot in slots[1:12:4]:
        answer = await here.post(start_time=slot["start_time"], end_time=slot["end_time"])
        assert answer.status_code == 201, answer.text
    taken = [(rows[n], rows[n] + HOUR) for n in range(1, 12, 4)]
    free = [row for row in rows if not any(row < end and start < row + HOUR for start, end in taken)]
    assert [slot["start_time"] for slot in await offered(60)] == [told(row) for row in free]


@SPRING
async def test_t3_a_wall_time_that_does_not_exist_is_refused_with_the_next_that_does(
    here: Here, change: Change
) -> None:
    assert change.skipped is not None
    wall, following = change.skipped
    end = (dt.datetime.fromisoformat(wall) + dt.timedelta(hours=2)).isoformat()
    answer = await here.post(start_time=wall, end_time=end)
    body = answer.json()
    assert (answer.status_code, body["code"]) == (422, "nonexistent_time"), body
    assert [violation["code"] for violation in body["violations"]] == ["nonexistent_time"]
    assert [each["start_time"] for each in body["suggestions"]] == [following]
    judged = await here.guest.at(here.node).post(
        "/api/bookings/judge", json={"resource_id": here.venue.bays[0], "start_time": wall, "end_time": end}
    )
    assert [violation["code"] for violation in judged.json()["violations"]] == ["nonexistent_time"]
    assert judged.json()["suggestions"] == body["suggestions"]
    accepted = await here.post(**body["suggestions"][0])
    assert accepted.status_code == 201, accepted.text


@AUTUMN
async def test_t3_a_wall_time_that_occurs_twice_is_refused_with_both_readings_the_earliest_first(
    here: Here, change: Change
) -> None:
    assert change.doubled is not None
    wall, *readings = change.doubled
    end = (dt.datetime.fromisoformat(wall) + dt.timedelta(hours=3)).isoformat()
    answer = await here.post(start_time=wall, end_time=end)
    body = answer.json()
    assert (answer.status_code, body["code"]) == (422, "ambiguous_time"), body
    assert [violation["code"] for violation in body["violations"]] == ["ambiguous_time"]
    assert [each["start_time"] for each in body["suggestions"]] == readings
    # The end is one and the same, so that the two differ in length (T4).
    assert len({each["end_time"] for each in body["suggestions"]}) == 1
    shorter = body["suggestions"][1]
    accepted = await here.post(**shorter)
    assert accepted.status_code == 201, accepted.text
    assert accepted.json()["start_time"] == readings[1]


@EVERY
async def test_t4_and_t6_a_booking_over_the_change_and_over_midnight_is_as_long_as_it_takes(
    city: City, here: Here, change: Change
) -> None:
    day = dt.date.fromisoformat(change.date)
    # By wall time: over midnight, and over the change where that comes at night.
    before = await here.post(start_time=f"{day - dt.timedelta(days=1)}T22:30:00", end_time=f"{day}T03:30:00")
    in_the_evening = change.zone == "Africa/Cairo" and change.doubled is not None
    assert before.status_code == 201, before.text
    assert length(before) == 300 + (0 if in_the_evening else (change.rows - 48) * 30)
    # Over the whole change by instants; T3 says nothing about those.
    seam = (
        instant(change.skipped[1]) if change.skipped else instant(change.doubled[2] if change.doubled else "")
    )
    over = await here.post(
        resource_id=here.venue.bays[1], start_time=told(seam - HOUR), end_time=told(seam + HOUR)
    )
    assert over.status_code == 201, over.text
    assert length(over) == 120
    # One booking, drawn on both days (T6).
    for date in (day - dt.timedelta(days=1), day):
        screen = await city.screen(here.node, here.staff, here.venue, first=date, days=1)
        assert before.json()["id"] in screen.grid.records
    # A blackout of the second day refuses what begins on the first.
    start, end = instant(change.end), instant(change.end) + HOUR
    await city.town.fetch(
        "INSERT INTO blackouts (location_id, start_time, end_time, reason) VALUES ($1, $2, $3, 'cleaning')",
        here.venue.id,
        dt.datetime.fromtimestamp(start, dt.UTC),
        dt.datetime.fromtimestamp(end, dt.UTC),
    )
    await city.town.fetch(
        "UPDATE locations SET epoch = 'restored' WHERE id = $1", here.venue.id
    )  # as a restored backup would: what the node holds is from before

    answer = await here.post(start_time=told(start - HOUR), end_time=told(start + HOUR))
    assert (answer.status_code, answer.json()["code"]) == (422, "blackout"), answer.text


def length(answer: httpx2.Response) -> int:
    """Minutes."""
    body = answer.json()
    return (instant(body["end_time"]) - instant(body["start_time"])) // MINUTE
