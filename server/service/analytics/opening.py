"""When the resources of a location are open to customers, by local day and hour (Y1).

Belongs here: opening hours, blackouts and the lives of resources, laid over real days. Does not belong here: where they come
from (``history``), and what was booked.

A minute is open if the location's hours, as they stood when its day ended, have it, if the resource was in use at that time,
and if no blackout closes it. Days go by the location's present time zone.
"""

import datetime as dt
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from itertools import pairwise
from typing import Generic, TypeAlias, TypeVar

from grid_engine.calendar_day import calendar_day, days_after, days_touched, next_existing
from grid_engine.interval import DAY, HOUR, MINUTE, Instant, Interval, gaps, merged
from grid_engine.records import Blackout
from rules.opening_hours import closed_spans, steady_spans
from rules.policy_values import OpeningHours

Value = TypeVar("Value")

NEVER: OpeningHours = ((), (), (), (), (), (), ())
"""The hours of a location that is closed for good."""

Hours: TypeAlias = tuple[int, ...]
"""Open seconds by hour of the wall clock: 24 of them."""


@dataclass(frozen=True, slots=True)
class Timeline(Generic[Value]):
    """A value that changes from one local day to another: the first, and (day, value from that day on) in order."""

    first: Value
    changes: tuple[tuple[dt.date, Value], ...] = ()

    def at(self, day: dt.date) -> Value:
        """The value on that day."""
        place = bisect_right(self.changes, day, key=lambda change: change[0])
        return self.changes[place - 1][1] if place else self.first

    def days(self) -> Iterator[dt.date]:
        """The days from which on it is another."""
        return (day for day, _ in self.changes)


@dataclass(frozen=True, slots=True)
class Piece:
    """Part of one hour of one local day, all of it open or all of it closed. No piece reaches over a full hour of UTC."""

    start: Instant
    end: Instant
    day: dt.date
    hour: int
    open: bool


@dataclass(frozen=True, slots=True)
class OpenDays:
    """Days on each of which each of the resources is open for ``hours``."""

    days: Sequence[dt.date]
    hours: Hours
    resource_ids: Sequence[int]


