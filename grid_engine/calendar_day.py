"""A location's calendar: local days, their rows, and the readings of a wall clock (T1 to T6).

Belongs here: everything that needs a time zone. Does not belong here: opening hours or any other rule, and the clock:
nothing in this module knows what time it is now, nor the zone of the process (T5). A ``datetime`` without a zone is
what a clock on the wall shows, nothing else.

Two decisions run through it.

*Days tile time.* A day begins at the first reading of its local midnight, or at the first instant after a midnight that
the clocks jumped over, and it ends where the next one begins. So every instant belongs to exactly one day, even where a
clock that is set back from 00:01 to 23:01 shows yesterday's date again: that hour belongs to the day already begun. A
date that a zone skipped altogether (Pacific/Apia, 2011-12-30) is a day without rows.

*Time ends where* ``datetime`` *does.* Days at either end of the calendar are cut off at ``FIRST_INSTANT`` and
``LAST_INSTANT``, so any date can be looked at and every instant named here can be written as a ``datetime``.
"""

import datetime as dt
from bisect import bisect_left
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from grid_engine.interval import DAY, MINUTE, Instant, Interval

FIRST_INSTANT: Final = -62_135_596_800
"""0001-01-01T00:00:00Z."""
LAST_INSTANT: Final = 253_402_300_799
"""9999-12-31T23:59:59Z."""
SLOT_MINUTES: Final = (5, 10, 15, 20, 30, 60)
"""The row lengths that a location may choose from (T2); each divides an hour."""

_EPOCH: Final = dt.datetime.combine(dt.date(1970, 1, 1), dt.time.min)
_ONE_DAY: Final = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class CalendarDay:
    """One local day, cut into rows of ``slot_minutes`` elapsed minutes (T2). Use `calendar_day`, which caches.

    ``start`` and ``end`` bound it and ``rows`` are the instants at which its rows start, in order: 48 of them as a
    rule, 46 or 50 (Lord Howe: 47 or 49) when the clocks change, none if the zone skipped the date. The last row may
    be shorter.

    Raises:
        ValueError: for an unknown zone or a row length that is not one of ``SLOT_MINUTES``.
    """

    date: dt.date
    timezone: str
    slot_minutes: int
    start: Instant = field(init=False, compare=False)
    end: Instant = field(init=False, compare=False)
    rows: tuple[Instant, ...] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        step = _slot_seconds(self.slot_minutes)
        start, end = _start_of(self.date, self.timezone), _end_of(self.date, self.timezone)
        object.__setattr__(self, "start", start)
        object.__setattr__(self, "end", end)
        object.__setattr__(self, "rows", tuple(range(start, end, step)))

    @property
    def boundaries(self) -> tuple[Instant, ...]:
        """The starts of all rows and the day's end: the instants at which a booking may start or end (R4)."""
        return (*self.rows, self.end)

    @property
    def interval(self) -> Interval:
        """The whole day. No interval is empty: that of a skipped date is the second after the jump."""
        return Interval(self.start, max(self.end, self.start + 1))

    def row_of(self, instant: Instant) -> int:
        """The index of the row that the instant lies in. O(1).

        Raises:
            ValueError: if it lies on another day.
        """
        if not self.start <= instant < self.end:
            raise ValueError(f"instant {instant} is not within {self.date} in {self.timezone}")
        return (instant - self.start) // (self.slot_minutes * MINUTE)

    def row_interval(self, index: int) -> Interval:
        """What the row at ``index`` spans; the last one may be shorter than the others. O(1)."""
        start = self.rows[index]
        return Interval(start, min(start + self.slot_minutes * MINUTE, self.end))


@lru_cache(maxsize=2048)
def calendar_day(date: dt.date, timezone: str, slot_minutes: int) -> CalendarDay:
    """The day ``date`` in the zone, its rows ``slot_minutes`` long. Cached; some 20 µs the first time.

    Raises:
        ValueError: for an unknown zone or a row length that is not one of ``SLOT_MINUTES``.
    """
    return CalendarDay(date, timezone, slot_minutes)


def window_of(first: dt.date, days: int, timezone: str) -> Interval:
    """``days`` local days from ``first`` on as one interval; those past the end of the calendar are left out.

    Raises:
        ValueError: for an unknown zone, or fewer than one day.
    """
    if days < 1:
        raise ValueError(f"a window has at least one day, not {days}")
    start = _start_of(first, timezone)
    return Interval(start, max(_end_of(days_after(first, days - 1), timezone), start + 1))


def days_after(date: dt.date, days: int) -> dt.date:
    """The date ``days`` later (or earlier, if negative), at most the calendar's last and at least its first."""
    return dt.date.fromordinal(
        min(max(date.toordinal() + days, dt.date.min.toordinal()), dt.date.max.toordinal())
    )


def local_time(instant: Instant, timezone: str) -> dt.datetime:
    """What a clock on the wall shows at the instant, without a zone; ``fold`` is 1 on its second showing of that time.

    Raises:
        ValueError: for an unknown zone.
    """
    bounded = min(max(instant, FIRST_INSTANT), LAST_INSTANT)
    zone = _zone(timezone)
    try:
        return zone.fromutc((_EPOCH + dt.timedelta(seconds=bounded)).replace(tzinfo=zone)).replace(
            tzinfo=None
        )
    except OverflowError:  # the wall clock's year is 0 or 10000
        if bounded < 0:
            return dt.datetime.combine(dt.date.min, dt.time.min)
        return dt.datetime.combine(dt.date.max, dt.time(23, 59, 59))


