"""Accounts as sign-in needs them: who has an address, what an account may, families of refresh tokens, signing keys.

Belongs here: queries. Does not belong here: what is a good password or token (``service``), or the administration of
accounts (``administration``).
"""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any

from server.principal import Credential
from server.storage.database import Connection, Database, Row
from server.storage.standings import Standing, read_standings

_ROUNDING = 0.001
PREDECESSORS_KEPT_SECONDS = 86_400
"""Used refresh tokens are forgotten after a day; their family is still known by the id that they carry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account as it is kept, without its password; ``location_ids`` in order."""

    id: int
    name: str
    email: str | None
    phone: str | None
    role: str
    location_ids: tuple[int, ...]
    tags: tuple[str, ...]
    membership_tier: str | None
    hubspot_id: str | None
    language: str
    sms_consent: bool
    active: bool
    email_proven: bool = True
    """Whether more is known of the address than that the owner of the account said it was theirs."""
    phone_proven: bool = True
    created_at: datetime


class Rotation(Enum):
    """What became of a refresh token that was presented."""

    REPLACED = "replaced"
    UNKNOWN = "unknown"
    """Expired, revoked, or never given out."""
    REUSED = "reused"
    """Used before: its family has been ended."""


SELECT_ACCOUNT = """
SELECT u.id, u.name, u.email, u.phone, u.role, u.tags, u.membership_tier, u.hubspot_id, u.language, u.sms_consent,
       u.active, u.email_proven, u.phone_proven, u.created_at, u.password_hash, u.tokens_after,
       ARRAY(SELECT location_id FROM user_locations WHERE user_id = u.id ORDER BY location_id) AS location_ids
FROM users u
"""

_LINKS = "SELECT token_hash, user_id, expires_at, used_at, revoked_at FROM refresh_tokens"
_LOCKED_IN_ORDER = "ORDER BY family_id, used_at NULLS LAST, created_at, token_hash FOR UPDATE"
"""Links are locked as they follow one another: whoever saw only the first of two, and waited for it, comes to the second
after it, as all others do. The times at which they were made may be equal.
"""
_LOCK_KEYS = "SELECT pg_advisory_xact_lock(hashtext('baygrid signing_keys'))"


def moment_of(seconds: float) -> datetime:
    """Seconds since 1970 as tables keep them."""
    return datetime.fromtimestamp(seconds, UTC)


def account_of(row: Row) -> Account:
    """A row of ``SELECT_ACCOUNT`` as a value."""
    return Account(
        id=row["id"],
        name=row["name"],
        email=row["email"],
        phone=row["phone"],
        role=row["role"],
        location_ids=tuple(row["location_ids"]),
        tags=tuple(row["tags"]),
        membership_tier=row["membership_tier"],
        hubspot_id=row["hubspot_id"],
        language=row["language"],
        sms_consent=row["sms_consent"],
        active=row["active"],
        email_proven=row["email_proven"],
        phone_proven=row["phone_proven"],
        created_at=row["created_at"],
    )


