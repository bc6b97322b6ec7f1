"""Blocks of thousands: one change on every screen, all or nothing whatever dies, and never over a booking (B2, B3, B5)."""

import asyncio
import itertools
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import httpx2

from grid_engine.interval import DAY, HOUR, MINUTE
from tests.acceptance.conftest import City, Pair, Person, soon, span, until
from tests.node_process import NodeProcess
from tests.venues import Venue

WEEK = 7 * DAY
MODES = ("fail", "skip", "book_around", "cancel")


async def block(
    admin: Person, node: NodeProcess, venue: Venue, key: str | None = None, **body: Any
) -> httpx2.Response:
    given = {
        "location_id": venue.id,
        "resource_ids": list(venue.bays),
        "type": "MAINTENANCE",
        "reason": "New turf",
        "on_conflict": "book_around",
    }
    headers = {} if key is None else {"Idempotency-Key": key}
    return await admin.at(node).post("/api/admin/bookings/block", json=given | body, headers=headers)


async def take(city: City, venue: Venue, start: int, weeks: int, *, every: int) -> int:
    """An hour a week on some of the bays, by hand, before any node knows the venue; how many."""
    rows = await city.town.fetch(
        """
        INSERT INTO bookings (id, grid_id, code, location_id, resource_id, type, status, start_time, end_time,
                              reschedule_count, created_at, updated_at, judged_by, version)
        SELECT gen_random_uuid(), gen_random_uuid(), left(gen_random_uuid()::text, 18), $1, bay, 'CUSTOMER', 'confirmed',
               to_timestamp($2::bigint + week * 604800), to_timestamp($2::bigint + week * 604800 + 3600), 0, now(), now(),
               '{}', 0
        FROM generate_series(0, $3 - 1) week, unnest($4::int[]) bay RETURNING id
        """,
        venue.id,
        start,
        weeks,
        list(venue.bays[::every]),
    )
    return len(rows)


async def test_b2_a_year_of_blocks_on_forty_bays_is_one_change_on_every_screen(
    shared_city: City, pair: Pair
) -> None:
    city = shared_city
    venue = await city.town.venue(bays=40, timezone="UTC")
    start = soon(24)
    taken = await take(city, venue, start + 3 * HOUR, 52, every=4)
    ada = await city.person(pair[0], "Ada Admin", "admin")
    sam = await city.person(pair[1], "Sam Staff", "staff", [venue])
    ann = await city.person(pair[1], "Ann Able")
    screens = [
        (await city.screen(node, person, venue, days=14), person) for node in pair for person in (sam, ann)
    ]
    before = await city.version(venue)
    answer = await block(
        ada, pair[0], venue, "year", **span(start, 8 * 60), recurrence="FREQ=WEEKLY;COUNT=52"
    )
    assert answer.status_code == 201, answer.text
    told = answer.json()
    assert told["created"] == 52 * 40 + taken, "each of those that are taken is split in two"
    assert (told["skipped"], told["cancelled"]) == ([], [])
    await city.settled(venue, screens, pair)
    assert await city.version(venue) == before + 1
    diffs = "SELECT count(*) FROM location_diffs WHERE location_id = $1 AND version > $2"
    assert await city.town.value(diffs, venue.id, before) == 1
    for screen, _ in screens:
        assert screen.received["diff"] == 1
        assert screen.received["snapshot"] == 1
        assert screen.received["resync"] == 0
    assert await city.town.overlaps() == 0


@asynccontextmanager
async def held_up(url: str, table: str) -> AsyncIterator[asyncpg.Connection]:
    """While it lasts nobody else writes to the table."""
    connection = await asyncpg.connect(url)
    transaction = connection.transaction()
    await transaction.start()
    await connection.execute(f"LOCK TABLE {table} IN EXCLUSIVE MODE")
    try:
        yield connection
    finally:
        await transaction.rollback()
        await connection.close()


