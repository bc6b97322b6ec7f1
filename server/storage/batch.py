"""The transaction that commits a batch of commands, statement by statement (``wire.md``, consistency model 1 and 4).

Belongs here: locks in their one order (keys, accounts, locations), what is read under them, and the writing of all that
one version consists of. Does not belong here: judging, or deciding what to write.
"""

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from grid_engine.diff import Diff, Operation
from grid_engine.interval import Instant
from server.storage.database import Connection
from server.storage.stored_booking import (
    COLUMNS,
    SELECT_BOOKING,
    StoredBooking,
    from_many_rows,
    from_row,
    moment,
)
from server.wire.diffs import pack_ops


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptAnswer:
    """The first answer to an idempotency key (G7); ``fingerprint`` tells what it was an answer to."""

    principal: str
    key: str
    fingerprint: bytes
    status: int
    body: dict[str, Any]
    version: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedLocation:
    """A location's row while its lock is held: nobody else can commit a change to it."""

    id: int
    epoch: str
    version: int
    config_version: int
    active: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One event of a booking's audit, to be written with the change it tells of (A8)."""

    booking_id: str
    location_id: int
    event_type: str
    actor_id: int | None
    metadata: Mapping[str, Any]


async def lock_keys(
    connection: Connection, keys: Collection[tuple[str, str]]
) -> dict[tuple[str, str], KeptAnswer]:
    """Makes anybody else with one of these (principal, key) pairs wait, and reads what they were answered before."""
    if not keys:
        return {}
    locks = sorted({_lock_number(principal, key) for principal, key in keys})
    await connection.execute(
        "SELECT pg_advisory_xact_lock(n) FROM unnest($1::bigint[]) WITH ORDINALITY u(n, i)", locks
    )
    rows = await connection.fetch(
        """
        SELECT r.* FROM idempotency_results r
        JOIN unnest($1::text[], $2::text[]) AS k(principal, key) USING (principal, key)
        """,
        [principal for principal, _ in keys],
        [key for _, key in keys],
    )
    return {
        (row["principal"], row["key"]): KeptAnswer(
            principal=row["principal"],
            key=row["key"],
            fingerprint=row["fingerprint"],
            status=row["status"],
            body=row["body"],
            version=row["version"],
        )
        for row in rows
    }


async def lock_locations(connection: Connection, ids: Collection[int]) -> dict[int, LockedLocation]:
    """Locks the locations in order of their ids; unknown ones are left out."""
    rows = await connection.fetch(
        """
        SELECT id, epoch, version, config_version, active FROM locations
        WHERE id = ANY($1::bigint[]) ORDER BY id FOR NO KEY UPDATE
        """,
        sorted(ids),
    )
    return {
        row["id"]: LockedLocation(
            id=row["id"],
            epoch=row["epoch"],
            version=row["version"],
            config_version=row["config_version"],
            active=row["active"],
        )
        for row in rows
    }


async def read_targets(
    connection: Connection, location_ids: Collection[int], ids: Collection[str], now: Instant
) -> dict[str, StoredBooking]:
    """The bookings that commands are about, and the locations' holds that are overdue at ``now`` (G5)."""
    rows = await connection.fetch(
        f"""{SELECT_BOOKING} WHERE b.id = ANY($1::uuid[])
        OR (b.location_id = ANY($2::int[]) AND b.status = 'held' AND b.expires_at <= $3)""",
        list(ids),
        list(location_ids),
        moment(now),
    )
    return {booking.id: booking for booking in map(from_row, rows)}


async def read_bookings(connection: Connection, ids: Collection[str]) -> dict[str, StoredBooking]:
    """The bookings of these ids, in whatever status."""
    rows = await connection.fetch(f"{SELECT_BOOKING} WHERE b.id = ANY($1::uuid[])", list(ids))
    return {booking.id: booking for booking in await from_many_rows(rows)}


