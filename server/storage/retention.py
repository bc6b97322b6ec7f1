"""Letting go of what is no longer needed: diffs that no client can still ask for, answers to old keys (G7), what support was
told long ago (X1), codes, and old refusals (R22).
"""

from grid_engine.interval import DAY, HOUR, Instant
from server.storage.database import Database
from server.storage.stored_booking import moment

DIFFS_KEPT = 2_048
"""The last versions of each location, whatever their age."""
DIFF_HOURS = 24
KEY_HOURS = 48
CONTEXT_DAYS = 180
"""They hold customers' bookings, names and addresses: long enough for a conversation that is taken up again."""
CODE_HOURS = 24
"""Messages that hold a code are of no use to anybody long before."""
REFUSAL_DAYS = 366
"""Patterns count a month (R22); a changed policy can be tried on a year (R23)."""


async def forget_old(database: Database, now: Instant) -> None:
    """Deletes what is too old, and threads of which no entry is left.

    Raises:
        Unavailable: while Postgres is away.
    """
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
        before = moment(now - CONTEXT_DAYS * DAY)
        await connection.execute("DELETE FROM context_entries WHERE created_at < $1", before)
        # Whoever asks in it meanwhile makes it a new one; nothing but its entries knows a thread.
        await connection.execute("DELETE FROM context_threads WHERE last_asked_at < $1", before)
        await connection.execute("DELETE FROM one_time_codes WHERE expires_at < $1", moment(now))
        await connection.execute(
            "DELETE FROM notifications WHERE kind LIKE '%_code' AND created_at < $1",
            moment(now - CODE_HOURS * HOUR),
        )
        await connection.execute(
            "DELETE FROM refusals WHERE day < $1::date", moment(now - REFUSAL_DAYS * DAY).date()
        )