async def test_p1_and_b3_a_node_that_is_killed_in_the_middle_of_a_block_leaves_nothing_of_it(
    city: City, own_pair: Pair
) -> None:
    doomed, steady = own_pair
    venue = await city.town.venue(bays=8, timezone="UTC")
    ada = await city.person(steady, "Ada Admin", "admin")
    ann = await city.person(steady, "Ann Able")
    start = soon(24)
    booked = await ann.at(steady).post("/api/bookings", json={"resource_id": venue.bays[0], **span(start)})
    assert booked.status_code == 201, booked.text
    screen = await city.screen(steady, ada, venue)
    version, key = await city.version(venue), str(uuid.uuid4())
    body = {**span(start, 120), "recurrence": "FREQ=DAILY;COUNT=50", "on_conflict": "cancel"}

    # Its series is written after its blocks: held up there, the transaction has all of them and is not committed.
    async with held_up(city.town.url, "series_occurrences"):
        asking = asyncio.create_task(block(ada, doomed, venue, key, **body))

        async def waits() -> bool:
            return bool(
                await city.town.value(
                    """
                    SELECT EXISTS (SELECT FROM pg_locks l JOIN pg_stat_activity a USING (pid)
                                   WHERE NOT l.granted AND a.datname = current_database())
                    """
                )
            )

        await until(waits, 10, "the block is held up")
        await doomed.kill()
        (failed,) = await asyncio.gather(asking, return_exceptions=True)
        assert isinstance(failed, httpx2.TransportError)

    async def let_go() -> bool:
        query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in%'"
        return not await city.town.value(query) and not await waits()

    await until(let_go, 10, "Postgres notices that the node is gone")
    for table in ("series", "series_occurrences", "notifications"):
        assert await city.town.value(f"SELECT count(*) FROM {table}") == 0
    assert await city.town.value("SELECT count(*) FROM bookings") == 1
    assert await city.town.value("SELECT status FROM bookings") == "confirmed"
    assert await city.version(venue) == version
    assert await city.town.value("SELECT count(*) FROM location_diffs WHERE version > $1", version) == 0

    again = await block(ada, steady, venue, key, **body)
    assert (again.status_code, again.json()["created"]) == (201, 400), again.text
    assert again.json()["cancelled"] == [booked.json()["id"]]
    await city.settled(venue, [(screen, ada)], (steady,))
    assert await city.version(venue) == version + 1
    assert screen.received["diff"] == 1
    await doomed.start()
    repeated = await block(ada, doomed, venue, key, **body)
    assert repeated.json() == again.json()
    assert await city.town.value("SELECT count(*) FROM notifications") == 1


async def test_g1_and_b3_blocks_and_bookings_race_for_the_same_bays_and_never_overlap(
    shared_city: City, pair: Pair
) -> None:
    city = shared_city
    venue = await city.town.venue(policy={"concurrent_limit": 1_000, "advance_days": 60}, timezone="UTC")
    ada = await city.person(pair[0], "Ada Admin", "admin")
    guests = [await city.person(pair[number % 2], f"Guest {number}") for number in range(6)]
    screens = [(await city.screen(pair[number % 2], guests[number], venue, days=14), guests[number]) for number in (0, 1)]  # fmt: skip
    first = soon(12)
    told: Counter[tuple[str, int]] = Counter()
    series: list[str] = []

    async def book(guest: Person, number: int) -> None:
        bay = venue.bays[number % 4]
        for hour in range(24):
            start = first + hour * HOUR + (30 * MINUTE if number % 3 == 0 else 0)
            place = {"resource_id": bay, **span(start)}
            answer = await guest.at(pair[(number + hour) % 2]).post("/api/bookings", json=place)
            told["book", answer.status_code] += 1

    async def block_again_and_again() -> None:
        for round_, mode in zip(range(24), itertools.cycle(MODES), strict=False):
            times = span(first + round_ * HOUR, 90)
            answer = await block(
                ada, pair[round_ % 2], venue, **times, on_conflict=mode, recurrence="FREQ=DAILY;COUNT=3"
            )
            told[mode, answer.status_code] += 1
            if answer.status_code == 201:
                series.append(answer.json()["series_id"])

    async def bulk() -> None:
        for hour in range(12):
            operations = [
                {
                    "op": "create",
                    "args": {
                        "resource_id": bay,
                        **span(first + (2 * hour + bay % 2) * HOUR),
                        "visitor": {"name": "Vic"},
                    },
                }
                for bay in venue.bays
            ]
            answer = await ada.at(pair[hour % 2]).post(
                "/api/admin/bookings/bulk", json={"operations": operations, "atomic": hour % 2 == 0}
            )
            told["bulk", answer.status_code] += 1

    async def move_series() -> None:
        for number in range(6):
            if len(series) > number:
                by = span(first + (30 + number) * HOUR, 90)
                answer = await ada.at(pair[number % 2]).patch(
                    f"/api/admin/series/{series[number]}", json=by | {"on_conflict": MODES[number % 4]}
                )
                told["edit", answer.status_code] += 1

    async with asyncio.TaskGroup() as tasks:
        for number, guest in enumerate(guests):
            tasks.create_task(book(guest, number))
        tasks.create_task(block_again_and_again())
        tasks.create_task(bulk())
    await move_series()
    statuses = {status for _, status in told}
    assert statuses <= {200, 201, 409}, told
    assert told["book", 201], told
    assert told["book", 409], told
    assert told["cancel", 201] == told["skip", 201] == told["book_around", 201] == 6, told
    assert await city.town.overlaps() == 0
    await city.settled(venue, screens, pair)
