"""What support is told of a customer, and the threads in which it was asked (X1).

Belongs here: the one statement that puts an answer together and keeps it in its thread, and reading threads. Does not
belong here: who may ask, or be told of what (``service.context``). What is not named here is not told: internal notes,
who created what, why a restriction was imposed.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from grid_engine.interval import Instant
from server.storage.database import Connection
from server.storage.stored_booking import moment, to_instant

Lookup: TypeAlias = Literal["customer_id", "hubspot_id", "email", "phone"]

MOST_UPCOMING = 10
MOST_HISTORY = 20
HISTORY_DAYS = 730
"""What began longer ago is no history that a conversation needs. It also bounds what is read of those who come every day:
how many bookings one customer has is nothing that Postgres counts before it plans.
"""

_LOOKUPS: Mapping[Lookup, str] = {
    "customer_id": "u.id = $1::bigint",
    "hubspot_id": "u.hubspot_id = $1::text",
    "email": "lower(u.email) = lower($1::text)",
    "phone": "u.phone = $1::text",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Who asks or reads, by the name they have now.

    ``visible_at`` are the locations whose bookings they are told of, and whose customers; None means all. ``user_id`` is
    None for what has no account.
    """

    user_id: int | None
    name: str
    visible_at: Collection[int] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread:
    """A thread in which something was asked; the customer is the last that was found in it, if the reader knows them."""

    id: str
    customer_id: int | None
    customer_name: str | None
    last_asked_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What was asked in a thread, and what was answered: None where there was no such customer."""

    id: int
    asked_at: Instant
    asked_by: int | None
    asked_as: str
    asked: Mapping[str, Any]
    customer_id: int | None
    answer: Mapping[str, Any] | None


def _told(column: str) -> str:
    return f"""to_char({column}, 'YYYY-MM-DD"T"HH24:MI:SS"Z"')"""


_BOOKING = f"""
jsonb_build_object(
    'id', b.id, 'code', b.code, 'status', b.status, 'location_id', b.location_id, 'location_name', l.name,
    'timezone', l.timezone, 'resource_id', b.resource_id, 'resource_name', r.name,
    'start_time', {_told("b.start_time")}, 'end_time', {_told("b.end_time")}, 'note', b.note,
    'reschedule_count', b.reschedule_count, 'attended_at', {_told("b.attended_at")},
    'cancel_reason', b.cancel_reason, 'created_at', {_told("b.created_at")}
)
"""

_FOUND = (
    "SELECT b.* FROM bookings b WHERE b.user_id = c.id AND ($3::bigint[] IS NULL OR b.location_id = ANY($3))"
)
_KNOWN = "EXISTS (SELECT FROM bookings k WHERE k.user_id = {customer} AND k.location_id = ANY({locations}))"
"""Whether the customer ever booked there: elsewhere staff are as customers, who are told of nobody (A1, A4)."""
_NAMED = "JOIN locations l ON l.id = b.location_id JOIN resources r ON r.id = b.resource_id"

_ASK = f"""
WITH answer AS (
    SELECT c.id AS customer_id, jsonb_build_object(
        'customer', jsonb_build_object(
            'id', c.id, 'name', c.name, 'email', c.email, 'phone', c.phone, 'hubspot_id', c.hubspot_id,
            'language', c.language, 'active', c.active, 'created_at', {_told("c.created_at")}
        ),
        'membership_tier', c.membership_tier,
        'tags', to_jsonb(c.tags),
        'has_booking', upcoming.starts IS NOT NULL,
        'booking_in', CASE WHEN upcoming.starts > $2 THEN extract(epoch FROM upcoming.starts - $2)::bigint
                           WHEN upcoming.starts <= $2 THEN 0 END,
        'booking_details', upcoming.items -> 0,
        'upcoming', upcoming.items,
        'history', history.items,
        'restrictions', restrictions.items,
        'thread_id', $4::text,
        'asked_at', {_told("$2::timestamptz")}
    ) AS body
    FROM (
        SELECT u.* FROM users u WHERE {{lookup}} AND u.role = 'customer'
        AND ($3::bigint[] IS NULL OR {_KNOWN.format(customer="u.id", locations="$3")})
    ) c
    CROSS JOIN LATERAL (
        SELECT coalesce(jsonb_agg({_BOOKING} ORDER BY b.start_time, b.id), '[]') AS items, min(b.start_time) AS starts
        FROM (
            {_FOUND} AND b.status = 'confirmed' AND b.end_time > $2 ORDER BY b.start_time, b.id LIMIT {MOST_UPCOMING}
        ) b {_NAMED}
    ) upcoming
    CROSS JOIN LATERAL (
        SELECT coalesce(jsonb_agg({_BOOKING} ORDER BY b.start_time DESC, b.id DESC), '[]') AS items
        FROM (
            {_FOUND} AND b.start_time > $2 - interval '{HISTORY_DAYS} days'
            AND (b.status IN ('cancelled', 'completed', 'no_show') OR b.status = 'confirmed' AND b.end_time <= $2)
            ORDER BY b.start_time DESC, b.id DESC LIMIT {MOST_HISTORY}
        ) b {_NAMED}
    ) history
    CROSS JOIN LATERAL (
        SELECT coalesce(jsonb_agg(jsonb_build_object(
            'restriction_type', restriction_type, 'value', value, 'expires_at', {_told("expires_at")}
        ) ORDER BY id), '[]') AS items
        FROM booking_restrictions
        WHERE user_id = c.id AND lifted_at IS NULL AND (expires_at IS NULL OR expires_at > $2)
          AND ($3::bigint[] IS NULL OR restriction_type <> 'DENY_LOCATION' OR value = ANY($3))
    ) restrictions
), thread AS (
    INSERT INTO context_threads (id, last_asked_at) SELECT $4, $2 WHERE $4::text IS NOT NULL
    ON CONFLICT (id) DO UPDATE
    SET last_asked_at = greatest(excluded.last_asked_at, context_threads.last_asked_at)
    RETURNING id
), entry AS (
    INSERT INTO context_entries (thread_id, asked_by, asked_as, asked, customer_id, answer, created_at)
    SELECT thread.id, $5, $6, $7, answer.customer_id, answer.body, $2 FROM thread LEFT JOIN answer ON true
)
SELECT body FROM answer
"""  # noqa: S608 -- of constants alone

_ASKED = {lookup: _ASK.format(lookup=condition) for lookup, condition in _LOOKUPS.items()}


async def ask(
    connection: Connection,
    reader: Reader,
    lookup: Lookup,
    value: int | str,
    *,
    thread_id: str | None,
    now: Instant,
) -> dict[str, Any] | None:
    """The answer as it is told and kept, instants in RFC 3339; None if there is no such customer, which is kept too.

    One statement, and so one instant of the database: whatever the customer has, it reads ``MOST_UPCOMING`` bookings that
    have not ended, ``MOST_HISTORY`` of ``HISTORY_DAYS`` that have ended or were cancelled, and the restrictions in force.
    """
    answer: dict[str, Any] | None = await connection.fetchval(
        _ASKED[lookup],
        value,
        moment(now),
        _locations(reader),
        thread_id,
        reader.user_id,
        reader.name,
        {lookup: value},
    )
    return answer


_VISIBLE = f"""
($1::bigint[] IS NULL OR CASE WHEN e.customer_id IS NULL THEN e.asked_by = $2::bigint
                              ELSE {_KNOWN.format(customer="e.customer_id", locations="$1")} END)
