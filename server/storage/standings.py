"""How those who show a credential stand at this moment: one query for all of a kind, however many ask (A5).

Belongs here: what decides whether a credential is good, and for what. Does not belong here: remembering it
(``service.account_watch``), or giving credentials out (``accounts``, ``devices``).
"""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from grid_engine.interval import MINUTE
from server.principal import Credential, HolderKind
from server.storage.database import Connection
from server.storage.stored_booking import moment

SEEN_EVERY_SECONDS = MINUTE
"""When a device was last seen, or a key last used, is kept to the minute, to spare writing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What of a holder decides what its credential is worth: whether it is ``alive`` at all, and for what.

    A token that says when it was issued is no good if that was before ``tokens_after``.
    """

    holder: HolderKind
    holder_id: int
    name: str
    role: str
    location_ids: frozenset[int]
    alive: bool
    tokens_after: float = 0.0
    scopes: frozenset[str] | None = None


_USERS = """
SELECT f.family_id, u.id, u.name, u.role, u.tokens_after, u.active AND f.alive AS alive,
       ARRAY(SELECT location_id FROM user_locations WHERE user_id = u.id) AS location_ids
FROM (
    SELECT family_id, user_id, bool_or(revoked_at IS NULL AND expires_at > $2) AS alive
    FROM refresh_tokens WHERE family_id = ANY($1::uuid[]) GROUP BY family_id, user_id
) f JOIN users u ON u.id = f.user_id
"""

# Rows that somebody else is marking as seen are left to them: nodes never wait for one another here.
_DEVICES = """
WITH seen AS (
    UPDATE devices SET last_seen_at = $2 WHERE id IN (
        SELECT id FROM devices
        WHERE token_hash = ANY($1::bytea[]) AND (last_seen_at IS NULL OR last_seen_at <= $3)
        FOR NO KEY UPDATE SKIP LOCKED
    )
)
SELECT token_hash, id, name, location_id FROM devices WHERE token_hash = ANY($1::bytea[])
"""


_API_KEYS = """
WITH used AS (
    UPDATE api_keys SET last_used_at = $2 WHERE id IN (
        SELECT id FROM api_keys
        WHERE key_hash = ANY($1::bytea[]) AND revoked_at IS NULL AND (last_used_at IS NULL OR last_used_at <= $3)
        FOR NO KEY UPDATE SKIP LOCKED
    )
)
SELECT key_hash, id, name, scopes, location_ids, revoked_at IS NULL AND coalesce(expires_at > $2, true) AS alive
FROM api_keys WHERE key_hash = ANY($1::bytea[])
"""


async def read_standings(
    connection: Connection, asked: Collection[Credential], now: float
) -> dict[Credential, Standing]:
    """The standing of each credential that is known; devices are noted as seen, and keys as used."""
    found: dict[Credential, Standing] = {}
    names: dict[HolderKind, list[str]] = {}
    for credential in asked:
        names.setdefault(credential.holder, []).append(credential.name)
    if users := names.get("user"):
        found |= await _of_users(connection, users, now)
    if devices := names.get("device"):
        found |= await _of_devices(connection, devices, now)
    if api_keys := names.get("api_key"):
        found |= await _of_api_keys(connection, api_keys, now)
    return found


async def _of_users(
    connection: Connection, families: Sequence[str], now: float
) -> dict[Credential, Standing]:
    rows = await connection.fetch(_USERS, [uuid.UUID(family) for family in families], moment(now))
    return {
        Credential("user", str(row["family_id"])): Standing(
            holder="user",
            holder_id=row["id"],
            name=row["name"],
            role=row["role"],
            location_ids=frozenset(row["location_ids"]),
            alive=row["alive"],
            tokens_after=row["tokens_after"].timestamp(),
        )
        for row in rows
    }


async def _of_devices(
    connection: Connection, hashes: Sequence[str], now: float
) -> dict[Credential, Standing]:
    rows = await connection.fetch(_DEVICES, *_looked_up(hashes, now))
    return {
        Credential("device", row["token_hash"].hex()): Standing(
            holder="device",
            holder_id=row["id"],
            name=row["name"],
            role="kiosk",
            location_ids=frozenset({row["location_id"]}),
            alive=True,  # a token that was revoked is not kept
        )
        for row in rows
    }


async def _of_api_keys(
    connection: Connection, hashes: Sequence[str], now: float
) -> dict[Credential, Standing]:
    rows = await connection.fetch(_API_KEYS, *_looked_up(hashes, now))
    return {
        Credential("api_key", row["key_hash"].hex()): Standing(
            holder="api_key",
            holder_id=row["id"],
            name=row["name"],
            role="operator",
            location_ids=frozenset(row["location_ids"] or ()),
            alive=row["alive"],
            scopes=frozenset(row["scopes"]),
        )
        for row in rows
    }


def _looked_up(hashes: Sequence[str], now: float) -> tuple[list[bytes], datetime, datetime]:
    return [bytes.fromhex(each) for each in hashes], moment(now), moment(now - SEEN_EVERY_SECONDS)
