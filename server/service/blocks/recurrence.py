"""Recurrence: an RFC 5545 RRULE, read strictly, and the wall times that it gives (B2).

Belongs here: text in, wall times without a zone out, with a bound on the work whatever the text says. Does not belong here:
what instants those times are (``occurrences``).

``dateutil`` looks for the next match until the calendar ends, in the year 9999, which for a rule that never matches
(30 February, say) takes minutes. So it is asked in the last years of the calendar that look the same: the Gregorian
calendar repeats itself every 28 years but for most turns of a century, and every 400 years always. What is found there is
brought back. An endless search then ends after some thirty years.
"""

import datetime as dt
import re
from calendar import isleap
from collections.abc import Callable, Mapping
from functools import lru_cache
from itertools import islice
from typing import Any, Final, Literal, TypeAlias

from dateutil import rrule

from grid_engine.calendar_day import local_time

MOST_OCCURRENCES: Final = 1_000
LONGEST_TEXT: Final = 500
YEARS: Final = 2
"""How long after the first occurrence the last one may begin."""

Frequency: TypeAlias = Literal[0, 1, 2, 3, 4, 5, 6]
"""As ``dateutil`` numbers them, from years to seconds."""

_FREQUENCIES: Final[Mapping[str, Frequency]] = {
    "YEARLY": rrule.YEARLY,
    "MONTHLY": rrule.MONTHLY,
    "WEEKLY": rrule.WEEKLY,
    "DAILY": rrule.DAILY,
    "HOURLY": rrule.HOURLY,
}
_DAYS: Final[Mapping[str, rrule.weekday]] = {
    day: getattr(rrule, day) for day in ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
}
_LATEST_TWIN: Final = 9994
"""The last year behind which a window and the year after it fit into the calendar."""

_NUMBER = re.compile(r"[+-]?[0-9]{1,5}", flags=re.ASCII)
_WEEKDAY = re.compile(r"([+-]?[0-9]{1,2})?(MO|TU|WE|TH|FR|SA|SU)", flags=re.ASCII)
_UNTIL = re.compile(r"([0-9]{8})(?:T([0-9]{6})(Z)?)?", flags=re.ASCII)


class InvalidRecurrenceError(ValueError):
    """The text is no rule that a series can follow; the message says why, as it is told to people."""


@lru_cache(maxsize=256)
def wall_starts(text: str, first: dt.datetime, timezone: str) -> tuple[dt.datetime, ...]:
    """The wall times at which the rule's occurrences begin, in order: at least one, at most ``MOST_OCCURRENCES``.

    ``first`` is where the rule starts to be looked at; it is an occurrence if it matches the rule. ``timezone`` says what
    an UNTIL in UTC is on the wall. Some milliseconds; a few hundred at worst, which is why callers ask for it off the event
    loop first, and find it here when they hold locks.

    Raises:
        InvalidRecurrenceError: if the text is not such a rule, does not end in time, or never matches.
    """
    parts = _parts(text)
    frequency = _FREQUENCIES.get(parts.pop("FREQ", ""))
    if frequency is None:
        raise InvalidRecurrenceError(f"needs a FREQ: one of {', '.join(_FREQUENCIES)}")
    if ("COUNT" in parts) == ("UNTIL" in parts):
        raise InvalidRecurrenceError("must end: give it a COUNT or an UNTIL, and not both")
    if not 2 <= first.year <= _LATEST_TWIN:
        raise InvalidRecurrenceError("lies outside the calendar")
    count = _count(parts.pop("COUNT")) if "COUNT" in parts else None
    until = _until(parts.pop("UNTIL"), timezone) if "UNTIL" in parts else None
    latest = _last_moment(first)
    if until is not None and until > latest:
        raise InvalidRecurrenceError(f"must end within {YEARS} years")

    options = _options(frequency, parts)
    found = _search(frequency, first, until or latest, count or MOST_OCCURRENCES + 1, options)
    if not found:
        raise InvalidRecurrenceError(f"gives no occurrence within {YEARS} years")
    if len(found) > MOST_OCCURRENCES:
        raise InvalidRecurrenceError(f"gives more than {MOST_OCCURRENCES:,} occurrences")
    if count is not None and len(found) < count:
        raise InvalidRecurrenceError(f"must end within {YEARS} years")
    return found


