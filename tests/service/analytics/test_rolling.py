"""Rolling up: what leaves a mark and what does not, by several nodes at once, a piece at a time, and never to the end of time."""

import asyncio
import datetime as dt
from typing import Any

import pytest

from grid_engine.calendar_day import LAST_INSTANT
from grid_engine.interval import DAY, HOUR
from server.clock import ManualClock
from server.service.analytics import rolling
from server.service.analytics.reports import Report, Reports
from server.service.analytics.rolling import AHEAD, roll_up_what_is_due
from server.storage.rollup import Figures
from server.storage.rollup_marks import lock_rolled_up_by, mark_all
from server.storage.stored_booking import moment
from tests.conftest import NOON
from tests.service.analytics.test_reports import ADMIN, Life, compare
from tests.service.conftest import Node
from tests.service.test_booking import START, book, command, span
from tests.venues import Town, Venue

FIRST = dt.date(2027, 6, 1)


@pytest.fixture
async def venue(town: Town) -> Venue:
    return await town.venue(bays=3)


async def _marks(town: Town) -> int:
    return int(await town.value("SELECT count(*) FROM analytics_marks"))


async def _report(node: Node, first: dt.date = FIRST, days: int = 5, **what: Any) -> Report:
    asked: dict[str, Any] = {"location_id": None, "grouping": "day"} | what
    end = first + dt.timedelta(days=days)
    return await Reports(node.database).report(ADMIN, first=first, end=end, **asked)


async def test_only_what_changes_a_figure_leaves_a_mark(
    node: Node, town: Town, venue: Venue, clock: ManualClock
) -> None:
    ann = await town.person("Ann Able")
    sam = await town.person("Sam Staff", "staff", [venue])

    async def left(work: Any) -> bool:
        """Whether it leaves a mark; reports know it at once, and rolled up they say the same."""
        await roll_up_what_is_due(node.database, clock)
        assert await _marks(town) == 0
        await work
        marked = await _marks(town) > 0
        before = await _report(node)
        await roll_up_what_is_due(node.database, clock)
        assert await _report(node) == before
        return marked

    async def do(who: Any, op: Any, target: str | None = None, **body: Any) -> Any:
        return dict((await node.desk.perform(who, command(op, target, **body))).body)

    hold: dict[str, Any] = {}

    async def holding() -> None:
        hold.update(await do(ann, "hold", resource_id=venue.bays[0], **span()))

    assert not await left(holding())
    assert await left(do(ann, "release", hold["id"]))  # the row alone does not tell that it was no booking
    assert (await _report(node)).totals.figures == Figures()
    booking: dict[str, Any] = {}

    async def booking_it() -> None:
        booking.update(await book(node, ann, venue.bays[0]))

    assert await left(booking_it())
    assert (await _report(node)).totals.figures == Figures(
        booked_seconds=HOUR, bookings=1, lead_seconds=24 * HOUR
    )
    assert not await left(do(ann, "update", booking["id"], note="Left-handed clubs"))
    assert await left(do(ann, "reschedule", booking["id"], **span(START + HOUR)))
    clock.advance(START + HOUR - clock.now())
    assert await left(do(sam, "confirm", booking["id"]))
    assert not await left(do(sam, "update", booking["id"], internal_note="Paid"))
    clock.advance(START + 3 * HOUR - clock.now())

    async def sweeping() -> None:
        await node.desk.sweep()
        await node.desk.idle()
        assert await town.value("SELECT status FROM bookings WHERE id = $1", booking["id"]) == "completed"

    assert not await left(sweeping())
    assert await left(do(sam, "no_show", booking["id"]))
    figures = (await _report(node)).totals.figures
    assert (figures.booked_seconds, figures.no_show_seconds, figures.no_shows) == (HOUR, HOUR, 1)


async def test_a_hold_that_is_given_back_is_no_cancellation(
    node: Node, town: Town, venue: Venue, clock: ManualClock
) -> None:
    ann = await town.person("Ann Able")
    hold = await node.desk.perform(ann, command("hold", resource_id=venue.bays[0], **span()))
    await node.desk.perform(ann, command("cancel", hold.body["id"]))
    booking = await book(node, ann, venue.bays[1])
    await node.desk.perform(ann, command("cancel", booking["id"]))
    figures = (await _report(node)).totals.figures
    assert (figures.cancellations, figures.own_cancellations, figures.late_cancellations) == (1, 1, 0)
    assert (figures.bookings, figures.booked_seconds) == (0, 0)


