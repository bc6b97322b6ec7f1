"""One-time codes: six digits that prove that somebody reads what is sent to an address.

Belongs here: making, checking and using up codes. Does not belong here: what they are good for (``code_sign_in``), how often
somebody may try (``rate_limits``), or what the message says (``notifications.wording``).

A code lives ten minutes, there is one for each address and purpose, and five are the tries at it: of a million codes
nobody finds one by guessing. It is hashed as a password is, for it is much shorter than one.
"""

import secrets
from dataclasses import dataclass
from typing import Literal, TypeAlias

from grid_engine.interval import MINUTE, Instant
from server.clock import Clock
from server.errors import Unauthenticated
from server.service.addresses import Address
from server.service.passwords import Passwords
from server.storage.codes import count_try, put_code, spend_code
from server.storage.database import Connection, Database

CODE_SECONDS = 10 * MINUTE
MOST_TRIES = 5
WRONG = "The code is wrong, was used already, or is too old: ask for a new one"
"""What is wrong with it is told to nobody (A7)."""

Purpose: TypeAlias = Literal["sign_in", "reset"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCode:
    """A code that is still to be kept and sent; the hash is what is kept of it."""

    code: str
    code_hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """Somebody has shown the right code for an address; it is good once."""

    purpose: Purpose
    address: Address
    code_hash: str

    async def spend(self, connection: Connection) -> None:
        """Uses the code up, with the transaction.

        Raises:
            Unauthenticated: if somebody was faster, or it was replaced.
        """
        if not await spend_code(connection, self.purpose, self.address.key, self.code_hash):
            raise Unauthenticated(WRONG)


class Codes:
    """Makes and checks codes; one per process."""

    def __init__(self, database: Database, passwords: Passwords, clock: Clock) -> None:
        self._database = database
        self._passwords = passwords
        self._clock = clock

    async def new(self) -> NewCode:
        """A fresh code; hashing it takes as long as a password."""
        code = f"{secrets.randbelow(10**6):06}"
        return NewCode(code=code, code_hash=await self._passwords.hash(code))

    async def keep(
        self, connection: Connection, purpose: Purpose, address: Address, new: NewCode, now: Instant
    ) -> None:
        """Makes it the address's code in place of the one before."""
        await put_code(
            connection, purpose, address.key, new.code_hash, expires_at=now + CODE_SECONDS, now=now
        )

    async def check(self, purpose: Purpose, address: Address, code: str) -> Proof:
        """The proof that the code is.

        Raises:
            Unauthenticated: if it is not the address's code, after the same work whatever is wrong with it (A7).
        """
        kept = await count_try(self._database, purpose, address.key, most=MOST_TRIES, now=self._clock.now())
        if not await self._passwords.matches(code, kept) or kept is None:
            raise Unauthenticated(WRONG)
        return Proof(purpose=purpose, address=address, code_hash=kept)
