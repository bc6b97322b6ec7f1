"""Rows of bookings that an import looks at before it writes them, in a temporary table of one connection.

Belongs here: that table, what is asked of it as a whole, and where imported bookings come from (``booking_origins``). Does not
belong here: what a row comes to, or what is wrong with it in words (``service.importing``).

``verdict`` is what becomes of a row: ``create``, ``change``, ``move`` (a change of what it occupies) or ``same``.
"""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from grid_engine.interval import Instant, Interval
from server.storage.database import Connection, Row
from server.storage.staged_users import PATIENCE_SECONDS
from server.storage.stored_booking import SELECT_BOOKING, StoredBooking, from_row, moment, to_instant

Verdict: TypeAlias = Literal["create", "change", "move", "same"]

_TABLE = """
CREATE TEMP TABLE IF NOT EXISTS staged_bookings (
    number int PRIMARY KEY, file text NOT NULL, line int NOT NULL, origin text NOT NULL, named boolean NOT NULL,
    digest bytea NOT NULL, code text, location_id int NOT NULL, resource_id int NOT NULL, customer text, visitor_name text,
    start_time timestamptz NOT NULL, end_time timestamptz NOT NULL, active boolean NOT NULL, fields text NOT NULL,
    user_id int, user_number int, booking_id uuid, known_digest bytea, verdict text NOT NULL DEFAULT 'create',
    recent boolean NOT NULL, refused boolean NOT NULL DEFAULT false
)
"""
_COLUMNS = (
    "number",
    "file",
    "line",
    "origin",
    "named",
    "digest",
    "code",
    "location_id",
    "resource_id",
    "customer",
    "visitor_name",
    "start_time",
    "end_time",
    "active",
    "fields",
    "recent",
)
_INDEXES = """
CREATE INDEX IF NOT EXISTS ix_staged_bookings_origin ON staged_bookings (location_id, origin);
CREATE INDEX IF NOT EXISTS ix_staged_bookings_start ON staged_bookings (resource_id, start_time);
CREATE INDEX IF NOT EXISTS ix_staged_bookings_customer ON staged_bookings (lower(customer)) WHERE customer IS NOT NULL;
ANALYZE staged_bookings;
"""
_INDEX_OF_MATCHES = """
CREATE INDEX IF NOT EXISTS ix_staged_bookings_booking ON staged_bookings (booking_id) WHERE booking_id IS NOT NULL;
ANALYZE staged_bookings;
"""
_SESSION = """
SET plan_cache_mode = force_custom_plan;
SET work_mem = '64MB';
SET jit = off;
"""
"""Tables grow under this connection: a plan that was good at first is not good for long."""

_CUSTOMERS = (
    # Who is written by this import comes before who is there already: the two agree, or the row of the account was refused.
    """
    UPDATE staged_bookings b SET user_id = u.user_id, user_number = u.number FROM staged_users u
    WHERE lower(u.email) = lower(b.customer) AND NOT u.refused
    """,
    """
    UPDATE staged_bookings b SET user_id = u.user_id, user_number = u.number FROM staged_users u
    WHERE b.user_number IS NULL AND u.phone = b.customer AND NOT u.refused
    """,
    """
    UPDATE staged_bookings b SET user_id = u.id FROM users u
    WHERE b.user_number IS NULL AND b.customer IS NOT NULL AND lower(u.email) = lower(b.customer)
    """,
    """
    UPDATE staged_bookings b SET user_id = u.id FROM users u
    WHERE b.user_number IS NULL AND b.user_id IS NULL AND b.customer IS NOT NULL AND u.phone = b.customer
    """,
)

