"""Writing what a restored database needs (G6)."""

from collections.abc import Mapping, Sequence

from grid_engine.interval import Instant
from server.storage.database import Connection
from server.storage.stored_booking import moment


async def lock_all_locations(connection: Connection) -> Sequence[int]:
    """Locks every location, in order of their ids, and gives those."""
    return [
        row["id"] for row in await connection.fetch("SELECT id FROM locations ORDER BY id FOR NO KEY UPDATE")
    ]


async def write_epochs(connection: Connection, epochs: Mapping[int, str], now: Instant) -> None:
    """Gives locked locations new epochs, and notes it in the audit: versions of the streams before mean nothing any more."""
    await connection.execute(
        "UPDATE locations l SET epoch = n.epoch, updated_at = $3 "
        "FROM unnest($1::int[], $2::text[]) AS n(id, epoch) WHERE l.id = n.id",
        list(epochs),
        list(epochs.values()),
        moment(now),
    )
    await connection.execute(
        "INSERT INTO audit_events (subject_type, subject_id, event_type, metadata, created_at) "
        "SELECT 'location', id::text, 'new_epoch', $2, $3 FROM unnest($1::int[]) AS l(id)",
        list(epochs),
        {"before": None, "after": None, "cause": "restore"},
        moment(now),
    )