def _parts(text: str) -> dict[str, str]:
    """The rule's parts by name, in capitals."""
    rule = text.strip().upper().removeprefix("RRULE:")
    if len(rule) > LONGEST_TEXT or not rule.isprintable():
        raise InvalidRecurrenceError("is not an RRULE")
    if ":" in rule or any(name in rule for name in ("DTSTART", "EXDATE", "RDATE", "EXRULE")):
        raise InvalidRecurrenceError("is one RRULE and nothing else: it starts at start_time")
    parts: dict[str, str] = {}
    for part in rule.split(";"):
        name, equals, value = part.partition("=")
        if not equals or not value:
            raise InvalidRecurrenceError("is not an RRULE, like FREQ=WEEKLY;BYDAY=MO;COUNT=10")
        if name in parts:
            raise InvalidRecurrenceError(f"has {name} more than once")
        parts[name] = value
    return parts


def _count(value: str) -> int:
    count = _number("COUNT", value, 1, 99_999)
    if count > MOST_OCCURRENCES:
        raise InvalidRecurrenceError(f"gives more than {MOST_OCCURRENCES:,} occurrences")
    return count


def _until(value: str, timezone: str) -> dt.datetime:
    """The last moment, on the wall: the end of a date, a wall time, or with a Z an instant (RFC 5545, 3.3.10)."""
    if match := _UNTIL.fullmatch(value):
        date, time, utc = match.groups()
        try:
            moment = dt.datetime.strptime(date + (time or "235959"), "%Y%m%d%H%M%S")  # noqa: DTZ007 -- wall time
        except ValueError:
            raise InvalidRecurrenceError("has an UNTIL that is no date of the calendar") from None
        return local_time(int(moment.replace(tzinfo=dt.UTC).timestamp()), timezone) if utc else moment
    raise InvalidRecurrenceError(
        "has an UNTIL that is not like 20271231, 20271231T180000 or 20271231T180000Z"
    )


def _last_moment(first: dt.datetime) -> dt.datetime:
    """The end of the day, years later, on which the last occurrence may begin."""
    leap_day = (first.month, first.day) == (2, 29)  # two years after a leap year is none
    month, day = (3, 1) if leap_day else (first.month, first.day)
    return dt.datetime(first.year + YEARS, month, day, 23, 59, 59)  # noqa: DTZ001 -- wall time


def _options(frequency: Frequency, parts: Mapping[str, str]) -> dict[str, Any]:
    """The remaining parts as ``dateutil`` takes them."""
    options: dict[str, Any] = {"wkst": rrule.MO}
    for name, value in parts.items():
        reader = _READERS.get(name)
        if reader is None:
            raise InvalidRecurrenceError(f"has {name[:20]}, which is not understood here")
        keyword, read = reader
        options[keyword] = read(name, value)
    _check_together(frequency, parts, options)
    return options


def _check_together(frequency: Frequency, parts: Mapping[str, str], options: Mapping[str, Any]) -> None:
    """What RFC 5545 forbids, or ``dateutil`` reads in another way than RFC 5545 does."""
    days = options.get("byweekday", ())
    numbered = [day for day in days if day.n]
    if numbered and (frequency > rrule.MONTHLY or "BYWEEKNO" in parts):
        raise InvalidRecurrenceError("has a BYDAY with a number, which only months and years can have")
    if numbered and len(numbered) < len(days):
        raise InvalidRecurrenceError("has a BYDAY of days with a number and days without")
    if "BYWEEKNO" in parts and frequency != rrule.YEARLY:
        raise InvalidRecurrenceError("has a BYWEEKNO, which only years can have")
    if "BYYEARDAY" in parts and frequency in (rrule.DAILY, rrule.WEEKLY, rrule.MONTHLY):
        raise InvalidRecurrenceError("has a BYYEARDAY, which days, weeks and months cannot have")
    if "BYMONTHDAY" in parts and frequency == rrule.WEEKLY:
        raise InvalidRecurrenceError("has a BYMONTHDAY, which weeks cannot have")
    if "BYSETPOS" in parts and not any(name.startswith("BY") and name != "BYSETPOS" for name in parts):
        raise InvalidRecurrenceError("has a BYSETPOS with nothing to choose from")