_MATCHES = (
    """
    UPDATE staged_bookings s SET booking_id = o.booking_id, known_digest = o.digest FROM booking_origins o
    WHERE (o.location_id, o.external_id) = (s.location_id, s.origin)
    """,
    # A booking of this Baygrid's own is called by its id in an export.
    """
    UPDATE staged_bookings s SET booking_id = b.id FROM bookings b
    WHERE s.booking_id IS NULL AND s.named AND s.origin ~ $uuid$^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$$uuid$
      AND b.id = CASE WHEN s.origin ~ $uuid$^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$$uuid$ THEN s.origin::uuid END
    """,
    """
    UPDATE staged_bookings s SET booking_id = (
        SELECT b.id FROM bookings b LEFT JOIN visitors v ON v.id = b.visitor_id
        WHERE b.location_id = s.location_id AND b.start_time = s.start_time AND b.resource_id = s.resource_id
          AND b.end_time = s.end_time AND b.status NOT IN ('held', 'expired')
          AND b.user_id IS NOT DISTINCT FROM s.user_id AND v.name IS NOT DISTINCT FROM s.visitor_name
        ORDER BY (b.status IN ('confirmed', 'completed')) DESC, b.id DESC LIMIT 1
    )
    WHERE s.booking_id IS NULL AND NOT s.named AND s.location_id > 0 AND s.resource_id > 0
      AND (s.user_id IS NOT NULL OR s.user_number IS NULL)
    """,
)

_REPEATED_ORIGINS = """
SELECT number, file, line, first_file, first_line FROM (
    SELECT number, file, line, row_number() OVER same AS place,
           first_value(file) OVER same AS first_file, first_value(line) OVER same AS first_line
    FROM staged_bookings WHERE NOT refused WINDOW same AS (PARTITION BY location_id, origin ORDER BY number)
) repeated WHERE place > 1 ORDER BY number
"""
_REPEATED_BOOKINGS = """
SELECT number, file, line, first_file, first_line FROM (
    SELECT number, file, line, row_number() OVER same AS place,
           first_value(file) OVER same AS first_file, first_value(line) OVER same AS first_line
    FROM staged_bookings WHERE NOT refused AND booking_id IS NOT NULL
    WINDOW same AS (PARTITION BY booking_id ORDER BY number)
) repeated WHERE place > 1 ORDER BY number
"""
_TAKEN_CODES = """
SELECT s.number, s.file, s.line FROM staged_bookings s
WHERE s.code IS NOT NULL AND s.verdict = 'create' AND s.active AND NOT s.refused AND (
    EXISTS (SELECT FROM bookings b WHERE b.code = s.code AND b.status IN ('held', 'confirmed'))
    OR EXISTS (
        SELECT FROM staged_bookings t
        WHERE t.code = s.code AND t.number < s.number AND t.verdict = 'create' AND t.active AND NOT t.refused
    )
) ORDER BY s.number
"""

