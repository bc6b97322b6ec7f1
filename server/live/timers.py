"""When something is to happen later: what the live layer needs of an event loop.

Belongs here: the port. ``asyncio``'s loops are adapters as they are; simulations have one whose time they move themselves.
"""

from collections.abc import Callable
from typing import Any, Protocol


class Timer(Protocol):
    """Something that will happen."""

    def cancel(self) -> None:
        """It will not."""


class Timers(Protocol):
    """A clock that never jumps, in seconds from some point, and alarms by it."""

    def time(self) -> float: ...

    def call_later(self, delay: float, callback: Callable[[], Any], /) -> Timer: ...
