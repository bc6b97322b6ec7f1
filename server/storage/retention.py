"""Letting go of what is no longer needed: diffs that no client can still ask for, and answers to old keys (G7)."""

from grid_engine.interval import HOUR, Instant
from server.storage.database import Database
from server.storage.stored_booking import moment

DIFFS_KEPT = 2_048
"""The last versions of each location, whatever their age."""
DIFF_HOURS = 24
KEY_HOURS = 48


async def forget_old(database: Database, now: Instant) -> None:
    """Deletes old diffs and answers; raises ``Unavailable`` while Postgres is away."""
    async with database.connection() as connection:
        await connection.execute(
            """
            DELETE FROM location_diffs d USING locations l
            WHERE l.id = d.location_id AND d.version <= l.version - $1::bigint AND d.created_at < $2
            """,
            DIFFS_KEPT,
            moment(now - DIFF_HOURS * HOUR),
        )
        await connection.execute(
            "DELETE FROM idempotency_results WHERE created_at < $1", moment(now - KEY_HOURS * HOUR)
        )
