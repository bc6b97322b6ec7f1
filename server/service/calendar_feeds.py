"""Feeds of one's own bookings, for calendars that cannot sign in: a secret link each, made, replaced and revoked.

Belongs here: what a link is worth. Does not belong here: iCalendar (``edge.icalendar``).

A link is the only proof that a calendar gives of itself, and links are passed on. So there is one for each account, it is
shown once and kept as a hash, and it opens nothing but the times and places of the owner's own bookings (A4).
"""

import hashlib
import secrets
from collections.abc import Sequence

from grid_engine.interval import DAY, Instant
from server.clock import Clock
from server.errors import NotFound
from server.principal import Mode, Principal
from server.service.access import Action, own_account, require
from server.storage.administration import audit, lock_account
from server.storage.calendar_feeds import (
    FeedBooking,
    delete_feed,
    feed_bookings,
    feed_created_at,
    feed_owner,
    keep_feed,
)
from server.storage.database import Database

DAYS_BACK = 30
MOST_BOOKINGS = 300
_TOKEN_BYTES = 32


class CalendarFeeds:
    """The use cases of feeds."""

    def __init__(self, database: Database, clock: Clock, mode: Mode = Mode.FULL) -> None:
        """``mode`` is how much is switched on for whoever shows a link."""
        self._database = database
        self._clock = clock
        self._mode = mode

    async def create(self, caller: Principal) -> tuple[str, Instant]:
        """(a new link's secret, since when): the caller's link from now on, and the only one.

        Raises:
            NotFound: for a kiosk, which has no account.
        """
        user_id = own_account(caller)
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        now = self._clock.now()
        async with self._database.transaction() as connection:
            await lock_account(connection, user_id)
            replaced = await keep_feed(connection, user_id, _hashed(token), now)
            await audit(
                connection,
                "calendar_feed",
                user_id,
                "replaced" if replaced else "created",
                actor_id=caller.user_id,
                before=None,
                after=None,
                now=now,
            )
        return token, now

    async def created_at(self, caller: Principal) -> Instant | None:
        """Since when the caller has the present link; None without one. Raises as ``create``."""
        user_id = own_account(caller)
        async with self._database.connection() as connection:
            return await feed_created_at(connection, user_id)

    async def revoke(self, caller: Principal) -> None:
        """The caller's link opens nothing from now on; without one nothing changes. Raises as ``create``."""
        await self._revoke(caller, own_account(caller))

    async def revoke_of(self, actor: Principal, user_id: int) -> None:
        """As ``revoke``, of any account, for admins.

        Raises:
            NotFound: if there is no such account.
        """
        require(actor, Action.ADMINISTER)
        await self._revoke(actor, user_id)

    async def read(self, token: str) -> Sequence[FeedBooking]:
        """The bookings behind a link that ended at most ``DAYS_BACK`` days ago or are still to come, in order of start.

        Raises:
            NotFound: if the link was never given out, was replaced or revoked, or its account is closed; no telling which.
            Forbidden: while bookings are not switched on to be looked at.
        """
        async with self._database.connection() as connection:
            owner = await feed_owner(connection, _hashed(token))
            if owner is None:
                raise NotFound("There is no such calendar")
            holder = Principal(user_id=owner.user_id, role=owner.role, mode=self._mode)
            require(holder, Action.READ_BOOKING, owner_id=owner.user_id)
            return await feed_bookings(
                connection,
                owner.user_id,
                ends_after=self._clock.now() - DAYS_BACK * DAY,
                limit=MOST_BOOKINGS,
            )

    async def _revoke(self, actor: Principal, user_id: int) -> None:
        now = self._clock.now()
        async with self._database.transaction() as connection:
            if await lock_account(connection, user_id) is None:
                raise NotFound("There is no such account")
            if await delete_feed(connection, user_id):
                await audit(
                    connection,
                    "calendar_feed",
                    user_id,
                    "revoked",
                    actor_id=actor.user_id,
                    before=None,
                    after=None,
                    now=now,
                )


def _hashed(token: str) -> bytes:
    """What is kept: 256 random bits need no salt and no slow hash, and finding a hash tells nothing of how near one was."""
    return hashlib.sha256(token.encode()).digest()
