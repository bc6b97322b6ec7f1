"""How a customer cancels: the figures, and the bookings worth naming.

Belongs here: pure functions of their past bookings. Does not belong here: what they mean (Claude, and people).
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from grid_engine.calendar_day import local_time
from grid_engine.interval import DAY, MINUTE, Instant
from server.service.insights.figures import (
    Figures,
    hour_of,
    hours_between,
    middle,
    notice_of,
    rate,
    weekday_of,
)
from server.service.insights.tokens import Tokens
from server.storage.histories import PastBooking

MOST_NAMED = 100
"""So many bookings are given one by one, the newest; the figures count all."""
RECENT_DAYS = 90
AGAIN_SECONDS = DAY
"""Who books within a day of cancelling moved, rather than lost interest."""
_NOTICES = ((2, "under_2_hours"), (24, "2_to_24_hours"), (72, "24_to_72_hours"))
_LONGEST_NOTICE = "over_72_hours"


def cancellation_figures(bookings: Sequence[PastBooking], *, now: Instant) -> Figures:
    """The figures of one customer's bookings, which are in order of their starts."""
    cancelled = [booking for booking in bookings if booking.status == "cancelled"]
    no_shows = [booking for booking in bookings if booking.status == "no_show"]
    upcoming = [
        booking for booking in bookings if booking.status == "confirmed" and booking.interval.end > now
    ]
    kept = [booking for booking in bookings if booking.status in ("confirmed", "completed")]
    own = sum(booking.cancelled_by == booking.user_id for booking in cancelled)
    notices = [notice for booking in cancelled if (notice := notice_of(booking)) is not None]
    recent = now - RECENT_DAYS * DAY
    return {
        "bookings": len(bookings),
        "upcoming": len(upcoming),
        "cancelled": len(cancelled),
        "cancelled_by_themselves": own,
        "cancelled_by_others": len(cancelled) - own,
        "no_shows": len(no_shows),
        "cancellation_rate": rate(len(cancelled), len(bookings) - len(upcoming)),
        "no_show_rate": rate(len(no_shows), len(bookings) - len(upcoming)),
        "moved": sum(booking.reschedule_count for booking in bookings),
        "longest_run_of_no_shows": _longest_run(bookings, now),
        f"last_{RECENT_DAYS}_days": {
            "cancelled": sum((booking.cancelled_at or 0) >= recent for booking in cancelled),
            "no_shows": sum(booking.interval.start >= recent for booking in no_shows),
        },
        "notice_hours": {
            "median": middle(notices),
            "shortest": min(notices, default=None),
            "longest": max(notices, default=None),
        },
        "notice": _by_notice(notices),
        "booked_ahead_hours": {
            "of_cancelled": middle(_ahead(booking) for booking in cancelled),
            "of_kept": middle(_ahead(booking) for booking in kept),
        },
        "booked_again_within_a_day": _booked_again(bookings, cancelled),
        "by_weekday": _by(bookings, weekday_of),
        "by_hour": _by(bookings, hour_of),
        "same_reason_given": max(
            Counter(booking.cancel_reason for booking in cancelled if booking.cancel_reason).values(),
            default=0,
        ),
    }


def named_bookings(bookings: Sequence[PastBooking], tokens: Tokens) -> list[Mapping[str, Any]]:
    """The newest bookings, one by one; words are tokens, and nobody is named."""
    return [_named(booking, tokens) for booking in bookings[-MOST_NAMED:]]


def _named(booking: PastBooking, tokens: Tokens) -> Mapping[str, Any]:
    reason = booking.cancel_reason
    if booking.status != "cancelled":
        cancelled_by = None
    else:
        cancelled_by = "customer" if booking.cancelled_by == booking.user_id else "venue"
    return {
        "id": booking.id,
        "status": booking.status,
        "starts": local_time(booking.interval.start, booking.timezone).strftime("%Y-%m-%d %H:%M"),
        "weekday": weekday_of(booking.interval.start, booking.timezone),
        "minutes": booking.interval.seconds // MINUTE,
        "booked_ahead_hours": _ahead(booking),
        "moved": booking.reschedule_count,
        "attended": booking.attended,
        "cancelled_ahead_hours": notice_of(booking),
        "cancelled_by": cancelled_by,
        "reason": tokens.of("reason", reason, reason) if reason else None,
    }


def _ahead(booking: PastBooking) -> float:
    return hours_between(booking.created_at, booking.interval.start)


def _by_notice(notices: Sequence[float]) -> dict[str, int]:
    counted = Counter(
        next((name for limit, name in _NOTICES if notice < limit), _LONGEST_NOTICE) for notice in notices
    )
    return {name: counted[name] for name in (*(name for _, name in _NOTICES), _LONGEST_NOTICE)}


def _booked_again(bookings: Sequence[PastBooking], cancelled: Sequence[PastBooking]) -> int:
    made = sorted(booking.created_at for booking in bookings)
    return sum(
        bisect_right(made, booking.cancelled_at) < bisect_right(made, booking.cancelled_at + AGAIN_SECONDS)
        for booking in cancelled
        if booking.cancelled_at is not None
    )


def _longest_run(bookings: Sequence[PastBooking], now: Instant) -> int:
    """Of bookings that were not cancelled and are over: how many one after another they did not come to."""
    longest = run = 0
    for booking in bookings:
        if booking.status == "no_show":
            run += 1
            longest = max(longest, run)
        elif booking.status == "completed" or (booking.status == "confirmed" and booking.interval.end <= now):
            run = 0
    return longest


def _by(bookings: Sequence[PastBooking], key: Callable[[Instant, str], str]) -> dict[str, dict[str, int]]:
    counted: dict[str, dict[str, int]] = {}
    for booking in bookings:
        name = key(booking.interval.start, booking.timezone)
        entry = counted.setdefault(name, {"bookings": 0, "cancelled": 0, "no_shows": 0})
        entry["bookings"] += 1
        entry["cancelled"] += booking.status == "cancelled"
        entry["no_shows"] += booking.status == "no_show"
    return dict(sorted(counted.items()))
