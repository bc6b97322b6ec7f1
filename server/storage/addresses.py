"""Who holds an email address or a phone number, and taking it from who cannot prove it.

Belongs here: queries. Does not belong here: who may have it (``service``).
"""

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


async def release_address(connection: Connection, field: Field, user_id: int) -> None:
    """Takes the address from a locked account."""
    await connection.execute(
        f"UPDATE users SET {field} = NULL, {field}_proven = true WHERE id = $1",  # noqa: S608 -- of constants alone
        user_id,
    )
