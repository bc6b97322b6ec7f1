"""What an admin changes counts from the day on which it is changed, and setting up counts for ever (Y1)."""

import datetime as dt
from typing import Any

import pytest

from grid_engine.calendar_day import calendar_day
from grid_engine.interval import DAY, HOUR
from rules.policy_values import WEEKDAYS
from server.clock import ManualClock
from server.principal import Principal
from server.service.administration.blackouts import Blackouts
from server.service.administration.configuration import Configuration
from server.service.administration.locations import Locations
from server.service.administration.resources import Resources
from server.service.analytics.reports import Reports
from server.service.analytics.rolling import roll_up_what_is_due
from server.storage.database import Database
from tests.conftest import NOON
from tests.service.conftest import Node
from tests.venues import Town

ZONE = "America/New_York"
TODAY = dt.date(2027, 6, 1)
HOURS_A_DAY = 14
OPEN = {day: [["09:00", "23:00"]] for day in WEEKDAYS}


def day(number: int) -> dt.date:
    """The day so many days after the one on which everything is set up."""
    return TODAY + dt.timedelta(days=number)


class Office:
    """An admin at work on a location, and what reports say of it."""

    def __init__(self, database: Database, clock: ManualClock, ada: Principal) -> None:
        async def announce(_: int) -> None: ...

        configuration = Configuration(database, clock, announce)
        self.database = database
        self.clock = clock
        self.ada = ada
        self.locations = Locations(configuration)
        self.resources = Resources(configuration, self.locations)
        self.blackouts = Blackouts(configuration, self.locations)
        self.id = 0

    async def found(self, **fields: Any) -> None:
        given: dict[str, Any] = {
            "name": "F",
            "timezone": ZONE,
            "slot_minutes": 30,
            "policy": {},
            "active": True,
        }
        location = await self.locations.create(self.ada, **(given | fields))
        self.id = location.id

    async def bay(self, name: str = "Bay") -> int:
        made = await self.resources.create(
            self.ada, location_id=self.id, name=name, position=None, active=True
        )
        return made.id

    async def change(self, **changes: Any) -> None:
        await self.locations.change(self.ada, self.id, changes, confirmed=True)

    async def opened(self, *numbers: int) -> list[float]:
        """The hours that all bays together were open on each of the days."""
        return [
            line.open_seconds / HOUR
            for number in numbers
            for line in (await self._report(day(number), day(number + 1))).lines
        ]

    async def blocked(self, number: int) -> tuple[float, float]:
        """(blocked, open) hours of a day: the same before and after rolling up."""
        told = []
        for _ in range(2):
            [line] = (await self._report(day(number), day(number + 1))).lines
            told.append((line.figures.blocked_seconds / HOUR, line.open_seconds / HOUR))
            await roll_up_what_is_due(self.database, self.clock)
        assert told[0] == told[1]
        return told[0]

    async def _report(self, first: dt.date, end: dt.date) -> Any:
        return await Reports(self.database).report(
            self.ada, location_id=self.id, first=first, end=end, grouping="day"
        )


@pytest.fixture
async def office(node: Node, town: Town, clock: ManualClock) -> Office:
    return Office(node.database, clock, await town.person("Ada", "admin"))


async def _block(town: Town, office: Office, resource_id: int, number: int, first: int, hours: int) -> None:
    """A block on a day, from an hour of its clock on."""
    start = calendar_day(day(number), ZONE, 30).start + first * HOUR
    await town.fetch(
        """
        INSERT INTO bookings (id, grid_id, code, location_id, resource_id, type, status, start_time, end_time,
                              reschedule_count, created_at, updated_at, judged_by, version)
        VALUES (gen_random_uuid(), gen_random_uuid()::text, gen_random_uuid()::text, $1, $2, 'BLOCKED', 'confirmed', to_timestamp($3::float8),
                to_timestamp($4::float8), 0, now(), now(), '{}', 1)
        """,
        office.id,
        resource_id,
        start,
        start + hours * HOUR,
    )


