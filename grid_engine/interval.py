"""Instants and half-open intervals of time.

Belongs here: arithmetic on ``[start, end)`` that needs no calendar. Does not belong here: anything that knows of days,
zones or slots (see ``calendar_day``), or of what occupies an interval (see ``records``).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

Instant: TypeAlias = int
"""Whole seconds since 1970-01-01T00:00:00Z, leap seconds not counted."""

MINUTE = 60
HOUR = 60 * MINUTE
DAY = 24 * HOUR


@dataclass(frozen=True, slots=True, order=True)
class Interval:
    """A half-open span of time ``[start, end)``; ordered by start, then end.

    Raises:
        ValueError: if it would be empty or run backwards.
    """

    start: Instant
    end: Instant

    def __post_init__(self) -> None:
        if self.end <= self.start:
            raise ValueError(f"an interval must end after it starts: [{self.start}, {self.end})")

    @property
    def seconds(self) -> int:
        """Elapsed seconds, whatever the clocks on the wall did meanwhile (T4)."""
        return self.end - self.start

    def overlaps(self, other: "Interval") -> bool:
        """Whether the two share an instant; touching intervals do not (G2)."""
        return self.start < other.end and other.start < self.end

    def contains(self, instant: Instant) -> bool:
        """Whether the instant lies in ``[start, end)``."""
        return self.start <= instant < self.end

    def covers(self, other: "Interval") -> bool:
        """Whether every instant of the other lies in this one."""
        return self.start <= other.start and other.end <= self.end

    def widened(self, seconds: int) -> "Interval":
        """The interval with ``seconds`` more on either side."""
        return Interval(self.start - seconds, self.end + seconds)

    def moved_to(self, start: Instant) -> "Interval":
        """An interval of the same length that starts at ``start``."""
        return Interval(start, start + self.seconds)

    def intersection(self, other: "Interval") -> "Interval | None":
        """What the two share, or None where they only touch or lie apart."""
        start, end = max(self.start, other.start), min(self.end, other.end)
        return Interval(start, end) if start < end else None


def merged(intervals: Iterable[Interval]) -> list[Interval]:
    """The union as disjoint intervals in order; touching ones become one. O(n log n)."""
    union: list[Interval] = []
    for interval in sorted(intervals):
        if union and interval.start <= union[-1].end:
            union[-1] = Interval(union[-1].start, max(union[-1].end, interval.end))
        else:
            union.append(interval)
    return union


def gaps(window: Interval, busy: Iterable[Interval]) -> Iterator[Interval]:
    """What of ``window`` no busy interval covers, in order. O(n log n) in the busy intervals."""
    cursor = window.start
    for interval in merged(busy):
        if interval.start >= window.end:
            break
        if interval.start > cursor:
            yield Interval(cursor, interval.start)
        cursor = max(cursor, interval.end)
    if cursor < window.end:
        yield Interval(cursor, window.end)