async def read_holds(connection: Connection, user_ids: Collection[int]) -> list[StoredBooking]:
    """The customers' holds, overdue or not, at whatever location; each has one at the most (G5)."""
    if not user_ids:
        return []
    rows = await connection.fetch(
        f"{SELECT_BOOKING} WHERE b.user_id = ANY($1::int[]) AND b.status = 'held'", list(user_ids)
    )
    return [from_row(row) for row in rows]


async def read_ended(
    connection: Connection, location_id: int, now: Instant, limit: int
) -> list[StoredBooking]:
    """Confirmed bookings of the location that have ended, to be completed (P4); the earliest first."""
    rows = await connection.fetch(
        f"""{SELECT_BOOKING} WHERE b.location_id = $1 AND b.status = 'confirmed' AND b.end_time <= $2
        ORDER BY b.end_time, b.id LIMIT $3""",
        location_id,
        moment(now),
        limit,
    )
    return [from_row(row) for row in rows]


async def write_visitors(
    connection: Connection, visitors: Sequence[tuple[int, str, str | None]], now: Instant
) -> list[int]:
    """Keeps (location id, name, phone) of walk-ins and gives their ids, in the same order."""
    if not visitors:
        return []
    rows = await connection.fetch(
        """
        INSERT INTO visitors (location_id, name, phone, created_at)
        SELECT location_id, name, phone, $4
        FROM unnest($1::int[], $2::text[], $3::text[]) WITH ORDINALITY AS v(location_id, name, phone, place)
        ORDER BY place RETURNING id
        """,
        [location_id for location_id, _, _ in visitors],
        [name for _, name, _ in visitors],
        [phone for _, _, phone in visitors],
        moment(now),
    )
    return [row["id"] for row in rows]


_VACATE = "UPDATE bookings SET status = 'cancelled' WHERE id = ANY($1::uuid[])"
"""For as long as the statement after it has not written them as they will be."""

_UPDATE_BOOKINGS = """
UPDATE bookings b SET
    resource_id = n.resource_id, user_id = n.user_id, visitor_id = n.visitor_id, type = n.type, status = n.status, start_time = n.start_time,
    end_time = n.end_time, note = n.note, internal_note = n.internal_note, reason = n.reason,
    reschedule_count = n.reschedule_count, attended_at = n.attended_at, cancel_reason = n.cancel_reason,
    updated_at = n.updated_at, expires_at = n.expires_at, judged_by = n.judged_by, version = n.version
FROM jsonb_populate_recordset(NULL::bookings, $1::jsonb) n WHERE b.id = n.id
"""

PORTION = 500
"""Rows of one statement: more at once would keep the event loop from everybody else while they are encoded."""

_ALL = ", ".join(COLUMNS)
_INSERT_BOOKINGS = f"""
    INSERT INTO bookings ({_ALL})
    SELECT {_ALL} FROM jsonb_populate_recordset(NULL::bookings, $1::jsonb)
"""  # noqa: S608 -- of constants alone


def _insert_events(entries: str, now: str) -> str:
    return f"""
    INSERT INTO booking_events (booking_id, location_id, event_type, actor_id, metadata, created_at)
    SELECT e.booking_id, e.location_id, e.event_type, e.actor_id, e.metadata, {now}
    FROM ROWS FROM (
        jsonb_to_recordset({entries}::jsonb)
        AS (booking_id uuid, location_id int, event_type text, actor_id int, metadata jsonb)
    ) WITH ORDINALITY AS e(booking_id, location_id, event_type, actor_id, metadata, place)
    ORDER BY e.place
    """  # noqa: S608 -- of names of parameters alone


