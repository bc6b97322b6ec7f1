"""Writing accounts and restrictions, and the audit of everything but bookings (A8).

Belongs here: queries. Does not belong here: sign-in (``accounts``), or a location's configuration (``configuration``).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from grid_engine.interval import Instant
from server.storage.accounts import SELECT_ACCOUNT, Account, account_of
from server.storage.database import Connection, Row
from server.storage.stored_booking import moment, to_instant, to_instant_or_none

_LOCK_ADMINS = "SELECT pg_advisory_xact_lock(hashtext('baygrid admins'))"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRestriction:
    """A restriction's row; ``restriction_type`` and ``value`` as in ``rules.policy.Restriction``."""

    id: int
    user_id: int
    restriction_type: str
    value: int | None
    expires_at: Instant | None
    reason: str
    created_by: int | None
    created_at: Instant


async def audit(
    connection: Connection,
    subject_type: str,
    subject_id: int | str,
    event_type: str,
    *,
    actor_id: int | None,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any] | None,
    now: Instant,
    cause: str = "command",
) -> None:
    """Writes an event in the transaction of the change it tells of; ``before`` and ``after`` are JSON values."""
    await connection.execute(
        "INSERT INTO audit_events (subject_type, subject_id, event_type, actor_id, metadata, created_at) "
        "VALUES ($1, $2, $3, $4, $5, $6)",
        subject_type,
        str(subject_id),
        event_type,
        actor_id,
        {"before": before, "after": after, "cause": cause},
        moment(now),
    )


async def lock_account(connection: Connection, user_id: int) -> Account | None:
    """The account, whose row stays locked until the transaction ends: what it books waits meanwhile (R16)."""
    # The lock first: a statement that had to wait for it would still read the account's locations as they were before.
    await connection.execute("SELECT FROM users WHERE id = $1::bigint FOR NO KEY UPDATE", user_id)
    return await read_account(connection, user_id)


async def read_account(connection: Connection, user_id: int) -> Account | None:
    """The account, active or not."""
    row = await connection.fetchrow(f"{SELECT_ACCOUNT} WHERE u.id = $1::bigint", user_id)
    return None if row is None else account_of(row)


async def insert_account(
    connection: Connection, account: Account, password_hash: str | None, now: Instant
) -> int:
    """Keeps a new account with its locations, and gives its id; ``account.id`` and ``created_at`` are not looked at.

    Raises:
        Duplicate: if another has its address, phone or HubSpot id.
    """
    user_id: int = await connection.fetchval(
        "INSERT INTO users (name, email, phone, role, password_hash, tags, membership_tier, hubspot_id, language, "
        "sms_consent, active, email_proven, phone_proven, tokens_after, created_at) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $14) RETURNING id",
        account.name,
        account.email,
        account.phone,
        account.role,
        password_hash,
        list(account.tags),
        account.membership_tier,
        account.hubspot_id,
        account.language,
        account.sms_consent,
        account.active,
        account.email_proven,
        account.phone_proven,
        moment(now),
    )
    await _write_locations(connection, user_id, account.location_ids)
    return user_id


async def update_account(connection: Connection, account: Account) -> None:
    """Writes a locked account with its locations.

    Raises:
        Duplicate: if another has its address, phone or HubSpot id.
    """
    await connection.execute(
        "UPDATE users SET name = $2, email = $3, phone = $4, role = $5, tags = $6, membership_tier = $7, hubspot_id = $8, "
        "language = $9, sms_consent = $10, active = $11, email_proven = $12, phone_proven = $13 WHERE id = $1",
        account.id,
        account.name,
        account.email,
        account.phone,
        account.role,
        list(account.tags),
        account.membership_tier,
        account.hubspot_id,
        account.language,
        account.sms_consent,
        account.active,
        account.email_proven,
        account.phone_proven,
    )
    await _write_locations(connection, account.id, account.location_ids)


async def update_password(connection: Connection, user_id: int, password_hash: str | None) -> None:
    """Writes what is kept of a locked account's password; None is no password."""
    await connection.execute("UPDATE users SET password_hash = $2 WHERE id = $1", user_id, password_hash)


async def unknown_locations(connection: Connection, ids: Collection[int]) -> list[int]:
    """Those of the ids that are no location's, in order."""
    known = {
        row["id"]
        for row in await connection.fetch("SELECT id FROM locations WHERE id = ANY($1::bigint[])", list(ids))
    }
    return sorted(set(ids) - known)


async def is_last_admin(connection: Connection, user_id: int) -> bool:
    """Whether there is no active admin besides; the answer holds until the transaction ends."""
    await connection.execute(_LOCK_ADMINS)
    others: bool = await connection.fetchval(
        "SELECT EXISTS (SELECT FROM users WHERE role = 'admin' AND active AND id <> $1)", user_id
    )
    return not others


