"""API keys as they are kept: what they are for, and the hash by which one is known.

Belongs here: queries. Does not belong here: what keys look like and what scopes mean (``service``), or how keys stand
(``standings``).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from grid_engine.interval import Instant
from server.storage.database import Connection, Row
from server.storage.stored_booking import moment, to_instant, to_instant_or_none


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredApiKey:
    """A key's row without its hash; ``location_ids`` None means all."""

    id: int
    name: str
    prefix: str
    scopes: tuple[str, ...]
    location_ids: tuple[int, ...] | None
    created_by: int | None
    created_at: Instant
    expires_at: Instant | None = None
    last_used_at: Instant | None = None
    revoked_at: Instant | None = None


_BY_ID = "SELECT * FROM api_keys WHERE id = $1::bigint"


async def insert_api_key(connection: Connection, key: StoredApiKey, key_hash: bytes) -> int:
    """Keeps a new key, and gives its id; ``key.id`` is not looked at."""
    key_id: int = await connection.fetchval(
        "INSERT INTO api_keys (name, prefix, key_hash, scopes, location_ids, created_by, created_at, expires_at) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING id",
        key.name,
        key.prefix,
        key_hash,
        list(key.scopes),
        None if key.location_ids is None else list(key.location_ids),
        key.created_by,
        moment(key.created_at),
        None if key.expires_at is None else moment(key.expires_at),
    )
    return key_id


async def read_api_key(connection: Connection, key_id: int) -> StoredApiKey | None:
    """The key, revoked or not."""
    row = await connection.fetchrow(_BY_ID, key_id)
    return None if row is None else _api_key(row)


async def lock_api_key(connection: Connection, key_id: int) -> StoredApiKey | None:
    """The key, which nobody else changes until the transaction ends."""
    row = await connection.fetchrow(f"{_BY_ID} FOR NO KEY UPDATE", key_id)
    return None if row is None else _api_key(row)


async def list_api_keys(
    connection: Connection, *, revoked: bool, after: int | None, limit: int
) -> Sequence[StoredApiKey]:
    """Up to ``limit`` keys in order of id, those after the id: those that were not revoked, or those that were."""
    rows = await connection.fetch(
        "SELECT * FROM api_keys WHERE (revoked_at IS NOT NULL) = $1 AND ($2::bigint IS NULL OR id > $2) "
        "ORDER BY id LIMIT $3",
        revoked,
        after,
        limit,
    )
    return [_api_key(row) for row in rows]


async def update_api_key(connection: Connection, key: StoredApiKey) -> None:
    """Writes what a locked key is called and for, and when it ends or ended."""
    await connection.execute(
        "UPDATE api_keys SET name = $2, scopes = $3, location_ids = $4, expires_at = $5, revoked_at = $6 WHERE id = $1",
        key.id,
        key.name,
        list(key.scopes),
        None if key.location_ids is None else list(key.location_ids),
        None if key.expires_at is None else moment(key.expires_at),
        None if key.revoked_at is None else moment(key.revoked_at),
    )


def _api_key(row: Row) -> StoredApiKey:
    return StoredApiKey(
        id=row["id"],
        name=row["name"],
        prefix=row["prefix"],
        scopes=tuple(row["scopes"]),
        location_ids=None if row["location_ids"] is None else tuple(row["location_ids"]),
        created_by=row["created_by"],
        created_at=to_instant(row["created_at"]),
        expires_at=to_instant_or_none(row["expires_at"]),
        last_used_at=to_instant_or_none(row["last_used_at"]),
        revoked_at=to_instant_or_none(row["revoked_at"]),
    )