async def test_y1_hours_count_from_the_day_on_which_they_are_changed(
    office: Office, clock: ManualClock
) -> None:
    await office.found()
    await office.bay()
    clock.advance(HOUR)
    await office.change(policy={"opening_hours": OPEN})  # setting up goes on
    assert await office.opened(-300, -1, 0, 1, 300) == [HOURS_A_DAY] * 5
    clock.advance(3 * DAY)
    await office.change(policy={"opening_hours": None})
    assert await office.opened(-300, 0, 2, 3, 4, 300) == [HOURS_A_DAY, HOURS_A_DAY, HOURS_A_DAY, 24, 24, 24]
    await office.change(name="Another name")
    clock.advance(3 * DAY)
    await office.change(active=False)
    assert await office.opened(2, 3, 5, 6, 7) == [HOURS_A_DAY, 24, 24, 0, 0]
    clock.advance(DAY)
    await office.change(active=True, policy={"opening_hours": OPEN})
    assert await office.opened(5, 6, 7, 8) == [24, 0, HOURS_A_DAY, HOURS_A_DAY]


async def test_y1_a_bay_counts_from_the_day_it_is_added_until_it_is_put_out_of_use(
    office: Office, clock: ManualClock
) -> None:
    await office.found()
    first = await office.bay()
    await office.bay()
    clock.advance(2 * DAY)
    third = await office.bay()
    assert await office.opened(-300, 0, 1, 2, 3) == [48, 48, 48, 72, 72]
    clock.advance(DAY)
    await office.resources.close(office.ada, first)
    await office.resources.change(office.ada, third, {"name": "Simulator"})
    assert await office.opened(-300, 1, 2, 3, 4) == [48, 48, 72, 48, 48]
    clock.advance(DAY)
    await office.resources.change(office.ada, first, {"active": True})
    assert await office.opened(2, 3, 4) == [72, 48, 72]


async def test_y1_what_was_put_into_the_tables_counts_as_it_is(office: Office, town: Town) -> None:
    venue = await town.venue(bays=3)
    await town.fetch("UPDATE resources SET active = false WHERE id = $1", venue.bays[0])
    office.id = venue.id
    assert await office.opened(-300, 0, 300) == [48, 48, 48]
    await office.change(policy={"opening_hours": OPEN})
    assert await office.opened(-1, 0, 1) == [48, 28, 28]


async def test_y1_a_block_counts_where_the_bay_is_open_whatever_is_changed_afterwards(
    office: Office, town: Town, clock: ManualClock
) -> None:
    await office.found(policy={"opening_hours": OPEN})
    bay = await office.bay()
    await _block(town, office, bay, 0, 8, 3)
    await _block(town, office, bay, 1, 22, 12)
    assert await office.blocked(0) == (2, 14)
    assert await office.blocked(1) == (1, 14)
    assert await office.blocked(2) == (1, 14)
    await office.change(policy={"opening_hours": None})
    assert [await office.blocked(number) for number in (0, 1, 2)] == [(3, 24), (2, 24), (10, 24)]
    start = calendar_day(day(1), ZONE, 30).start
    blackout = await office.blackouts.create(
        office.ada,
        location_id=office.id,
        resource_ids=[bay],
        start_time=start + 23 * HOUR,
        end_time=start + 30 * HOUR,
        reason="Fire alarm test",
    )
    assert [await office.blocked(number) for number in (0, 1, 2)] == [(3, 24), (1, 23), (4, 18)]
    await office.blackouts.delete(office.ada, blackout.id)
    clock.advance(2 * DAY)
    await office.resources.close(office.ada, bay)
    assert [await office.blocked(number) for number in (0, 1, 2)] == [(3, 24), (2, 24), (0, 0)]


async def test_y1_days_go_by_the_present_time_zone(office: Office, town: Town, clock: ManualClock) -> None:
    await office.found()
    bay = await office.bay()
    await _block(town, office, bay, 0, 22, 4)
    assert [await office.blocked(number) for number in (0, 1)] == [(2, 24), (2, 24)]
    clock.advance(DAY)
    await office.change(timezone="America/Los_Angeles")
    assert [await office.blocked(number) for number in (0, 1)] == [(4, 24), (0, 24)]
    await office.change(timezone="Asia/Tokyo")
    assert [await office.blocked(number) for number in (0, 1)] == [(0, 24), (4, 24)]


def test_the_day_on_which_all_is_set_up_is_today() -> None:
    assert calendar_day(TODAY, ZONE, 30).start < NOON < calendar_day(TODAY, ZONE, 30).end