# Of the rows before it on its resource the one that ends last: if that has ended by its start, they all have.
_OVERLAPS = """
SELECT s.number, s.file, s.line, s.resource_id, s.start_time, s.end_time,
       o.file AS other_file, o.line AS other_line, NULL::uuid AS other_id, o.start_time AS other_start, o.end_time AS other_end
FROM (
    SELECT *, max(ARRAY[extract(epoch FROM end_time)::bigint, number::bigint])
        OVER (PARTITION BY resource_id ORDER BY start_time, number ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS last
    FROM staged_bookings WHERE active AND NOT refused AND verdict <> 'same'
) s JOIN staged_bookings o ON o.number = s.last[2]
WHERE s.last[1] > extract(epoch FROM s.start_time) ORDER BY s.number
"""
# Row by row through the constraint's own index: resources are few, and a join by them alone would meet every booking.
_TAKEN_TIMES = """
SELECT s.number, s.file, s.line, s.resource_id, s.start_time, s.end_time, b.id AS other_id,
       (SELECT t.file FROM staged_bookings t WHERE t.booking_id = b.id LIMIT 1) AS other_file,
       (SELECT t.line FROM staged_bookings t WHERE t.booking_id = b.id LIMIT 1) AS other_line,
       b.start_time AS other_start, b.end_time AS other_end
FROM staged_bookings s CROSS JOIN LATERAL (
    SELECT b.id, b.start_time, b.end_time FROM bookings b
    WHERE b.resource_id = s.resource_id AND tstzrange(b.start_time, b.end_time) && tstzrange(s.start_time, s.end_time)
      AND b.status IN ('held', 'confirmed', 'completed') AND (b.status <> 'held' OR b.expires_at > $1)
      AND b.id IS DISTINCT FROM s.booking_id
      AND NOT EXISTS (
          SELECT FROM staged_bookings t WHERE t.booking_id = b.id AND NOT t.refused AND t.verdict <> 'same'
      )
    ORDER BY b.start_time LIMIT 1
) b
WHERE s.active AND NOT s.refused AND s.verdict <> 'same' AND {which} ORDER BY s.number
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class StagedBooking:
    """A row. ``origin`` is what it goes by where it comes from, ``named`` whether the row says so itself; ``fields`` are plain
    JSON values. ``recent`` rows may be on a grid that a node holds in memory.
    """

    number: int
    file: str
    line: int
    origin: str
    named: bool
    digest: bytes
    location_id: int
    resource_id: int
    interval: Interval
    active: bool
    recent: bool
    fields: Mapping[str, Any]
    user_id: int | None = None
    booking_id: str | None = None
    known_digest: bytes | None = None


@dataclass(frozen=True, slots=True)
class Overlap:
    """A row, and what it overlaps: another row, or a booking that is there."""

    number: int
    file: str
    line: int
    resource_id: int
    interval: Interval
    other: tuple[str, int] | None
    other_id: str | None
    other_interval: Interval


class StagedBookings:
    """The rows of one import, on the connection that holds them; ``StagedUsers`` are there too."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def create(self) -> None:
        """Makes the table, or empties it; it goes with the connection."""
        await self._connection.execute(_SESSION)
        await self._connection.execute(_TABLE)
        await self._connection.execute("TRUNCATE staged_bookings")

    async def add(self, rows: Sequence[StagedBooking]) -> None:
        """Stages rows; whom they are for is found by ``match``."""
        await self._connection.copy_records_to_table(
            "staged_bookings",
            columns=_COLUMNS,
            records=[
                (
                    row.number,
                    row.file,
                    row.line,
                    row.origin,
                    row.named,
                    row.digest,
                    row.fields.get("code"),
                    row.location_id,
                    row.resource_id,
                    row.fields.get("customer"),
                    row.fields.get("visitor_name"),
                    moment(row.interval.start),
                    moment(row.interval.end),
                    row.active,
                    json.dumps(row.fields),
                    row.recent,
                )
                for row in rows
            ],
        )

    async def match(self) -> None:
        """Finds the customers of all rows, and the bookings that they are about."""
        await self._execute(_INDEXES)
        for statement in (*_CUSTOMERS, *_MATCHES, _INDEX_OF_MATCHES):
            await self._execute(statement)

    async def settle(self, new_ids: Mapping[int, int]) -> None:
        """Puts in the ids of what was written meanwhile: locations and resources by their ids before, and accounts."""
        for column in ("location_id", "resource_id"):
            await self._connection.execute(
                f"UPDATE staged_bookings s SET {column} = n.after "  # noqa: S608 -- of constants alone
                f"FROM unnest($1::int[], $2::int[]) AS n(before, after) WHERE s.{column} = n.before",
                list(new_ids),
                list(new_ids.values()),
                timeout=PATIENCE_SECONDS,
            )
        await self._execute(
            "UPDATE staged_bookings b SET user_id = u.user_id FROM staged_users u WHERE u.number = b.user_number"
        )
        await self._execute("ANALYZE staged_bookings")

    async def without_customer(self) -> Sequence[tuple[int, str, int]]:
        """(number, file, line) of rows whose customer is nobody's address or phone."""
        return await self._places(
            "SELECT number, file, line FROM staged_bookings WHERE customer IS NOT NULL AND user_id IS NULL "
            "AND user_number IS NULL AND NOT refused ORDER BY number"
        )

    async def without_account(self) -> Sequence[tuple[int, str, int]]:
        """(number, file, line) of rows whose customer's account was to be written and was not."""
        return await self._places(
            "SELECT number, file, line FROM staged_bookings WHERE user_number IS NOT NULL AND user_id IS NULL "
            "AND NOT refused ORDER BY number"
        )

    async def elsewhere(self) -> Sequence[tuple[int, str, int]]:
        """(number, file, line) of rows that name a booking of another location, or a hold."""
        return await self._places(
            "SELECT s.number, s.file, s.line FROM staged_bookings s JOIN bookings b ON b.id = s.booking_id "
            "WHERE (b.location_id <> s.location_id OR b.status IN ('held', 'expired')) AND NOT s.refused ORDER BY s.number"
        )

    async def taken_codes(self) -> Sequence[tuple[int, str, int]]:
        """(number, file, line) of new rows whose code another booking has that is still to come."""
        return await self._places(_TAKEN_CODES)

    async def repeated(self) -> Sequence[tuple[int, str, int, str, int]]:
        """(number, file, line, the first's file, the first's line) of rows that tell of a booking a second time."""
        rows: list[Any] = []
        for query in (_REPEATED_ORIGINS, _REPEATED_BOOKINGS):
            rows += await self._connection.fetch(query, timeout=PATIENCE_SECONDS)
        return [tuple(row) for row in {row["number"]: row for row in rows}.values()]

    async def overlaps(self) -> Sequence[Overlap]:
        """Rows that overlap a row that starts before them, or before them in the file, each with one of those (G1)."""
        return [_overlap(row) for row in await self._connection.fetch(_OVERLAPS, timeout=PATIENCE_SECONDS)]

    async def taken_times(self, now: Instant, numbers: Collection[int] | None = None) -> Sequence[Overlap]:
        """Rows, of these numbers or all, that overlap bookings that are there and that the import leaves where they are."""
        which: str = "s.resource_id > 0"
        arguments: list[Any] = [moment(now)]
        if numbers is not None:
            which, arguments = "s.number = ANY($2::int[])", [moment(now), list(numbers)]
        query = _TAKEN_TIMES.format(which=which)
        return [
            _overlap(row) for row in await self._connection.fetch(query, *arguments, timeout=PATIENCE_SECONDS)
        ]

    async def refuse(self, numbers: Iterable[int]) -> None:
        """Leaves rows out from now on."""
        await self._connection.execute(
            "UPDATE staged_bookings SET refused = true WHERE number = ANY($1::int[])", list(numbers)
        )

    async def matched(self, after: int, limit: int) -> Sequence[StagedBooking]:
        """The next rows, in order, that are about a booking that is there."""
        rows = await self._connection.fetch(
            "SELECT * FROM staged_bookings WHERE number > $1 AND booking_id IS NOT NULL AND NOT refused "
            "ORDER BY number LIMIT $2",
            after,
            limit,
        )
        return [_row(row) for row in rows]

    async def decide(self, verdicts: Mapping[int, Verdict]) -> None:
        """Notes what becomes of rows."""
        await self._connection.execute(
            "UPDATE staged_bookings s SET verdict = n.verdict FROM unnest($1::int[], $2::text[]) AS n(number, verdict) "
            "WHERE s.number = n.number",
            list(verdicts),
            list(verdicts.values()),
        )

    async def counts(self) -> dict[str, int]:
        """How many rows that are not left out have each verdict."""
        rows = await self._connection.fetch(
            "SELECT verdict, count(*) AS many FROM staged_bookings WHERE NOT refused GROUP BY verdict",
            timeout=PATIENCE_SECONDS,
        )
        return {row["verdict"]: row["many"] for row in rows}

    async def locations(self) -> Sequence[int]:
        """The locations that have something to be written, in order of their ids."""
        rows = await self._connection.fetch(
            "SELECT DISTINCT location_id FROM staged_bookings WHERE NOT refused AND verdict <> 'same' ORDER BY location_id",
            timeout=PATIENCE_SECONDS,
        )
        return [row["location_id"] for row in rows]

    async def to_write(
        self, location_id: int, verdicts: Sequence[Verdict], *, recent: bool | None, after: int, limit: int
    ) -> Sequence[StagedBooking]:
        """The next rows of the location with one of these verdicts, in order."""
        rows = await self._connection.fetch(
            "SELECT * FROM staged_bookings WHERE location_id = $1 AND verdict = ANY($2::text[]) AND number > $3 "
            "AND ($4::boolean IS NULL OR recent = $4) AND NOT refused ORDER BY number LIMIT $5",
            location_id,
            list(verdicts),
            after,
            recent,
            limit,
        )
        return [_row(row) for row in rows]

    async def _places(self, query: str) -> Sequence[tuple[int, str, int]]:
        return [tuple(row) for row in await self._connection.fetch(query, timeout=PATIENCE_SECONDS)]

    async def _execute(self, statement: str) -> None:
        await self._connection.execute(statement, timeout=PATIENCE_SECONDS)