def day_of(instant: Instant, timezone: str) -> dt.date:
    """The date of the day that the instant lies in: its wall clock's date, but for a midnight that occurs twice.

    Raises:
        ValueError: for an unknown zone.
    """
    date = local_time(instant, timezone).date()
    # What shows a date is never before that date's first midnight; it may be after the next date's.
    while date < dt.date.max and instant >= _end_of(date, timezone):
        date += _ONE_DAY
    return date


def is_boundary(instant: Instant, timezone: str, slot_minutes: int) -> bool:
    """Whether the instant is the start of a row, or a day's end (R4).

    Raises:
        ValueError: for an unknown zone or a row length that is not one of ``SLOT_MINUTES``.
    """
    start = _start_of(day_of(instant, timezone), timezone)
    # A day's end is the next day's first row, except at the end of the calendar.
    return (instant - start) % _slot_seconds(slot_minutes) == 0 or instant == LAST_INSTANT


def wall_time(local: dt.datetime, timezone: str) -> tuple[Instant, ...]:
    """The instants at which the zone's wall clocks show ``local``, earliest first: one as a rule, two where the clocks
    were set back over it, none where they were set forward over it (T3). Fractions of a second are dropped.

    Raises:
        ValueError: for an unknown zone, or a ``local`` that has a zone already.
    """
    before, after = _readings(local, timezone)
    if before > after:  # the clocks jumped over it
        return ()
    readings = (before,) if before == after else (before, after)
    return tuple(instant for instant in readings if FIRST_INSTANT <= instant <= LAST_INSTANT)


def next_existing(local: dt.datetime, timezone: str) -> Instant:
    """The first instant at which wall clocks show ``local`` or, where they jumped over it, that of the jump (T3).

    Raises:
        ValueError: for an unknown zone, or a ``local`` that has a zone already.
    """
    late, early = _readings(local, timezone)
    if late <= early:
        return min(max(late, FIRST_INSTANT), LAST_INSTANT)
    # Read with the offset from after the jump, the time lies before it; with the one from before, at or after it.
    zone = _zone(timezone)
    offset = _offset(early, zone)
    while late - early > 1:
        middle = (early + late) // 2
        if _offset(middle, zone) == offset:
            early = middle
        else:
            late = middle
    return late


def days_touched(interval: Interval, timezone: str) -> list[dt.date]:
    """The dates of the days that share an instant with the interval, in order (T6). O(days).

    Raises:
        ValueError: for an unknown zone.
    """
    date = day_of(interval.start, timezone)
    dates = [date]
    while date < dt.date.max and _end_of(date, timezone) < interval.end:
        date += _ONE_DAY
        if _start_of(date, timezone) < _end_of(date, timezone):
            dates.append(date)
    return dates


def rows_between(start: Instant, end: Instant, timezone: str, slot_minutes: int) -> list[Instant]:
    """The starts of rows within ``[start, end)``, in order; none where that is empty. O(days + rows).

    Raises:
        ValueError: for an unknown zone or a row length that is not one of ``SLOT_MINUTES``.
    """
    if end <= start:
        return []
    rows: list[Instant] = []
    for date in days_touched(Interval(start, end), timezone):
        rows.extend(calendar_day(date, timezone, slot_minutes).rows)
    return rows[bisect_left(rows, start) : bisect_left(rows, end)]


def _slot_seconds(slot_minutes: int) -> int:
    if slot_minutes not in SLOT_MINUTES:
        raise ValueError(f"slot_minutes must be one of {SLOT_MINUTES}, not {slot_minutes}")
    return slot_minutes * MINUTE


@lru_cache(maxsize=1024)
def _zone(timezone: str) -> ZoneInfo:
    # "localtime" is whatever the machine's zone is (T5); the "right/" zones count leap seconds.
    if timezone == "localtime" or timezone.startswith("right/"):
        raise ValueError(f"not an IANA time zone: {timezone!r}")
    try:
        return ZoneInfo(timezone)
    except (KeyError, OSError, ValueError) as error:
        raise ValueError(f"unknown time zone: {timezone!r}") from error


def _readings(local: dt.datetime, timezone: str) -> tuple[Instant, Instant]:
    """``local`` taken with the offsets from before and from after the nearest change of the clocks (PEP 495).

    They are equal on ordinary days; the first is the less where the time occurs twice, and the greater where it does
    not exist.
    """
    if local.tzinfo is not None:
        raise ValueError(f"a wall time has no zone of its own: {local.isoformat()}")
    zone = _zone(timezone)
    elapsed = local - _EPOCH
    seconds = elapsed.days * DAY + elapsed.seconds
    before, after = (local.replace(tzinfo=zone, fold=fold).utcoffset() for fold in (0, 1))
    return seconds - _seconds(before), seconds - _seconds(after)


def _offset(instant: Instant, zone: ZoneInfo) -> int:
    return _seconds(zone.fromutc((_EPOCH + dt.timedelta(seconds=instant)).replace(tzinfo=zone)).utcoffset())


def _seconds(offset: dt.timedelta | None) -> int:
    assert offset is not None, "only datetimes that have a zone are asked for their offset"
    return offset.days * DAY + offset.seconds


@lru_cache(maxsize=16384)
def _start_of(date: dt.date, timezone: str) -> Instant:
    return next_existing(dt.datetime.combine(date, dt.time.min), timezone)


def _end_of(date: dt.date, timezone: str) -> Instant:
    if date == dt.date.max:  # has no next date to begin; no zone changes its clocks on it
        return min(_start_of(date, timezone) + DAY, LAST_INSTANT)
    return _start_of(date + _ONE_DAY, timezone)
