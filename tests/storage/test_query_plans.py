"""The queries that are run often find their rows by an index, whatever there is besides.

What the code sends is watched and then explained on a venue group's few months, so that no query is written down twice. A
statement is explained as it is planned for its parameters and as it is planned for any.
"""

import asyncio
import datetime as dt
import json
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import pytest

from bench.made_year import MadeYear, make_year
from grid_engine.interval import DAY, HOUR, Interval
from server.bus.memory import MemoryBus
from server.clock import ManualClock
from server.commands import BODIES, Command, Operation, format_instant
from server.edge.problems import describe
from server.embedded import EmbeddedPostgres
from server.live.rooms import Rooms
from server.principal import Principal
from server.service.analytics.history import opening_of
from server.service.analytics.rolling import measured
from server.service.context import Context
from server.service.customer_cache import CustomerCache
from server.service.desk import BookingDesk
from server.service.refusals import RefusalLog
from server.storage.batch import read_ended
from server.storage.booking_lists import BookingFilter
from server.storage.bookings import Bookings, read_occupants
from server.storage.configuration import booked_ahead
from server.storage.configuration_history import read_configured
from server.storage.customers import read_customers
from server.storage.database import Connection, Database
from server.storage.location_past import read_events
from server.storage.locations import Locations
from server.storage.refusals import read_favourites
from server.storage.rollup import measure, roll_up
from server.storage.rollup_marks import read_marks, take_marks
from server.storage.series import SeriesQueries, read_whole_series
from server.storage.stored_booking import to_instant

YEAR = MadeYear(locations=40, bays=3, days=60, customers=4_000)
NOW = int(YEAR.now.timestamp())
NAME = "query_plans"


class WatchedDatabase(Database):
    """Remembers what it is asked."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.asked: list[tuple[str, tuple[Any, ...]]] = []

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        async with super().connection() as connection:
            with connection.query_logger(lambda query: self.asked.append((query.query, query.args))):
                yield connection


@dataclass
class Plans:
    """What was read, and how, by the statements of one piece of code."""

    scans: set[tuple[str, str]] = field(default_factory=set)
    """(table, index), with "" where the whole table is read."""

    def add(self, plan: dict[str, Any], table: str = "") -> None:
        table = plan.get("Relation Name", table)
        if plan["Node Type"] == "Seq Scan":
            self.scans.add((table, ""))
        if "Index Name" in plan:
            self.scans.add((table, plan["Index Name"]))
        for part in plan.get("Plans", ()):
            self.add(part, table)

    def indexes(self, table: str = "bookings") -> set[str]:
        return {index for scanned, index in self.scans if scanned == table}


class Town:
    """The database, and how its statements are planned."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.clock = ManualClock(NOW)
        self.database = WatchedDatabase(url)

    async def value(self, query: str, *arguments: Any) -> Any:
        connection = await asyncpg.connect(self.url)
        try:
            return await connection.fetchval(query, *arguments)
        finally:
            await connection.close()

    async def plans_of(
        self, work: Callable[[], Awaitable[object]], setting: str = "SET enable_seqscan = on"
    ) -> Plans:
        self.database.asked.clear()
        await work()
        plans = Plans()
        connection = await asyncpg.connect(self.url)
        await connection.set_type_codec("jsonb", encoder=json.dumps, decoder=json.loads, schema="pg_catalog")
        await connection.execute(setting)
        for query, arguments in self.database.asked:
            if query.lstrip().split(maxsplit=1)[0].upper() not in (
                "SELECT",
                "WITH",
                "INSERT",
                "UPDATE",
                "DELETE",
            ):
                continue
            for mode in ("force_custom_plan", "force_generic_plan"):
                await connection.execute(f"SET plan_cache_mode = {mode}")
                explained = await connection.fetchval(f"EXPLAIN (FORMAT JSON) {query}", *arguments)
                plans.add(json.loads(explained)[0]["Plan"])
        await connection.close()
        return plans

    async def plans_of_query(self, ask: Callable[[Connection], Awaitable[object]]) -> Plans:
        async def work() -> None:
            async with self.database.connection() as connection:
                await ask(connection)

        return await self.plans_of(work)


