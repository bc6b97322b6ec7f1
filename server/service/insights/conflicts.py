"""Who has claims to one time, and how they kept to earlier ones: the figures.

Belongs here: pure functions of claims and past bookings. Does not belong here: who is in the right (Claude, and people).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from grid_engine.calendar_day import local_time
from grid_engine.interval import DAY, MINUTE, Instant
from server.service.insights.figures import Figures, notice_of, weekday_of
from server.service.insights.tokens import Tokens
from server.storage.histories import PastBooking

LATE_HOURS = 24
"""Who cancels later than that leaves little time for others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimant:
    """Somebody who claims a time: by a booking, or because somebody says so (``booking`` None).

    ``user_id`` None is a visitor, of whom nothing else is known; ``history`` are the customer's other bookings.
    """

    who: tuple[str, int | str]
    """Tells claimants apart."""
    name: str
    user_id: int | None
    tier: str | None
    member_since: Instant | None
    booking: PastBooking | None
    history: Sequence[PastBooking]


def conflict_figures(
    claimants: Sequence[Claimant], policy: Figures, tokens: Tokens, *, now: Instant
) -> Figures:
    """``claim_1`` and so on, in the order given, and the policy's numbers. People are tokens."""
    claims = {
        f"claim_{number}": _claim(claimant, tokens, now) for number, claimant in enumerate(claimants, 1)
    }
    return {**claims, "policy": policy}


def contested(claimants: Sequence[Claimant]) -> list[Mapping[str, Any]]:
    """The bookings by which the time is claimed."""
    return [
        {
            "id": claimant.booking.id,
            "claim": f"claim_{number}",
            "status": claimant.booking.status,
            "resource": f"resource_{claimant.booking.resource_id}",
            "starts": local_time(claimant.booking.interval.start, claimant.booking.timezone).strftime(
                "%Y-%m-%d %H:%M"
            ),
            "weekday": weekday_of(claimant.booking.interval.start, claimant.booking.timezone),
            "minutes": claimant.booking.interval.seconds // MINUTE,
        }
        for number, claimant in enumerate(claimants, 1)
        if claimant.booking is not None
    ]


def _claim(claimant: Claimant, tokens: Tokens, now: Instant) -> Mapping[str, Any]:
    booking, history = claimant.booking, claimant.history
    notices = [notice for each in history if (notice := notice_of(each)) is not None]
    return {
        "customer": tokens.of("customer", claimant.who, claimant.name),
        "has_account": claimant.user_id is not None,
        "tier": claimant.tier,
        "member_for_days": None if claimant.member_since is None else (now - claimant.member_since) // DAY,
        "booked_at": None if booking is None else _day_and_time(booking.created_at, booking.timezone),
        "moved": None if booking is None else booking.reschedule_count,
        "other_bookings": len(history),
        "completed": sum(each.status == "completed" for each in history),
        "no_shows": sum(each.status == "no_show" for each in history),
        "cancelled": len(notices),
        f"cancelled_within_{LATE_HOURS}_hours": sum(notice < LATE_HOURS for notice in notices),
    }


def _day_and_time(instant: Instant, timezone: str) -> str:
    return local_time(instant, timezone).strftime("%Y-%m-%d %H:%M:%S")
