"""Random venues in Postgres: a location with everything that can refuse a booking, and somebody who wants one.

Belongs here: drawing one, and putting it into the tables. Does not belong here: what is asked of it. Each is a location of
its own with people of its own, so that one database serves as many as one likes.
"""

import datetime as dt
import uuid
from dataclasses import dataclass, replace
from typing import Any

import asyncpg
from hypothesis import strategies as st

from grid_engine.calendar_day import calendar_day
from grid_engine.interval import DAY, HOUR, MINUTE, Interval
from grid_engine.records import Block, Hold, Record
from rules.policy import LocationPolicy, Overrides, Policy, Tier
from server.principal import AccountRole, Principal
from server.storage.stored_booking import moment
from tests.rules.venues import POLICIES, records_round
from tests.venues import LONG_AGO, Town, Venue

NOW = 1_792_487_233
"""2026-10-20T09:07:13Z: within a fortnight the clocks go back in London, Cairo, New York and St John's."""

DAYS = (
    ("Europe/London", dt.date(2026, 10, 25), (-1, 0, 0, 1)),
    ("Africa/Cairo", dt.date(2026, 10, 29), (-1, 0, 0, 1)),
    ("America/New_York", dt.date(2026, 11, 1), (-1, 0, 0, 1)),
    ("America/St_Johns", dt.date(2026, 11, 1), (-1, 0, 0, 1)),
    ("Asia/Kathmandu", dt.date(2026, 10, 20), (0, 0, 1)),
    ("Australia/Lord_Howe", dt.date(2026, 10, 20), (0, 1, 16)),
)
"""Zones, a date to look at, and how far from it; none before today, whose records are no longer in memory."""


RESTRICTIONS: tuple[tuple[str, int | None] | None, ...] = (
    *(None,) * 8,
    ("MAX_ADVANCE_DAYS", 9),
    ("MAX_CONCURRENT", 1),
    ("BOOKING_BAN", None),
    ("DENY_LOCATION", 0),
)


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """What was drawn; resources are numbered from 0, and the last one is out of order."""

    timezone: str
    date: dt.date
    slot_minutes: int
    policy: LocationPolicy
    bays: int
    records: list[Record]
    blackouts: list[tuple[Interval, list[int] | None]]
    caller: AccountRole
    tier: str | None
    tags: list[str]
    restrictions: list[tuple[str, int | None]]
    elsewhere: int
    """Bookings that the customer has at another location."""
    duration: int


@dataclass(frozen=True, kw_only=True)
class Built:
    """The scenario in Postgres: who asks, and for whom."""

    scenario: Scenario
    venue: Venue
    caller: Principal
    customer: Principal

    @property
    def for_customer(self) -> dict[str, Any]:
        """What staff add to a request on the customer's behalf."""
        return {} if self.caller == self.customer else {"user_id": self.customer.user_id}


def some_overrides() -> st.SearchStrategy[Overrides]:
    return st.builds(
        Overrides,
        can_book=st.sampled_from([None, None, None, True, False]),
        min_duration_minutes=st.sampled_from([None, 0, 30]),
        advance_days=st.sampled_from([None, None, 3, 30]),
        concurrent_limit=st.sampled_from([None, 1, 3]),
    )


@st.composite
def location_policies(draw) -> LocationPolicy:
    values: Policy = draw(POLICIES)
    if draw(st.integers(0, 3)):
        # Mostly something can be booked: a policy by which nothing can says little about listings.
        values = replace(
            values, can_book=True, advance_days=20, min_duration_minutes=min(values.min_duration_minutes, 60)
        )
    if draw(st.booleans()):
        values = replace(values, opening_hours=None)
    return LocationPolicy(
        values=values,
        tiers={Tier.GOLD: draw(some_overrides())} if draw(st.booleans()) else {},
        tags={"league": draw(some_overrides())} if draw(st.booleans()) else {},
    )


