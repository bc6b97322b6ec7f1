"""How a location's time is used: the figures, as reports reckon them (Y1), and the bookings that were lost.

Belongs here: pure functions of reports and past bookings. Does not belong here: what is open or booked
(``service.analytics``), and what it means (Claude, and people).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from grid_engine.calendar_day import local_time
from grid_engine.interval import HOUR, MINUTE
from rules.policy_values import WEEKDAYS
from server.service.analytics.reports import Line, Report
from server.service.insights.figures import Figures, notice_of, rate, weekday_of
from server.service.insights.tokens import Tokens
from server.storage.histories import BusyHour, PastBooking

MOST_NAMED = 50
MOST_BUSY = 5
"""So many of the busiest hours of the week are named."""


def schedule_figures(
    *, by_weekday: Report, by_hour: Report, by_resource: Report, busiest: Sequence[BusyHour]
) -> Figures:
    """The figures of a location, from three reports of the same days.

    Utilisation may be above one where staff booked outside opening hours.
    """
    totals = by_weekday.totals
    figures = totals.figures
    made = figures.bookings + figures.cancellations
    lead = totals.lead_seconds
    return {
        "bookings": figures.bookings,
        "cancelled": figures.cancellations,
        "cancelled_within_24_hours": figures.late_cancellations,
        "cancelled_by_customers": figures.own_cancellations,
        "cancellation_rate": rate(figures.cancellations, made),
        "no_shows": figures.no_shows,
        "no_show_rate": rate(figures.no_shows, figures.bookings),
        "booked_ahead_hours": None if lead is None else round(lead / HOUR, 1),
        "minutes_of_a_booking": round(figures.booked_seconds / MINUTE / figures.bookings)
        if figures.bookings
        else None,
        "total": _entry(totals),
        "by_weekday": {WEEKDAYS[int(str(line.key))]: _entry(line) for line in by_weekday.lines},
        "by_hour": {f"{line.key:02}": _entry(line) for line in by_hour.lines},
        "by_resource": {f"resource_{line.key}": _entry(line) for line in by_resource.lines},
        "busiest": [
            {
                "weekday": WEEKDAYS[each.weekday],
                "hour": f"{each.hour:02}",
                "booked_minutes": each.booked_minutes,
            }
            for each in busiest
        ],
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


def _entry(line: Line) -> dict[str, Any]:
    share = line.utilisation
    return {
        "open_minutes": line.open_seconds // MINUTE,
        "blocked_minutes": line.figures.blocked_seconds // MINUTE,
        "booked_minutes": line.figures.booked_seconds // MINUTE,
        "no_show_minutes": line.figures.no_show_seconds // MINUTE,
        "utilisation": None if share is None else round(share, 3),
    }
