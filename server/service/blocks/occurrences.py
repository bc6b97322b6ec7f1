"""The occurrences of a series: wall times at its location, and the instants that they are (B2, T3).

A series lives on the wall: nine to five is nine to five on either side of a change of the clocks. Belongs here: that, and
what becomes of times that the clocks leave out or show twice. Does not belong here: the rule that gives them
(``recurrence``), or what stands in their way (``placing``).
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from grid_engine.calendar_day import local_time, next_existing, wall_time
from grid_engine.interval import Instant, Interval
from server.errors import Fault, Malformed
from server.service.blocks.recurrence import InvalidRecurrenceError, wall_starts


@dataclass(frozen=True, slots=True)
class WallSpan:
    """From one wall time to a later one, at a location; neither has a zone."""

    start: dt.datetime
    end: dt.datetime

    def shifted(self, start: dt.timedelta, end: dt.timedelta) -> "WallSpan":
        """The span with its ends put off by so much on the clocks."""
        return WallSpan(self.start + start, self.end + end)


def wall_span(interval: Interval, timezone: str) -> WallSpan:
    """What the clocks on the wall show at the interval's ends."""
    start, end = local_time(interval.start, timezone), local_time(interval.end, timezone)
    return WallSpan(start.replace(fold=0), end.replace(fold=0))


def spans_of(recurrence: str | None, first: WallSpan, timezone: str) -> Sequence[WallSpan]:
    """The wall times of every occurrence, in order: the first alone where nothing recurs. Some milliseconds.

    Raises:
        Malformed: if the recurrence is no rule that ends in time, or gives occurrences that overlap.
    """
    if recurrence is None:
        return [first]
    lasts = first.end - first.start
    if lasts <= dt.timedelta(0):
        raise Malformed(faults=[Fault("/end_time", "must be later than start_time on the clocks, to recur")])
    try:
        starts = wall_starts(recurrence, first.start, timezone)
    except InvalidRecurrenceError as error:
        raise Malformed(faults=[Fault("/recurrence", str(error))]) from None
    spans = [WallSpan(start, start + lasts) for start in starts]
    require_apart(spans, "/recurrence")
    return spans


def require_apart(spans: Sequence[WallSpan], pointer: str) -> None:
    """Raises ``Malformed`` if one of the spans, which are in order, begins before the one before it has ended."""
    ends = spans[0].end
    for span in spans[1:]:
        if span.start < ends:
            raise Malformed(faults=[Fault(pointer, "gives occurrences that overlap each other")])
        ends = span.end


def interval_on(span: WallSpan, timezone: str) -> Interval:
    """The instants of an occurrence.

    A start that the clocks leave out is put off to the next time that there is, and takes the end along by as much on the
    clocks, as suggestions for such times do (T3); of times that the clocks show twice, the first is meant that can be.
    """
    start = next_existing(span.start, timezone)
    end = span.end
    if not wall_time(span.start, timezone):
        end += local_time(start, timezone) - span.start
    ends = next_existing(end, timezone)
    if ends <= start:
        ends = wall_time(end, timezone)[-1]  # the clocks went back in between
    return Interval(start, ends)


def apart(intervals: Sequence[Interval]) -> list[Interval | None]:
    """The intervals, which are in order of their wall times, such that none overlaps another.

    They do not but where the clocks leave out the time that was between them: then the later one loses what the earlier
    one has, which may be all of it (None).
    """
    kept: list[Interval | None] = []
    taken: Instant | None = None
    for interval in intervals:
        start = interval.start if taken is None else max(interval.start, taken)
        kept.append(Interval(start, interval.end) if start < interval.end else None)
        taken = max(interval.end, start)
    return kept
