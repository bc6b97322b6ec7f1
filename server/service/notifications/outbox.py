"""How messages leave: a port, and what stands at it while no provider is configured.

A message is written in the transaction of the change that it follows, so that neither is without the other (N2). Belongs
here: what becomes of it then. Does not belong here: what it says (``wording``).
"""

from collections.abc import Sequence
from typing import Protocol

import structlog

from grid_engine.interval import Instant
from server.storage.database import Connection
from server.storage.notifications import Message, insert_messages

log = structlog.get_logger(__name__)


class Deliverer(Protocol):
    """Takes messages on."""

    async def take(self, connection: Connection, messages: Sequence[Message], now: Instant) -> list[int]:
        """Keeps the messages within the caller's transaction and gives the ids of those that are new (N2); what is done
        with them outside of it begins after the commit.
        """


class Outbox:
    """Keeps messages for people to read, and delivers none (N6). One for each process."""

    def __init__(self) -> None:
        self._told = False

    async def take(self, connection: Connection, messages: Sequence[Message], now: Instant) -> list[int]:
        """As ``Deliverer.take``; the first time it says in the log that nobody delivers."""
        if messages and not self._told:
            self._told = True
            log.info("No provider of SMS or email is configured: messages stay in the outbox")
        return await insert_messages(connection, messages, now, status="outbox")
