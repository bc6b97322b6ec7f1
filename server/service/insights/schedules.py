"""How a location's time is used: the figures (Y1), and the bookings that were lost.

Belongs here: pure functions of counted minutes. Does not belong here: what they mean (Claude, and people).
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from grid_engine.calendar_day import local_time
from grid_engine.interval import MINUTE, Instant, Interval
from rules.opening_hours import closed_spans
from rules.policy_values import WEEKDAYS, OpeningHours
from server.service.insights.figures import Figures, notice_of, rate, weekday_of
from server.service.insights.tokens import Tokens
from server.storage.histories import STEP_MINUTES, PastBooking, Use

MOST_NAMED = 50
EXTREMES = 5
"""So many of the busiest and of the quietest hours of the week are named."""

HOURS = tuple(f"{hour:02}" for hour in range(24))
HourOfWeek = tuple[int, int]
"""(weekday, local hour); Monday is 0."""


def open_minutes(period: Interval, timezone: str, hours: OpeningHours | None) -> dict[HourOfWeek, int]:
    """For how many minutes of the period the location was open in each hour of the week. O(steps): 0.3 ms a day."""
    closed = [] if hours is None else closed_spans(period, hours, timezone)
    counted: dict[HourOfWeek, int] = {}
    step = STEP_MINUTES * MINUTE
    at = 0
    for start in range(period.start - period.start % step, period.end, step):
        inside = Interval(max(start, period.start), min(start + step, period.end))
        while at < len(closed) and closed[at].end <= inside.start:
            at += 1
        shut, look = 0, at
        while look < len(closed) and closed[look].start < inside.end:
            shut += min(closed[look].end, inside.end) - max(closed[look].start, inside.start)
            look += 1
        if shut < inside.seconds:
            hour = _hour_of_week(start, timezone)
            counted[hour] = counted.get(hour, 0) + (inside.seconds - shut)
    return {hour: seconds // MINUTE for hour, seconds in counted.items()}


def schedule_figures(
    *,
    use: Sequence[Use],
    opened: Mapping[HourOfWeek, int],
    resource_ids: Collection[int],
    statuses: Mapping[str, int],
    typical: tuple[float | None, float | None],
) -> Figures:
    """The figures of a location. ``opened`` are the minutes of one resource; ``resource_ids`` those in service, in order.

    Utilisation may be above one where staff booked outside opening hours.
    """
    bays = len(resource_ids)
    used: dict[object, tuple[int, int]] = defaultdict(lambda: (0, 0))
    opens: dict[object, int] = defaultdict(int)
    for each in use:
        hour, weekday = f"{each.hour:02}", WEEKDAYS[each.weekday]
        for name in ("total", hour, weekday, each.resource_id, (weekday, hour)):
            booked, blocked = used[name]
            used[name] = booked + each.booked_minutes, blocked + each.blocked_minutes
    for (day, number), minutes in opened.items():
        hour, weekday = f"{number:02}", WEEKDAYS[day]
        for name in ("total", hour, weekday, (weekday, hour)):
            opens[name] += minutes * bays
    entries = {name: _entry(*used[name], opens[name]) for name in [*used, *opens]}
    ranked = sorted(
        (
            (entry["utilisation"], name)
            for name, entry in entries.items()
            if isinstance(name, tuple) and entry["utilisation"] is not None
        ),
        key=lambda each: (-each[0], WEEKDAYS.index(each[1][0]), each[1][1]),
    )
    extremes = [{"weekday": name[0], "hour": name[1], "utilisation": share} for share, name in ranked]
    ahead, length = typical
    return {
        "resources": bays,
        "bookings": sum(statuses.values()) - statuses.get("cancelled", 0),
        "cancelled": statuses.get("cancelled", 0),
        "no_shows": statuses.get("no_show", 0),
        "cancellation_rate": rate(statuses.get("cancelled", 0), sum(statuses.values())),
        "typical_booked_ahead_hours": None if ahead is None else round(ahead, 1),
        "typical_minutes": None if length is None else round(length),
        "total": _entry(*used["total"], opens["total"]),
        "by_weekday": {name: _entry(*used[name], opens[name]) for name in WEEKDAYS},
        "by_hour": {name: _entry(*used[name], opens[name]) for name in HOURS},
        "by_resource": {
            f"resource_{id_}": _entry(*used[id_], opens["total"] // max(1, bays)) for id_ in resource_ids
        },
        "busiest": extremes[:EXTREMES],
        "quietest": extremes[: -EXTREMES - 1 : -1],
    }


def lost_bookings(bookings: Sequence[PastBooking], tokens: Tokens) -> list[Mapping[str, Any]]:
    """Those that were cancelled or not come to, one by one; words are tokens, and nobody is named."""
    return [
        {
            "id": booking.id,
            "status": booking.status,
            "resource": f"resource_{booking.resource_id}",
            "starts": local_time(booking.interval.start, booking.timezone).strftime("%Y-%m-%d %H:%M"),
            "weekday": weekday_of(booking.interval.start, booking.timezone),
            "minutes": booking.interval.seconds // MINUTE,
            "cancelled_ahead_hours": notice_of(booking),
            "reason": tokens.of("reason", booking.cancel_reason, booking.cancel_reason)
            if booking.cancel_reason
            else None,
        }
        for booking in bookings
    ]


def _hour_of_week(instant: Instant, timezone: str) -> HourOfWeek:
    shown = local_time(instant, timezone)
    return shown.weekday(), shown.hour


def _entry(booked: int, blocked: int, opened: int) -> dict[str, Any]:
    return {
        "open_minutes": opened,
        "blocked_minutes": blocked,
        "booked_minutes": booked,
        "utilisation": rate(booked, max(0, opened - blocked)),
    }
