"""Who holds an email address or a phone number, and taking it from who cannot prove it.

Belongs here: queries. Does not belong here: who may have it (``service``).
"""

from collections.abc import Sequence
from typing import Literal, TypeAlias

from server.storage.accounts import SELECT_ACCOUNT, Account, account_of
from server.storage.database import Connection

Field: TypeAlias = Literal["email", "phone"]

_IS = {"email": "lower(u.email) = lower($1)", "phone": "u.phone = $1"}


async def read_holder(connection: Connection, field: Field, address: str) -> Account | None:
    """The account that has the address, open or closed, proven or not; an email address in any case."""
    row = await connection.fetchrow(f"{SELECT_ACCOUNT} WHERE {_IS[field]}", address)
    return None if row is None else account_of(row)


async def lock_holder(connection: Connection, field: Field, address: str) -> Account | None:
    """As ``read_holder``; its row stays locked until the transaction ends."""
    await connection.execute(
        f"SELECT FROM users u WHERE {_IS[field]} FOR NO KEY UPDATE",
        address,
    )
    return await read_holder(connection, field, address)


async def read_claimants(
    connection: Connection, *, emails: Sequence[str], phones: Sequence[str]
) -> Sequence[int]:
    """The ids of the accounts that have one of the addresses, in any case, or phones without having proven it."""
    if not emails and not phones:
        return []
    rows = await connection.fetch(
        "SELECT id FROM users WHERE NOT email_proven "
        "AND lower(email) = ANY(ARRAY(SELECT lower(each) FROM unnest($1::text[]) AS each)) "
        "UNION SELECT id FROM users WHERE NOT phone_proven AND phone = ANY($2::text[])",
        list(emails),
        list(phones),
    )
    return [row["id"] for row in rows]


async def release_address(connection: Connection, field: Field, user_id: int) -> None:
    """Takes the address from a locked account."""
    await connection.execute(
        f"UPDATE users SET {field} = NULL, {field}_proven = true WHERE id = $1",  # noqa: S608 -- of constants alone
        user_id,
    )
