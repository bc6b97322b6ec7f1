"""Accounts and the HubSpot contacts that they are linked to, and when the contacts last changed (H1).

Belongs here: queries. Does not belong here: what an account takes over from its contact (``service.hubspot``).
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from server.storage.database import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """The last change of a contact's property that was followed; ``occurred_at`` in milliseconds since 1970.

    ``digest`` is that of the event; ``value`` is kept of the halves of a name alone, of which an account has but the whole.
    """

    occurred_at: int
    digest: bytes
    value: str | None = None


async def accounts_of_contacts(connection: Connection, contact_ids: Collection[str]) -> dict[str, int]:
    """Contact → the account linked to it, of those that are."""
    rows = await connection.fetch(
        "SELECT hubspot_id, id FROM users WHERE hubspot_id = ANY($1::text[])", list(contact_ids)
    )
    return {row["hubspot_id"]: row["id"] for row in rows}


async def customer_to_link(connection: Connection, email: str) -> int | None:
    """The active customer who has proven that this address is theirs, in any case, and is linked to no contact."""
    found: int | None = await connection.fetchval(
        "SELECT id FROM users WHERE lower(email) = lower($1) AND email_proven AND hubspot_id IS NULL AND active "
        "AND role = 'customer'",
        email,
    )
    return found


async def is_address_taken(
    connection: Connection, user_id: int, *, email: str | None, phone: str | None
) -> bool:
    """Whether another account has the address or the phone; None of either is never taken."""
    taken: bool = await connection.fetchval(
        "SELECT EXISTS (SELECT FROM users WHERE id <> $1 AND lower(email) = lower($2)) "
        "OR EXISTS (SELECT FROM users WHERE id <> $1 AND phone = $3)",
        user_id,
        email,
        phone,
    )
    return taken


async def read_remembered(connection: Connection, contact_id: str) -> dict[str, Remembered]:
    """Property → its last change that was followed, of a contact whose account is locked."""
    rows = await connection.fetch(
        "SELECT property, occurred_at, digest, value FROM hubspot_changes WHERE contact_id = $1", contact_id
    )
    return {
        row["property"]: Remembered(occurred_at=row["occurred_at"], digest=row["digest"], value=row["value"])
        for row in rows
    }


async def remember(connection: Connection, contact_id: str, changes: Mapping[str, Remembered]) -> None:
    """Keeps the changes as the last of their properties."""
    await connection.executemany(
        "INSERT INTO hubspot_changes (contact_id, property, occurred_at, digest, value) VALUES ($1, $2, $3, $4, $5) "
        "ON CONFLICT (contact_id, property) DO UPDATE "
        "SET occurred_at = excluded.occurred_at, digest = excluded.digest, value = excluded.value",
        [
            (contact_id, name, change.occurred_at, change.digest, change.value)
            for name, change in changes.items()
        ],
    )


async def forget_contact(connection: Connection, contact_id: str) -> None:
    """Forgets all changes of a contact that no account is linked to any more."""
    await connection.execute("DELETE FROM hubspot_changes WHERE contact_id = $1", contact_id)
