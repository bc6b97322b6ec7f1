"""The story of a demo's start: found the venues the first time, then lay out the days that are missing.

Belongs here: what happens in which order, in one transaction. Does not belong here: how any of it is done.
"""

import asyncio
import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from grid_engine.calendar_day import calendar_day, day_of, days_after
from grid_engine.grid import Grid
from grid_engine.interval import Instant, Interval
from server.clock import Clock
from server.demo.blueprint import ADMIN, OPERATOR, PASSWORD, VENUES, Venue
from server.demo.founding import MONTH, ban_somebody, found_accounts, found_venue
from server.demo.life import told, with_visitors
from server.demo.people import Person, customers
from server.demo.planning import Crowd, Plan
from server.demo.recurring import keep_series
from server.demo.writing import (
    Marked,
    lock_demo,
    read_account_ids,
    read_codes,
    read_marks,
    read_records,
    write_history,
    write_mark,
    write_passwords,
    write_version,
    write_visitors,
)
from server.errors import ConfigurationError, Duplicate
from server.service.passwords import Passwords
from server.storage.batch import lock_locations
from server.storage.customers import Customer, lock_accounts, with_circumstances
from server.storage.database import Connection, Database
from server.storage.locations import read_state
from server.storage.stored_booking import to_instant

DAYS_BACK = 7
DAYS_AHEAD = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoVenue:
    """A venue to open."""

    id: int
    name: str
    timezone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """Somebody to sign in as; ``venue`` is the name of the one they work or play at, None for those who see all."""

    role: str
    name: str
    email: str
    password: str
    venue: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoAccounts:
    """What somebody who starts a demo is told."""

    venues: tuple[DemoVenue, ...]
    sign_ins: tuple[SignIn, ...]


async def seed(database: Database, clock: Clock) -> DemoAccounts:
    """Sees to it that both venues are there, with bookings from a week ago to ten days ahead; again changes nothing.

    The first time takes about a second, the next ones one query. Whoever else does it at the same time waits. Days that
    were laid out before are left alone, whatever became of them.

    Raises:
        ConfigurationError: if the database has accounts of its own with the demo's addresses or phones.
        Unavailable: if Postgres is away.
    """
    now = clock.now()
    async with database.connection() as connection:
        marks = await _read_marks(connection)
    if _incomplete(marks, now):
        try:
            async with database.transaction() as connection:
                await lock_demo(connection)
                marks = await _complete(connection, clock)
        except Duplicate as error:
            raise ConfigurationError(
                f"This database has accounts of its own with addresses or phones that the demo needs ({error}): "
                "start the demo on an empty one"
            ) from error
    return _accounts(marks)


async def _complete(connection: Connection, clock: Clock) -> dict[str, Marked]:
    marks = await _read_marks(connection)
    now = clock.now()
    people = customers()
    if not marks:
        await _found(connection, people, now)
        marks = await _read_marks(connection)
    elif missing := _incomplete(marks, now):
        await _fill_all(connection, people, {key: marks[key].location_id for key in missing}, missing, now)
        marks = await _read_marks(connection)
    return marks


async def _found(connection: Connection, people: Sequence[Person], now: Instant) -> None:
    # Argon2 takes a moment, and no lock of Python's meanwhile.
    hashing = asyncio.create_task(_password_hash())
    try:
        ids = await found_accounts(connection, people, now)
        await ban_somebody(connection, people, ids, now)
        venues = {venue.key: await found_venue(connection, venue, ids, now) for venue in VENUES}
        dates = {venue.key: tuple(_wanted(venue.timezone, now)) for venue in VENUES}
        await _fill_all(connection, people, venues, dates, now)
        await write_passwords(connection, list(ids.values()), await hashing)
    finally:
        hashing.cancel()


async def _password_hash() -> str:
    passwords = await asyncio.to_thread(Passwords)
    try:
        return await passwords.hash(PASSWORD)
    finally:
        passwords.close()


async def _fill_all(
    connection: Connection,
    people: Sequence[Person],
    location_ids: Mapping[str, int],
    dates: Mapping[str, Sequence[dt.date]],
    now: Instant,
) -> None:
    """Lays out days of venues, as one commit; locks accounts before locations, as all do who write bookings."""
    workers = {worker.email for venue in VENUES for worker in venue.staff} | {ADMIN.email}
    ids = await read_account_ids(connection, {person.email for person in people} | workers)
    locked = await lock_accounts(connection, [ids[person.email] for person in people if person.email in ids])
    locations = await lock_locations(connection, list(location_ids.values()))
    accounts = dict(await with_circumstances(connection, locked, now))
    codes = await read_codes(connection)
    for venue in VENUES:
        if venue.key not in location_ids or location_ids[venue.key] not in locations:
            continue
        location_id = location_ids[venue.key]
        crowd = _crowd(venue, people, ids, accounts)
        if crowd is not None:
            version = locations[location_id].version
            await _fill(connection, venue, location_id, crowd, dates[venue.key], codes, version, now)
        for run in _runs(dates[venue.key]):
            await write_mark(connection, venue.key, location_id, run, now)


