"""What the analyses reckon alike: middles, rates, hours of the week.

Belongs here: pure arithmetic. Does not belong here: which figures an analysis has.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any, TypeAlias

from grid_engine.calendar_day import local_time
from grid_engine.interval import HOUR, Instant
from rules.policy import LocationPolicy
from rules.policy_values import WEEKDAYS
from server.service.insights.answers import Kind
from server.service.insights.tokens import Tokens
from server.storage.histories import PastBooking
from server.storage.refusals import Pattern

Figures: TypeAlias = Mapping[str, Any]

POLICY_KEYS = (
    "min_duration_minutes",
    "max_duration_minutes",
    "advance_days",
    "concurrent_limit",
    "reschedule_limit",
    "cutoff_minutes",
    "buffer_minutes",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """All that an analysis gathered: what Claude is given (``figures`` and ``bookings``), and what stays here.

    ``subject`` says what was asked, ``claims`` the names of those who claim a time.
    """

    kind: Kind
    subject: Mapping[str, Any]
    figures: Figures
    bookings: Sequence[Mapping[str, Any]]
    tokens: Tokens
    location_id: int | None = None
    user_id: int | None = None
    claims: Sequence[str] = field(default=())


def hours_between(earlier: Instant, later: Instant) -> float:
    """Hours, to the tenth; never less than none."""
    return round(max(0, later - earlier) / HOUR, 1)


def middle(values: Iterable[float]) -> float | None:
    """The median, to the tenth; None of nothing."""
    found = list(values)
    return round(median(found), 1) if found else None


def rate(part: int, whole: int) -> float | None:
    """A share of one, to the thousandth; None of nothing."""
    return round(part / whole, 3) if whole else None


def weekday_of(instant: Instant, timezone: str) -> str:
    """``mon`` to ``sun``, on the wall there."""
    return WEEKDAYS[local_time(instant, timezone).weekday()]


def hour_of(instant: Instant, timezone: str) -> str:
    """``00`` to ``23``, on the wall there."""
    return f"{local_time(instant, timezone).hour:02}"


def notice_of(booking: PastBooking) -> float | None:
    """How many hours ahead it was cancelled; None if it was not."""
    return (
        None if booking.cancelled_at is None else hours_between(booking.cancelled_at, booking.interval.start)
    )


def refusal_figures(patterns: Iterable[Pattern]) -> Sequence[Figures]:
    """What rules refused over and over (R22), the most frequent first; the rule, the place and the hour of the week."""
    return [
        {
            "rule": pattern.code,
            "resource": f"resource_{pattern.resource_id}",
            "weekday": WEEKDAYS[pattern.hour_of_week // 24],
            "hour": f"{pattern.hour_of_week % 24:02}",
            "times": pattern.frequency,
        }
        for pattern in patterns
    ]


def policy_figures(policy: LocationPolicy) -> Figures:
    """The numbers of a location's policy, without what tiers and tags set in their place."""
    return {key: getattr(policy.values, key) for key in POLICY_KEYS}
