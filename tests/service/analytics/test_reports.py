"""Reports say what looking at every five minutes says, whatever is rolled up and whatever is not (Y1)."""

import datetime as dt
import random
import uuid
from dataclasses import asdict, replace
from typing import Any, get_args

import pytest

from grid_engine.interval import DAY, HOUR, MINUTE, Interval
from server.clock import ManualClock
from server.principal import Principal
from server.service.analytics.reports import Line, Report, Reports
from server.service.analytics.rolling import roll_up_what_is_due
from server.storage.batch import AuditEntry, write
from server.storage.database import Database
from server.storage.rollup import Grouping, Key
from server.storage.stored_booking import StoredBooking
from tests.service.analytics.oracle import Expected, Oracle
from tests.service.conftest import Node
from tests.venues import Town, Venue

GROUPINGS: tuple[Grouping, ...] = get_args(Grouping)
ADMIN = Principal(user_id=1, role="admin", name="Ada")

LUNCH = {
    "mon": [["09:00", "12:15"], ["13:00", "24:00"]],
    "wed": [["00:00", "03:00"], ["10:30", "20:00"]],
    "sat": [["06:00", "24:00"]],
    "sun": [["00:00", "24:00"]],
}

PLACES: dict[str, tuple[str, dt.date]] = {
    "spring in New York": ("America/New_York", dt.date(2027, 3, 12)),
    "autumn in London": ("Europe/London", dt.date(2027, 10, 29)),
    "half an hour in Lord Howe": ("Australia/Lord_Howe", dt.date(2027, 4, 2)),
    "midnight in Beirut": ("Asia/Beirut", dt.date(2027, 3, 26)),
    "twice midnight in Havana": ("America/Havana", dt.date(2027, 11, 5)),
    "quarters of an hour in Kathmandu": ("Asia/Kathmandu", dt.date(2027, 6, 4)),
}
"""Where and from which day on; the clocks change on the third."""


def told(lines: Report) -> dict[Key, Expected]:
    """A report as the oracle says it."""
    found = {line.key: _expected(line) for line in lines.lines}
    return {key: figures for key, figures in found.items() if figures != Expected()}


def _expected(line: Line) -> Expected:
    figures = asdict(line.figures)
    del figures["block_seconds"]
    return Expected(open_seconds=line.open_seconds, **figures)


