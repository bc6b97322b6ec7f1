"""What refusals teach (R22): when of the week somebody keeps asking for what.

Belongs here: the measure of a week, and how often makes a habit. Does not belong here: keeping refusals, or what follows
from them for suggestions (``candidates``).
"""

from grid_engine.calendar_day import local_time
from grid_engine.interval import Instant

HOUR_MINUTES = 60
WEEK_MINUTES = 7 * 24 * HOUR_MINUTES

REMEMBERED_DAYS = 30
"""How far back a refusal counts."""

REPEATED = 3
"""As many refusals of the same wish make it one that the customer keeps asking for: fewer may be a slip of the hand."""


def minute_of_week(instant: Instant, timezone: str) -> int:
    """What the clocks of the zone show, in minutes since Monday's midnight: 0 to 10,079."""
    shown = local_time(instant, timezone)
    return (shown.weekday() * 24 + shown.hour) * HOUR_MINUTES + shown.minute
