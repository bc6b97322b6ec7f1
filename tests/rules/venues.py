"""Venues, facts and proposals for the tests of the rules: plain ones to start from, and random ones.

Random venues lie round the days on which clocks change, with everything small enough that collisions are common.
"""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from hypothesis import strategies as st

from grid_engine.calendar_day import calendar_day, wall_time
from grid_engine.grid import Grid
from grid_engine.interval import DAY, HOUR, MINUTE, Interval
from grid_engine.records import Blackout, Block, Booking, Hold, Record, Resource
from rules.model import Action, Facts, Moved, Occupied, Proposal, Role, Standing
from rules.policy import Policy

NEW_YORK = "America/New_York"
NOON = 1_811_865_600
"""2027-06-01T12:00 in New York, a Tuesday far from any change of clocks: ``now``, unless a test says otherwise."""

BAYS = (
    Resource(id=7, name="Bay 1", position=1),
    Resource(id=3, name="Bay 2", position=2),
    Resource(id=5, name="Bay 3", position=3),
)
CLOCK_CHANGES = (
    (NEW_YORK, date(2027, 3, 14)),
    (NEW_YORK, date(2026, 11, 1)),
    ("Australia/Lord_Howe", date(2027, 4, 4)),
    ("Australia/Lord_Howe", date(2026, 10, 4)),
    ("Africa/Cairo", date(2027, 4, 30)),
    ("Africa/Cairo", date(2026, 10, 29)),
)


class ListGrid:
    """The plainest grid that keeps the contract of `Occupied`, to compare the real ones with."""

    def __init__(self, records: Sequence[Record] = ()) -> None:
        self._records = sorted(records, key=lambda each: (each.interval, each.id))

    def overlapping(self, interval: Interval, resource_id: int | None = None) -> list[Record]:
        return [
            each
            for each in self._records
            if resource_id in (None, each.resource_id) and each.interval.overlaps(interval)
        ]

    def conflicts(
        self,
        resource_id: int,
        interval: Interval,
        *,
        buffer: int = 0,
        buffered: bool = True,
        excluding: AbstractSet[str] = frozenset(),
    ) -> list[Record]:
        found = []
        for each in self._records:
            needs_buffer = buffered and not isinstance(each, Block)
            wide = interval.widened(buffer) if needs_buffer else interval
            if each.resource_id == resource_id and each.id not in excluding and each.interval.overlaps(wide):
                found.append(each)
        return found


def drafted_grid(records: Sequence[Record]) -> Occupied:
    """Half of the records on a grid, the other half staged over it."""
    draft = Grid(1, "epoch", 1, records[::2]).draft()
    for record in records[1::2]:
        draft.put(record)
    return draft


GRIDS = (ListGrid, lambda records: Grid(1, "epoch", 1, records), drafted_grid)


def local(*when: int, timezone: str = NEW_YORK) -> int:
    """The instant of a wall time that exists once."""
    wall = datetime(*when)  # type: ignore[arg-type]  # noqa: DTZ001  # year to minute; has no zone of its own
    (instant,) = wall_time(wall, timezone)
    return instant


def at(hours: float, minutes: float = 60) -> Interval:
    """So many hours after NOON, for so many minutes."""
    start = NOON + int(hours * HOUR)
    return Interval(start, start + int(minutes * MINUTE))


def booked(interval: Interval, resource_id: int = 7, record_id: str = "booked", **rest) -> Booking:
    return Booking(
        id=record_id, grid_id=f"grid-{record_id}", resource_id=resource_id, interval=interval, **rest
    )


def held(interval: Interval, expires_at: int, resource_id: int = 7, record_id: str = "held") -> Hold:
    return Hold(
        id=record_id,
        grid_id=f"grid-{record_id}",
        resource_id=resource_id,
        interval=interval,
        user_id=1,
        expires_at=expires_at,
    )


def blocked(interval: Interval, resource_id: int = 7, record_id: str = "blocked") -> Block:
    return Block(
        id=record_id,
        grid_id=f"grid-{record_id}",
        resource_id=resource_id,
        interval=interval,
        type="MAINTENANCE",
    )


def told(rule, proposal, facts):
    """The params of the violation that the rule alone finds, None without one."""
    found = list(rule.check(proposal, facts))
    assert [each.code for each in found] in ([], [rule.code])
    return found[0].params if found else None


def facts_of(records: Sequence[Record] = (), **rest) -> Facts:
    given: dict[str, Any] = {
        "now": NOON,
        "location_id": 1,
        "timezone": NEW_YORK,
        "slot_minutes": 30,
        "resources": BAYS,
        "blackouts": (),
        "policy": Policy(),
        "grid": Grid(1, "epoch", 1, records),
    }
    return Facts(**(given | rest))