class Life:
    """Makes and changes bookings at random, on times that are multiples of five minutes, as the rules of the tables have it."""

    def __init__(
        self, node: Node, venues: list[Venue], people: list[Principal], start: int, seed: int
    ) -> None:
        self.node = node
        self.venues = venues
        self.people = people
        self.start = start
        self.chance = random.Random(seed)
        self.bookings: dict[str, StoredBooking] = {}

    async def begin(self, number: int) -> None:
        made = [booking for _ in range(number) if (booking := self._new()) is not None]
        await self._write(inserted=made)

    async def go_on(self, number: int) -> None:
        """Changes some: cancels, moves, marks, undoes."""
        for _ in range(number):
            booking = self.chance.choice(list(self.bookings.values()))
            after = replace(
                booking,
                status=self.chance.choice(("confirmed", "completed", "cancelled", "no_show", booking.status)),
                attended_at=self.chance.choice((None, booking.interval.start)),
            )
            if self.chance.random() < 0.3:
                after = replace(after, interval=self._span())
            if not booking.is_block or after.status in ("confirmed", "cancelled"):
                await self._change(booking, after)

    def _new(self) -> StoredBooking | None:
        venue = self.chance.choice(self.venues)
        interval = self._span()
        kind = self.chance.choice(("CUSTOMER",) * 6 + ("MAINTENANCE", "TRAINING"))
        status = self.chance.choice(("confirmed", "completed", "no_show", "cancelled", "held", "expired"))
        if kind != "CUSTOMER":
            status = self.chance.choice(("confirmed", "cancelled"))
            if self.chance.random() < 0.3:
                interval = Interval(interval.start, interval.end + 2 * DAY)
        booking = StoredBooking(
            id=str(uuid.UUID(int=self.chance.getrandbits(128), version=4)),
            grid_id=f"g{len(self.bookings)}-{self.chance.random()}",
            code=f"{self.chance.random()}",
            location_id=venue.id,
            resource_id=self.chance.choice(venue.bays),
            interval=interval,
            status=status,
            type=kind,
            user_id=None
            if kind != "CUSTOMER" or status == "held"
            else self.chance.choice(self.people).user_id,
            attended_at=self.chance.choice((None, interval.start)),
            expires_at=interval.start if status == "held" else None,
            created_at=interval.start - self.chance.randrange(-1, 20) * HOUR * 7,
            updated_at=interval.start - self.chance.randrange(0, 8) * 6 * HOUR,
            version=1,
        )
        if self._clashes(booking):
            return None
        self.bookings[booking.id] = booking
        return booking

    def _span(self) -> Interval:
        start = self.start + self.chance.randrange(-DAY // 300, 6 * DAY // 300) * 5 * MINUTE
        return Interval(start, start + self.chance.choice((30, 60, 90, 125, 240, 26 * 60)) * MINUTE)

    def _clashes(self, booking: StoredBooking) -> bool:
        return booking.is_active and any(
            other.is_active
            and other.id != booking.id
            and other.resource_id == booking.resource_id
            and other.interval.overlaps(booking.interval)
            for other in self.bookings.values()
        )

    async def _change(self, before: StoredBooking, after: StoredBooking) -> None:
        if self._clashes(after):
            return
        after = replace(after, updated_at=before.updated_at + 300)
        if after.status != "held":
            after = replace(after, expires_at=None)
        audit = []
        if after.status == "cancelled" != before.status:
            audit = [
                AuditEntry(
                    booking_id=after.id,
                    location_id=after.location_id,
                    event_type="cancelled",
                    actor_id=self.chance.choice((after.user_id, None)),
                    metadata={"before": {"status": before.status}, "after": {"status": "cancelled"}},
                )
            ]
        self.bookings[after.id] = after
        await self._write(updated=[after], audit=audit)

    async def _write(self, **what: Any) -> None:
        given: dict[str, Any] = {"inserted": [], "updated": [], "vacated": [], "audit": []} | what
        async with self.node.database.transaction() as connection:
            await write(connection, diffs={}, answers=[], now=self.start, **given)


async def compare(
    town: Town, database: Database, venues: list[Venue], first: dt.date, days: int, **as_it_was: Any
) -> None:
    end = first + dt.timedelta(days=days)
    oracle = await Oracle.read(town, first, end, **as_it_was)
    reports = Reports(database)
    for asked in (None, venues[0].id):
        at = [venue.id for venue in venues] if asked is None else [asked]
        for grouping in GROUPINGS:
            report = await reports.report(ADMIN, location_id=asked, first=first, end=end, grouping=grouping)
            assert told(report) == oracle.report(at, grouping), (asked, grouping)


@pytest.mark.parametrize(("timezone", "first"), PLACES.values(), ids=PLACES)
async def test_y1_a_report_says_what_every_five_minutes_say(
    node: Node, town: Town, timezone: str, first: dt.date
) -> None:
    venues = [
        await town.venue(bays=2, timezone=timezone, policy={"opening_hours": LUNCH}),
        await town.venue(bays=1, timezone="UTC"),
    ]
    await town.fetch("UPDATE resources SET active = false WHERE id = $1", venues[0].bays[1])
    start = int(dt.datetime.combine(first, dt.time(), dt.UTC).timestamp())
    for spans, bays in (
        ((start + DAY + 3 * HOUR, start + DAY + 9 * HOUR), None),
        ((start + 2 * DAY, start + 2 * DAY + 5 * MINUTE), [venues[0].bays[0]]),
        ((start + 2 * DAY - HOUR, start + 3 * DAY), [venues[0].bays[0], venues[0].bays[1]]),
    ):
        await town.fetch(
            "INSERT INTO blackouts (location_id, resource_ids, start_time, end_time, reason) "
            "VALUES ($1, $2, to_timestamp($3), to_timestamp($4), 'closed')",
            venues[0].id,
            bays,
            *spans,
        )
    people = [await town.person(name) for name in ("Ann", "Bob")]
    life = Life(node, venues, people, start, seed=first.toordinal())
    clock = ManualClock(start)

    await life.begin(80)
    await compare(town, node.database, venues, first, 5)  # nothing is rolled up
    await roll_up_what_is_due(node.database, clock)
    assert await town.value("SELECT count(*) FROM analytics_marks") == 0
    await compare(town, node.database, venues, first, 5)  # everything is
    await life.go_on(25)
    await life.begin(5)
    assert await town.value("SELECT count(*) FROM analytics_marks") > 0
    await compare(town, node.database, venues, first, 5)  # some is
    await roll_up_what_is_due(node.database, clock)
    await compare(town, node.database, venues, first, 5)
