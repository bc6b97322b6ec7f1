"""Which days have to be rolled up anew: marks that changes of bookings leave behind, and what each location was rolled up by.

A trigger on ``bookings`` leaves a mark in the transaction of the change, whoever makes it: where, and from when to when. So
a day is rolled up as it is, or marked, or both; never neither. Belongs here: queries on marks, and on what was rolled up by.
Does not belong here: the figures (``rollup``).
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from grid_engine.interval import Instant, Interval
from server.storage.database import Connection
from server.storage.stored_booking import LONG, moment, to_instant

COUNTED = "status IN ('confirmed', 'completed', 'no_show', 'cancelled')"


@dataclass(frozen=True, slots=True, kw_only=True)
class RolledUpBy:
    """The configuration by which a location was rolled up last; ``opening`` is a digest."""

    location_id: int
    timezone: str
    opening: bytes
    config_version: int


async def due_locations(connection: Connection, until: Instant) -> list[int]:
    """Locations with marks that begin before ``until``, or configured otherwise than when they were rolled up."""
    rows = await connection.fetch(
        """
        SELECT DISTINCT location_id FROM analytics_marks WHERE starts_at < $1
        UNION SELECT a.location_id FROM analytics_locations a JOIN locations l ON l.id = a.location_id
        WHERE l.config_version <> a.config_version
        """,
        moment(until),
    )
    return [row["location_id"] for row in rows]


async def lock_rolled_up_by(connection: Connection, location_id: int) -> RolledUpBy | None:
    """What the location was rolled up by; nobody else rolls it up until the transaction ends. None where somebody does.

    Where it never was, all of it is empty.
    """
    await connection.execute(
        "INSERT INTO analytics_locations (location_id, timezone, opening, config_version) VALUES ($1, '', '', -1) "
        "ON CONFLICT DO NOTHING",
        location_id,
    )
    row = await connection.fetchrow(
        "SELECT * FROM analytics_locations WHERE location_id = $1 FOR UPDATE SKIP LOCKED", location_id
    )
    return None if row is None else RolledUpBy(**row)


async def write_rolled_up_by(connection: Connection, by: RolledUpBy) -> None:
    """Keeps what a locked location is rolled up by from now on."""
    await connection.execute(
        "UPDATE analytics_locations SET timezone = $2, opening = $3, config_version = $4 WHERE location_id = $1",
        by.location_id,
        by.timezone,
        by.opening,
        by.config_version,
    )


async def read_rolled_up_by(connection: Connection, location_ids: Collection[int]) -> dict[int, RolledUpBy]:
    """What each of the locations was rolled up by; those that never were are left out."""
    rows = await connection.fetch(
        "SELECT * FROM analytics_locations WHERE location_id = ANY($1::int[]) AND config_version >= 0",
        list(location_ids),
    )
    return {row["location_id"]: RolledUpBy(**row) for row in rows}


async def read_marks(
    connection: Connection, location_ids: Collection[int], interval: Interval
) -> dict[int, list[Interval]]:
    """The marks of the locations that share time with the interval."""
    rows = await connection.fetch(
        "SELECT DISTINCT location_id, starts_at, ends_at FROM analytics_marks "
        "WHERE location_id = ANY($1::int[]) AND starts_at < $3 AND ends_at > $2",
        list(location_ids),
        moment(interval.start),
        moment(interval.end),
    )
    marks: dict[int, list[Interval]] = {}
    for row in rows:
        marks.setdefault(row["location_id"], []).append(
            Interval(to_instant(row["starts_at"]), to_instant(row["ends_at"]))
        )
    return marks


async def take_marks(connection: Connection, location_id: int, until: Instant) -> list[Interval]:
    """Takes away the location's marks that begin before ``until``.

    What is read of bookings after this has every change of which a mark was taken, and perhaps later ones, whose marks stay.
    """
    rows = await connection.fetch(
        "DELETE FROM analytics_marks WHERE location_id = $1 AND starts_at < $2 RETURNING starts_at, ends_at",
        location_id,
        moment(until),
    )
    return [Interval(to_instant(row["starts_at"]), to_instant(row["ends_at"])) for row in rows]


async def put_marks(connection: Connection, location_id: int, intervals: Sequence[Interval]) -> None:
    """Marks these times of the location."""
    await connection.execute(
        "INSERT INTO analytics_marks (location_id, starts_at, ends_at) "
        "SELECT $1, starts_at, ends_at FROM unnest($2::timestamptz[], $3::timestamptz[]) AS m(starts_at, ends_at)",
        location_id,
        [moment(interval.start) for interval in intervals],
        [moment(interval.end) for interval in intervals],
    )


async def mark_all(connection: Connection, location_ids: Collection[int]) -> None:
    """Marks every time of the locations at which something was booked: as if all of it had just been written."""
    await connection.execute(
        f"""
        INSERT INTO analytics_marks (location_id, starts_at, ends_at)
        SELECT location_id, min(start_time), max(end_time) FROM bookings b
        WHERE location_id = ANY($1::int[]) AND {COUNTED}
        GROUP BY location_id, date_bin('1 day', start_time, timestamptz 'epoch'), {LONG}
        """,  # noqa: S608 -- of constants alone
        list(location_ids),
    )
