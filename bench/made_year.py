"""A made-up year of many locations, written straight into the tables, for benchmarks and for tests of query plans.

Belongs here: rows that look like a year's business and respect what the database guarantees (G1). Does not belong here:
measuring. The same ``MadeYear`` gives much the same rows; which bay is booked when is left to chance.

Caveats: time is cut into spells of two hours, in each of which there is one booking at the most; of the audit there are only
the events of cancellations, which is what analytics reads of it; nobody's limits are looked at.
"""

import datetime as dt
import json
from dataclasses import dataclass

import asyncpg

from rules.policy import LocationPolicy
from server.storage.rollup_marks import mark_all

ZONES = (
    "America/New_York",
    "Europe/London",
    "America/Los_Angeles",
    "Europe/Berlin",
    "Asia/Kolkata",
    "Australia/Sydney",
    "America/Denver",
    "Asia/Tokyo",
    "Europe/Lisbon",
    "Australia/Lord_Howe",
)
_DAILY = {day: [["09:00", "24:00"]] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}
HOURS = (
    None,
    _DAILY,
    {**_DAILY, "sun": [["10:00", "20:00"]], "mon": [["09:00", "13:00"], ["15:00", "23:30"]]},
)
"""Opening hours, given to locations in turn."""

#         0    2    4    6    8    10   12   14   16   18   20   22
DEMAND = (0.2, 0.1, 0.1, 0.3, 0.5, 0.7, 0.8, 0.8, 0.9, 1.0, 0.9, 0.6)
"""How likely a spell is booked where a location is open, by the local hour in which it begins."""


@dataclass(frozen=True, kw_only=True)
class MadeYear:
    """What is made: so many locations, with 9 to 17 bays each unless said, for so many days from ``first`` on."""

    first: dt.date = dt.date(2026, 6, 1)
    days: int = 365
    locations: int = 50
    bays: int | None = None
    customers: int = 40_000
    ahead: int = 14
    """Of the days so many, the last, lie ahead of ``now``."""

    @property
    def now(self) -> dt.datetime:
        """When it is: what ended before is completed."""
        return dt.datetime.combine(
            self.first + dt.timedelta(days=self.days - self.ahead), dt.time(12), dt.UTC
        )


@dataclass(frozen=True, kw_only=True)
class Made:
    """What came of it."""

    location_ids: list[int]
    bookings: int


async def make_year(connection: asyncpg.Connection, year: MadeYear, *, in_bulk: bool = False) -> Made:
    """Fills a migrated database, in which there may be something already.

    ``in_bulk`` puts indexes and the occupancy constraint aside meanwhile, and trusts foreign keys, for which the
    connection must be a superuser's; triggers do not fire then. Without it, everything is checked as ever.
    """
    async with connection.transaction():
        if in_bulk:
            await connection.execute("SET LOCAL session_replication_role = replica")
            await connection.execute("SET LOCAL maintenance_work_mem = '512MB'")
        location_ids = await _make_locations(connection, year)
        await _make_people(connection, year, location_ids)
        aside = await _put_aside(connection) if in_bulk else []
        await connection.execute("SELECT setseed(0.25)")
        for statement in (_SPELLS, _VISITORS, _BOOKINGS, _CANCELLED, _EVENTS):
            await connection.execute(statement.format(**_words(year, location_ids)))
        for statement in aside:
            await connection.execute(statement)
        bookings = await connection.fetchval(
            "SELECT count(*) FROM bookings WHERE location_id = ANY($1::int[])", location_ids
        )
        await connection.execute("DROP TABLE made_spells, made_people")
        if in_bulk:
            await mark_all(connection, location_ids)  # no trigger did
    await connection.execute("ANALYZE")
    return Made(location_ids=location_ids, bookings=bookings)


