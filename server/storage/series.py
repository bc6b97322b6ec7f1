"""Series of blocks: what was asked for together, and what each occurrence of it wants (B2, B6).

Belongs here: their rows and queries. Does not belong here: the blocks themselves, which are rows of ``bookings``, or what a
recurrence means (``server.service.blocks``).
"""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from grid_engine.interval import Instant
from server.storage.database import Connection, Database, Row
from server.storage.stored_booking import SELECT_BOOKING, StoredBooking, from_many_rows, moment, to_instant


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredOccurrence:
    """What one occurrence wants blocked, whether it got all of it or not; walls are what clocks at the location show."""

    number: int
    type: str
    reason: str
    start_wall: datetime
    end_wall: datetime
    resource_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSeries:
    """A series as it was asked for, without what has become of its occurrences."""

    id: str
    location_id: int
    type: str
    reason: str
    recurrence: str | None
    start_wall: datetime
    end_wall: datetime
    resource_ids: tuple[int, ...]
    created_by: int | None
    created_at: Instant
    updated_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeSeries:
    """A series under its location's lock, with its occurrences in order of their numbers and its active blocks by start."""

    series: StoredSeries
    occurrences: Sequence[StoredOccurrence]
    blocks: Sequence[StoredBooking]


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesChange:
    """What is to be written of a series: itself, occurrences that are new or different, and numbers of those that ended."""

    series: StoredSeries
    occurrences: Sequence[StoredOccurrence] = field(default=())
    ended: Collection[int] = field(default=())


async def read_whole_series(connection: Connection, ids: Collection[str]) -> dict[str, WholeSeries]:
    """The series of these ids, to be changed; unknown ones are left out."""
    if not ids:
        return {}
    wanted = list(ids)
    series = await connection.fetch("SELECT * FROM series WHERE id = ANY($1::uuid[])", wanted)
    occurrences = await connection.fetch(
        "SELECT * FROM series_occurrences WHERE series_id = ANY($1::uuid[]) ORDER BY number", wanted
    )
    blocks = await connection.fetch(
        f"""{SELECT_BOOKING} WHERE b.series_id = ANY($1::uuid[]) AND b.status IN ('held', 'confirmed', 'completed')
        ORDER BY b.start_time, b.id""",
        wanted,
    )
    found = await from_many_rows(blocks)
    return {
        str(row["id"]): WholeSeries(
            series=_series(row),
            occurrences=[_occurrence(each) for each in occurrences if each["series_id"] == row["id"]],
            blocks=[each for each in found if each.series_id == str(row["id"])],
        )
        for row in series
    }


_WRITE_SERIES = """
INSERT INTO series (id, location_id, type, reason, recurrence, start_wall, end_wall, resource_ids, created_by, created_at,
                    updated_at)
VALUES ($1::uuid, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
ON CONFLICT (id) DO UPDATE SET type = excluded.type, reason = excluded.reason, start_wall = excluded.start_wall,
    end_wall = excluded.end_wall, resource_ids = excluded.resource_ids, updated_at = excluded.updated_at
"""
_WRITE_OCCURRENCES = """
INSERT INTO series_occurrences (series_id, number, type, reason, start_wall, end_wall, resource_ids)
SELECT $1::uuid, n.number, n.type, n.reason, n.start_wall, n.end_wall, n.resource_ids
FROM jsonb_populate_recordset(NULL::series_occurrences, $2::jsonb) n
ON CONFLICT (series_id, number) DO UPDATE SET type = excluded.type, reason = excluded.reason,
    start_wall = excluded.start_wall, end_wall = excluded.end_wall, resource_ids = excluded.resource_ids
"""


async def write_series(connection: Connection, change: SeriesChange) -> None:
    """Writes a series in the transaction that writes its blocks."""
    series = change.series
    await connection.execute(
        _WRITE_SERIES,
        series.id,
        series.location_id,
        series.type,
        series.reason,
        series.recurrence,
        series.start_wall,
        series.end_wall,
        list(series.resource_ids),
        series.created_by,
        moment(series.created_at),
        moment(series.updated_at),
    )
    if change.occurrences:
        await connection.execute(
            _WRITE_OCCURRENCES,
            series.id,
            [
                {
                    "number": each.number,
                    "type": each.type,
                    "reason": each.reason,
                    "start_wall": each.start_wall.isoformat(),
                    "end_wall": each.end_wall.isoformat(),
                    "resource_ids": list(each.resource_ids),
                }
                for each in change.occurrences
            ],
        )
    if change.ended:
        await connection.execute(
            "DELETE FROM series_occurrences WHERE series_id = $1::uuid AND number = ANY($2::int[])",
            series.id,
            list(change.ended),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class OccurrenceRow:
    """An occurrence as it is listed: with how many active blocks it has, and the first of them."""

    occurrence: StoredOccurrence
    blocks: int
    block_id: str | None


class SeriesQueries:
    """Reads that lock nothing; each raises ``Unavailable`` while Postgres is away."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, series_id: uuid.UUID | str) -> StoredSeries | None:
        """The series; None if there is none."""
        async with self._database.connection() as connection:
            row = await connection.fetchrow("SELECT * FROM series WHERE id = $1::uuid", series_id)
        return None if row is None else _series(row)

    async def occurrences(self, series_id: uuid.UUID | str) -> list[OccurrenceRow]:
        """The occurrences that were not ended, by their wall times."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                """
                SELECT o.*, count(b.id) AS blocks, (array_agg(b.id ORDER BY b.start_time, b.id))[1] AS block_id
                FROM series_occurrences o
                LEFT JOIN bookings b ON b.series_id = o.series_id AND b.occurrence = o.number
                    AND b.status IN ('confirmed', 'completed')
                WHERE o.series_id = $1::uuid
                GROUP BY o.series_id, o.number ORDER BY o.start_wall, o.number
                """,
                series_id,
            )
        return [
            OccurrenceRow(
                occurrence=_occurrence(row),
                blocks=row["blocks"],
                block_id=str(row["block_id"]) if row["block_id"] else None,
            )
            for row in rows
        ]

    async def page(
        self, location_id: int | None, *, after: tuple[datetime, uuid.UUID] | None, limit: int
    ) -> list[StoredSeries]:
        """At most ``limit`` series, of one location or of all, by wall time of the start and id, behind ``after``."""
        start, id_ = after or (None, None)
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                """
                SELECT * FROM series
                WHERE ($1::int IS NULL OR location_id = $1) AND ($2::timestamp IS NULL OR (start_wall, id) > ($2, $3::uuid))
                ORDER BY start_wall, id LIMIT $4
                """,
                location_id,
                start,
                id_,
                limit,
            )
        return [_series(row) for row in rows]


def _series(row: Row) -> StoredSeries:
    return StoredSeries(
        id=str(row["id"]),
        location_id=row["location_id"],
        type=row["type"],
        reason=row["reason"],
        recurrence=row["recurrence"],
        start_wall=row["start_wall"],
        end_wall=row["end_wall"],
        resource_ids=tuple(row["resource_ids"]),
        created_by=row["created_by"],
        created_at=to_instant(row["created_at"]),
        updated_at=to_instant(row["updated_at"]),
    )


def _occurrence(row: Row) -> StoredOccurrence:
    return StoredOccurrence(
        number=row["number"],
        type=row["type"],
        reason=row["reason"],
        start_wall=row["start_wall"],
        end_wall=row["end_wall"],
        resource_ids=tuple(row["resource_ids"]),
    )