async def read_bookings(connection: Connection, ids: Collection[str]) -> dict[str, StoredBooking]:
    """The bookings of these ids."""
    rows = await connection.fetch(f"{SELECT_BOOKING} WHERE b.id = ANY($1::uuid[])", list(ids))
    return {booking.id: booking for booking in map(from_row, rows)}


async def read_names(connection: Connection, user_ids: Collection[int]) -> dict[int, str]:
    """The names of accounts, by id."""
    rows = await connection.fetch("SELECT id, name FROM users WHERE id = ANY($1::int[])", list(user_ids))
    return {row["id"]: row["name"] for row in rows}


async def codes_in_use(connection: Connection, codes: Collection[str]) -> set[str]:
    """Those of the codes that bookings still to come have, or rows of the import."""
    rows = await connection.fetch(
        "SELECT code FROM bookings WHERE code = ANY($1::text[]) AND status IN ('held', 'confirmed') "
        "UNION SELECT code FROM staged_bookings WHERE code = ANY($1::text[])",
        list(codes),
    )
    return {row["code"] for row in rows}


async def write_origins(
    connection: Connection, location_id: int, origins: Sequence[tuple[str, str, bytes]]
) -> None:
    """Notes of bookings (external id, booking id, digest of the row) what they go by where they come from."""
    await connection.execute(
        "INSERT INTO booking_origins (location_id, external_id, booking_id, digest) "
        "SELECT $1, o.external_id, o.booking_id, o.digest "
        "FROM unnest($2::text[], $3::uuid[], $4::bytea[]) AS o(external_id, booking_id, digest) "
        "ON CONFLICT (location_id, external_id) DO UPDATE SET booking_id = excluded.booking_id, digest = excluded.digest",
        location_id,
        [external_id for external_id, _, _ in origins],
        [booking_id for _, booking_id, _ in origins],
        [digest for _, _, digest in origins],
    )


def _row(row: Row) -> StagedBooking:
    return StagedBooking(
        number=row["number"],
        file=row["file"],
        line=row["line"],
        origin=row["origin"],
        named=row["named"],
        digest=row["digest"],
        location_id=row["location_id"],
        resource_id=row["resource_id"],
        interval=_interval(row["start_time"], row["end_time"]),
        active=row["active"],
        recent=row["recent"],
        fields=json.loads(row["fields"]),
        user_id=row["user_id"],
        booking_id=str(row["booking_id"]) if row["booking_id"] else None,
        known_digest=row["known_digest"],
    )


def _overlap(row: Row) -> Overlap:
    return Overlap(
        number=row["number"],
        file=row["file"],
        line=row["line"],
        resource_id=row["resource_id"],
        interval=_interval(row["start_time"], row["end_time"]),
        other=(row["other_file"], row["other_line"]) if row["other_file"] else None,
        other_id=str(row["other_id"]) if row["other_id"] else None,
        other_interval=_interval(row["other_start"], row["other_end"]),
    )


def _interval(start: Any, end: Any) -> Interval:
    return Interval(to_instant(start), to_instant(end))