async def _make_locations(connection: asyncpg.Connection, year: MadeYear) -> list[int]:
    long_ago = dt.datetime.combine(year.first, dt.time(), dt.UTC) - dt.timedelta(days=30)
    rows = await connection.fetch(
        """
        INSERT INTO locations (name, timezone, slot_minutes, policy, active, epoch, version, config_version, created_at,
                               updated_at)
        SELECT 'Venue ' || lpad(n::text, 3, '0'), timezone, 30, policy::jsonb, true, 'e' || n, 1, 0, $3, $3
        FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS l(timezone, policy, n) RETURNING id
        """,
        [ZONES[number % len(ZONES)] for number in range(year.locations)],
        [
            json.dumps(LocationPolicy.from_json({"opening_hours": HOURS[number % len(HOURS)]}).to_json())
            for number in range(year.locations)
        ],
        long_ago,
    )
    location_ids = [row["id"] for row in rows]
    await connection.execute(
        """
        INSERT INTO resources (location_id, name, position, active)
        SELECT l, 'Bay ' || n, n, true
        FROM unnest($1::int[]) l CROSS JOIN LATERAL generate_series(1, coalesce($2, 9 + l % 9)) n
        """,
        location_ids,
        year.bays,
    )
    return location_ids


async def _make_people(connection: asyncpg.Connection, year: MadeYear, location_ids: list[int]) -> None:
    await connection.execute(
        """
        CREATE TEMPORARY TABLE made_people AS
        WITH made AS (
            INSERT INTO users (name, email, phone, role, membership_tier, tags, language, sms_consent, active, tokens_after,
                               created_at)
            SELECT initcap(translate(left(md5(n::text), 7), '0123456789', 'aeioubdgrn')) || ' '
                       || initcap(translate(left(md5('x' || n % 3000), 8), '0123456789', 'aeioulmstk')),
                   'c' || n || '.' || $2::int || '@example.com', '+1555' || lpad(n::text, 7, '0'), 'customer',
                   CASE WHEN n % 10 < 5 THEN (ARRAY['BRONZE', 'SILVER', 'GOLD', 'PLATINUM'])[n % 4 + 1] END, '{}', 'en',
                   true, true, $3, $3
            FROM generate_series(1, $1) n RETURNING id
        )
        SELECT id AS user_id, (row_number() OVER ())::int AS number FROM made
        """,
        year.customers,
        location_ids[0],
        year.now - dt.timedelta(days=500),
    )
    await connection.execute("CREATE UNIQUE INDEX ON made_people (number)")


def _words(year: MadeYear, location_ids: list[int]) -> dict[str, str]:
    first = dt.datetime.combine(year.first, dt.time(), dt.UTC).isoformat()
    return {
        "locations": ", ".join(map(str, location_ids)),
        "first": f"'{first}'::timestamptz",
        "spells": str(year.days * 12),
        "now": f"'{year.now.isoformat()}'::timestamptz",
        "customers": str(year.customers),
        "demand": "ARRAY[" + ", ".join(map(str, DEMAND)) + "]",
        "judged_by": f"'{json.dumps(_JUDGED_BY)}'",
    }


_JUDGED_BY = {"can_book": True, "min_duration_minutes": 60, "max_duration_minutes": 240, "advance_days": 14}

_SPELLS = """
CREATE TEMPORARY TABLE made_spells AS
WITH spells AS (
    SELECT r.location_id, r.id AS resource_id, l.timezone, l.policy->'opening_hours' AS hours,
           {first} + n * interval '2 hours' AS spell_at
    FROM resources r JOIN locations l ON l.id = r.location_id CROSS JOIN generate_series(0, {spells} - 1) n
    WHERE l.id IN ({locations})
), local AS (
    SELECT location_id, resource_id, spell_at, spell_at AT TIME ZONE timezone AS wall, hours,
           random() AS booked, random() AS length, random() AS shift
    FROM spells
)
SELECT *, CASE WHEN fate >= 0.86 AND fate < 0.98 THEN nextval(pg_get_serial_sequence('visitors', 'id')) END AS visitor_id
FROM (
SELECT location_id, resource_id,
       spell_at + CASE WHEN length < 0.55 THEN floor(shift * 3) WHEN length < 0.75 THEN floor(shift * 2) ELSE 0 END
                  * interval '30 minutes' AS start_time,
       CASE WHEN length < 0.55 THEN 60 WHEN length < 0.75 THEN 90 ELSE 120 END * interval '1 minute' AS length,
       random() AS fate, random() AS lead, (floor(random() * {customers}) + 1)::int AS customer
FROM local
WHERE booked < ({demand})[(extract(hour FROM wall)::int / 2) + 1]
  AND (hours = 'null'::jsonb OR extract(hour FROM wall) BETWEEN 9 AND 21)
) made;
ANALYZE made_spells;
ANALYZE made_people
"""

