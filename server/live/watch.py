"""One session's view of one location, as the room sees it.

Belongs here: who watches, what they were sent, and the way out to them. Does not belong here: what they are sent
(``watchers``), or the socket behind the way out (``connection``).
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from grid_engine.audience import Audience


@dataclass(frozen=True, slots=True)
class Window:
    """``days`` local days from ``first`` on."""

    first: dt.date
    days: int


class Outlet(Protocol):
    """One socket's way out. Frames leave in the order in which they were written."""

    @property
    def draining(self) -> bool:
        """Whether the other side is slow: then nothing may be written that can be sent later (W3)."""

    @property
    def push(self) -> Callable[[bytes], int]:
        """The quickest way out there is now: takes a frame and tells how many bytes of it are on their way, or raises
        ``OSError``. What is missing has to be given to ``rest`` at once. Not to be used after ``Watchers.reroute``.
        """

    def rest(self, frame: bytes, sent: int) -> None:
        """Send what is missing of a frame that ``push`` took ``sent`` bytes of. As ``write``."""

    def write(self, frame: bytes) -> None:
        """Takes a frame; never waits, never raises. May make the outlet ``draining`` before it returns."""

    def resync(self, location_id: int, reason: str) -> None:
        """The room gave the session up: tell it, now or once it drained."""


@dataclass(slots=True, eq=False, kw_only=True)
class Watch:
    """Hashes and compares by identity.

    ``user_id`` is set where the session is a customer there and is to be told of its own records. ``have`` is the version
    it was sent, and means something only while it is behind: those in step have what the room sent last.
    """

    session: str
    audience: Audience
    window: Window
    outlet: Outlet
    user_id: int | None = None
    have: int = -1
    own_sent: bool = False
    """Whether it holds records of its own, as far as it was told."""
    own_due: bool = False
    """Whether its own records changed while it drained."""
    stale_told: str | None = None
    """Why it was told that what it holds may be out of date; None if it was not, or not any more."""
    ghosts_seen: frozenset[str] = field(default=frozenset())
    """The colleagues' drags it was shown before it fell behind."""
