"""What demo data asks of Postgres: bulk writes, and the marks that tell which days were laid out.

A mark is an event of ``audit_events``, as those are never changed: ``subject_type`` ``demo``, ``subject_id`` the venue's
key. Belongs here: queries that only demo data needs. Does not belong here: what is written.
"""

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from grid_engine.interval import Instant, Interval
from grid_engine.records import Record
from server.demo.life import Told
from server.storage.database import Connection
from server.storage.stored_booking import StoredVisitor, from_row, moment, overlapping, select_booking

_LOCK = "SELECT pg_advisory_xact_lock(hashtext('baygrid demo'))"

_MARKS = """
SELECT e.subject_id AS key, l.id, l.name, l.timezone, l.active,
       array_agg(e.metadata->'after'->>'first') AS firsts, array_agg(e.metadata->'after'->>'last') AS lasts
FROM audit_events e JOIN locations l ON l.id = (e.metadata->'after'->>'location_id')::int
WHERE e.subject_type = 'demo' AND e.subject_id = ANY($1::text[]) GROUP BY e.subject_id, l.id
"""

_EVENTS = """
INSERT INTO booking_events (booking_id, location_id, event_type, actor_id, metadata, created_at)
SELECT booking_id, $1, event_type, actor_id, metadata, created_at
FROM unnest($2::uuid[], $3::text[], $4::int[], $5::jsonb[], $6::timestamptz[])
     WITH ORDINALITY AS e(booking_id, event_type, actor_id, metadata, created_at, place)
ORDER BY place
"""

_ACCOUNTS = """
INSERT INTO users (name, email, phone, role, tags, membership_tier, sms_consent, active, tokens_after, created_at)
SELECT name, email, phone, role, tags, membership_tier, sms_consent, true, created_at, created_at
FROM ROWS FROM (jsonb_to_recordset($1::jsonb) AS (
    name text, email text, phone text, role text, tags text[], membership_tier text, sms_consent bool,
    created_at timestamptz
)) WITH ORDINALITY AS a(name, email, phone, role, tags, membership_tier, sms_consent, created_at, place)
ORDER BY place RETURNING id, email
"""

_AUDIT = """
INSERT INTO audit_events (subject_type, subject_id, event_type, actor_id, metadata, created_at)
SELECT $1, subject_id, 'created', $2, metadata, created_at
FROM unnest($3::text[], $4::jsonb[], $5::timestamptz[]) WITH ORDINALITY AS e(subject_id, metadata, created_at, place)
ORDER BY place
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Marked:
    """A demo venue that was founded, and the local days that were laid out."""

    key: str
    location_id: int
    name: str
    timezone: str
    active: bool
    dates: frozenset[dt.date]


async def lock_demo(connection: Connection) -> None:
    """Makes whoever else is at the demo data wait until the transaction ends."""
    await connection.execute(_LOCK)


async def read_marks(connection: Connection, keys: Collection[str]) -> dict[str, Marked]:
    """The venues founded, by key."""
    return {
        row["key"]: Marked(
            key=row["key"],
            location_id=row["id"],
            name=row["name"],
            timezone=row["timezone"],
            active=row["active"],
            dates=frozenset(
                date
                for first, last in zip(row["firsts"], row["lasts"], strict=True)
                if first and last
                for date in _days(dt.date.fromisoformat(first), dt.date.fromisoformat(last))
            ),
        )
        for row in await connection.fetch(_MARKS, list(keys))
    }


async def write_mark(
    connection: Connection, key: str, location_id: int, dates: Sequence[dt.date], now: Instant
) -> None:
    """Notes that these days, in order and without a gap, are laid out."""
    after = {"location_id": location_id, "first": dates[0].isoformat(), "last": dates[-1].isoformat()}
    await connection.execute(
        "INSERT INTO audit_events (subject_type, subject_id, event_type, metadata, created_at) "
        "VALUES ('demo', $1, 'filled', $2, $3)",
        key,
        {"before": None, "after": after, "cause": "demo"},
        moment(now),
    )


async def write_accounts(connection: Connection, accounts: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Keeps new accounts, without passwords; gives their ids by address.

    Raises:
        Duplicate: if somebody has one of the addresses or phones.
    """
    rows = await connection.fetch(_ACCOUNTS, list(accounts))
    return {row["email"]: row["id"] for row in rows}


async def write_passwords(connection: Connection, user_ids: Collection[int], password_hash: str) -> None:
    """Gives the accounts one password."""
    await connection.execute(
        "UPDATE users SET password_hash = $2 WHERE id = ANY($1::int[])", list(user_ids), password_hash
    )


