"""Kiosks as they are kept: where they stand, the code that pairs one, and the token that it then has (K1).

Belongs here: queries. Does not belong here: what codes and tokens look like (``service``), or how devices stand
(``standings``).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from grid_engine.interval import Instant
from server.storage.database import Connection, Row
from server.storage.stored_booking import moment, to_instant, to_instant_or_none


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredDevice:
    """A device's row; of its code and its token only when the code ends and since when there is a token."""

    id: int
    location_id: int
    name: str
    pairing_expires_at: Instant | None = None
    paired_at: Instant | None = None
    last_seen_at: Instant | None = None
    revoked_at: Instant | None = None
    created_by: int | None = None
    created_at: Instant


_BY_ID = "SELECT * FROM devices WHERE id = $1::bigint"


async def insert_device(connection: Connection, device: StoredDevice, pairing_hash: bytes) -> int:
    """Keeps a new device that waits to be paired, and gives its id; ``device.id`` is not looked at.

    Raises:
        Duplicate: if another waits under the same code.
    """
    device_id: int = await connection.fetchval(
        "INSERT INTO devices (location_id, name, pairing_hash, pairing_expires_at, created_by, created_at) "
        "VALUES ($1, $2, $3, $4, $5, $6) RETURNING id",
        device.location_id,
        device.name,
        pairing_hash,
        moment(device.pairing_expires_at or device.created_at),
        device.created_by,
        moment(device.created_at),
    )
    return device_id


async def read_device(connection: Connection, device_id: int) -> StoredDevice | None:
    """The device, revoked or not."""
    row = await connection.fetchrow(_BY_ID, device_id)
    return None if row is None else _device(row)


async def lock_device(connection: Connection, device_id: int) -> StoredDevice | None:
    """The device, which nobody else changes until the transaction ends."""
    row = await connection.fetchrow(f"{_BY_ID} FOR NO KEY UPDATE", device_id)
    return None if row is None else _device(row)


async def list_devices(
    connection: Connection, *, location_id: int | None, revoked: bool, after: int | None, limit: int
) -> Sequence[StoredDevice]:
    """Up to ``limit`` devices in order of id, those after the id: those in use, or those that were revoked."""
    rows = await connection.fetch(
        "SELECT * FROM devices WHERE ($1::bigint IS NULL OR location_id = $1) "
        "AND (revoked_at IS NOT NULL) = $2 AND ($3::bigint IS NULL OR id > $3) ORDER BY id LIMIT $4",
        location_id,
        revoked,
        after,
        limit,
    )
    return [_device(row) for row in rows]


async def update_device(connection: Connection, device: StoredDevice) -> None:
    """Writes where a locked device stands and what it is called."""
    await connection.execute(
        "UPDATE devices SET location_id = $2, name = $3 WHERE id = $1",
        device.id,
        device.location_id,
        device.name,
    )


async def await_pairing(
    connection: Connection, device_id: int, pairing_hash: bytes, expires_at: Instant
) -> None:
    """Gives a locked device a new code; whatever it is paired with goes on until the code is used.

    Raises:
        Duplicate: if another waits under the same code.
    """
    await connection.execute(
        "UPDATE devices SET pairing_hash = $2, pairing_expires_at = $3 WHERE id = $1",
        device_id,
        pairing_hash,
        moment(expires_at),
    )


async def lock_waiting(connection: Connection, pairing_hash: bytes, now: Instant) -> StoredDevice | None:
    """The device that waits under the code, which nobody else changes until the transaction ends; None if none does.

    Of any number who come with one code one is given the device, and the others, who waited, find that the code was used.
    """
    row = await connection.fetchrow(
        "SELECT * FROM devices WHERE pairing_hash = $1 AND pairing_expires_at > $2 FOR NO KEY UPDATE",
        pairing_hash,
        moment(now),
    )
    return None if row is None else _device(row)


async def pair(connection: Connection, device_id: int, token_hash: bytes, now: Instant) -> None:
    """Gives a locked device the token, in place of the one that it had; its code is used up."""
    await connection.execute(
        "UPDATE devices SET pairing_hash = NULL, pairing_expires_at = NULL, token_hash = $2, paired_at = $3 WHERE id = $1",
        device_id,
        token_hash,
        moment(now),
    )


async def revoke(connection: Connection, device_id: int, now: Instant) -> None:
    """Ends a locked device's code and token for good; the row is kept."""
    await connection.execute(
        "UPDATE devices SET revoked_at = $2, pairing_hash = NULL, pairing_expires_at = NULL, token_hash = NULL "
        "WHERE id = $1",
        device_id,
        moment(now),
    )


def _device(row: Row) -> StoredDevice:
    return StoredDevice(
        id=row["id"],
        location_id=row["location_id"],
        name=row["name"],
        pairing_expires_at=to_instant_or_none(row["pairing_expires_at"]),
        paired_at=to_instant_or_none(row["paired_at"]),
        last_seen_at=to_instant_or_none(row["last_seen_at"]),
        revoked_at=to_instant_or_none(row["revoked_at"]),
        created_by=row["created_by"],
        created_at=to_instant(row["created_at"]),
    )
