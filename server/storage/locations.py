"""Reading locations: configuration, records and version as of one instant, and the diffs between versions.

Belongs here: what a node needs to follow a location. Does not belong here: changing one (``batch``, ``administration``)
or keeping a replica (``server.live``).
"""

from collections.abc import Collection

from grid_engine.calendar_day import calendar_day, day_of
from grid_engine.diff import Diff
from grid_engine.interval import Instant, Interval
from grid_engine.records import Blackout, Record, Resource
from rules.policy import LocationPolicy
from server.clock import Clock
from server.storage.database import Connection, Database, Row
from server.storage.location_state import LoadedLocation, LocationState
from server.storage.stored_booking import (
    SELECT_BOOKING,
    from_row,
    moment,
    overlapping,
    select_booking,
    to_instant,
)
from server.wire.diffs import unpack_ops

_ACTIVE = "b.status IN ('held', 'confirmed', 'completed')"


class Locations:
    """Queries about locations; raises ``Unavailable`` from any of them while Postgres is away."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def load(self, location_id: int) -> LoadedLocation | None:
        """The location with every active record that ends after its today's midnight; None if there is no such location."""
        async with self._database.snapshot() as connection:
            return await load(connection, location_id, self._clock.now())

    async def window(self, location_id: int, interval: Interval) -> tuple[str, int, tuple[Record, ...]]:
        """(epoch, version, active records that overlap the interval), all of one instant; for windows that begin before today.

        Raises:
            LookupError: if there is no such location.
        """
        async with self._database.snapshot() as connection:
            row = await connection.fetchrow("SELECT epoch, version FROM locations WHERE id = $1", location_id)
            if row is None:
                raise LookupError(location_id)
            records = await read_records(connection, location_id, interval)
        return row["epoch"], row["version"], records

    async def diffs_since(self, location_id: int, version: int) -> tuple[str, int, tuple[Diff, ...]] | None:
        """(epoch, present version, the diffs after ``version`` in order); None when not all of them are kept any more."""
        async with self._database.snapshot() as connection:
            row = await connection.fetchrow("SELECT epoch, version FROM locations WHERE id = $1", location_id)
            if row is None:
                return None
            diffs = await read_diffs(connection, location_id, version, row["version"])
        return None if diffs is None else (row["epoch"], row["version"], diffs)

    async def state(self, location_id: int) -> LocationState | None:
        """The configuration alone; None if there is no such location."""
        async with self._database.snapshot() as connection:
            return await read_state(connection, location_id)

    async def versions(self, location_ids: Collection[int]) -> dict[int, tuple[str, int]]:
        """(epoch, version) of each of the locations that exists."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                "SELECT id, epoch, version FROM locations WHERE id = ANY($1::bigint[])", list(location_ids)
            )
        return {row["id"]: (row["epoch"], row["version"]) for row in rows}

    async def location_of_resource(self, resource_id: int) -> int | None:
        """The location that a resource belongs to, for good; None if there is no such resource."""
        async with self._database.connection() as connection:
            found: int | None = await connection.fetchval(
                "SELECT location_id FROM resources WHERE id = $1::bigint", resource_id
            )
        return found

    async def due(self, now: Instant) -> list[int]:
        """Locations with a hold that is overdue or a booking that has ended, for the writers to see to."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                """
                SELECT location_id FROM bookings WHERE status = 'held' AND expires_at <= $1
                UNION SELECT location_id FROM bookings WHERE status = 'confirmed' AND end_time <= $1
                """,
                moment(now),
            )
        return [row["location_id"] for row in rows]


async def load(connection: Connection, location_id: int, now: Instant) -> LoadedLocation | None:
    """As ``Locations.load``, on a connection whose reads are of one instant or that holds the location's lock."""
    state = await read_state(connection, location_id)
    if state is None:
        return None
    today = calendar_day(day_of(now, state.timezone), state.timezone, state.slot_minutes)
    row = await connection.fetchrow("SELECT epoch, version FROM locations WHERE id = $1", location_id)
    rows = await connection.fetch(
        f"{SELECT_BOOKING} WHERE b.location_id = $1 AND {_ACTIVE} AND b.end_time > $2",
        location_id,
        moment(today.interval.start),
    )
    if row is None:
        return None
    return LoadedLocation(state=state, epoch=row["epoch"], version=row["version"], records=_records(rows))


async def read_state(connection: Connection, location_id: int) -> LocationState | None:
    """The configuration: all resources and blackouts in order."""
    row = await connection.fetchrow("SELECT * FROM locations WHERE id = $1::bigint", location_id)
    if row is None:
        return None
    resources = await connection.fetch(
        "SELECT id, name, position, active FROM resources WHERE location_id = $1 ORDER BY position, id",
        location_id,
    )
    blackouts = await connection.fetch(
        "SELECT id, resource_ids, start_time, end_time, reason FROM blackouts WHERE location_id = $1 ORDER BY start_time, id",
        location_id,
    )
    return LocationState(
        id=row["id"],
        name=row["name"],
        timezone=row["timezone"],
        slot_minutes=row["slot_minutes"],
        policy=LocationPolicy.from_json(row["policy"]),
        active=row["active"],
        config_version=row["config_version"],
        resources=tuple(Resource(**resource) for resource in resources),
        blackouts=tuple(map(blackout_of, blackouts)),
    )


async def read_records(connection: Connection, location_id: int, interval: Interval) -> tuple[Record, ...]:
    """The location's active records that overlap the interval."""
    rows = await connection.fetch(
        select_booking(overlapping(f"b.location_id = $1 AND {_ACTIVE}", "$2", "$3")),
        location_id,
        moment(interval.start),
        moment(interval.end),
    )
    return _records(rows)


async def read_diffs(
    connection: Connection, location_id: int, after: int, until: int
) -> tuple[Diff, ...] | None:
    """One diff for each version in ``(after, until]``; None when they are not all kept or readable, or ``after`` lies ahead."""
    if after > until:
        return None
    rows = await connection.fetch(
        "SELECT version, ops FROM location_diffs WHERE location_id = $1 AND version > $2 AND version <= $3 ORDER BY version",
        location_id,
        after,
        until,
    )
    if len(rows) != until - after:
        return None
    try:
        return tuple(Diff(row["version"] - 1, row["version"], unpack_ops(row["ops"])) for row in rows)
    except ValueError:
        return None  # written by another release: the location is read afresh


def _records(rows: Collection[Row]) -> tuple[Record, ...]:
    return tuple(record for row in rows if (record := from_row(row).record()) is not None)


def blackout_of(row: Row) -> Blackout:
    """The value of a row of ``blackouts``."""
    resource_ids = row["resource_ids"]
    return Blackout(
        id=row["id"],
        interval=Interval(to_instant(row["start_time"]), to_instant(row["end_time"])),
        resource_ids=None if resource_ids is None else frozenset(resource_ids),
        reason=row["reason"],
    )
