"""Free and busy rows as bits: where bookings of a given length fit on a day, at a few machine words a resource.

Belongs here: bitmaps of rows. Does not belong here: intervals that do not begin and end on row boundaries (ask the
grid's ``conflicts``) and the rules that close rows for other reasons (they may pass such rows in as a bitmap of their
own).

Bit i stands for row i of a `RowRange`. A row is busy if any record touches it, be it for a second; for candidates that
begin and end on boundaries, and only for those, that is exact: such a candidate overlaps a record if and only if the
record touches one of its rows.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterator, Sequence
from functools import lru_cache
from typing import Protocol

from grid_engine.calendar_day import CalendarDay, calendar_day, days_after
from grid_engine.grid_view import NOTHING
from grid_engine.interval import DAY, Instant, Interval
from grid_engine.records import Block, Record


class Overlapped(Protocol):
    """What this module asks of a grid."""

    def overlapping(self, interval: Interval, resource_id: int | None = None) -> Sequence[Record]:
        """The records that share an instant with the interval."""


class RowRange:
    """The rows of a day and of as many days after it as it takes; no row is missing in between. Use `rows_reaching`.

    ``boundaries`` are the starts of all rows in order, and the end of the last; the first ``own`` rows are the day's.
    """

    __slots__ = ("_fits", "_index", "boundaries", "count", "own")

    def __init__(self, days: Sequence[CalendarDay]) -> None:
        """O(rows). The days must follow each other."""
        self.boundaries = (*(start for day in days for start in day.rows), days[-1].end)
        self.count = len(self.boundaries) - 1
        self.own = len(days[0].rows)
        self._index = {boundary: place for place, boundary in enumerate(self.boundaries)}
        self._fits: dict[int, tuple[tuple[int, int], ...]] = {}

    def touched(self, start: Instant, end: Instant) -> int:
        """The rows that share an instant with ``[start, end)``, as bits. O(log rows)."""
        first = max(bisect_right(self.boundaries, start) - 1, 0)
        last = min(bisect_left(self.boundaries, end), self.count)
        return (1 << last) - (1 << first) if first < last else 0

    def fitting(self, seconds: int) -> tuple[tuple[int, int], ...]:
        """The day's rows at which an interval so long can begin and end on boundaries, as (rows that it takes, bits).

        There is one such pair as a rule: rows are equally long, but for a last one. O(rows) the first time, then O(1).
        """
        fits = self._fits.get(seconds)
        if fits is None:
            by_length: dict[int, int] = {}
            for place, start in enumerate(self.boundaries[: self.own]):
                end = self._index.get(start + seconds)
                if end is not None:
                    by_length[end - place] = by_length.get(end - place, 0) | 1 << place
            fits = self._fits[seconds] = tuple(by_length.items())
        return fits


@lru_cache(maxsize=64)
def rows_reaching(day: CalendarDay, seconds: int) -> RowRange:
    """The day's rows and those after it that ``seconds`` from its last row may reach into (T6). Cached."""
    days = [day]
    while days[-1].end < day.end + seconds:
        following = days_after(days[-1].date, 1)
        if following == days[-1].date:  # the end of the calendar
            break
        days.append(calendar_day(following, day.timezone, day.slot_minutes))
    return RowRange(days)


class DayOccupancy:
    """Which rows from a day on are taken, resource by resource, as a candidate of the given kind would find them.

    A candidate that is ``buffered`` (a booking or hold, not a block) keeps ``buffer`` seconds from other bookings and
    holds (G2); records whose ids are in ``excluding`` do not count (G4). ``longest`` is the greatest length that will
    be asked for, in seconds. A resource's rows are read from the grid when they are first asked for, and kept: this
    is for one answer, not to be held on to while the grid changes.
    """

    __slots__ = ("_busy", "_excluding", "_grid", "_margin", "_window", "longest", "rows")

    def __init__(
        self,
        grid: Overlapped,
        day: CalendarDay,
        *,
        longest: int = DAY,
        buffer: int = 0,
        buffered: bool = True,
        excluding: Collection[str] = NOTHING,
    ) -> None:
        """O(1)."""
        self.longest = longest
        self.rows = rows_reaching(day, longest)
        self._grid = grid
        self._margin = buffer if buffered else 0
        self._excluding = excluding
        self._busy: dict[int, int] = {}
        start, end = self.rows.boundaries[0], self.rows.boundaries[-1]
        self._window = Interval(start, end).widened(self._margin) if start < end else None

    def busy(self, resource_id: int) -> int:
        """The rows that a candidate may not take on the resource, as bits.

        O(log n + k) for k records in the range when a resource is first asked for, then O(1).
        """
        known = self._busy.get(resource_id)
        if known is None:
            known = self._busy[resource_id] = self._read(resource_id)
        return known

    def is_free(self, resource_id: int, row: int, rows: int = 1) -> bool:
        """Whether a candidate may take ``rows`` rows from ``row`` on. O(1): a shift and a mask.

        Rows past the range's last one are not known to be free.
        """
        return row + rows <= self.rows.count and not self.busy(resource_id) >> row & (1 << rows) - 1

    def free_starts(self, resource_id: int, seconds: int, *, closed: int = 0) -> list[Instant]:
        """The instants on the day at which a candidate so long may begin, in order.

        ``closed`` are rows, as bits, that it may not touch for other reasons. Both its ends lie on boundaries, so
        there is nothing for a length that does not fit the rows. O(log(rows taken)) operations on integers of as many
        bits as there are rows, and O(1) for each start found.

        Raises:
            ValueError: for a length beyond ``longest``, or none at all.
        """
        if not 0 < seconds <= self.longest:
            raise ValueError(f"a length of {seconds} s is not within 1..{self.longest}")
        free = ~(self.busy(resource_id) | closed) & (1 << self.rows.count) - 1
        starts = 0
        for length, fitting in self.rows.fitting(seconds):
            starts |= _runs(free, length) & fitting
        return [self.rows.boundaries[place] for place in _places(starts)]

    def _read(self, resource_id: int) -> int:
        if self._window is None:
            return 0
        busy = 0
        for record in self._grid.overlapping(self._window, resource_id):
            if record.id not in self._excluding:
                margin = 0 if isinstance(record, Block) else self._margin
                busy |= self.rows.touched(record.interval.start - margin, record.interval.end + margin)
        return busy


def _runs(free: int, length: int) -> int:
    """The places at which ``length`` free bits in a row begin; the length covered doubles at each step."""
    covered = 1
    while covered < length:
        step = min(covered, length - covered)
        free &= free >> step
        covered += step
    return free


def _places(bits: int) -> Iterator[int]:
    while bits:
        lowest = bits & -bits
        yield lowest.bit_length() - 1
        bits ^= lowest