async def write_workplaces(connection: Connection, location_id: int, user_ids: Collection[int]) -> None:
    """Lets the accounts work at the location."""
    await connection.execute(
        "INSERT INTO user_locations (user_id, location_id) SELECT unnest($2::int[]), $1",
        location_id,
        list(user_ids),
    )


async def read_account_ids(connection: Connection, emails: Collection[str]) -> dict[str, int]:
    """The ids of active accounts by their addresses."""
    rows = await connection.fetch(
        "SELECT id, lower(email) AS email FROM users WHERE lower(email) = ANY($1::text[]) AND active",
        list(emails),
    )
    return {row["email"]: row["id"] for row in rows}


async def write_resources(connection: Connection, location_id: int, names: Sequence[str]) -> list[int]:
    """Keeps resources in column order and gives their ids, in the same order."""
    rows = await connection.fetch(
        "INSERT INTO resources (location_id, name, position, active) "
        "SELECT $1, name, place - 1, true FROM unnest($2::text[]) WITH ORDINALITY AS r(name, place) "
        "ORDER BY place RETURNING id",
        location_id,
        list(names),
    )
    return [row["id"] for row in rows]


async def write_created(
    connection: Connection,
    subject_type: str,
    actor_id: int | None,
    created: Sequence[tuple[int, Mapping[str, Any], Instant]],
) -> None:
    """Audits that these subjects (id, as they are, when) were created (A8)."""
    await connection.execute(
        _AUDIT,
        subject_type,
        actor_id,
        [str(id_) for id_, _, _ in created],
        [{"before": None, "after": after, "cause": "command"} for _, after, _ in created],
        [moment(at) for _, _, at in created],
    )


async def write_version(
    connection: Connection, location_id: int, version: int, now: Instant, *, configured: bool = False
) -> None:
    """The version that a locked location is at from now on. No diffs lead there, so whoever was behind reads it anew."""
    await connection.execute(
        "UPDATE locations SET version = $2, updated_at = $3, "
        "config_version = CASE WHEN $4 THEN $2 ELSE config_version END WHERE id = $1",
        location_id,
        version,
        moment(now),
        configured,
    )


async def read_codes(connection: Connection) -> set[str]:
    """The codes that may not be given again."""
    rows = await connection.fetch("SELECT code FROM bookings WHERE status IN ('held', 'confirmed')")
    return {row["code"] for row in rows}


async def read_records(connection: Connection, location_id: int, interval: Interval) -> list[Record]:
    """The location's active records that share time with the interval."""
    rows = await connection.fetch(
        select_booking(
            overlapping("b.location_id = $1 AND b.status IN ('held', 'confirmed', 'completed')", "$2", "$3")
        ),
        location_id,
        moment(interval.start),
        moment(interval.end),
    )
    return [record for row in rows if (record := from_row(row).record()) is not None]


async def write_visitors(
    connection: Connection, location_id: int, visitors: Sequence[tuple[StoredVisitor, Instant]]
) -> list[int]:
    """Keeps walk-ins, each with when they came; gives their ids, in the same order."""
    rows = await connection.fetch(
        "INSERT INTO visitors (location_id, name, phone, created_at) SELECT $1, name, phone, created_at "
        "FROM unnest($2::text[], $3::text[], $4::timestamptz[]) WITH ORDINALITY AS v(name, phone, created_at, place) "
        "ORDER BY place RETURNING id",
        location_id,
        [visitor.name for visitor, _ in visitors],
        [visitor.phone for visitor, _ in visitors],
        [moment(at) for _, at in visitors],
    )
    return [row["id"] for row in rows]


async def write_history(connection: Connection, location_id: int, told: Told) -> None:
    """Keeps bookings and their audit; the location's version is left to ``write_version``.

    Raises:
        OccupancyTakenError: if some of the time is taken (G1).
    """
    await connection.execute(
        "INSERT INTO bookings SELECT * FROM jsonb_populate_recordset(NULL::bookings, $1::jsonb)",
        [booking.columns() for booking in told.bookings],
    )
    await connection.execute(
        _EVENTS,
        location_id,
        [entry.booking_id for _, entry in told.events],
        [entry.event_type for _, entry in told.events],
        [entry.actor_id for _, entry in told.events],
        [entry.metadata for _, entry in told.events],
        [moment(at) for at, _ in told.events],
    )


def _days(first: dt.date, last: dt.date) -> list[dt.date]:
    return [first + dt.timedelta(days=number) for number in range((last - first).days + 1)]
