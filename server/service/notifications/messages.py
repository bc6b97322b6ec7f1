"""Reading the messages that there are, and having a confirmation sent again.

Belongs here: who may, and what comes of it. Does not belong here: what a message says (``wording``), or who delivers it
(``outbox``).

Staff read what is about bookings at their locations. Messages about no booking hold codes, which open accounts: only admins
read them, who may set anybody's password anyway.
"""

import hashlib
import json
import uuid
from collections.abc import Sequence
from dataclasses import replace

from grid_engine.interval import Instant
from server.clock import Clock
from server.errors import IdempotencyMismatch, NotActive, NotFound, Stale
from server.live.desk import Done
from server.principal import Principal
from server.service.access import Action, allows, places_of, require
from server.service.notifications.addressing import messages_about, occasion_of
from server.service.notifications.outbox import Deliverer
from server.service.notifications.wording import confirmation
from server.service.views import message_body
from server.storage.administration import audit
from server.storage.batch import KeptAnswer, lock_keys, write
from server.storage.bookings import Bookings, read_unchanging
from server.storage.database import Connection, Database
from server.storage.locations import read_state
from server.storage.notifications import (
    MessageFilter,
    StoredMessage,
    page_of_messages,
    read_contacts,
    read_messages,
)
from server.storage.stored_booking import StoredBooking


class Messages:
    """The use cases of messages; one per process."""

    def __init__(self, database: Database, deliverer: Deliverer, clock: Clock) -> None:
        self._database = database
        self._bookings = Bookings(database)
        self._deliverer = deliverer
        self._clock = clock

    async def listed(
        self, principal: Principal, condition: MessageFilter, *, before: int | None, limit: int
    ) -> Sequence[StoredMessage]:
        """At most ``limit`` of the messages that the caller may read, the newest first.

        Raises:
            Forbidden: to all but staff.
        """
        codes = allows(principal, Action.ADMINISTER)
        if not (codes or allows(principal, Action.READ_MESSAGES)):
            require(principal, Action.READ_MESSAGES)
        condition = replace(condition, codes=codes, visible_at=places_of(principal, Action.READ_MESSAGES))
        async with self._database.connection() as connection:
            return await page_of_messages(connection, condition, before=before, limit=limit)

    async def of_booking(
        self, principal: Principal, booking_id: uuid.UUID, *, before: int | None, limit: int
    ) -> Sequence[StoredMessage]:
        """At most ``limit`` of the messages about a booking, the newest first.

        Raises:
            NotFound, Forbidden: to all but staff of its location.
        """
        found = await self._bookings.get(booking_id)
        _told(principal, found, Action.READ_BOOKING, Action.READ_MESSAGES)
        async with self._database.connection() as connection:
            condition = MessageFilter(booking_id=str(booking_id))
            return await page_of_messages(connection, condition, before=before, limit=limit)

    async def send_again(
        self,
        principal: Principal,
        booking_id: uuid.UUID,
        kind: str,
        *,
        if_version: int | None = None,
        key: str | None = None,
    ) -> Done:
        """Tells the booking's customer or visitor once more what is booked; the body is ``{items}``, what was written.

        A repeated ``key`` gives the first answer and sends nothing (G7).

        Raises:
            NotFound, Forbidden: to all but staff of its location.
            Stale: if it is not at the version that the caller saw.
            NotActive: if it is not confirmed.
            IdempotencyMismatch: if the key stands for something else.
        """
        request = {"op": "notify", "target": str(booking_id), "body": {"kind": kind}}
        fingerprint = hashlib.sha256(json.dumps(request, sort_keys=True).encode()).digest()
        async with self._database.transaction() as connection:
            names = [(principal.key, key)] if key else []
            for kept in (await lock_keys(connection, names)).values():
                if kept.fingerprint != fingerprint:
                    raise IdempotencyMismatch
                return Done(status=kept.status, body=kept.body)
            now = self._clock.now()
            # It is told of as it is: whoever cancels or moves it at this moment waits, or is waited for.
            found = await read_unchanging(connection, booking_id)
            booking = _told(principal, found, Action.SEND_MESSAGE)
            if if_version not in (None, booking.version):
                raise Stale(f"The booking is at version {booking.version}")
            if booking.is_block or booking.status != "confirmed":
                raise NotActive("Only what is confirmed can be confirmed again")
            sent = await self._send(connection, principal, booking, kind, now)
            done = Done(status=202, body={"items": [message_body(message) for message in sent]})
            if key:
                answer = KeptAnswer(
                    principal=principal.key,
                    key=key,
                    fingerprint=fingerprint,
                    status=done.status,
                    body=dict(done.body),
                    version=None,
                )
                await write(
                    connection,
                    inserted=(),
                    updated=(),
                    vacated=(),
                    audit=(),
                    diffs={},
                    answers=[answer],
                    now=now,
                )
        return done

    async def _send(
        self, connection: Connection, principal: Principal, booking: StoredBooking, kind: str, now: Instant
    ) -> list[StoredMessage]:
        state = await read_state(connection, booking.location_id)
        if state is None:
            raise LookupError(booking.location_id)
        contacts = await read_contacts(connection, [booking.user_id] if booking.user_id else [])
        messages = messages_about(
            booking,
            contacts.get(booking.user_id or 0),
            kind,
            confirmation(occasion_of(booking, state)),
            # Each time is a state of its own: it is not the first telling, which may still be due (N2).
            state=f"{booking.version} again {uuid.uuid4()}",
        )
        sent = await read_messages(connection, await self._deliverer.take(connection, messages, now))
        for stored in sent:
            await audit(
                connection,
                "message",
                stored.id,
                "sent_again",
                actor_id=principal.user_id,
                before=None,
                after={"booking_id": booking.id, "kind": kind, "channel": stored.message.channel},
                now=now,
            )
        return sent


def _told(principal: Principal, booking: StoredBooking | None, *actions: Action) -> StoredBooking:
    """The booking, to those who may do all of this to it."""
    if booking is None:
        raise NotFound
    for action in actions:
        require(principal, action, location_id=booking.location_id, owner_id=booking.user_id)
    return booking
