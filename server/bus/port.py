"""The bus: small messages from one node to all nodes that listen, at most once each, in order per sender and channel.

Belongs here: the port. Does not belong here: channels' names and what is said on them (``server.live``).
Nothing that matters may depend on a message arriving: Postgres has the truth, and is asked once a second.
"""

from collections.abc import Callable
from typing import Protocol, TypeAlias

Receiver: TypeAlias = Callable[[bytes], None]
"""Takes a message's payload, in the event loop; neither waits nor raises."""


class Bus(Protocol):
    """One node's end of the bus. A node that subscribes also hears what it publishes itself."""

    @property
    def connected(self) -> bool:
        """Whether messages can be sent and heard, as far as is known."""

    def publish(self, channel: str, payload: bytes) -> None:
        """Send it to whoever listens. Never waits and never raises: with the bus away it is lost."""

    async def subscribe(self, channel: str, receive: Receiver) -> bool:
        """Listen on the channel, in place of whoever did; True once that is confirmed: nothing published from then on is
        missed while the bus is there. False if it is away: then the subscription is made when it is back.
        """

    def unsubscribe(self, channel: str) -> None:
        """Listen there no longer, from now on. Does nothing if nobody does. Never waits."""

    def on_restored(self, callback: Callable[[], None]) -> None:
        """Call this whenever the bus was away and all subscriptions have been confirmed again; messages may have been lost."""

    async def run(self) -> None:
        """Keep it connected until cancelled."""
