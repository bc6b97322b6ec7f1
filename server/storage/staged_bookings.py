"""Rows of bookings that an import looks at before it writes them, in a temporary table of one connection.

Belongs here: that table, and what is asked of it as a whole. Does not belong here: what a row comes to, or what is wrong with it
in words (``service.importing``).

``verdict`` is what becomes of a row: ``create``, ``change``, ``move`` (a change of what it occupies) or ``same``.
"""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from grid_engine.interval import Instant, Interval
from server.storage import staging_statements as sql
from server.storage.database import Connection, Row
from server.storage.staged_users import PATIENCE_SECONDS
from server.storage.stored_booking import moment, to_instant

Verdict: TypeAlias = Literal["create", "change", "move", "same"]


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
        await self._connection.execute(sql.SESSION)
        await self._connection.execute(sql.TABLE)
        await self._connection.execute("TRUNCATE staged_bookings")

    async def add(self, rows: Sequence[StagedBooking]) -> None:
        """Stages rows; whom they are for is found by ``match``."""
        await self._connection.copy_records_to_table(
            "staged_bookings",
            columns=sql.COLUMNS,
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
        await self._execute(sql.INDEXES)
        for statement in (*sql.CUSTOMERS, *sql.MATCHES, sql.INDEX_OF_MATCHES):
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
        return await self._places(sql.TAKEN_CODES)

    async def repeated(self) -> Sequence[tuple[int, str, int, str, int]]:
        """(number, file, line, the first's file, the first's line) of rows that tell of a booking a second time."""
        rows: list[Any] = []
        for query in (sql.REPEATED_ORIGINS, sql.REPEATED_BOOKINGS):
            rows += await self._connection.fetch(query, timeout=PATIENCE_SECONDS)
        return [tuple(row) for row in {row["number"]: row for row in rows}.values()]

    async def overlaps(self) -> Sequence[Overlap]:
        """Rows that overlap a row that starts before them, or before them in the file, each with one of those (G1)."""
        return [_overlap(row) for row in await self._connection.fetch(sql.OVERLAPS, timeout=PATIENCE_SECONDS)]

    async def taken_times(self, now: Instant, numbers: Collection[int] | None = None) -> Sequence[Overlap]:
        """Rows, of these numbers or all, that overlap bookings that are there and that the import leaves where they are."""
        which: str = "s.resource_id > 0"
        arguments: list[Any] = [moment(now)]
        if numbers is not None:
            which, arguments = "s.number = ANY($2::int[])", [moment(now), list(numbers)]
        query = sql.TAKEN_TIMES.format(which=which)
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