async def locations_showing(connection: Connection, user_id: int, ends_after: Instant) -> list[int]:
    """Where the account's name stands on a grid, in records that end after the instant; in order of id."""
    rows = await connection.fetch(
        "SELECT DISTINCT location_id FROM bookings WHERE user_id = $1 AND end_time > $2 "
        "AND status IN ('held', 'confirmed', 'completed') ORDER BY location_id",
        user_id,
        moment(ends_after),
    )
    return [row["location_id"] for row in rows]


async def search_accounts(
    connection: Connection,
    *,
    text: str = "",
    role: str | None = None,
    active: bool | None = True,
    known_at: Collection[int] | None = None,
    after: tuple[str, int] | None,
    limit: int,
) -> Sequence[Account]:
    """Up to ``limit`` accounts in order of name and id, those after (name, id), where a word of the name, the address or
    the phone begins with the text, in any case.

    With ``known_at`` only those who ever booked at one of the locations, and whose whole address or phone the text is.
    """
    pattern = text.strip().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    rows = await connection.fetch(
        f"{SELECT_ACCOUNT} WHERE ($1 = '' OR u.name ILIKE $1 || '%' OR u.name ILIKE '% ' || $1 || '%' "
        "OR u.email ILIKE $1 || '%' OR u.phone LIKE $1 || '%' OR u.phone LIKE '+' || $1 || '%') "
        "AND ($2::text IS NULL OR u.role = $2) AND ($3::boolean IS NULL OR u.active = $3) "
        "AND ($4::text IS NULL OR (u.name, u.id) > ($4, $5::bigint)) "
        "AND ($7::bigint[] IS NULL OR lower(u.email) = lower($8) OR u.phone = $8 "
        "OR EXISTS (SELECT FROM bookings b WHERE b.user_id = u.id AND b.location_id = ANY($7))) "
        "ORDER BY u.name, u.id LIMIT $6",
        pattern,
        role,
        active,
        *(after or (None, None)),
        limit,
        None if known_at is None else list(known_at),
        text.strip(),
    )
    return [account_of(row) for row in rows]


_RESTRICTION = """
SELECT id, user_id, restriction_type, value, expires_at, reason, created_by, created_at FROM booking_restrictions
"""


async def list_restrictions(
    connection: Connection, user_id: int, *, after: int | None = None, limit: int | None = None
) -> Sequence[StoredRestriction]:
    """Restrictions that were not lifted, expired ones included, in order of id."""
    rows = await connection.fetch(
        f"{_RESTRICTION} WHERE user_id = $1::bigint AND lifted_at IS NULL AND ($2::bigint IS NULL OR id > $2) "
        "ORDER BY id LIMIT $3",
        user_id,
        after,
        limit,
    )
    return [_restriction(row) for row in rows]


async def read_restriction(
    connection: Connection, user_id: int, restriction_id: int
) -> StoredRestriction | None:
    """The account's restriction, unless it was lifted."""
    row = await connection.fetchrow(
        f"{_RESTRICTION} WHERE id = $2::bigint AND user_id = $1::bigint AND lifted_at IS NULL",
        user_id,
        restriction_id,
    )
    return None if row is None else _restriction(row)


async def insert_restriction(connection: Connection, restriction: StoredRestriction) -> int:
    """Keeps a new restriction of a locked account, and gives its id."""
    restriction_id: int = await connection.fetchval(
        "INSERT INTO booking_restrictions (user_id, restriction_type, value, expires_at, reason, created_by, created_at) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id",
        restriction.user_id,
        restriction.restriction_type,
        restriction.value,
        None if restriction.expires_at is None else moment(restriction.expires_at),
        restriction.reason,
        restriction.created_by,
        moment(restriction.created_at),
    )
    return restriction_id


async def lift_restriction(connection: Connection, restriction_id: int, now: Instant) -> None:
    """Ends a restriction of a locked account; its row is kept."""
    await connection.execute(
        "UPDATE booking_restrictions SET lifted_at = $2 WHERE id = $1", restriction_id, moment(now)
    )


async def _write_locations(connection: Connection, user_id: int, location_ids: Collection[int]) -> None:
    await connection.execute(
        "DELETE FROM user_locations WHERE user_id = $1 AND location_id <> ALL($2::int[])",
        user_id,
        list(location_ids),
    )
    await connection.execute(
        "INSERT INTO user_locations (user_id, location_id) SELECT $1, unnest($2::int[]) ON CONFLICT DO NOTHING",
        user_id,
        list(location_ids),
    )


def _restriction(row: Row) -> StoredRestriction:
    return StoredRestriction(
        id=row["id"],
        user_id=row["user_id"],
        restriction_type=row["restriction_type"],
        value=row["value"],
        expires_at=to_instant_or_none(row["expires_at"]),
        reason=row["reason"],
        created_by=row["created_by"],
        created_at=to_instant(row["created_at"]),
    )