_WRITE = f"""
WITH inserted AS ({_INSERT_BOOKINGS}), audited AS ({_insert_events("$2", "$8")}), told AS (
    INSERT INTO location_diffs (location_id, version, ops, created_at)
    SELECT d.location_id, d.version, d.ops, $8
    FROM unnest($3::int[], $4::bigint[], $5::bytea[]) AS d(location_id, version, ops)
), answered AS (
    INSERT INTO idempotency_results (principal, key, fingerprint, status, body, version, created_at)
    SELECT r.principal, r.key, decode(r.fingerprint, 'hex'), r.status, r.body, r.version, $8
    FROM jsonb_to_recordset($6::jsonb)
        AS r(principal text, key text, fingerprint text, status int, body jsonb, version bigint)
)
UPDATE locations l SET version = v.version, updated_at = $8
FROM (SELECT (key)::int AS id, (value)::bigint AS version FROM jsonb_each_text($7::jsonb)) v WHERE l.id = v.id
"""  # noqa: S608 -- of constants alone


async def write(
    connection: Connection,
    *,
    inserted: Sequence[StoredBooking],
    updated: Sequence[StoredBooking],
    vacated: Sequence[str],
    audit: Iterable[AuditEntry],
    diffs: Mapping[int, Diff],
    answers: Sequence[KeptAnswer],
    now: Instant,
) -> None:
    """Writes all that a batch decided: rows, audit, one diff for each version by location, and kept answers.

    Bookings that change come before those that are new, so that a hold is gone before the one that replaces it. Those that
    give up time (``vacated``) are off it before any other takes it: the constraint looks at each row as it is written, and
    two that change places would be refused in either order. What is many is written ``PORTION`` by ``PORTION``, and
    ``audit`` is only asked for what is next.

    Raises:
        OccupancyTakenError, Duplicate, ContentionError, Unavailable: as ``Database.transaction`` says.
    """
    if vacated and len(updated) > 1:
        await connection.execute(_VACATE, list(vacated))
    for some in _portions(updated):
        await connection.execute(_UPDATE_BOOKINGS, [booking.columns() for booking in some])
    events: list[dict[str, Any]] = []
    for entry in audit:
        if len(events) == PORTION:
            for some in _portions(inserted):  # before they are told of
                await connection.execute(_INSERT_BOOKINGS, [booking.columns() for booking in some])
            await connection.execute(_insert_events("$1", "$2"), events, moment(now))
            inserted, events = (), []
        events.append(_event(entry))
    by_version = [entry for location_id, diff in diffs.items() for entry in _each_version(location_id, diff)]
    await connection.execute(
        _WRITE,
        [booking.columns() for booking in inserted],
        events,
        [location_id for location_id, _, _ in by_version],
        [version for _, version, _ in by_version],
        [ops for _, _, ops in by_version],
        [
            {
                "principal": answer.principal,
                "key": answer.key,
                "fingerprint": answer.fingerprint.hex(),
                "status": answer.status,
                "body": answer.body,
                "version": answer.version,
            }
            for answer in answers
        ],
        {str(location_id): diff.version for location_id, diff in diffs.items()},
        moment(now),
    )


def _portions(bookings: Sequence[StoredBooking]) -> Iterable[Sequence[StoredBooking]]:
    return (bookings[begin : begin + PORTION] for begin in range(0, len(bookings), PORTION))


def _event(entry: AuditEntry) -> dict[str, Any]:
    return {
        "booking_id": entry.booking_id,
        "location_id": entry.location_id,
        "event_type": entry.event_type,
        "actor_id": entry.actor_id,
        "metadata": entry.metadata,
    }


def _each_version(location_id: int, diff: Diff) -> list[tuple[int, int, bytes]]:
    ops: dict[int, list[Operation]] = {version: [] for version in range(diff.base + 1, diff.version + 1)}
    for op in diff.ops:
        ops[op.version].append(op)
    return [(location_id, version, pack_ops(tuple(each))) for version, each in ops.items()]


def _lock_number(principal: str, key: str) -> int:
    digest = hashlib.sha256(json.dumps([principal, key]).encode()).digest()
    return int.from_bytes(digest[:8], signed=True)
