"""Bookings as a calendar reads them: iCalendar (RFC 5545).

Belongs here: which property says what. Does not belong here: which bookings (``service.calendar_feeds``).

A calendar that subscribes tells entries apart by their UID, and takes the one of the higher SEQUENCE, so both come from what
never changes or only grows. There is no METHOD: this is a calendar to look at, no invitation, and DTSTAMP is then the time
of the last change (3.8.7.2).
"""

import hashlib
import unicodedata
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from icalendar import Calendar, Event

from server.storage.calendar_feeds import FeedBooking
from server.storage.stored_booking import moment

PRODUCT = "-//Baygrid//Bookings//EN"
REFRESH = timedelta(minutes=15)
FORM = 1
"""To be counted up when the same bookings come to be written otherwise, so that calendars read them anew."""


def icalendar_tag(bookings: Sequence[FeedBooking]) -> str:
    """An entity tag: another one whenever ``icalendar_of`` would write anything else. Costs next to nothing."""
    return hashlib.sha256(repr((FORM, list(bookings))).encode()).hexdigest()[:32]


def icalendar_of(bookings: Sequence[FeedBooking]) -> bytes:
    """The bookings as a calendar. Takes half a millisecond for each."""
    calendar = Calendar()
    for name, value in (
        ("prodid", PRODUCT),
        ("version", "2.0"),
        ("name", "Baygrid"),
        ("x-wr-calname", "Baygrid"),
    ):
        calendar.add(name, value)
    calendar.add("refresh-interval", REFRESH, parameters={"VALUE": "DURATION"})
    for booking in bookings:
        calendar.add_component(_event(booking))
    written: bytes = calendar.to_ical()
    return written


def _event(booking: FeedBooking) -> Event:
    event = Event()
    properties: tuple[tuple[str, Any], ...] = (
        ("uid", booking.id),
        ("sequence", booking.changes),
        ("status", "CANCELLED" if booking.cancelled else "CONFIRMED"),
        ("dtstamp", moment(booking.updated_at)),
        ("created", moment(booking.created_at)),
        ("last-modified", moment(booking.updated_at)),
        ("dtstart", moment(booking.interval.start)),
        ("dtend", moment(booking.interval.end)),
        ("summary", _line(f"{booking.resource_name}, {booking.location_name}")),
        ("location", _line(booking.location_name)),
    )
    for name, value in properties:
        event.add(name, value)
    return event


def _line(text: str) -> str:
    """The text on one line and without what RFC 5545 has no way to write."""
    return "".join(each for each in " ".join(text.split()) if unicodedata.category(each) != "Cc")
