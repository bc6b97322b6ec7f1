"""What can be seen of a database from outside of any use case: its version, its guards, and whether its rows agree.

Belongs here: queries of ``baygrid doctor``; they change nothing. Does not belong here: what is well and what is not.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from grid_engine.interval import HOUR, Instant
from server.storage.database import Connection
from server.storage.stored_booking import moment

OLDEST_MAJOR: Final = 15
EXTENSIONS: Final = ("btree_gist", "pg_trgm")
OCCUPANCY: Final = "ex_bookings_occupancy"
APPEND_ONLY: Final = ("audit_events", "booking_events")
"""Tables whose rows a trigger keeps from being changed (A8)."""
_PATIENCE_SECONDS: Final = 300.0

# Of the rows before it on its resource, does any end after it starts? Without the constraint's index, which is in question.
_OVERLAPS = """
SELECT count(*) FROM (
    SELECT start_time, max(end_time) OVER (
        PARTITION BY resource_id ORDER BY start_time, id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ) AS until
    FROM bookings WHERE status IN ('held', 'confirmed', 'completed')
) b WHERE until > start_time
"""
_MISPLACED = """
SELECT count(*) FROM bookings b JOIN resources r ON r.id = b.resource_id WHERE r.location_id <> b.location_id
"""
_AHEAD = """
SELECT l.id FROM locations l WHERE l.config_version > l.version
   OR EXISTS (SELECT FROM location_diffs d WHERE d.location_id = l.id AND d.version > l.version)
   OR EXISTS (SELECT FROM bookings b WHERE b.location_id = l.id AND b.version > l.version)
ORDER BY l.id
"""
_GAPS = """
SELECT location_id FROM location_diffs GROUP BY location_id
HAVING count(*) <> max(version) - min(version) + 1 ORDER BY location_id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guards:
    """What of the database's own guarantees is in place."""

    missing_extensions: Sequence[str]
    constraint: bool
    """Whether the exclusion constraint is there, and its index whole (G1)."""
    unguarded: Sequence[str]
    """Tables of ``APPEND_ONLY`` whose rows could be changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """What of the rows does not agree."""

    overlaps: int
    """Active bookings that begin before one that began before them has ended, on the same resource (G1)."""
    misplaced: int
    """Bookings on a resource of another location."""
    ahead: Sequence[int]
    """Locations with a booking, a diff or a configuration of a version that they have not come to."""
    gaps: Sequence[int]
    """Locations whose diffs are not all there between the oldest and the newest."""
    unswept: int
    """Holds that lapsed, and bookings that ended, more than an hour ago, and that nobody has seen to."""


async def server_version(connection: Connection) -> tuple[int, str]:
    """(major, as the server says it)."""
    number = await connection.fetchval("SELECT current_setting('server_version_num')::int")
    return int(number) // 10_000, str(await connection.fetchval("SHOW server_version"))


async def database_time(connection: Connection) -> float:
    """What the database's clock says, in seconds."""
    return float(await connection.fetchval("SELECT extract(epoch FROM clock_timestamp())"))


async def guards(connection: Connection) -> Guards:
    """What is in place, in a database at the newest revision."""
    found = {row["extname"] for row in await connection.fetch("SELECT extname FROM pg_extension")}
    constraint = await connection.fetchval(
        "SELECT EXISTS (SELECT FROM pg_constraint c JOIN pg_index i ON i.indexrelid = c.conindid "
        "WHERE c.conname = $1 AND c.contype = 'x' AND c.convalidated AND i.indisvalid AND i.indisready)",
        OCCUPANCY,
    )
    rows = await connection.fetch(
        "SELECT c.relname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid "
        "WHERE t.tgname IN ('append_only', 'append_only_truncate') AND t.tgenabled IN ('O', 'A') "
        "GROUP BY c.relname HAVING count(*) = 2"
    )
    guarded = {row["relname"] for row in rows}
    return Guards(
        missing_extensions=[name for name in EXTENSIONS if name not in found],
        constraint=bool(constraint),
        unguarded=[name for name in APPEND_ONLY if name not in guarded],
    )


async def records(connection: Connection, now: Instant) -> Records:
    """What does not agree. O(n log n) of all bookings."""
    overlaps, misplaced = [
        int(await connection.fetchval(query, timeout=_PATIENCE_SECONDS)) for query in (_OVERLAPS, _MISPLACED)
    ]
    ahead, gaps = [
        [int(row[0]) for row in await connection.fetch(query, timeout=_PATIENCE_SECONDS)]
        for query in (_AHEAD, _GAPS)
    ]
    unswept = await connection.fetchval(
        "SELECT count(*) FROM bookings WHERE (status = 'held' AND expires_at < $1) OR (status = 'confirmed' AND end_time < $1)",
        moment(now - HOUR),
        timeout=_PATIENCE_SECONDS,
    )
    return Records(overlaps=overlaps, misplaced=misplaced, ahead=ahead, gaps=gaps, unswept=int(unswept))


async def admins(connection: Connection) -> int:
    """How many accounts administer."""
    return int(await connection.fetchval("SELECT count(*) FROM users WHERE role = 'admin' AND active"))


async def kept_keys(connection: Connection) -> int:
    """How many signing keys are in force that the database keeps."""
    return int(await connection.fetchval("SELECT count(*) FROM signing_keys WHERE retired_at IS NULL"))