@pytest.fixture(scope="module")
def year_url(postgres_server: EmbeddedPostgres, template_database: str) -> Iterator[str]:
    async def make() -> None:
        administrator = await asyncpg.connect(postgres_server.url())
        await administrator.execute(f"CREATE DATABASE {NAME} TEMPLATE {template_database} STRATEGY FILE_COPY")
        await administrator.close()
        connection = await asyncpg.connect(postgres_server.url(NAME))
        made = await make_year(connection, YEAR, in_bulk=True)
        assert made.bookings > 40_000
        await connection.close()

    async def drop() -> None:
        administrator = await asyncpg.connect(postgres_server.url())
        await administrator.execute(f"DROP DATABASE {NAME} WITH (FORCE)")
        await administrator.close()

    asyncio.run(make())
    yield postgres_server.url(NAME)
    asyncio.run(drop())


@pytest.fixture
async def town(year_url: str) -> AsyncIterator[Town]:
    town = Town(year_url)
    await town.database.open()
    yield town
    await town.database.close()


@pytest.fixture
async def location_id(town: Town) -> int:
    """One of those that are open around the clock, and neither the first nor the last."""
    return int(await town.value("SELECT min(id) + 3 FROM locations"))


@pytest.fixture
async def user_id(town: Town, location_id: int) -> int:
    """Somebody who has booked there."""
    return int(
        await town.value(
            "SELECT user_id FROM bookings WHERE location_id = $1 AND user_id IS NOT NULL LIMIT 1", location_id
        )
    )


async def test_a_replica_is_loaded_by_index(town: Town, location_id: int) -> None:
    plans = await town.plans_of(lambda: Locations(town.database, town.clock).load(location_id))
    assert plans.indexes() == {"ix_bookings_location_end"}


async def test_a_window_of_the_past_is_read_by_index(town: Town, location_id: int) -> None:
    past = Interval(NOW - 40 * DAY, NOW - 39 * DAY)
    plans = await town.plans_of(lambda: Locations(town.database, town.clock).window(location_id, past))
    assert plans.indexes() == {"ix_bookings_location_start", "ix_bookings_long"}


async def test_what_is_due_is_found_by_index(town: Town) -> None:
    plans = await town.plans_of(lambda: Locations(town.database, town.clock).due(NOW))
    # Where nothing is held, any index of what is held is as empty as the other. Of what is confirmed both are small, and which
    # is taken goes by the rows that ANALYZE happened to look at.
    assert plans.indexes() <= {
        "ix_bookings_held",
        "uq_bookings_hold_of_user",
        "ix_bookings_confirmed",
        "ix_bookings_location_confirmed",
    }


async def test_what_has_ended_is_found_by_index(town: Town, location_id: int) -> None:
    plans = await town.plans_of_query(lambda connection: read_ended(connection, location_id, NOW, 500))
    assert plans.indexes() == {"ix_bookings_location_confirmed"}


async def test_what_lies_ahead_is_read_by_index(town: Town, location_id: int) -> None:
    plans = await town.plans_of_query(
        lambda connection: booked_ahead(connection, location_id, NOW, limit=10_001)
    )
    assert plans.indexes() == {"ix_bookings_location_end"}


async def test_what_customers_have_booked_is_found_by_index(town: Town, user_id: int) -> None:
    plans = await town.plans_of_query(lambda connection: read_customers(connection, [user_id], NOW))
    assert plans.indexes() == {"ix_bookings_user_active"}


async def keep_refusals(url: str) -> None:
    """A month of what was refused, some of it to everybody."""
    connection = await asyncpg.connect(url)
    await connection.execute(
        """
        INSERT INTO refusals (location_id, day, user_id, subject, resource_id, start_time, end_time, minute_of_week, action,
                              role, codes, times, context, first_refused_at, last_refused_at)
        SELECT r.location_id, $1::timestamptz - n % 30 * interval '1 day', u.id, 'customer', r.id, $1::timestamptz,
               $1::timestamptz + n * interval '1 second', 0, 'create', 'customer', '{conflict}', 1, '{}', $1, $1
        FROM generate_series(1, 20000) n
        JOIN (SELECT id, row_number() OVER (ORDER BY id) AS place, count(*) OVER () AS all_ FROM users) u
          ON u.place = 1 + n % u.all_
        JOIN (SELECT id, location_id, row_number() OVER (ORDER BY id) AS place, count(*) OVER () AS all_ FROM resources) r
          ON r.place = 1 + n % r.all_
        """,
        YEAR.now,
    )
    await connection.execute("ANALYZE refusals")
    await connection.close()


async def test_r22_what_a_customer_keeps_asking_for_is_found_by_index(town: Town, user_id: int) -> None:
    await keep_refusals(town.url)
    plans = await town.plans_of_query(lambda connection: read_favourites(connection, [user_id], NOW))
    assert plans.indexes("refusals") == {"ix_refusals_user"}


