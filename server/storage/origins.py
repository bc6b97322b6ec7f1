"""Bookings that an import writes: what they go by where they come from, and what is there already.

Belongs here: queries in the transaction of a batch. Does not belong here: rows that are only looked at (``staged_bookings``), and
the writing of bookings themselves (``batch``).
"""

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager

from server.errors import InUse
from server.storage.database import Connection
from server.storage.stored_booking import SELECT_BOOKING, StoredBooking, from_row

_LOCK = "SELECT pg_try_advisory_lock(hashtext('baygrid import'))"
_UNLOCK = "SELECT pg_advisory_unlock(hashtext('baygrid import'))"


@asynccontextmanager
async def only_import(connection: Connection) -> AsyncIterator[None]:
    """Keeps other imports away until it ends, or the connection does: two of one file would each find nothing there yet.

    Raises:
        InUse: if another one is at work.
    """
    if not await connection.fetchval(_LOCK):
        raise InUse("Another import is at work: run this one again when it is done")
    try:
        yield
    finally:
        if not connection.is_closed():
            await connection.execute(_UNLOCK)


async def read_bookings(connection: Connection, ids: Collection[str]) -> dict[str, StoredBooking]:
    """The bookings of these ids."""
    rows = await connection.fetch(f"{SELECT_BOOKING} WHERE b.id = ANY($1::uuid[])", list(ids))
    return {booking.id: booking for booking in map(from_row, rows)}


async def read_names(connection: Connection, user_ids: Collection[int]) -> dict[int, str]:
    """The names of accounts, by id."""
    rows = await connection.fetch("SELECT id, name FROM users WHERE id = ANY($1::int[])", list(user_ids))
    return {row["id"]: row["name"] for row in rows}


async def codes_in_use(connection: Connection, codes: Collection[str]) -> set[str]:
    """Those of the codes that bookings still to come have, or rows of the import."""
    rows = await connection.fetch(
        "SELECT code FROM bookings WHERE code = ANY($1::text[]) AND status IN ('held', 'confirmed') "
        "UNION SELECT code FROM staged_bookings WHERE code = ANY($1::text[])",
        list(codes),
    )
    return {row["code"] for row in rows}


async def write_origins(
    connection: Connection, location_id: int, origins: Sequence[tuple[str, str, bytes]]
) -> None:
    """Notes of bookings (external id, booking id, digest of the row) what they go by where they come from."""
    await connection.execute(
        "INSERT INTO booking_origins (location_id, external_id, booking_id, digest) "
        "SELECT $1, o.external_id, o.booking_id, o.digest "
        "FROM unnest($2::text[], $3::uuid[], $4::bytea[]) AS o(external_id, booking_id, digest) "
        "ON CONFLICT (location_id, external_id) DO UPDATE SET booking_id = excluded.booking_id, digest = excluded.digest",
        location_id,
        [external_id for external_id, _, _ in origins],
        [booking_id for _, booking_id, _ in origins],
        [digest for _, _, digest in origins],
    )
