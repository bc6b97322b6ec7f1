"""Wall times that people wrote without an offset (T3).

Violations from here stand alone: no rule is judged on a time that is not known.

Belongs here: making instants of wall times, or saying why that cannot be done. Does not belong here: zone arithmetic
itself (``grid_engine.calendar_day``) and parsing.
"""

from dataclasses import dataclass
from datetime import datetime
from itertools import product

from grid_engine.calendar_day import LAST_INSTANT, next_existing, wall_time
from grid_engine.interval import DAY, Instant, Interval
from rules.model import Violation


@dataclass(frozen=True, slots=True)
class UnknownTimes:
    """Why an interval is not known, and what it may have meant: what to suggest, earliest first."""

    violations: tuple[Violation, ...]
    readings: tuple[Interval, ...]


def resolve(local: datetime, timezone: str, field: str = "start_time") -> Instant | Violation:
    """The one instant at which wall clocks of the zone show ``local``.

    Else the violation ``nonexistent_time`` (params ``times``: ``[{field, wall, next_time}]``) or ``ambiguous_time``
    (``[{field, wall, reading_times}]``), where ``wall`` is ``local`` in ISO 8601 and ``field`` is given back as it came.

    Raises:
        ValueError: for an unknown zone, or a ``local`` that has one already.
    """
    readings = wall_time(local, timezone)
    if len(readings) == 1:
        return readings[0]
    told = {"field": field, "wall": local.isoformat()}
    if readings:
        return Violation(code="ambiguous_time", params={"times": [told | {"reading_times": list(readings)}]})
    return Violation(
        code="nonexistent_time", params={"times": [told | {"next_time": next_existing(local, timezone)}]}
    )


def resolve_times(
    start: datetime | Instant, end: datetime | Instant, timezone: str
) -> tuple[Instant, Instant] | UnknownTimes:
    """Start and end as instants, each given as one or as a wall time; whether the end is the later one is not looked at.

    Unknown times are told in one violation per code, whose ``times`` name ``start_time``, ``end_time`` or both. The readings
    hold every combination of the possible ones in which the end is later. In place of a time that does not exist stands the
    next that does; a start that is put off so takes the end along, if that is a wall time too, by as much as the clocks show
    between the two: 02:30 to 03:30, over a gap from 02:00 to 03:00, becomes 03:00 to 04:00.

    Raises:
        ValueError: for an unknown zone, or a ``datetime`` that has one already.
    """
    resolved = [
        resolve(time, timezone, field) if isinstance(time, datetime) else time
        for time, field in ((start, "start_time"), (end, "end_time"))
    ]
    known_start, known_end = resolved
    if not isinstance(known_start, Violation) and not isinstance(known_end, Violation):
        return known_start, known_end
    starts, ends = (_candidates(each) for each in resolved)
    if isinstance(start, datetime) and isinstance(end, datetime) and _is_nonexistent(known_start):
        apart = end - start
        ends = [starts[0] + apart.days * DAY + apart.seconds]
    return UnknownTimes(
        violations=tuple(_joined([each for each in resolved if isinstance(each, Violation)])),
        readings=tuple(
            Interval(first, last) for first, last in product(starts, ends) if first < last <= LAST_INSTANT
        ),
    )


def _candidates(resolved: Instant | Violation) -> list[Instant]:
    if not isinstance(resolved, Violation):
        return [resolved]
    time = resolved.params["times"][0]
    return list(time["reading_times"]) if "reading_times" in time else [time["next_time"]]


def _is_nonexistent(resolved: Instant | Violation) -> bool:
    return isinstance(resolved, Violation) and resolved.code == "nonexistent_time"


def _joined(violations: list[Violation]) -> list[Violation]:
    """One violation for several of the same code."""
    times: dict[str, list[object]] = {}
    for violation in violations:
        times.setdefault(violation.code, []).extend(violation.params["times"])
    return [Violation(code=code, params={"times": told}) for code, told in times.items()]