def _search(
    frequency: Frequency, first: dt.datetime, latest: dt.datetime, most: int, options: Mapping[str, Any]
) -> tuple[dt.datetime, ...]:
    """Up to ``most`` occurrences that do not begin after ``latest``, found among the years that look the same."""
    years = _twin(first.year) - first.year
    end = latest.replace(year=latest.year + years)
    found: list[dt.datetime] = []
    try:
        rule = rrule.rrule(frequency, dtstart=first.replace(year=first.year + years), **options)
        for start in islice(rule, most):
            if start > end:
                break
            found.append(start.replace(year=start.year - years))
    except (ValueError, OverflowError):
        pass  # hours that the interval never meets, or the end of the calendar: there are no more
    return tuple(found)


def _twin(year: int) -> int:
    """The last year that, with the one before it and the three after it, has the same days of the week."""
    wanted = _looks(year)
    return next(twin for twin in range(_LATEST_TWIN, 1, -1) if _looks(twin) == wanted)


def _looks(year: int) -> tuple[tuple[int, bool], ...]:
    return tuple((dt.date(each, 1, 1).weekday(), isleap(each)) for each in range(year - 1, year + 4))


def _number(name: str, value: str, least: int, most: int) -> int:
    number = int(value) if _NUMBER.fullmatch(value) else None
    if number is None or not least <= number <= most or (least < 0 and number == 0):
        limits = f"{least} to {most}" if least >= 0 else f"1 to {most}, or -1 to {least}"
        raise InvalidRecurrenceError(f"has a {name} that is not a number from {limits}")
    return number


def _numbers(least: int, most: int) -> Callable[[str, str], list[int]]:
    def read(name: str, value: str) -> list[int]:
        return [_number(name, each, least, most) for each in value.split(",")]

    return read


def _weekdays(name: str, value: str) -> list[rrule.weekday]:
    days = []
    for each in value.split(","):
        match = _WEEKDAY.fullmatch(each)
        if match is None:
            raise InvalidRecurrenceError(f"has a {name} that is not a list of days, like MO,TU or -1FR")
        number, day = match.groups()
        days.append(_DAYS[day](_number(name, number, -53, 53)) if number else _DAYS[day])
    return days


def _week_start(name: str, value: str) -> rrule.weekday:
    if value not in _DAYS:
        raise InvalidRecurrenceError(f"has a {name} that is no day of the week")
    return _DAYS[value]


_READERS: Final[Mapping[str, tuple[str, Callable[[str, str], Any]]]] = {
    "INTERVAL": ("interval", lambda name, value: _number(name, value, 1, 10_000)),
    "WKST": ("wkst", _week_start),
    "BYMONTH": ("bymonth", _numbers(1, 12)),
    "BYWEEKNO": ("byweekno", _numbers(-53, 53)),
    "BYYEARDAY": ("byyearday", _numbers(-366, 366)),
    "BYMONTHDAY": ("bymonthday", _numbers(-31, 31)),
    "BYDAY": ("byweekday", _weekdays),
    "BYHOUR": ("byhour", _numbers(0, 23)),
    "BYMINUTE": ("byminute", _numbers(0, 59)),
    "BYSETPOS": ("bysetpos", _numbers(-366, 366)),
}
"""Parts → keyword of ``dateutil`` and how its value is read. No BYSECOND: the grid has no seconds."""
