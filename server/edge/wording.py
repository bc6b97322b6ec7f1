"""What a violation says to a person: one sentence for each code, from its parameters.

Belongs here: English. Does not belong here: which violations there are, or how they are rendered (``problems``). A
parameter that is missing makes a sentence shorter, never an error.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

Params: TypeAlias = Mapping[str, Any]


def violation_message(code: str, params: Params) -> str:
    """One or two plain sentences; for a code this release does not know, a general one."""
    wording = _WORDINGS.get(code)
    return wording(params) if wording else "This is not possible."


def _count(number: object, one: str) -> str:
    return f"{number} {one}" if number == 1 else f"{number} {one}s"


def minutes_in_words(minutes: object) -> str:
    """``90`` as ``1 hour 30 minutes``."""
    if not isinstance(minutes, int) or isinstance(minutes, bool) or minutes < 0:
        return f"{minutes} minutes"
    hours, rest = divmod(minutes, 60)
    parts = [_count(hours, "hour")] * (hours > 0) + [_count(rest, "minute")] * (rest > 0 or hours == 0)
    return " ".join(parts)


def _with(params: Params, key: str, sentence: Callable[[Any], str], otherwise: str) -> str:
    value = params.get(key)
    return otherwise if value is None else sentence(value)


def _min_duration(params: Params) -> str:
    return _with(
        params,
        "minimum",
        lambda minimum: f"A booking here lasts at least {minutes_in_words(minimum)}.",
        "The booking is too short.",
    )


def _max_duration(params: Params) -> str:
    return _with(
        params,
        "maximum",
        lambda maximum: f"A booking here lasts at most {minutes_in_words(maximum)}.",
        "The booking is too long.",
    )


def _advance_window(params: Params) -> str:
    return _with(
        params,
        "days",
        lambda days: f"Bookings open {_count(days, 'day')} ahead; this is too far off.",
        "This is too far ahead to be booked yet.",
    )


def _concurrent_limit(params: Params) -> str:
    return _with(
        params,
        "limit",
        lambda limit: (
            f"Only {_count(limit, 'upcoming booking')} at a time; cancel one, or let one pass, to make another."
            if limit
            else "No bookings can be made for this customer here."
        ),
        "There are too many upcoming bookings already.",
    )


def _reschedule_limit(params: Params) -> str:
    return _with(
        params,
        "limit",
        lambda limit: (
            f"A booking can be moved {_count(limit, 'time')}, and this one has been."
            if limit
            else "Bookings cannot be moved here."
        ),
        "This booking cannot be moved any more.",
    )


def _cutoff(params: Params) -> str:
    return _with(
        params,
        "minutes",
        lambda minutes: f"Changes close {minutes_in_words(minutes)} before the start, which is now past.",
        "It is too close to the start to change this booking.",
    )


def _off_grid(params: Params) -> str:
    return _with(
        params,
        "slot_minutes",
        lambda minutes: (
            f"Bookings start and end on the slots of the grid, every {minutes_in_words(minutes)}."
        ),
        "Bookings start and end on the slots of the grid.",
    )


def _closed(params: Params) -> str:
    hours = params.get("hours")
    if not isinstance(hours, Mapping) or not hours:
        return "This is outside the opening hours."
    told = "; ".join(
        f"{_DAYS.get(day, day)} {' and '.join(f'{start} to {end}' for start, end in spans) or 'closed'}"
        for day, spans in hours.items()
    )
    return f"This is outside the opening hours: {told}."


def _blackout(params: Params) -> str:
    reasons = dict.fromkeys(each["reason"] for each in params.get("blackouts", ()) if each.get("reason"))
    return (
        f"This time is closed to bookings: {'; '.join(reasons)}."
        if reasons
        else "This time is closed to bookings."
    )


def _conflict(params: Params) -> str:
    buffer = params.get("buffer_minutes")
    if buffer:
        return f"This time is already taken, or too close to the next booking: {minutes_in_words(buffer)} stay free between."
    return "This time is already taken."


def _nonexistent(params: Params) -> str:
    return f"{_walls(params)} does not exist there: the clocks skip it on that day."


def _ambiguous(params: Params) -> str:
    return f"{_walls(params)} occurs twice there, as the clocks go back: say which by its offset from UTC."


def _walls(params: Params) -> str:
    walls = [str(each["wall"]).replace("T", " ")[:16] for each in params.get("times", ()) if "wall" in each]
    return " or ".join(walls) or "This time"


_DAYS = {
    "mon": "Monday",
    "tue": "Tuesday",
    "wed": "Wednesday",
    "thu": "Thursday",
    "fri": "Friday",
    "sat": "Saturday",
    "sun": "Sunday",
}


def violation_codes() -> tuple[str, ...]:
    """The codes that have a wording, in the order of the rules."""
    return tuple(_WORDINGS)


_WORDINGS: Mapping[str, Callable[[Params], str]] = {
    "not_permitted": lambda _: "This account may not book here.",
    "booking_ban": lambda _: "A ban on booking is in force for this account.",
    "location_denied": lambda _: "This account may not book at this location.",
    "off_grid": _off_grid,
    "past_start": lambda _: "The start has already passed.",
    "min_duration": _min_duration,
    "max_duration": _max_duration,
    "advance_window": _advance_window,
    "closed": _closed,
    "blackout": _blackout,
    "concurrent_limit": _concurrent_limit,
    "reschedule_limit": _reschedule_limit,
    "cutoff": _cutoff,
    "conflict": _conflict,
    "nonexistent_time": _nonexistent,
    "ambiguous_time": _ambiguous,
}
