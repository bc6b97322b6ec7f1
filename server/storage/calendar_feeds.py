"""Calendar feeds: whose feed a link is, and what is in it.

Belongs here: queries. Does not belong here: links themselves, of which only a hash is kept (``service.calendar_feeds``), or
iCalendar (``edge.icalendar``). A feed holds its owner's bookings and nothing else, not even their notes (A4): a link may be
passed on.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from grid_engine.interval import Instant, Interval
from server.principal import AccountRole
from server.storage.database import Connection
from server.storage.stored_booking import moment, to_instant, to_instant_or_none


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedOwner:
    """Whose feed it is."""

    user_id: int
    role: AccountRole


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedBooking:
    """A booking as its owner's calendar shows it; ``changes`` is how often it was changed since it was made."""

    id: str
    cancelled: bool
    interval: Interval
    resource_name: str
    location_name: str
    created_at: Instant
    updated_at: Instant
    changes: int


async def keep_feed(connection: Connection, user_id: int, token_hash: bytes, now: Instant) -> bool:
    """Gives a locked account a feed, and tells whether it replaced one."""
    replaced: bool = await connection.fetchval(
        """
        INSERT INTO calendar_feeds (user_id, token_hash, created_at) VALUES ($1, $2, $3)
        ON CONFLICT (user_id) DO UPDATE SET token_hash = excluded.token_hash, created_at = excluded.created_at
        RETURNING xmax <> 0
        """,
        user_id,
        token_hash,
        moment(now),
    )
    return replaced


async def delete_feed(connection: Connection, user_id: int) -> bool:
    """Ends a locked account's feed, and tells whether there was one."""
    deleted: int | None = await connection.fetchval(
        "DELETE FROM calendar_feeds WHERE user_id = $1 RETURNING user_id", user_id
    )
    return deleted is not None


async def feed_created_at(connection: Connection, user_id: int) -> Instant | None:
    """Since when the account has its feed; None without one."""
    return to_instant_or_none(
        await connection.fetchval("SELECT created_at FROM calendar_feeds WHERE user_id = $1", user_id)
    )


async def feed_owner(connection: Connection, token_hash: bytes) -> FeedOwner | None:
    """Whose feed has this link: nobody's if it was never given out, was revoked, or the account is closed."""
    row = await connection.fetchrow(
        "SELECT u.id AS user_id, u.role FROM calendar_feeds f JOIN users u ON u.id = f.user_id "
        "WHERE f.token_hash = $1 AND u.active",
        token_hash,
    )
    return None if row is None else FeedOwner(**row)


async def feed_bookings(
    connection: Connection, user_id: int, *, ends_after: Instant, limit: int
) -> Sequence[FeedBooking]:
    """Up to ``limit`` of the account's bookings, cancelled ones too, in order of start and id; holds are none.

    Changes are counted by the audit: each writes an event with it, and none is ever deleted (A8).
    """
    rows = await connection.fetch(
        """
        SELECT b.id, b.status = 'cancelled' AS cancelled, b.start_time, b.end_time, b.created_at, b.updated_at,
               r.name AS resource_name, l.name AS location_name,
               (SELECT count(*) FROM booking_events e WHERE e.booking_id = b.id) AS events
        FROM bookings b JOIN resources r ON r.id = b.resource_id JOIN locations l ON l.id = b.location_id
        WHERE b.user_id = $1 AND b.end_time > $2 AND b.status IN ('confirmed', 'cancelled', 'completed', 'no_show')
        ORDER BY b.start_time, b.id LIMIT $3
        """,
        user_id,
        moment(ends_after),
        limit,
    )
    return [
        FeedBooking(
            id=str(row["id"]),
            cancelled=row["cancelled"],
            interval=Interval(to_instant(row["start_time"]), to_instant(row["end_time"])),
            resource_name=row["resource_name"],
            location_name=row["location_name"],
            created_at=to_instant(row["created_at"]),
            updated_at=to_instant(row["updated_at"]),
            changes=max(0, row["events"] - 1),
        )
        for row in rows
    ]
