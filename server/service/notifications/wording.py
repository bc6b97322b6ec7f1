"""What messages say: the one place for their words.

Belongs here: subjects and bodies, in English, with times as the clocks at the location show them. Does not belong here:
whom they go to (``addressing``). A body is short enough for an SMS, and an email says the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from typing import Literal, TypeAlias

from grid_engine.calendar_day import local_time, wall_time
from grid_engine.interval import MINUTE, Instant, Interval

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """What a message says; the subject is an email's alone."""

    subject: str
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """What there is to say of a booking: what is booked, where, when, and the code that the guest reads out."""

    location: str
    timezone: str
    resource: str
    interval: Interval
    code: str


def confirmation(occasion: Occasion) -> Wording:
    """A booking is confirmed."""
    return Wording(
        subject=f"Your booking at {occasion.location} on {_date(occasion.interval.start, occasion.timezone)}",
        body=f"Booked: {_what(occasion)}. Your code is {occasion.code}.",
    )


def cancellation(occasion: Occasion, *, reason: str | None = None) -> Wording:
    """A booking was cancelled; ``reason`` is why, where the guest is to know (a block, say), without a full stop."""
    why = f" because {reason.strip().rstrip('.')}" if reason and reason.strip() else ""
    return Wording(
        subject=f"Cancelled: your booking at {occasion.location} on "
        f"{_date(occasion.interval.start, occasion.timezone)}",
        body=f"Your booking was cancelled{why}: {_what(occasion)}.",
    )


def code_message(purpose: str, code: str) -> Wording:
    """A one-time code, and what it is for: ``sign_in`` or ``reset``."""
    use = "to set a new password" if purpose == "reset" else "to sign in"
    return Wording(
        subject="Your code for Baygrid",
        body=f"{code} is your code {use} at Baygrid. It is good for ten minutes. Tell it to nobody; "
        "if you did not ask for it, there is nothing to do.",
    )


NoCode: TypeAlias = Literal["no_account", "closed", "password_only", "another_address"]
"""Why somebody who asked for a code gets a message without one."""

_NO_CODE: Mapping[NoCode, str] = {
    "no_account": "there is no account with this address. Sign in by a code, and there will be one",
    "closed": "the account with this address is closed. The front desk can tell you more",
    "password_only": "this account signs in by its password. If it is lost, ask for a new one where you sign in",
    "another_address": "this address cannot be told apart from another account's. Use another one",
}


def no_code_message(reason: NoCode) -> Wording:
    """Instead of a code, to the address alone: why there is none."""
    return Wording(
        subject="You asked for a code for Baygrid",
        body=f"A code for Baygrid was asked for, but {_NO_CODE[reason]}. If it was not you, there is nothing to do.",
    )


def when(interval: Interval, timezone: str) -> str:
    """The interval as clocks at the location show it: ``Saturday 5 June 2027, 10:00–11:00``.

    The end's date is told where it is another; an hour that the clocks show twice that night says its offset from UTC.
    """
    start, end = local_time(interval.start, timezone), local_time(interval.end, timezone)
    first = f"{_date(interval.start, timezone)}, {_clock(interval.start, timezone)}"
    last = _clock(interval.end, timezone)
    if start.date() == end.date():
        return f"{first}–{last}"
    return f"{first} to {_date(interval.end, timezone)}, {last}"


def _what(occasion: Occasion) -> str:
    return f"{occasion.resource} at {occasion.location}, {when(occasion.interval, occasion.timezone)}"


def _date(instant: Instant, timezone: str) -> str:
    local = local_time(instant, timezone)
    return f"{_DAYS[local.weekday()]} {local.day} {_MONTHS[local.month - 1]} {local.year}"


def _clock(instant: Instant, timezone: str) -> str:
    local = local_time(instant, timezone)
    shown = f"{local.hour:02}:{local.minute:02}"
    if len(wall_time(local, timezone)) == 1:
        return shown
    offset = int(local.replace(tzinfo=UTC).timestamp()) - instant
    hours, minutes = divmod(abs(offset) // MINUTE, 60)
    return f"{shown} (UTC{'−' if offset < 0 else '+'}{hours:02}:{minutes:02})"
