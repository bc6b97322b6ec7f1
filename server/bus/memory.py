"""A bus within one process: for a single node, and for tests with several.

Belongs here: the adapter that needs nothing. Does not belong here: anything between processes (``redis``).
"""

import asyncio
from collections.abc import Callable

from server.bus.port import Receiver


class Exchange:
    """What several ``MemoryBus``es have in common."""

    def __init__(self) -> None:
        self.buses: list[MemoryBus] = []


class MemoryBus:
    """One node's end of an ``Exchange``, or a bus of its own. Messages arrive in a later turn of the event loop."""

    def __init__(self, exchange: Exchange | None = None) -> None:
        self._exchange = exchange or Exchange()
        self._exchange.buses.append(self)
        self._receivers: dict[str, Receiver] = {}

    @property
    def connected(self) -> bool:
        """Always."""
        return True

    def publish(self, channel: str, payload: bytes) -> None:
        for bus in self._exchange.buses:
            if channel in bus._receivers:  # noqa: SLF001 -- its own class
                asyncio.get_running_loop().call_soon(bus._deliver, channel, payload)  # noqa: SLF001 -- its own class

    def _deliver(self, channel: str, payload: bytes) -> None:
        receive = self._receivers.get(channel)
        if receive is not None:
            receive(payload)

    async def subscribe(self, channel: str, receive: Receiver) -> bool:
        self._receivers[channel] = receive
        return True

    def unsubscribe(self, channel: str) -> None:
        self._receivers.pop(channel, None)

    def on_restored(self, callback: Callable[[], None]) -> None:
        """It is never away."""

    async def run(self) -> None:
        await asyncio.Event().wait()