async def test_r23_what_happened_at_a_location_is_found_by_time(town: Town, location_id: int) -> None:
    period = Interval(NOW - 10 * DAY, NOW)

    async def read(connection: Connection) -> None:
        with suppress(KeyError):  # what is made up tells less than what the server writes
            await read_events(connection, location_id, period, after=None, limit=100)

    plans = await town.plans_of_query(read)
    assert plans.indexes("booking_events") == {"ix_booking_events_location"}


async def test_a_series_is_read_by_index(town: Town) -> None:
    plans = await town.plans_of_query(lambda connection: read_whole_series(connection, [str(uuid.uuid4())]))
    assert plans.indexes() == {"ix_bookings_series"}
    plans = await town.plans_of(lambda: SeriesQueries(town.database).occurrences(uuid.uuid4()))
    assert plans.indexes() == {"ix_bookings_series"}


async def test_an_overlap_is_found_by_the_constraints_index(town: Town) -> None:
    resource_id = await town.value("SELECT min(id) FROM resources")
    nobody = "00000000-0000-0000-0000-000000000000"
    hour = Interval(NOW - HOUR, NOW)
    plans = await town.plans_of_query(
        lambda connection: read_occupants(connection, resource_id, hour, excluding=[nobody])
    )
    assert plans.indexes() == {"ex_bookings_occupancy"}


@pytest.mark.parametrize("lookup", ["customer_id", "email"])
async def test_x1_a_customers_context_is_read_by_index(town: Town, user_id: int, lookup: str) -> None:
    value = (
        user_id
        if lookup == "customer_id"
        else await town.value("SELECT email FROM users WHERE id = $1", user_id)
    )
    admin = Principal(user_id=user_id, role="admin", name="Ada")
    context = Context(town.database, town.clock)
    plans = await town.plans_of(lambda: context.ask(admin, lookup, value, "t-1"))  # type: ignore[arg-type]  # one of them
    assert plans.indexes() <= {"ix_bookings_user", "ix_bookings_user_active", "ix_bookings_user_status"}
    assert "" not in plans.indexes("users")


async def test_y2_bookings_are_measured_and_rolled_up_by_index(town: Town, location_id: int) -> None:
    async def ask(connection: Connection) -> None:
        [location] = await read_configured(connection, [location_id])
        days = [YEAR.first + dt.timedelta(days=number) for number in range(10, 41)]
        span = measured(location_id, opening_of(location), days)
        await measure(connection, span, "hour")
        await roll_up(connection, span, days)

    plans = await town.plans_of_query(ask)
    assert plans.indexes() == {"ix_bookings_location_start", "ix_bookings_long"}
    assert plans.indexes("booking_events") == {"ix_booking_events_booking"}


async def test_y2_marks_are_found_by_index(town: Town, location_id: int) -> None:
    week = Interval(NOW - 10 * DAY, NOW - 3 * DAY)

    async def ask(connection: Connection) -> None:
        await read_marks(connection, [location_id], week)
        transaction = connection.transaction()
        await transaction.start()
        assert await take_marks(connection, location_id, NOW)
        await transaction.rollback()

    plans = await town.plans_of_query(ask)
    assert plans.indexes("analytics_marks") == {"ix_analytics_marks_location"}


LISTS: dict[str, tuple[dict[str, Any], set[str]]] = {
    "of a location": ({}, {"ix_bookings_location_start"}),
    "of a day": (
        {"ends_after": NOW - 20 * DAY, "starts_before": NOW - 19 * DAY},
        {"ix_bookings_location_start", "ix_bookings_long"},
    ),
    "from a day on": ({"ends_after": NOW - 20 * DAY}, {"ix_bookings_location_start", "ix_bookings_long"}),
    "to a day": ({"starts_before": NOW - 20 * DAY}, {"ix_bookings_location_start"}),
    "of a status": ({"status": "no_show"}, {"ix_bookings_location_start"}),
}


@pytest.mark.parametrize(("condition", "indexes"), LISTS.values(), ids=LISTS)
async def test_pages_of_a_location_are_read_by_index(
    town: Town, location_id: int, condition: dict[str, Any], indexes: set[str]
) -> None:
    for after in (None, (NOW - 20 * DAY, _AFTER)):
        plans = await _plans_of_page(town, BookingFilter(location_id=location_id, **condition), after)
        assert plans.indexes() == indexes


async def test_pages_of_everything_are_read_by_index(town: Town) -> None:
    window = BookingFilter(ends_after=NOW - 20 * DAY, starts_before=NOW - 19 * DAY)
    assert (await _plans_of_page(town, BookingFilter())).indexes() == {"ix_bookings_start"}
    assert (await _plans_of_page(town, window)).indexes() == {"ix_bookings_start", "ix_bookings_long"}