@dataclass(frozen=True, kw_only=True)
class Opening:
    """A location's opening: hours (None is around the clock), its resources with whether they are in use, and blackouts."""

    timezone: str
    hours: Timeline[OpeningHours | None]
    resources: Mapping[int, Timeline[bool]]
    blackouts: Sequence[Blackout] = ()
    digest: bytes = field(init=False, compare=False)
    """Equal for openings that are the same; of all but the time zone."""

    def __post_init__(self) -> None:
        told = (
            self.hours,
            sorted(self.resources.items()),
            sorted(
                (each.interval, None if each.resource_ids is None else sorted(each.resource_ids))
                for each in self.blackouts
            ),
        )
        object.__setattr__(self, "digest", sha256(repr(told).encode()).digest()[:16])

    def pieces(self, first: dt.date, end: dt.date) -> Iterator[Piece]:
        """The days from ``first`` up to ``end`` cut into pieces, in order; they leave no time out."""
        for day in _days(first, end):
            yield from self._pieces_of(day)

    def shut(self, first: dt.date, end: dt.date) -> Iterator[tuple[int, Interval]]:
        """When resources are closed on those days where the location is open: (resource, time), disjoint for each."""
        for resource_id in self.resources:
            yield from ((resource_id, span) for span in self._shut(resource_id, first, end))

    def open_days(self, first: dt.date, end: dt.date) -> Iterator[OpenDays]:
        """How long each resource is open on the days from ``first`` up to ``end``; days that are alike come together.

        Quick: a few microseconds for a week-day of a year, and for each day on which the clocks change or a blackout lies.
        """
        odd = {day for blackout in self.blackouts for day in self._touched(blackout, first, end)}
        for year in range(first.year, end.year + 1):
            odd |= {day for day in days_of_changing_clocks(self.timezone, year) if first <= day < end}
        changes = {*self.hours.days(), *(day for each in self.resources.values() for day in each.days())}
        for start, until in pairwise(sorted({first, end, *(day for day in changes if first < day < end)})):
            used = [id_ for id_, each in self.resources.items() if each.at(start)]
            week = _week(self.hours.at(start))
            days = _days(start, until)
            for place in range(min(7, len(days))):
                alike = [day for day in days[place::7] if day not in odd] if odd else days[place::7]
                yield OpenDays(alike, week[days[place].weekday()], used)
            for day in odd:
                if start <= day < until:
                    yield from self._odd_day(day, used)

    def _odd_day(self, day: dt.date, used: Sequence[int]) -> Iterator[OpenDays]:
        pieces = [piece for piece in self._pieces_of(day) if piece.open]
        hours = [0] * 24
        for piece in pieces:
            hours[piece.hour] += piece.end - piece.start
        shut = {id_: spans for id_ in used if (spans := self._shut(id_, day, days_after(day, 1)))}
        yield OpenDays([day], tuple(hours), [id_ for id_ in used if id_ not in shut])
        for resource_id, spans in shut.items():
            hours = [0] * 24
            for piece in pieces:
                hours[piece.hour] += sum(
                    span.seconds for span in gaps(Interval(piece.start, piece.end), spans)
                )
            yield OpenDays([day], tuple(hours), [resource_id])

    def _pieces_of(self, day: dt.date) -> Iterator[Piece]:
        bounds = calendar_day(day, self.timezone, 60)
        if bounds.start == bounds.end:
            return
        whole = Interval(bounds.start, bounds.end)
        hours = self.hours.at(day)
        closed = [] if hours is None else closed_spans(whole, hours, self.timezone)
        closed += [each.interval for each in self.blackouts if each.resource_ids is None]
        closed = [part for span in merged(closed) if (part := span.intersection(whole)) is not None]
        edges = sorted(edge for span in closed for edge in (span.start, span.end))
        for start, end, offset in steady_spans(bounds.start, bounds.end, self.timezone):
            reached = start
            while reached < end:
                local_hour = (reached + offset) // HOUR
                until = min(end, (local_hour + 1) * HOUR - offset, (reached // HOUR + 1) * HOUR)
                place = bisect_right(edges, reached)
                if place < len(edges):
                    until = min(until, edges[place])
                yield Piece(reached, until, day, local_hour % 24, open=place % 2 == 0)
                reached = until

    def _shut(self, resource_id: int, first: dt.date, end: dt.date) -> list[Interval]:
        spans = [
            each.interval
            for each in self.blackouts
            if each.resource_ids is not None and resource_id in each.resource_ids
        ]
        used = self.resources[resource_id]
        edges = [first, *(day for day in used.days() if first < day < end), end]
        for start, until in pairwise(edges):
            if not used.at(start) and (span := _span(start, until, self.timezone)) is not None:
                spans.append(span)
        whole = _span(first, end, self.timezone) if spans else None
        if whole is None:
            return []
        return [part for span in merged(spans) if (part := span.intersection(whole)) is not None]

    def _touched(self, blackout: Blackout, first: dt.date, end: dt.date) -> Sequence[dt.date]:
        whole = _span(first, end, self.timezone)
        part = None if whole is None else blackout.interval.intersection(whole)
        return [] if part is None else days_touched(part, self.timezone)


@lru_cache(maxsize=512)
def days_of_changing_clocks(timezone: str, year: int) -> frozenset[dt.date]:
    """The dates of a year that are longer or shorter than 24 hours. Cached; some 2 ms the first time."""
    ends = dt.date(year, 1, 1).toordinal(), dt.date(year, 12, 31).toordinal()
    dates = [dt.date.fromordinal(number) for number in range(ends[0], ends[1] + 1)]
    starts = [next_existing(dt.datetime.combine(date, dt.time.min), timezone) for date in dates]
    starts.append(calendar_day(dates[-1], timezone, 60).end)
    return frozenset(
        date for date, start, end in zip(dates, starts, starts[1:], strict=False) if end - start != DAY
    )


@lru_cache(maxsize=1024)
def _week(hours: OpeningHours | None) -> tuple[Hours, ...]:
    """Open seconds by hour on each day of the week on which the clocks do not change."""
    if hours is None:
        return ((HOUR,) * 24,) * 7
    return tuple(
        tuple(
            sum(
                max(0, min(end * MINUTE, (hour + 1) * HOUR) - max(start * MINUTE, hour * HOUR))
                for start, end in spans
            )
            for hour in range(24)
        )
        for spans in hours
    )


@lru_cache(maxsize=64)
def _days(first: dt.date, end: dt.date) -> Sequence[dt.date]:
    return [dt.date.fromordinal(number) for number in range(first.toordinal(), end.toordinal())]


def _span(first: dt.date, end: dt.date, timezone: str) -> Interval | None:
    """The days from ``first`` up to ``end``; None where there are none, or the zone skipped them all."""
    if first >= end:
        return None
    start, until = (
        calendar_day(first, timezone, 60).start,
        calendar_day(days_after(end, -1), timezone, 60).end,
    )
    return Interval(start, until) if start < until else None
