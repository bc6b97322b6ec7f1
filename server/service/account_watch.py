"""The standing of accounts and devices that are about, seldom more than a second old, however many ask (A5, P2).

Belongs here: remembering, and asking the database for many at once. Does not belong here: what a standing means for a
token (``identity``).
"""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

from server.clock import Clock
from server.errors import Unavailable
from server.principal import Credential, HolderKind
from server.storage.standings import Standing

FRESH_SECONDS = 1.5
"""What is younger is taken as it is: with the sockets' own interval it stays below the five seconds of A5."""
REMEMBERED_SECONDS = 600.0
"""With the database away what is younger than this still counts (P2)."""
PATIENCE_SECONDS = 1.0
MOST_REMEMBERED = 50_000
REST_SECONDS = 1.0
"""After a failure the database is left alone for so long by those for whom something is remembered."""


class Standings(Protocol):
    """Where standings are kept; ``storage.accounts.Accounts`` is the one."""

    async def standings(self, asked: Collection[Credential], now: float) -> dict[Credential, Standing]:
        """The standing of each credential that is known."""


@dataclass(slots=True)
class _Remembered:
    standing: Standing
    at: float


class AccountWatch:
    """Answers for one process. While a query is under way those who ask gather for the next: one query serves them all."""

    def __init__(self, store: Standings, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._remembered: dict[Credential, _Remembered] = {}
        self._wanted: dict[Credential, asyncio.Future[Standing | None]] = {}
        self._asking: asyncio.Task[None] | None = None
        self._rest_until = 0.0

    async def standing(self, key: Credential, *, fresh_seconds: float = FRESH_SECONDS) -> Standing | None:
        """The standing, at most ``fresh_seconds`` old while the database is there; None if nobody has the credential.

        Raises:
            Unavailable: if the database is away, and nothing young enough is remembered.
        """
        now = asyncio.get_running_loop().time()
        known = self._remembered.get(key)
        if known is not None and (
            now - known.at < fresh_seconds or (now < self._rest_until and self._holds(known, now))
        ):
            return known.standing
        try:
            # With an answer at hand a database that hangs is not waited for as long as it may take to fail.
            async with asyncio.timeout(None if known is None else PATIENCE_SECONDS):
                return await self._ask(key)
        except (Unavailable, TimeoutError):
            now = asyncio.get_running_loop().time()
            self._rest_until = now + REST_SECONDS
            if known is not None and self._holds(known, now):
                return known.standing
            raise Unavailable("It cannot be checked who you are") from None

    def forget(self, holder: HolderKind, holder_id: int) -> None:
        """Makes the next question about the account or device be asked afresh: it was changed by this very node."""
        theirs = [
            key
            for key, known in self._remembered.items()
            if (known.standing.holder, known.standing.holder_id) == (holder, holder_id)
        ]
        for key in theirs:
            del self._remembered[key]

    @staticmethod
    def _holds(known: _Remembered, now: float) -> bool:
        return now - known.at < REMEMBERED_SECONDS

    async def _ask(self, key: Credential) -> Standing | None:
        answer = self._wanted.get(key)
        if answer is None:
            answer = self._wanted[key] = asyncio.get_running_loop().create_future()
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask_for_all(), name="account-watch")
        # Shielded: others may be waiting for the same answer.
        return await asyncio.shield(answer)

    async def _ask_for_all(self) -> None:
        try:
            while self._wanted:
                wanted, self._wanted = self._wanted, {}
                await self._ask_for(wanted)
        finally:
            self._asking = None

    async def _ask_for(self, wanted: dict[Credential, asyncio.Future[Standing | None]]) -> None:
        asked_at = asyncio.get_running_loop().time()
        try:
            found = await self._store.standings(wanted, self._clock.now_precise())
        except BaseException as error:
            for answer in wanted.values():
                if not answer.done():
                    answer.set_exception(error if isinstance(error, Exception) else Unavailable())
                    answer.exception()  # whoever asked may have gone
            if not isinstance(error, Exception):
                raise
            return
        if len(self._remembered) + len(found) > MOST_REMEMBERED:
            self._drop_old(asked_at)
        for key, answer in wanted.items():
            standing = found.get(key)
            if standing is not None:
                self._remembered[key] = _Remembered(standing, asked_at)
            else:
                # What nobody has is not remembered either: whoever makes credentials up takes no room from others.
                self._remembered.pop(key, None)
            if not answer.done():
                answer.set_result(standing)

    def _drop_old(self, now: float) -> None:
        kept = {key: known for key, known in self._remembered.items() if self._holds(known, now)}
        self._remembered = kept if len(kept) < MOST_REMEMBERED // 2 else {}
