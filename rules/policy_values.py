"""The values that rules judge by, and those that a tier or a tag may set in their place.

Belongs here: plain values and which of two is the more generous. Does not belong here: how they combine
(``policy``) or how they are written as JSON (``policy_document``).
"""

from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeAlias

OpenSpan: TypeAlias = tuple[int, int]
"""Half-open local wall time in minutes after midnight: ``0 <= start < end <= 1440``."""

OpeningHours: TypeAlias = tuple[tuple[OpenSpan, ...], ...]
"""Seven days, Monday first: the spans of each in order, not overlapping; a day without any is closed."""

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
"""How days of the week are named wherever a policy is written; the index is that of ``OpeningHours``."""

DAY_MINUTES = 1440


class Tier(Enum):
    """Membership tiers, which come from HubSpot (H3)."""

    BRONZE = "BRONZE"
    SILVER = "SILVER"
    GOLD = "GOLD"
    PLATINUM = "PLATINUM"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Values that rules judge by; minutes, days, seconds and counts as the names say. Hashable.

    ``opening_hours`` is local wall time; None is open around the clock.
    """

    can_book: bool = True
    min_duration_minutes: int = 60
    max_duration_minutes: int = 240
    advance_days: int = 14
    concurrent_limit: int = 2
    reschedule_limit: int = 2
    cutoff_minutes: int = 120
    buffer_minutes: int = 0
    hold_seconds: int = 120
    opening_hours: OpeningHours | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Overrides:
    """What a tier or a tag sets in place of the location's value; None leaves it as it is."""

    can_book: bool | None = None
    min_duration_minutes: int | None = None
    max_duration_minutes: int | None = None
    advance_days: int | None = None
    concurrent_limit: int | None = None
    reschedule_limit: int | None = None
    cutoff_minutes: int | None = None

    def values(self) -> dict[str, Any]:
        """The keys that are set, with their values."""
        return {key: value for key in OVERRIDE_KEYS if (value := getattr(self, key)) is not None}


OVERRIDE_KEYS = tuple(Overrides.__slots__)
"""The policy keys that tiers and tags may set (R20)."""

LESS_IS_MORE = frozenset({"min_duration_minutes", "cutoff_minutes"})
"""Keys whose smaller value is the more generous one; of all others it is the larger, True above False."""


def more_generous(key: str, one: int, other: int) -> int:
    """The one of two values of a policy key that lets a customer do more."""
    return min(one, other) if key in LESS_IS_MORE else max(one, other)
