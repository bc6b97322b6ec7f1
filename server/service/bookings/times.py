"""The interval that a command names, whether by instants or by wall time at the location (T3)."""

from datetime import datetime

from grid_engine.interval import DAY, Instant, Interval
from rules.local_time import UnknownTimes, resolve_times
from rules.model import Suggestion
from server.errors import Fault, Malformed, Refused

LONGEST = 366 * DAY
"""Rules look at every day that an interval touches; nothing that can be booked or blocked at once is longer."""


def interval_of(
    start: Instant | datetime, end: Instant | datetime, resource_id: int, timezone: str
) -> Interval:
    """The interval ``[start, end)``.

    Raises:
        Refused: if a wall time does not exist or occurs twice, with what it may have meant.
        Malformed: if the end is not after the start, or more than a year after it.
    """
    times = resolve_times(start, end, timezone)
    if isinstance(times, UnknownTimes):
        raise Refused(
            times.violations,
            [Suggestion(resource_id=resource_id, interval=reading) for reading in times.readings],
        )
    if times[1] <= times[0]:
        raise Malformed(faults=[Fault("/end_time", "must be after start_time")])
    if times[1] - times[0] > LONGEST:
        raise Malformed(faults=[Fault("/end_time", f"must be within {LONGEST // DAY} days of start_time")])
    return Interval(*times)
