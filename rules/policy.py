"""The policy of a location, and how the one in force for a customer is calculated from it (R20)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Values that rules judge by; minutes, days, seconds and counts as the names say."""

    can_book: bool = True
    min_duration_minutes: int = 60
    max_duration_minutes: int = 240
    advance_days: int = 14
    concurrent_limit: int = 2
    reschedule_limit: int = 2
    cutoff_minutes: int = 120
    buffer_minutes: int = 0
    hold_seconds: int = 120
