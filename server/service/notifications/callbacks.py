"""What a provider of SMS tells us: what became of a message, and what somebody answered (N4, N5).

Every callback may come again, late, or out of order. Whoever may call is for the door to say: it has checked a signature.
"""

from typing import Literal, TypeAlias

import structlog

from server.clock import Clock
from server.storage.administration import audit
from server.storage.database import Connection, Database
from server.storage.notifications import record_delivery
from server.storage.sms_choices import Choice, choose

Delivery: TypeAlias = Literal["queued", "sent", "delivered", "failed"]

STOP_WORDS = frozenset({"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"})
START_WORDS = frozenset({"START", "UNSTOP", "YES"})
"""A message that is one of these words and nothing else; the provider acts on the same, and answers by itself."""

_log = structlog.get_logger(__name__)


def choice_of(text: str) -> Choice | None:
    """What somebody chose by answering with this; None if it is no choice."""
    word = text.strip().upper()
    if word in STOP_WORDS:
        return "stop"
    return "start" if word in START_WORDS else None


class Callbacks:
    """The use cases."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def delivery(
        self, provider_id: str, delivery: Delivery, *, error: str | None, refused_by: str | None
    ) -> None:
        """What became of the message that the provider names so. It never goes back: what was delivered, or failed, stays that.
        ``refused_by`` is the number that had opted out at the provider, which then has here too. Unknown messages are passed
        over.
        """
        now = self._clock.now()
        async with self._database.transaction() as connection:
            await record_delivery(connection, provider_id, delivery, error, now)
            if refused_by is not None:
                await self._choose(connection, refused_by, "stop", f"refused:{provider_id}")

    async def choice(self, phone: str, choice: Choice, message_id: str) -> None:
        """A number wants no more texts, or wants them again, as said by the message of this id. It is the number's choice, whoever
        has it; whether an account agreed to texts is another matter, and both have to hold.
        """
        async with self._database.transaction() as connection:
            await self._choose(connection, phone, choice, message_id)

    async def _choose(self, connection: Connection, phone: str, choice: Choice, message_id: str) -> None:
        now = self._clock.now()
        before = await choose(connection, phone, choice, message_id, now)
        if before is None:
            return
        await audit(
            connection,
            "phone",
            phone,
            "opted_out" if choice == "stop" else "opted_in",
            actor_id=None,
            before={"choice": before},
            after={"choice": choice},
            now=now,
            cause="sms",
        )
        _log.info("sms_choice", choice=choice)