async def test_y1_a_minute_that_a_no_show_gave_up_and_another_took_counts_once(
    node: Node, town: Town, venue: Venue, clock: ManualClock
) -> None:
    ann, bob = await town.person("Ann Able"), await town.person("Bob Baker")
    sam = await town.person("Sam Staff", "staff", [venue])
    first = await book(node, ann, venue.bays[0], START, note=None)
    clock.advance(START + HOUR // 2 - clock.now())
    await node.desk.perform(sam, command("no_show", first["id"]))
    await book(node, sam, venue.bays[0], START + HOUR // 2, user_id=bob.user_id)
    figures = (await _report(node)).totals.figures
    assert (figures.booked_seconds, figures.no_show_seconds) == (3 * HOUR // 2, HOUR // 2)
    assert (figures.bookings, figures.no_shows) == (2, 1)


async def test_changes_that_come_while_several_roll_up_are_in_none_or_in_both(
    node: Node, start_node: Any, town: Town, venue: Venue, clock: ManualClock
) -> None:
    other = await start_node()
    people = [await town.person("Ann Able")]
    start = NOON - 12 * HOUR
    life = Life(node, [venue], people, start, seed=3)
    await life.begin(20)
    done = asyncio.Event()

    async def rolling_up(on: Node) -> None:
        while not done.is_set():
            await roll_up_what_is_due(on.database, clock)

    async def living() -> None:
        for _ in range(8):
            await life.go_on(5)
            await _report(other)
        done.set()

    await asyncio.gather(living(), rolling_up(node), rolling_up(other), rolling_up(other))
    await compare(town, node.database, [venue], FIRST, 4)
    await roll_up_what_is_due(node.database, clock)
    assert await _marks(town) == 0
    await compare(town, node.database, [venue], FIRST, 4)


async def test_a_location_that_somebody_is_at_is_left_to_them(
    node: Node, town: Town, venue: Venue, clock: ManualClock
) -> None:
    await book(node, await town.person("Ann Able"), venue.bays[0])
    async with node.database.transaction() as connection:
        await lock_rolled_up_by(connection, venue.id)
        await connection.execute("SAVEPOINT at_it")
        rolled = asyncio.create_task(roll_up_what_is_due(node.database, clock))
        # The very first time there is no row to lock yet, and the other waits to see whether there will be.
        await asyncio.wait({rolled}, timeout=0.05)
    await rolled
    assert await _marks(town) == 0
    clock.advance(DAY)
    await town.fetch(
        "INSERT INTO analytics_marks (location_id, starts_at, ends_at) VALUES ($1, $2, $2)",
        venue.id,
        moment(NOON),
    )
    async with node.database.transaction() as connection:
        assert await lock_rolled_up_by(connection, venue.id) is not None
        await roll_up_what_is_due(node.database, clock)
        assert await _marks(town) == 1


async def test_many_days_are_rolled_up_some_at_a_time(
    node: Node, town: Town, venue: Venue, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    life = Life(node, [venue], [await town.person("Ann Able")], NOON - 12 * HOUR, seed=5)
    await life.begin(40)
    monkeypatch.setattr(rolling, "MOST_DAYS", 2)
    monkeypatch.setattr(rolling, "RUN", 1)
    await roll_up_what_is_due(node.database, clock)
    assert await _marks(town) == 0
    await compare(town, node.database, [venue], FIRST, 4)


async def test_what_lies_beyond_the_horizon_is_measured_when_asked_for_and_rolled_up_when_it_comes(
    node: Node, town: Town, venue: Venue, clock: ManualClock
) -> None:
    await town.fetch(
        """
        INSERT INTO bookings (id, grid_id, code, location_id, resource_id, type, status, start_time, end_time,
                              reschedule_count, created_at, updated_at, judged_by, version)
        VALUES (gen_random_uuid(), 'g', 'c', $1, $2, 'BLOCKED', 'confirmed', $3, $4, 0, now(), now(), '{}', 1)
        """,
        venue.id,
        venue.bays[0],
        moment(NOON),
        moment(LAST_INSTANT),
    )
    await roll_up_what_is_due(node.database, clock)
    beyond = FIRST + dt.timedelta(days=AHEAD // DAY)
    for first in (FIRST + dt.timedelta(days=1), beyond - dt.timedelta(days=3), beyond + dt.timedelta(days=9)):
        figures = (await _report(node, first, 7)).totals.figures
        assert figures.blocked_seconds == 7 * DAY
    rolled = await town.value("SELECT max(day) FROM analytics_days")
    assert AHEAD // DAY - 2 <= (rolled - FIRST).days <= AHEAD // DAY
    assert await _marks(town) == 1
    await roll_up_what_is_due(node.database, clock)
    clock.advance(5 * DAY)
    await roll_up_what_is_due(node.database, clock)
    assert (await town.value("SELECT max(day) FROM analytics_days") - rolled).days == 5
    end = dt.date(9999, 12, 31)
    assert (await _report(node, end - dt.timedelta(days=2), 2)).totals.figures.blocked_seconds == 2 * DAY


async def test_all_can_be_rolled_up_afresh(node: Node, town: Town, venue: Venue, clock: ManualClock) -> None:
    await book(node, await town.person("Ann Able"), venue.bays[0])
    await roll_up_what_is_due(node.database, clock)
    await town.fetch("UPDATE analytics_days SET bookings = 7")  # as if something had gone wrong
    async with node.database.connection() as connection:
        await mark_all(connection, [venue.id])
    assert (await _report(node)).totals.figures.bookings == 1
    await roll_up_what_is_due(node.database, clock)
    assert await town.value("SELECT sum(bookings) FROM analytics_days") == 1
