"""Writing a location's configuration: itself, its resources and its blackouts, each under the location's lock (G6).

Belongs here: queries on those three tables, and the version and diff that every change of them takes. Does not belong
here: reading a location whole, for replicas (``locations``).
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from grid_engine.diff import Reload
from grid_engine.interval import Instant, Interval
from server.storage.database import Connection, Row
from server.storage.stored_booking import moment, to_instant
from server.wire.diffs import pack_ops


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredLocation:
    """A location's row; ``policy`` as ``LocationPolicy.to_json`` writes it."""

    id: int
    name: str
    timezone: str
    slot_minutes: int
    policy: dict[str, Any]
    active: bool
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredResource:
    """A resource's row."""

    id: int
    location_id: int
    name: str
    position: int
    active: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredBlackout:
    """A blackout's row; ``resource_ids`` None is the whole location."""

    id: int
    location_id: int
    resource_ids: tuple[int, ...] | None
    start_time: Instant
    end_time: Instant
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BookedAhead:
    """What of a booking, hold or block a change of configuration could break."""

    id: str
    resource_id: int
    is_block: bool
    interval: Interval


_LOCATION = "SELECT id, name, timezone, slot_minutes, policy, active, version FROM locations"
_RESOURCE = "SELECT id, location_id, name, position, active FROM resources"
_BLACKOUT = "SELECT id, location_id, resource_ids, start_time, end_time, reason FROM blackouts"


async def lock_location(connection: Connection, location_id: int) -> StoredLocation | None:
    """The location, whose row stays locked until the transaction ends: nothing else of it changes meanwhile."""
    row = await connection.fetchrow(f"{_LOCATION} WHERE id = $1::bigint FOR NO KEY UPDATE", location_id)
    return None if row is None else _location(row)


async def commit_reload(connection: Connection, location_id: int, now: Instant) -> int:
    """The next version of a locked location, whose only operation is to read it anew; every audience is sent it."""
    version: int = await connection.fetchval(
        "UPDATE locations SET version = version + 1, config_version = version + 1, updated_at = $2 WHERE id = $1 "
        "RETURNING version",
        location_id,
        moment(now),
    )
    await connection.execute(
        "INSERT INTO location_diffs (location_id, version, ops, created_at) VALUES ($1, $2, $3, $4)",
        location_id,
        version,
        pack_ops((Reload(version),)),
        moment(now),
    )
    return version


async def insert_location(connection: Connection, location: StoredLocation, epoch: str, now: Instant) -> int:
    """Keeps a new location at version 0 of its stream, and gives its id; ``location.id`` is not looked at."""
    location_id: int = await connection.fetchval(
        "INSERT INTO locations (name, timezone, slot_minutes, policy, active, epoch, version, config_version, "
        "created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, 0, 0, $7, $7) RETURNING id",
        location.name,
        location.timezone,
        location.slot_minutes,
        location.policy,
        location.active,
        epoch,
        moment(now),
    )
    return location_id


async def update_location(connection: Connection, location: StoredLocation) -> None:
    """Writes everything but the version of a locked location."""
    await connection.execute(
        "UPDATE locations SET name = $2, timezone = $3, slot_minutes = $4, policy = $5, active = $6 WHERE id = $1",
        location.id,
        location.name,
        location.timezone,
        location.slot_minutes,
        location.policy,
        location.active,
    )


async def list_locations(
    connection: Connection,
    *,
    after: tuple[str, int] | None,
    limit: int,
    inactive: bool = False,
    ids: Collection[int] | None = None,
) -> Sequence[StoredLocation]:
    """Up to ``limit`` locations in order of name and id, those after (name, id); only ``ids`` if given."""
    rows = await connection.fetch(
        f"{_LOCATION} WHERE (active OR $1) AND ($2::bigint[] IS NULL OR id = ANY($2)) "
        "AND ($3::text IS NULL OR (name, id) > ($3, $4::bigint)) ORDER BY name, id LIMIT $5",
        inactive,
        None if ids is None else list(ids),
        *(after or (None, None)),
        limit,
    )
    return [_location(row) for row in rows]


async def read_location(connection: Connection, location_id: int) -> StoredLocation | None:
    """The location, active or not."""
    row = await connection.fetchrow(f"{_LOCATION} WHERE id = $1::bigint", location_id)
    return None if row is None else _location(row)


async def booked_ahead(
    connection: Connection, location_id: int, now: Instant, *, limit: int, resource_id: int | None = None
) -> Sequence[BookedAhead]:
    """Up to ``limit`` of the location's bookings, holds and blocks that have not ended, in order of start and id."""
    rows = await connection.fetch(
        """
        SELECT id, resource_id, type <> 'CUSTOMER' AS is_block, start_time, end_time FROM bookings
        WHERE location_id = $1 AND end_time > $2 AND ($3::bigint IS NULL OR resource_id = $3)
        AND status IN ('held', 'confirmed', 'completed') AND (status <> 'held' OR expires_at > $2)
        ORDER BY start_time, id LIMIT $4
        """,
        location_id,
        moment(now),
        resource_id,
        limit,
    )
    return [
        BookedAhead(
            id=str(row["id"]),
            resource_id=row["resource_id"],
            is_block=row["is_block"],
            interval=Interval(to_instant(row["start_time"]), to_instant(row["end_time"])),
        )
        for row in rows
    ]


