"""Which bays are taken out of use on a day, and why: courses, company outings, repairs.

Belongs here: wishes. Does not belong here: whether something is in their way (``planning``).
"""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from grid_engine.calendar_day import CalendarDay, next_existing
from grid_engine.interval import HOUR, Interval
from server.demo.blueprint import Venue

_HOSTS = ("Harlow & Finch", "Brightwater Dental", "Northgate Robotics", "The Quill Agency")
_SATURDAY = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Closure:
    """A block to be. ``place`` is the bay's, from 0; it is made ``after`` so many seconds of the time that is told of."""

    place: int
    interval: Interval
    type: str
    reason: str
    after: int
    series_id: str | None = None
    occurrence: int | None = None


def closures(random: Random, venue: Venue, day: CalendarDay, *, is_today: bool) -> Iterator[Closure]:
    """The day's, in the order in which they are made; there is a repair today for certain."""
    series = venue.series
    if day.date.weekday() in series.weekdays and (course := _between(day, series.opens, series.closes)):
        for number in series.bays:
            yield Closure(
                place=number - 1,
                interval=course,
                type=series.type,
                reason=series.reason,
                after=HOUR,
                series_id=series.series_id,
                occurrence=day.date.toordinal(),
            )
    if day.date.weekday() == _SATURDAY and (outing := _between(day, 14 * 60, 18 * 60)):
        reason = f"Company outing: {random.choice(_HOSTS)}"
        first = random.randrange(len(venue.bays) - 4)
        for place in range(first, first + 4):
            yield Closure(place=place, interval=outing, type="PRIVATE_EVENT", reason=reason, after=2 * HOUR)
    if random.random() < 0.5 or is_today:
        opens = random.choice((8, 9, 10, 13)) * 60
        repair = _between(day, opens, opens + random.choice((60, 120, 180)))
        place, reason = random.randrange(len(venue.bays)), random.choice(venue.repairs)
        if repair:
            yield Closure(place=place, interval=repair, type="MAINTENANCE", reason=reason, after=3 * HOUR)


def _between(day: CalendarDay, opens: int, closes: int) -> Interval | None:
    """From one to another minute after midnight by the wall clock; None on a day whose clocks leave nothing of it."""
    midnight = dt.datetime.combine(day.date, dt.time.min)
    start, end = (
        next_existing(midnight + dt.timedelta(minutes=minute), day.timezone) for minute in (opens, closes)
    )
    return Interval(start, end) if start < end else None