def create(interval: Interval, role: Role = Role.CUSTOMER, resource_id: int = 7, **rest) -> Proposal:
    return Proposal(action=Action.CREATE, role=role, resource_id=resource_id, interval=interval, **rest)


def move(
    existing: Interval, interval: Interval, role: Role = Role.CUSTOMER, resource_id: int = 7, **rest
) -> Proposal:
    moved = Moved(id="moved", resource_id=7, interval=existing, reschedule_count=rest.pop("moves", 0))
    return Proposal(
        action=Action.MOVE, role=role, resource_id=resource_id, interval=interval, existing=moved, **rest
    )


@dataclass(frozen=True)
class Venue:
    """Random facts and the local day that they lie round."""

    facts: Facts
    date: date
    role: Role


@st.composite
def opening_hours(draw, step: int = 30):
    days = []
    for _ in range(7):
        cuts = draw(st.lists(st.integers(0, 1440 // step), max_size=4, unique=True).map(sorted))
        days.append(tuple((a * step, b * step) for a, b in zip(cuts[::2], cuts[1::2], strict=False)))
    return tuple(days)


POLICIES = st.builds(
    Policy,
    can_book=st.sampled_from([True] * 9 + [False]),
    min_duration_minutes=st.sampled_from([0, 30, 60, 75]),
    max_duration_minutes=st.sampled_from([75, 120, 240]),
    advance_days=st.sampled_from([0, 1, 2, 14]),
    concurrent_limit=st.sampled_from([1, 2]),
    reschedule_limit=st.sampled_from([0, 2]),
    cutoff_minutes=st.sampled_from([0, 120]),
    buffer_minutes=st.sampled_from([0, 0, 10, 30]),
    opening_hours=st.none() | opening_hours(),
)
STANDINGS = st.builds(
    Standing,
    banned=st.sampled_from([False] * 9 + [True]),
    denied_locations=st.sampled_from([frozenset()] * 9 + [frozenset({1})]),
    active_bookings=st.sampled_from([0, 0, 0, 1, 2]),
    favourites=st.lists(st.tuples(st.sampled_from([3, 5, 9]), st.integers(0, 10079)), max_size=3).map(tuple),
)


@st.composite
def records_round(draw, start: int, slot_minutes: int, resource_ids: Sequence[int]) -> list[Record]:
    """Records within two days of ``start`` that do not overlap on a resource, some between the grid's lines."""
    found: list[Record] = []
    for number in range(draw(st.integers(0, 14))):
        begin = (
            start
            + draw(st.integers(-24 * 60 // slot_minutes, 48 * 60 // slot_minutes)) * slot_minutes * MINUTE
        )
        begin += draw(st.sampled_from([0, 0, 0, 7 * MINUTE]))
        interval = Interval(begin, begin + draw(st.sampled_from([slot_minutes, 60, 90, 300])) * MINUTE)
        resource_id = draw(st.sampled_from(resource_ids))
        if any(each.resource_id == resource_id and each.interval.overlaps(interval) for each in found):
            continue
        name = f"record-{number}"
        match draw(st.sampled_from(["booking", "booking", "hold", "block"])):
            case "booking":
                found.append(booked(interval, resource_id, name))
            case "hold":
                found.append(held(interval, start + draw(st.integers(-DAY, DAY)), resource_id, name))
            case _:
                found.append(blocked(interval, resource_id, name))
    return found


@st.composite
def venues(draw) -> Venue:
    timezone, change = draw(st.sampled_from(CLOCK_CHANGES))
    day = date.fromordinal(change.toordinal() + draw(st.integers(-1, 1)))
    slot_minutes = draw(st.sampled_from([15, 20, 30, 30, 60]))
    start = calendar_day(day, timezone, slot_minutes).start
    now = (
        start
        + draw(st.sampled_from([-3 * DAY, -DAY, -HOUR, 0, 7 * HOUR, 25 * HOUR]))
        + draw(st.integers(0, HOUR))
    )
    records = draw(records_round(start, slot_minutes, [each.id for each in BAYS]))
    blackouts = []
    for number in range(draw(st.integers(0, 2))):
        begin = start + draw(st.integers(-12, 36)) * HOUR
        closed = draw(st.none() | st.frozensets(st.sampled_from([3, 5, 7]), min_size=1))
        interval = Interval(begin, begin + draw(st.integers(1, 10)) * HOUR)
        blackouts.append(Blackout(id=number, interval=interval, resource_ids=closed, reason="tournament"))
    facts = facts_of(
        now=now,
        timezone=timezone,
        slot_minutes=slot_minutes,
        blackouts=tuple(blackouts),
        policy=draw(POLICIES),
        standing=draw(STANDINGS),
        grid=draw(st.sampled_from(GRIDS))(records),
        resources=(*BAYS, Resource(id=9, name="Out of order", position=0, active=False)),
    )
    return Venue(facts, day, draw(st.sampled_from(Role)))