async def _fill(
    connection: Connection,
    venue: Venue,
    location_id: int,
    crowd: Crowd,
    dates: Sequence[dt.date],
    codes: set[str],
    version: int,
    now: Instant,
) -> None:
    state = await read_state(connection, location_id)
    if state is None:
        raise LookupError(location_id)
    days = [calendar_day(date, state.timezone, state.slot_minutes) for date in dates]
    window = Interval(days[0].interval.start, days[-1].interval.end).widened(86_400)
    grid = Grid(location_id, "", 0, await read_records(connection, location_id, window))
    changed_at = to_instant(
        await connection.fetchval("SELECT updated_at FROM locations WHERE id = $1", location_id)
    )
    # History goes on from the last change; where the clock was set back since, there is none to go on from.
    since = changed_at if changed_at < now else now - MONTH
    plan = Plan(venue, state, grid, crowd, since=since, now=now, codes=codes)
    for date in dates:
        plan.fill(date)

    visitors = [
        (life.made.visitor, life.made.created_at) for life in plan.lives if life.made.visitor is not None
    ]
    ids = await write_visitors(connection, location_id, visitors)
    given = {
        visitor.id: id_ for (visitor, _), id_ in zip(visitors, ids, strict=True) if visitor.id is not None
    }
    history = told(with_visitors(plan.lives, given), version)
    await write_history(connection, location_id, history)
    await keep_series(connection, venue, state, dates, crowd.admin, now)
    await write_version(connection, location_id, history.version, now)


def _crowd(
    venue: Venue, people: Sequence[Person], ids: Mapping[str, int], accounts: dict[int, Customer]
) -> Crowd | None:
    """Who of them is still there; None if too few are left to lay anything out."""
    staff = [ids[worker.email] for worker in venue.staff if worker.email in ids]
    regulars = [
        (ids[person.email], person.keen)
        for person in people
        if person.home == venue.key and ids.get(person.email) in accounts
    ]
    if not staff or not regulars or ADMIN.email not in ids:
        return None
    known = frozenset(ids[person.email] for person in people[: len(VENUES)] if person.email in ids)
    return Crowd(customers=accounts, regulars=regulars, known=known, staff=staff, admin=ids[ADMIN.email])


async def _read_marks(connection: Connection) -> dict[str, Marked]:
    return await read_marks(connection, [venue.key for venue in VENUES])


def _incomplete(marks: Mapping[str, Marked], now: Instant) -> dict[str, Sequence[dt.date]]:
    """The days to lay out by venue; venues that were closed stay as they are."""
    missing: dict[str, Sequence[dt.date]] = {}
    for venue in VENUES:
        mark = marks.get(venue.key)
        if mark is None:
            missing[venue.key] = tuple(_wanted(venue.timezone, now))
        elif mark.active and (left := [day for day in _wanted(mark.timezone, now) if day not in mark.dates]):
            missing[venue.key] = left
    return missing


def _wanted(timezone: str, now: Instant) -> Iterator[dt.date]:
    today = day_of(now, timezone)
    return (days_after(today, number) for number in range(-DAYS_BACK, DAYS_AHEAD + 1))


def _runs(dates: Sequence[dt.date]) -> Iterator[Sequence[dt.date]]:
    """The dates, cut where one is missing between them."""
    first = 0
    for place in range(1, len(dates) + 1):
        if place == len(dates) or dates[place] != days_after(dates[place - 1], 1):
            yield dates[first:place]
            first = place


def _accounts(marks: Mapping[str, Marked]) -> DemoAccounts:
    names = {key: mark.name for key, mark in marks.items()}
    sign_ins = [
        SignIn(role=worker.role, name=worker.name, email=worker.email, password=PASSWORD, venue=None)
        for worker in (ADMIN, OPERATOR)
    ]
    known = customers()[: len(VENUES)]
    for venue, person in zip(VENUES, known, strict=True):
        at = names[venue.key]
        sign_ins += [
            SignIn(role="staff", name=worker.name, email=worker.email, password=PASSWORD, venue=at)
            for worker in venue.staff[:2]
        ]
        sign_ins.append(
            SignIn(role="customer", name=person.name, email=person.email, password=PASSWORD, venue=at)
        )
    return DemoAccounts(
        venues=tuple(
            DemoVenue(
                id=marks[venue.key].location_id,
                name=marks[venue.key].name,
                timezone=marks[venue.key].timezone,
            )
            for venue in VENUES
        ),
        sign_ins=tuple(sign_ins),
    )