_INSERT = """
INSERT INTO bookings (id, grid_id, code, location_id, resource_id, user_id, visitor_id, type, status, start_time, end_time, note, reason,
                      cancel_reason, reschedule_count, attended_at, created_by, created_at, updated_at, judged_by, version)
"""

_BOOKINGS = (
    _INSERT
    + """
SELECT id, replace(id::text, '-', ''), upper(left(md5(id::text), 10)), location_id, resource_id,
       CASE WHEN kind = 'CUSTOMER' AND fate < 0.86 THEN p.user_id END, visitor_id, kind, status, start_time, start_time + length,
       CASE WHEN kind = 'CUSTOMER' AND lead < 0.1 THEN 'Left-handed clubs, table ' || customer END,
       CASE WHEN kind <> 'CUSTOMER' THEN 'Screen' END, NULL, 0,
       CASE WHEN kind = 'CUSTOMER' AND status = 'completed' AND lead < 0.9 THEN start_time END,
       p.user_id, start_time - lead * interval '8 days', start_time, {judged_by}, 1
FROM (
    SELECT *, gen_random_uuid() AS id,
           CASE WHEN fate < 0.98 THEN 'CUSTOMER' WHEN fate < 0.99 THEN 'MAINTENANCE' ELSE 'TRAINING' END AS kind,
           CASE WHEN start_time + length > {now} THEN 'confirmed' WHEN fate BETWEEN 0.4 AND 0.44 THEN 'no_show'
                ELSE 'completed' END AS status
    FROM made_spells
) s JOIN made_people p ON p.number = s.customer
ORDER BY start_time - lead * interval '8 days'
"""
)

_CANCELLED = (
    _INSERT
    + """
SELECT id, replace(id::text, '-', ''), upper(left(md5(id::text), 10)), location_id, resource_id, p.user_id, NULL, 'CUSTOMER', 'cancelled',
       start_time, start_time + length, NULL, NULL, 'Change of plans', 0, NULL, p.user_id, start_time - lead * interval '8 days',
       start_time - lead * fate * interval '8 days', {judged_by}, 1
FROM (SELECT *, gen_random_uuid() AS id FROM made_spells WHERE fate BETWEEN 0.1 AND 0.17) s
JOIN made_people p ON p.number = s.customer
"""
)

_VISITORS = """
INSERT INTO visitors (id, location_id, name, created_at)
SELECT visitor_id, location_id, 'Walk-in ' || left(md5(visitor_id::text), 5), start_time FROM made_spells
WHERE visitor_id IS NOT NULL ORDER BY visitor_id
"""

_EVENTS = """
INSERT INTO booking_events (booking_id, location_id, event_type, actor_id, metadata, created_at)
SELECT id, location_id, 'cancelled', CASE WHEN random() < 0.8 THEN user_id END,
       jsonb_build_object('before', jsonb_build_object('status', 'confirmed'), 'after',
                          jsonb_build_object('status', 'cancelled'), 'cause', 'command'),
       updated_at
FROM bookings WHERE location_id IN ({locations}) AND status = 'cancelled'
"""


async def _put_aside(connection: asyncpg.Connection) -> list[str]:
    """Drops the indexes and the occupancy constraint of bookings and gives the statements that make them again."""
    constraint = await connection.fetchval(
        "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'ex_bookings_occupancy'"
    )
    indexes = await connection.fetch(
        "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'bookings' "
        "AND indexname NOT IN ('pk_bookings', 'ex_bookings_occupancy')"
    )
    await connection.execute("ALTER TABLE bookings DROP CONSTRAINT ex_bookings_occupancy")
    for index in indexes:
        await connection.execute(f"DROP INDEX {index['indexname']}")
    return [
        f"ALTER TABLE bookings ADD CONSTRAINT ex_bookings_occupancy {constraint}",
        *(index["indexdef"] for index in indexes),
    ]
