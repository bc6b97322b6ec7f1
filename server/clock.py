"""The one clock (T7): nothing else in the project asks what time it is.

Belongs here: reading the time and shifting it. Does not belong here: measuring how long something took (that is the event
loop's own ``time()``), waiting, or the civil time of a place (``grid_engine.calendar_day``).
"""

import time

__all__ = ["Clock", "ManualClock"]


class Clock:
    """The time now, in seconds since 1970-01-01T00:00:00Z: the system's, moved by a fixed distance.

    A clock is a plain picklable value. The process that reads ``BAYGRID_NOW`` makes one and hands it to its workers, so that
    a worker that was started later, or again, tells the same time as the others.
    """

    def __init__(self, offset: float = 0.0) -> None:
        self._offset = offset

    @classmethod
    def starting_at(cls, instant: float | None) -> "Clock":
        """A clock that reads ``instant`` now and runs at normal speed from there; None means the system's time."""
        return cls() if instant is None else cls(instant - time.time())

    def now(self) -> int:
        """The present instant in whole seconds, rounded down: what every rule and record is compared with."""
        return int(self.now_precise() // 1)

    def now_precise(self) -> float:
        """The present instant with its fraction, for what is measured in less than a second."""
        return time.time() + self._offset


class ManualClock(Clock):
    """A clock that stands still until it is told to move: for tests and simulations."""

    def __init__(self, instant: float) -> None:
        super().__init__()
        self._instant = float(instant)

    def now_precise(self) -> float:
        """The instant the clock was last moved to."""
        return self._instant

    def advance(self, seconds: float) -> None:
        """Move on by ``seconds``. Time never runs backwards: a negative distance is a ``ValueError``."""
        if seconds < 0:
            raise ValueError(f"a clock does not run backwards: {seconds}")
        self._instant += seconds
