"""When a location is open, in instants (R9).

A location is open at an instant if its wall clock then shows a time within the opening hours of the weekday that it shows.
So where the clocks are set back over opening or closing time, each showing counts for itself; nobody needs to know which
of two readings was meant.

Belongs here: opening hours laid over real days. Does not belong here: reading and writing them (``policy_document``).
"""

from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache

from grid_engine.calendar_day import local_time
from grid_engine.interval import DAY, HOUR, MINUTE, Instant, Interval, gaps
from rules.policy_values import DAY_MINUTES, OpeningHours

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  # a wall clock's reading, to compare others with
_EPOCH_WEEKDAY = 3  # it was a Thursday; Monday is 0


def is_open(interval: Interval, hours: OpeningHours, timezone: str) -> bool:
    """Whether the location is open for the whole interval (T6). O(1) for each UTC day until it closes first."""
    if _always_open(hours):
        return True
    reached = interval.start
    for number in _utc_days(interval):
        for start, end in open_spans(number, timezone, hours):
            if start > reached:
                break
            reached = max(reached, end)
        if reached < min(interval.end, (number + 1) * DAY):
            return False
    return True


def closed_spans(interval: Interval, hours: OpeningHours, timezone: str) -> list[Interval]:
    """What of the interval lies outside opening hours, in order. O(1) for each UTC day touched."""
    if _always_open(hours):
        return []
    spans = (span for number in _utc_days(interval) for span in open_spans(number, timezone, hours))
    return list(gaps(interval, [Interval(start, end) for start, end in spans]))


@lru_cache(maxsize=4096)
def open_spans(number: int, timezone: str, hours: OpeningHours) -> tuple[tuple[Instant, Instant], ...]:
    """What is open of the UTC day ``number`` days after 1970-01-01: disjoint, in order, not empty. Cached; else 60 µs."""
    spans = []
    for start, end, offset in steady_spans(number * DAY, (number + 1) * DAY, timezone):
        for local_day in range((start + offset) // DAY, (end + offset - 1) // DAY + 1):
            midnight = local_day * DAY - offset
            for opens, closes in hours[(local_day + _EPOCH_WEEKDAY) % 7]:
                first, last = max(start, midnight + opens * MINUTE), min(end, midnight + closes * MINUTE)
                if first < last:
                    spans.append((first, last))
    return tuple(spans)


@lru_cache(maxsize=256)
def _always_open(hours: OpeningHours) -> bool:
    day = Interval(0, DAY_MINUTES)
    return not any(list(gaps(day, [Interval(*span) for span in spans])) for spans in hours)


def _utc_days(interval: Interval) -> range:
    return range(interval.start // DAY, (interval.end - 1) // DAY + 1)


def steady_spans(start: Instant, end: Instant, timezone: str) -> Iterator[tuple[Instant, Instant, int]]:
    """The time from start to end, cut where the clocks change: (start, end, seconds that clocks are ahead of UTC)."""
    offset = _offset(start, timezone)
    for probe in range(start + HOUR, end + HOUR, HOUR):
        after = _offset(probe, timezone)
        if after != offset:
            low, high = probe - HOUR, probe
            while high - low > 1:
                middle = (low + high) // 2
                if _offset(middle, timezone) == offset:
                    low = middle
                else:
                    high = middle
            if high < end:
                yield start, high, offset
                start, offset = high, after
    yield start, end, offset


def _offset(instant: Instant, timezone: str) -> int:
    shown = local_time(instant, timezone) - _EPOCH
    return shown.days * DAY + shown.seconds - instant