@st.composite
def scenarios(draw, *, lenient: bool = False) -> Scenario:
    """``lenient`` ones have nothing against the person or the hours, so that nearly always something can be booked."""
    timezone, day, nearby = draw(st.sampled_from(DAYS))
    date = day + dt.timedelta(days=draw(st.sampled_from(nearby)))
    slot_minutes = draw(st.sampled_from([15, 30, 30, 60]))
    bays = draw(st.integers(1, 3))
    start = calendar_day(date, timezone, slot_minutes).start
    blackouts = []
    for _ in range(draw(st.integers(0, 2))):
        begin = start + draw(st.integers(-12, 30)) * HOUR
        closed = draw(st.none() | st.lists(st.integers(0, bays - 1), min_size=1, unique=True))
        blackouts.append((Interval(begin, begin + draw(st.integers(1, 10)) * HOUR), closed))
    restriction = None if lenient else draw(st.sampled_from(RESTRICTIONS))
    policy = draw(location_policies())
    if lenient:
        values = replace(policy.values, can_book=True, advance_days=20, min_duration_minutes=30)
        policy = LocationPolicy(values=replace(values, opening_hours=None, reschedule_limit=2))
    return Scenario(
        timezone=timezone,
        date=date,
        slot_minutes=slot_minutes,
        policy=policy,
        bays=bays,
        records=draw(records_round(start, slot_minutes, range(bays))),
        blackouts=blackouts,
        caller=draw(st.sampled_from(["customer", "customer", "staff", "operator", "admin"])),
        tier=draw(st.sampled_from([None, "GOLD"])),
        tags=draw(st.lists(st.sampled_from(["league", "junior"]), max_size=2, unique=True)),
        restrictions=[restriction] if restriction else [],
        elsewhere=0 if lenient else draw(st.sampled_from([0, 0, 0, 0, 1, 2])),
        duration=60 if lenient else draw(st.sampled_from([60, 60, 120, 90, 45])),
    )


async def build(town: Town, scenario: Scenario) -> Built:
    """Puts it into Postgres; nobody else knows anything of it yet."""
    venue = await town.venue(
        bays=scenario.bays + 1,
        timezone=scenario.timezone,
        slot_minutes=scenario.slot_minutes,
        policy=scenario.policy.to_json(),
    )
    other = await town.venue(bays=1)
    name = uuid.uuid4().hex
    customer = await town.person(f"Customer {name}", tier=scenario.tier, tags=scenario.tags)
    caller = customer
    if scenario.caller != "customer":
        caller = await town.person(f"Caller {name}", scenario.caller, [venue])
    connection = await asyncpg.connect(town.url)
    try:
        await connection.execute("UPDATE resources SET active = false WHERE id = $1", venue.bays[-1])
        for interval, closed in scenario.blackouts:
            await connection.execute(
                "INSERT INTO blackouts (location_id, resource_ids, start_time, end_time, reason) VALUES ($1, $2, $3, $4, 'cup')",
                venue.id,
                None if closed is None else [venue.bays[each] for each in closed],
                moment(interval.start),
                moment(interval.end),
            )
        for kind, value in scenario.restrictions:
            await town.restrict(customer, kind, venue.id if kind == "DENY_LOCATION" else value)
        for number, record in enumerate(scenario.records):
            user_id = None
            if isinstance(record, Hold):
                # Whoever holds the customer's bay is somebody else, and holds one.
                user_id = (await town.person(f"Holder {number} {name}")).user_id
            await _insert(
                connection, venue.id, venue.bays[record.resource_id], record.interval, user_id, record
            )
        for number in range(scenario.elsewhere):
            start = NOW // DAY * DAY + (3 + number) * DAY
            await _insert(
                connection, other.id, other.bays[0], Interval(start, start + HOUR), customer.user_id
            )
    finally:
        await connection.close()
    return Built(scenario=scenario, venue=venue, caller=caller, customer=customer)


async def _insert(
    connection: "asyncpg.Connection[asyncpg.Record]",
    location_id: int,
    resource_id: int,
    interval: Interval,
    user_id: int | None,
    record: Record | None = None,
) -> None:
    is_hold = isinstance(record, Hold)
    await connection.execute(
        """
        INSERT INTO bookings (id, grid_id, code, location_id, resource_id, user_id, type, status, start_time, end_time,
                              reschedule_count, created_at, updated_at, expires_at, judged_by, version)
        VALUES ($1::uuid, $1::uuid::text, left($1::uuid::text, 8), $2, $3, $4, $5, $6, $7, $8, 0, $9, $9, $10, '{}', 0)
        """,
        uuid.uuid4(),
        location_id,
        resource_id,
        user_id,
        "TRAINING" if isinstance(record, Block) else "CUSTOMER",
        "held" if is_hold else "confirmed",
        moment(interval.start),
        moment(interval.end),
        LONG_AGO,
        moment(record.expires_at - record.expires_at % MINUTE) if isinstance(record, Hold) else None,
    )