async def test_pages_of_a_customer_are_read_by_index(town: Town, user_id: int) -> None:
    own = BookingFilter(visible_to=user_id, visible_at=[])
    assert (await _plans_of_page(town, BookingFilter(user_id=user_id))).indexes() == {"ix_bookings_user"}
    assert (await _plans_of_page(town, own)).indexes() == {"ix_bookings_user"}


async def test_pages_of_a_bay_are_read_by_index(town: Town, location_id: int) -> None:
    resource_id = await town.value("SELECT min(id) FROM resources WHERE location_id = $1", location_id)
    plans = await _plans_of_page(town, BookingFilter(resource_id=resource_id))
    assert plans.indexes() == {"ix_bookings_location_start"}


@pytest.mark.parametrize(
    ("table", "index"), [("users", "ix_bookings_user"), ("visitors", "ix_bookings_visitor_id")]
)
async def test_a_search_finds_codes_names_and_notes_by_index(
    town: Town, location_id: int, table: str, index: str
) -> None:
    name = await town.value(f"SELECT name FROM {table} ORDER BY id LIMIT 1")
    plans = await _plans_of_page(town, BookingFilter(location_id=location_id, search=name))
    assert {"ix_bookings_code", "ix_bookings_note", index} <= plans.indexes()
    assert "" not in plans.indexes()


async def test_k3_a_code_that_a_guest_shows_is_found_by_index(town: Town) -> None:
    plans = await town.plans_of(lambda: Bookings(town.database).by_code("7K2M9P"))
    assert plans.indexes() == {"ix_bookings_code"}


async def test_a_search_finds_people_by_parts_of_words(town: Town) -> None:
    # These tables are small here, and read whole all the more quickly.
    plans = await town.plans_of(
        lambda: Bookings(town.database).page(BookingFilter(search="xyz"), after=None, limit=51),
        "SET enable_seqscan = off",
    )
    assert "ix_users_search" in plans.indexes("users")
    assert "ix_visitors_search" in plans.indexes("visitors")


async def test_a_search_that_fits_many_reads_bookings_in_their_order(town: Town, location_id: int) -> None:
    plans = await _plans_of_page(town, BookingFilter(location_id=location_id, search="a"))
    assert plans.indexes() == {"ix_bookings_location_start"}


async def test_a_command_reads_bookings_by_index_alone(town: Town, location_id: int) -> None:
    rooms = Rooms(store=Locations(town.database, town.clock), bus=MemoryBus(), clock=town.clock)
    desk = BookingDesk(
        rooms=rooms,
        database=town.database,
        clock=town.clock,
        customers=CustomerCache(town.database, town.clock),
        refusals=RefusalLog(town.database, town.clock),
        describe=describe,
    )
    resource_id = await town.value("SELECT min(id) FROM resources WHERE location_id = $1", location_id)
    idle = await town.value(
        "SELECT id FROM users WHERE id NOT IN (SELECT user_id FROM bookings WHERE user_id IS NOT NULL AND status = 'confirmed') LIMIT 1"
    )
    ada = Principal(user_id=idle, role="admin", name="Ada")
    free = to_instant(await town.value("SELECT max(end_time) FROM bookings"))

    async def perform(op: Operation, target: uuid.UUID | None = None, **body: Any) -> Any:
        given = BODIES[op].model_validate(body)
        done = await desk.perform(ada, Command(op=op, body=given, target=target, key=f"{op}-1"))
        return uuid.UUID(done.body["id"])

    def span(start: int) -> dict[str, Any]:
        return {"start_time": format_instant(start), "end_time": format_instant(start + HOUR)}

    async def work() -> None:
        booking = await perform("create", resource_id=resource_id, visitor={"name": "Vic"}, **span(free))
        await perform("reschedule", booking, **span(free + HOUR))
        await perform("undo", booking)
        await perform("cancel", booking)
        await perform("release", await perform("hold", resource_id=resource_id, **span(free)))
        await desk.sweep()
        await desk.idle()

    plans = await town.plans_of(work)
    assert plans.indexes()
    assert "" not in plans.indexes() | plans.indexes("booking_events")


_AFTER = uuid.UUID(int=0)


async def _plans_of_page(
    town: Town, condition: BookingFilter, after: tuple[int, uuid.UUID] | None = None
) -> Plans:
    return await town.plans_of(lambda: Bookings(town.database).page(condition, after=after, limit=51))