async def insert_resource(connection: Connection, resource: StoredResource) -> int:
    """Keeps a new resource and gives its id."""
    resource_id: int = await connection.fetchval(
        "INSERT INTO resources (location_id, name, position, active) VALUES ($1, $2, $3, $4) RETURNING id",
        resource.location_id,
        resource.name,
        resource.position,
        resource.active,
    )
    return resource_id


async def update_resource(connection: Connection, resource: StoredResource) -> None:
    """Writes the resource; its location is for good."""
    await connection.execute(
        "UPDATE resources SET name = $2, position = $3, active = $4 WHERE id = $1",
        resource.id,
        resource.name,
        resource.position,
        resource.active,
    )


async def read_resource(connection: Connection, resource_id: int) -> StoredResource | None:
    """The resource, active or not."""
    row = await connection.fetchrow(f"{_RESOURCE} WHERE id = $1::bigint", resource_id)
    return None if row is None else StoredResource(**row)


async def list_resources(
    connection: Connection,
    location_id: int,
    *,
    after: tuple[int, int] | None = None,
    limit: int | None = None,
    inactive: bool = False,
) -> Sequence[StoredResource]:
    """Up to ``limit`` resources in column order: those after (position, id)."""
    rows = await connection.fetch(
        f"{_RESOURCE} WHERE location_id = $1::bigint AND (active OR $2) "
        "AND ($3::bigint IS NULL OR (position, id) > ($3, $4::bigint)) ORDER BY position, id LIMIT $5",
        location_id,
        inactive,
        *(after or (None, None)),
        limit,
    )
    return [StoredResource(**row) for row in rows]


async def insert_blackout(connection: Connection, blackout: StoredBlackout) -> int:
    """Keeps a new blackout and gives its id."""
    blackout_id: int = await connection.fetchval(
        "INSERT INTO blackouts (location_id, resource_ids, start_time, end_time, reason) VALUES ($1, $2, $3, $4, $5) "
        "RETURNING id",
        blackout.location_id,
        blackout.resource_ids,
        moment(blackout.start_time),
        moment(blackout.end_time),
        blackout.reason,
    )
    return blackout_id


async def update_blackout(connection: Connection, blackout: StoredBlackout) -> None:
    """Writes the blackout; its location is for good."""
    await connection.execute(
        "UPDATE blackouts SET resource_ids = $2, start_time = $3, end_time = $4, reason = $5 WHERE id = $1",
        blackout.id,
        blackout.resource_ids,
        moment(blackout.start_time),
        moment(blackout.end_time),
        blackout.reason,
    )


async def delete_blackout(connection: Connection, blackout_id: int) -> None:
    """Forgets the blackout; the audit keeps what it was."""
    await connection.execute("DELETE FROM blackouts WHERE id = $1", blackout_id)


async def read_blackout(connection: Connection, blackout_id: int) -> StoredBlackout | None:
    """The blackout."""
    row = await connection.fetchrow(f"{_BLACKOUT} WHERE id = $1::bigint", blackout_id)
    return None if row is None else _blackout(row)


async def list_blackouts(
    connection: Connection,
    location_id: int,
    *,
    ends_after: Instant | None,
    starts_before: Instant | None,
    after: tuple[Instant, int] | None,
    limit: int,
) -> Sequence[StoredBlackout]:
    """Up to ``limit`` blackouts in order of start and id, those after (start, id), that overlap the window given."""
    start, last_id = after or (None, None)
    rows = await connection.fetch(
        f"{_BLACKOUT} WHERE location_id = $1::bigint AND ($2::timestamptz IS NULL OR end_time > $2) "
        "AND ($3::timestamptz IS NULL OR start_time < $3) "
        "AND ($4::timestamptz IS NULL OR (start_time, id) > ($4, $5::bigint)) ORDER BY start_time, id LIMIT $6",
        location_id,
        None if ends_after is None else moment(ends_after),
        None if starts_before is None else moment(starts_before),
        None if start is None else moment(start),
        last_id,
        limit,
    )
    return [_blackout(row) for row in rows]


def _location(row: Row) -> StoredLocation:
    return StoredLocation(**row)


def _blackout(row: Row) -> StoredBlackout:
    resource_ids = row["resource_ids"]
    return StoredBlackout(
        id=row["id"],
        location_id=row["location_id"],
        resource_ids=None if resource_ids is None else tuple(resource_ids),
        start_time=to_instant(row["start_time"]),
        end_time=to_instant(row["end_time"]),
        reason=row["reason"],
    )
