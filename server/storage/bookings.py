"""Reading bookings: one, many, their audit.

Belongs here: queries that lock nothing. Does not belong here: who may see what (``server.service``), or writing
(``batch``).
"""

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from grid_engine.interval import Instant, Interval
from server.storage.booking_lists import BookingFilter, list_bookings
from server.storage.database import Connection, Database, Row
from server.storage.stored_booking import SELECT_BOOKING, StoredBooking, from_row, moment, to_instant


@dataclass(frozen=True, slots=True, kw_only=True)
class BookingEvent:
    """One event of a booking's audit (A8); ``metadata`` holds before, after, cause, waived and override_reason."""

    id: int
    booking_id: str
    event_type: str
    actor_id: int | None
    metadata: Mapping[str, Any]
    created_at: Instant


class Bookings:
    """Queries about bookings; each raises ``Unavailable`` while Postgres is away."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, booking_id: uuid.UUID | str) -> StoredBooking | None:
        """The booking, hold or block in whatever status; None if there is none."""
        async with self._database.connection() as connection:
            row = await connection.fetchrow(f"{SELECT_BOOKING} WHERE b.id = $1::uuid", booking_id)
        return from_row(row) if row else None

    async def by_code(self, code: str) -> StoredBooking | None:
        """The booking that the code is of now: one that is still to come or, failing that, the latest that had it."""
        async with self._database.connection() as connection:
            row = await connection.fetchrow(
                f"{SELECT_BOOKING} WHERE b.code = $1 "
                "ORDER BY b.status IN ('held', 'confirmed') DESC, b.start_time DESC LIMIT 1",
                code,
            )
        return from_row(row) if row else None

    async def of_ids(self, ids: Collection[str]) -> dict[str, StoredBooking]:
        """The bookings of these ids, in whatever status; unknown ones are left out."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(f"{SELECT_BOOKING} WHERE b.id = ANY($1::uuid[])", list(ids))
        return {booking.id: booking for booking in map(from_row, rows)}

    async def page(
        self, condition: BookingFilter, *, after: tuple[Instant, uuid.UUID] | None, limit: int
    ) -> list[StoredBooking]:
        """At most ``limit`` bookings in order of start and id, beginning behind ``after``."""
        async with self._database.connection() as connection:
            return await list_bookings(connection, condition, after=after, limit=limit)

    async def events(
        self, booking_id: uuid.UUID | str, *, after: int | None, limit: int
    ) -> list[BookingEvent]:
        """Up to ``limit`` events of the booking's audit, oldest first, those after the id."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                "SELECT * FROM booking_events WHERE booking_id = $1::uuid AND ($2::bigint IS NULL OR id > $2) "
                "ORDER BY id LIMIT $3",
                booking_id,
                after,
                limit,
            )
        return [_event(row) for row in rows]


async def read_unchanging(connection: Connection, booking_id: uuid.UUID) -> StoredBooking | None:
    """The booking, which nobody changes until the transaction ends."""
    await connection.execute("SELECT FROM bookings WHERE id = $1 FOR SHARE", booking_id)
    row = await connection.fetchrow(f"{SELECT_BOOKING} WHERE b.id = $1", booking_id)
    return from_row(row) if row else None


async def read_last_events(connection: Connection, ids: Collection[str]) -> dict[str, BookingEvent]:
    """The newest event of each of the bookings."""
    if not ids:
        return {}
    rows = await connection.fetch(
        """
        SELECT DISTINCT ON (booking_id) * FROM booking_events
        WHERE booking_id = ANY($1::uuid[]) ORDER BY booking_id, id DESC
        """,
        list(ids),
    )
    return {event.booking_id: event for event in map(_event, rows)}


async def read_occupants(
    connection: Connection, resource_id: int, interval: Interval, *, excluding: Collection[str]
) -> list[Interval]:
    """What but the bookings ``excluding`` occupies part of the interval on the resource, by start; also what is too old
    for a replica to hold.
    """
    rows = await connection.fetch(
        """
        SELECT start_time, end_time FROM bookings
        WHERE resource_id = $1 AND status IN ('held', 'confirmed', 'completed') AND id <> ALL($4::uuid[])
          AND tstzrange(start_time, end_time) && tstzrange($2, $3)
        ORDER BY start_time
        """,
        resource_id,
        moment(interval.start),
        moment(interval.end),
        list(excluding),
    )
    return [Interval(to_instant(row["start_time"]), to_instant(row["end_time"])) for row in rows]


def _event(row: Row) -> BookingEvent:
    return BookingEvent(
        id=row["id"],
        booking_id=str(row["booking_id"]),
        event_type=row["event_type"],
        actor_id=row["actor_id"],
        metadata=row["metadata"],
        created_at=to_instant(row["created_at"]),
    )
