"""Passwords: Argon2id, off the event loop, few at a time.

Belongs here: hashing and checking. Does not belong here: whose password it is, or how often may be tried.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from pwdlib import PasswordHash
from pwdlib.exceptions import UnknownHashError
from pwdlib.hashers.argon2 import Argon2Hasher

from server.errors import Unavailable

MIN_LENGTH = 10
MAX_LENGTH = 1000
"""Longer ones are refused before any work is done on them."""
WORKERS = 2
MAX_WAITING = 64
"""More than this many at once are turned away: each takes 150 ms and 64 MiB."""


class Passwords:
    """Hashes and checks passwords in threads of its own; make one per process and close it.

    ``cost`` are Argon2's own parameters, for tests that cannot wait.
    """

    def __init__(self, **cost: Any) -> None:
        self._hash = PasswordHash((Argon2Hasher(**cost),))
        self._pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="passwords")
        self._waiting = 0
        self._nobody = self._hash.hash("the password of no account")

    async def hash(self, password: str) -> str:
        """What to keep of a password."""
        return str(await self._run(self._hash.hash, password))

    async def matches(self, password: str, kept: str | None) -> bool:
        """Whether it is the password; as much work where there is none to compare with (A7).

        Raises:
            Unavailable: if too many are waiting already.
        """
        matched = await self._run(self._verify, password, kept or self._nobody)
        return bool(matched) and kept is not None

    def close(self) -> None:
        """Ends the threads; those at work finish."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _verify(self, password: str, kept: str) -> bool:
        try:
            return self._hash.verify(password, kept)
        except UnknownHashError:
            return False

    async def _run(self, work: Any, *arguments: str) -> Any:
        if self._waiting >= MAX_WAITING:
            raise Unavailable("Too many people are signing in at once", retry_after=2)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work, *arguments)
        finally:
            self._waiting -= 1