class Accounts:
    """Queries about accounts; any of them raises ``Unavailable`` while Postgres is away."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def by_email(self, email: str) -> tuple[Account, str | None, float] | None:
        """(account, password hash, tokens_after) of an active account by its address in any case."""
        async with self._database.connection() as connection:
            row = await connection.fetchrow(
                f"{SELECT_ACCOUNT} WHERE lower(u.email) = lower($1) AND u.active", email
            )
        return (
            None if row is None else (account_of(row), row["password_hash"], row["tokens_after"].timestamp())
        )

    async def account(self, user_id: int) -> Account | None:
        """The account, active or not."""
        async with self._database.connection() as connection:
            row = await connection.fetchrow(f"{SELECT_ACCOUNT} WHERE u.id = $1::bigint", user_id)
        return None if row is None else account_of(row)

    async def standings(self, asked: Collection[Credential], now: float) -> dict[Credential, Standing]:
        """As ``standings.read_standings``."""
        async with self._database.connection() as connection:
            return await read_standings(connection, asked, now)

    async def begin_family(
        self,
        user_id: int,
        family_id: uuid.UUID,
        token_hash: bytes,
        *,
        now: float,
        lasts: float,
        proven_as_of: float | None,
    ) -> float | None:
        """Keeps the first refresh token of a family, and forgets the account's tokens that have ended.

        Returns the instant from which on its tokens count: ``now``, or the account's ``tokens_after``, which a node wrote that
        may be ahead of this one's clock. None, and nothing is kept, if the account is closed, or was signed out everywhere
        after ``proven_as_of``, the ``tokens_after`` that stood beside the password: it may be another one by now.
        """
        async with self._database.transaction() as connection:
            # Whoever closes the account or signs it out waits for this, or is waited for.
            row = await connection.fetchrow(
                "SELECT active, tokens_after FROM users WHERE id = $1 FOR SHARE", user_id
            )
            if row is None or not row["active"]:
                return None
            tokens_after: float = row["tokens_after"].timestamp()
            if proven_as_of is not None and tokens_after > proven_as_of + _ROUNDING:
                return None
            now = max(now, tokens_after)
            await connection.execute(
                "DELETE FROM refresh_tokens WHERE user_id = $1 AND expires_at <= $2", user_id, moment_of(now)
            )
            await _keep(connection, user_id, family_id, token_hash, now=now, expires_at=now + lasts)
        return now

    async def rotate(
        self, family_id: uuid.UUID, old_hash: bytes, new_hash: bytes, *, now: float, expires_at: float
    ) -> tuple[Rotation, int | None]:
        """Replaces the family's refresh token by a new one; any other token of the family than its newest ends it.

        Returns what happened, and whose family it is. One at a time for a family: of two uses of one token the second
        is a reuse.
        """
        async with self._database.transaction() as connection:
            links = await connection.fetch(f"{_LINKS} WHERE family_id = $1 {_LOCKED_IN_ORDER}", family_id)
            if not links or any(link["revoked_at"] for link in links):
                return Rotation.UNKNOWN, None
            user_id: int = links[0]["user_id"]
            presented = next((link for link in links if link["token_hash"] == old_hash), None)
            if presented is None or presented["used_at"] is not None:
                await _end(connection, family_id, now)
                return Rotation.REUSED, user_id
            if presented["expires_at"] <= moment_of(now):
                return Rotation.UNKNOWN, None
            await connection.execute(
                "UPDATE refresh_tokens SET used_at = $2 WHERE token_hash = $1", old_hash, moment_of(now)
            )
            await connection.execute(
                "DELETE FROM refresh_tokens WHERE family_id = $1 AND used_at < $2",
                family_id,
                moment_of(now - PREDECESSORS_KEPT_SECONDS),
            )
            await _keep(connection, user_id, family_id, new_hash, now=now, expires_at=expires_at)
            return Rotation.REPLACED, user_id

    async def end_family(self, family_id: uuid.UUID, now: float) -> None:
        """Revokes all tokens of the family."""
        async with self._database.transaction() as connection:
            await _end(connection, family_id, now)

    async def signing_keys(
        self, fresh: dict[str, Any], *, now: float, rotate_before: float, forget_before: float
    ) -> Sequence[dict[str, Any]]:
        """See ``service.tokens.KeyStore``."""
        async with self._database.transaction() as connection:
            await connection.execute(_LOCK_KEYS)
            await connection.execute(
                "DELETE FROM signing_keys WHERE retired_at < $1", moment_of(forget_before)
            )
            current = await connection.fetchval(
                "SELECT id FROM signing_keys WHERE retired_at IS NULL AND created_at >= $1",
                moment_of(rotate_before),
            )
            if current is None:
                await connection.execute(
                    "UPDATE signing_keys SET retired_at = $1 WHERE retired_at IS NULL", moment_of(now)
                )
                await connection.execute(
                    "INSERT INTO signing_keys (id, private_jwk, created_at) VALUES ($1, $2, $3)",
                    fresh["kid"],
                    fresh,
                    moment_of(now),
                )
            rows = await connection.fetch(
                "SELECT private_jwk FROM signing_keys ORDER BY retired_at IS NULL DESC, created_at DESC, id"
            )
        return [row["private_jwk"] for row in rows]


async def end_all_families(connection: Connection, user_id: int, now: float) -> None:
    """Signs an account out everywhere: every token issued to it before ``now`` has ended."""
    await connection.execute(f"{_LINKS} WHERE user_id = $1 {_LOCKED_IN_ORDER}", user_id)
    await connection.execute(
        "UPDATE refresh_tokens SET revoked_at = $2 WHERE user_id = $1 AND revoked_at IS NULL",
        user_id,
        moment_of(now),
    )
    await connection.execute("UPDATE users SET tokens_after = $2 WHERE id = $1", user_id, moment_of(now))


async def _keep(
    connection: Connection,
    user_id: int,
    family_id: uuid.UUID,
    token_hash: bytes,
    *,
    now: float,
    expires_at: float,
) -> None:
    await connection.execute(
        "INSERT INTO refresh_tokens (token_hash, family_id, user_id, created_at, expires_at) "
        "VALUES ($1, $2, $3, $4, $5)",
        token_hash,
        family_id,
        user_id,
        moment_of(now),
        moment_of(expires_at),
    )


async def _end(connection: Connection, family_id: uuid.UUID, now: float) -> None:
    await connection.execute(f"{_LINKS} WHERE family_id = $1 {_LOCKED_IN_ORDER}", family_id)
    await connection.execute(
        "UPDATE refresh_tokens SET revoked_at = $2 WHERE family_id = $1 AND revoked_at IS NULL",
        family_id,
        moment_of(now),
    )