"""
"""That nobody was found is told to whoever asked; what was answered of a customer, to those who know them."""


async def list_threads(
    connection: Connection, reader: Reader, *, before: tuple[Instant, str] | None, limit: int
) -> Sequence[Thread]:
    """Up to ``limit`` threads with something for the reader, the last asked in first: those before (last_asked_at, id)."""
    asked_at, thread_id = before or (None, None)
    rows = await connection.fetch(
        f"""
        SELECT t.id, t.last_asked_at, found.id AS customer_id, found.name AS customer_name
        FROM context_threads t LEFT JOIN LATERAL (
            SELECT u.id, u.name FROM context_entries e JOIN users u ON u.id = e.customer_id
            WHERE e.thread_id = t.id AND {_VISIBLE} ORDER BY e.id DESC LIMIT 1
        ) found ON true
        WHERE EXISTS (SELECT FROM context_entries e WHERE e.thread_id = t.id AND {_VISIBLE})
        AND ($3::timestamptz IS NULL OR (t.last_asked_at, t.id) < ($3, $4))
        ORDER BY t.last_asked_at DESC, t.id DESC LIMIT $5
        """,  # noqa: S608 -- of constants alone
        _locations(reader),
        reader.user_id,
        None if asked_at is None else moment(asked_at),
        thread_id,
        limit,
    )
    return [
        Thread(
            id=row["id"],
            customer_id=row["customer_id"],
            customer_name=row["customer_name"],
            last_asked_at=to_instant(row["last_asked_at"]),
        )
        for row in rows
    ]


async def list_entries(
    connection: Connection, reader: Reader, thread_id: str, *, after: int | None, limit: int
) -> Sequence[Entry]:
    """Up to ``limit`` of the thread's entries that are for the reader, oldest first: those after the id."""
    rows = await connection.fetch(
        f"""
        SELECT id, created_at, asked_by, asked_as, asked, customer_id, answer FROM context_entries e
        WHERE thread_id = $3 AND {_VISIBLE} AND ($4::bigint IS NULL OR id > $4) ORDER BY id LIMIT $5
        """,  # noqa: S608 -- of constants alone
        _locations(reader),
        reader.user_id,
        thread_id,
        after,
        limit,
    )
    return [
        Entry(
            id=row["id"],
            asked_at=to_instant(row["created_at"]),
            asked_by=row["asked_by"],
            asked_as=row["asked_as"],
            asked=row["asked"],
            customer_id=row["customer_id"],
            answer=row["answer"],
        )
        for row in rows
    ]


def _locations(reader: Reader) -> list[int] | None:
    return None if reader.visible_at is None else list(reader.visible_at)
