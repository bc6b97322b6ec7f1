"""The interval that a command names, whether by instants or by wall time at the location (T3)."""

from datetime import datetime

from grid_engine.interval import Instant, Interval
from rules.local_time import UnknownTimes, resolve_times
from rules.model import Suggestion
from server.errors import Fault, Malformed, Refused


def interval_of(
    start: Instant | datetime, end: Instant | datetime, resource_id: int, timezone: str
) -> Interval:
    """The interval ``[start, end)``.

    Raises:
        Refused: if a wall time does not exist or occurs twice, with what it may have meant.
        Malformed: if the end is not after the start.
    """
    times = resolve_times(start, end, timezone)
    if isinstance(times, UnknownTimes):
        raise Refused(
            times.violations,
            [Suggestion(resource_id=resource_id, interval=reading) for reading in times.readings],
        )
    if times[1] <= times[0]:
        raise Malformed(faults=[Fault("/end_time", "must be after start_time")])
    return Interval(*times)
