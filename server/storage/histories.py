"""What customers did with their bookings, and how a location's time was used, for analyses of them (C1).

Belongs here: queries that count and list, and change nothing. Does not belong here: what the figures mean
(``service.insights``).
"""

import uuid
from collections.abc import Collection
from dataclasses import dataclass

from grid_engine.interval import Instant, Interval
from server.storage.database import Connection, Row
from server.storage.stored_booking import moment, to_instant, to_instant_or_none

MOST_BOOKINGS = 1_000
"""Of one customer; the newest."""
STEP_MINUTES = 15
"""Clocks differ from UTC by whole quarters of an hour, so that within a step the local hour is the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PastBooking:
    """A booking that was confirmed at some time, and what became of it. ``cancelled_by`` is the account that cancelled it; None
    where nobody is known.
    """

    id: str
    location_id: int
    resource_id: int
    timezone: str
    user_id: int | None
    visitor_id: int | None
    name: str
    tier: str | None
    member_since: Instant | None
    interval: Interval
    status: str
    created_at: Instant
    reschedule_count: int
    attended: bool
    cancelled_at: Instant | None
    cancelled_by: int | None
    cancel_reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BusyHour:
    """Booked minutes of one hour of the week, over all resources: ``weekday`` 0 is Monday, ``hour`` is local."""

    weekday: int
    hour: int
    booked_minutes: int


_PAST = """
SELECT b.id, b.location_id, b.resource_id, l.timezone, b.user_id, b.visitor_id, coalesce(u.name, v.name, '') AS name,
       u.membership_tier, u.created_at AS member_since, b.start_time, b.end_time, b.status, b.created_at, b.reschedule_count,
       b.attended_at, b.cancel_reason, e.actor_id AS cancelled_by,
       CASE WHEN b.status = 'cancelled' THEN coalesce(e.created_at, b.updated_at) END AS cancelled_at
FROM bookings b
JOIN locations l ON l.id = b.location_id
LEFT JOIN users u ON u.id = b.user_id
LEFT JOIN visitors v ON v.id = b.visitor_id
LEFT JOIN LATERAL (
    SELECT event_type, actor_id, created_at, metadata -> 'before' ->> 'status' AS status FROM booking_events
    WHERE booking_id = b.id AND b.status = 'cancelled' AND event_type IN ('cancelled', 'released') ORDER BY id DESC LIMIT 1
) e ON true
WHERE b.type = 'CUSTOMER' AND b.status IN ('confirmed', 'cancelled', 'completed', 'no_show')
  AND (e.event_type IS NULL OR e.event_type = 'cancelled' AND e.status IS DISTINCT FROM 'held')
"""
"""Holds that were given back were no bookings."""


async def read_customer_history(
    connection: Connection, user_id: int, *, location_id: int | None, since: Instant, until: Instant | None
) -> list[PastBooking]:
    """The customer's bookings that began, or were to begin, in the period, at the location if one is given; by start, the
    oldest first; of more than ``MOST_BOOKINGS`` the newest.
    """
    rows = await connection.fetch(
        f"{_PAST} AND b.user_id = $1 AND ($2::bigint IS NULL OR b.location_id = $2) AND b.start_time >= $3 "
        "AND ($4::timestamptz IS NULL OR b.start_time < $4) ORDER BY b.start_time DESC, b.id DESC LIMIT $5",
        user_id,
        location_id,
        moment(since),
        None if until is None else moment(until),
        MOST_BOOKINGS,
    )
    return [_past(row) for row in reversed(rows)]


async def read_contested(connection: Connection, ids: Collection[uuid.UUID]) -> list[PastBooking]:
    """Those of the bookings that there are, in the order in which they were made."""
    rows = await connection.fetch(
        f"{_PAST} AND b.id = ANY($1::uuid[]) ORDER BY b.created_at, b.id", list(ids)
    )
    return [_past(row) for row in rows]


async def read_lost(
    connection: Connection, location_id: int, period: Interval, *, limit: int
) -> list[PastBooking]:
    """The newest bookings that began, or were to begin, in the period and were cancelled or not come to; the oldest first."""
    rows = await connection.fetch(
        f"{_PAST} AND b.location_id = $1 AND b.start_time >= $2 AND b.start_time < $3 "
        "AND b.status IN ('cancelled', 'no_show') ORDER BY b.start_time DESC, b.id DESC LIMIT $4",
        location_id,
        moment(period.start),
        moment(period.end),
        limit,
    )
    return [_past(row) for row in reversed(rows)]


async def read_busiest(
    connection: Connection, location_id: int, period: Interval, timezone: str, *, limit: int
) -> list[BusyHour]:
    """The hours of the week of which most was booked in the period, the busiest first. A no-show counts as booked (Y1)."""
    rows = await connection.fetch(
        f"""
        SELECT extract(isodow FROM step AT TIME ZONE $4)::int - 1 AS weekday,
               extract(hour FROM step AT TIME ZONE $4)::int AS hour, round(sum(minutes.inside))::int AS booked_minutes
        FROM bookings b
        CROSS JOIN LATERAL generate_series(
            date_bin('{STEP_MINUTES} minutes', greatest(b.start_time, $2), 'epoch'),
            least(b.end_time, $3) - interval '1 second', interval '{STEP_MINUTES} minutes'
        ) step
        CROSS JOIN LATERAL (
            SELECT extract(epoch FROM least(b.end_time, $3, step + interval '{STEP_MINUTES} minutes')
                                      - greatest(b.start_time, $2, step)) / 60 AS inside
        ) minutes
        WHERE b.location_id = $1 AND b.start_time < $3 AND b.end_time > $2 AND b.type = 'CUSTOMER'
          AND b.status IN ('confirmed', 'completed', 'no_show')
        GROUP BY 1, 2 ORDER BY booked_minutes DESC, weekday, hour LIMIT $5
        """,  # noqa: S608 -- of constants alone
        location_id,
        moment(period.start),
        moment(period.end),
        timezone,
        limit,
    )
    return [BusyHour(**row) for row in rows]


def _past(row: Row) -> PastBooking:
    return PastBooking(
        id=str(row["id"]),
        location_id=row["location_id"],
        resource_id=row["resource_id"],
        timezone=row["timezone"],
        user_id=row["user_id"],
        visitor_id=row["visitor_id"],
        name=row["name"],
        tier=row["membership_tier"],
        member_since=to_instant_or_none(row["member_since"]),
        interval=Interval(to_instant(row["start_time"]), to_instant(row["end_time"])),
        status=row["status"],
        created_at=to_instant(row["created_at"]),
        reschedule_count=row["reschedule_count"],
        attended=row["attended_at"] is not None,
        cancelled_at=to_instant_or_none(row["cancelled_at"]),
        cancelled_by=row["cancelled_by"],
        cancel_reason=row["cancel_reason"],
    )
