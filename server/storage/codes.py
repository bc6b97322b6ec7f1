"""One-time codes as they are kept.

Belongs here: queries. Does not belong here: what a code looks like, or what it is good for (``service.codes``).

A try is counted before the code is compared, in a statement of its own, so that of any number of guesses at once no more
are compared than are allowed; and a code is spent by deleting it, which succeeds once.
"""

from grid_engine.interval import Instant
from server.storage.database import Connection, Database
from server.storage.stored_booking import moment


async def put_code(
    connection: Connection, purpose: str, address: str, code_hash: str, *, expires_at: Instant, now: Instant
) -> None:
    """Keeps a new code for the address, in place of the one it has."""
    await connection.execute(
        """
        INSERT INTO one_time_codes AS c (purpose, address, code_hash, tries, created_at, expires_at)
        VALUES ($1, $2, $3, 0, $4, $5)
        ON CONFLICT (purpose, address) DO UPDATE
        SET code_hash = excluded.code_hash, tries = 0, created_at = excluded.created_at, expires_at = excluded.expires_at
        """,
        purpose,
        address,
        code_hash,
        moment(now),
        moment(expires_at),
    )


async def count_try(database: Database, purpose: str, address: str, *, most: int, now: Instant) -> str | None:
    """Counts a try and gives what is kept of the code to compare with; None if there is none, or none left to try."""
    async with database.connection() as connection:
        code_hash: str | None = await connection.fetchval(
            "UPDATE one_time_codes SET tries = tries + 1 "
            "WHERE purpose = $1 AND address = $2 AND tries < $3 AND expires_at > $4 RETURNING code_hash",
            purpose,
            address,
            most,
            moment(now),
        )
    return code_hash


async def spend_code(connection: Connection, purpose: str, address: str, code_hash: str) -> bool:
    """Whether the code is the caller's to use: of any number of callers with one code, one transaction gets it."""
    spent: str = await connection.execute(
        "DELETE FROM one_time_codes WHERE purpose = $1 AND address = $2 AND code_hash = $3",
        purpose,
        address,
        code_hash,
    )
    return spent == "DELETE 1"
