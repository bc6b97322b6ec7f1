"""What is written as iCalendar is read back as it was, whatever places are called."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from icalendar import Calendar

from grid_engine.interval import Interval
from server.edge.icalendar import icalendar_of, icalendar_tag
from server.storage.calendar_feeds import FeedBooking
from server.storage.stored_booking import moment
from tests.conftest import NOON

INSTANTS = st.integers(0, 4_000_000_000)
NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=200)


@st.composite
def bookings(draw):
    start = draw(INSTANTS)
    return FeedBooking(
        id=str(draw(st.uuids())),
        cancelled=draw(st.booleans()),
        interval=Interval(start, start + draw(st.integers(60, 100_000))),
        resource_name=draw(NAMES | st.sampled_from(["a;b,c\\n\\", "BEGIN:VEVENT\r\nUID:x", "é" * 90])),
        location_name=draw(NAMES),
        created_at=draw(INSTANTS),
        updated_at=draw(INSTANTS),
        changes=draw(st.integers(0, 1000)),
    )


def shown(text):
    """On one line, as every calendar shows a title."""
    return " ".join("".join(each if each.isprintable() or each.isspace() else "" for each in text).split())


@given(st.lists(bookings(), max_size=4))
def test_a_calendar_is_read_back_as_it_was_written(written):
    raw = icalendar_of(written)
    assert raw.endswith(b"\r\n")
    assert all(len(line) <= 75 and b"\n" not in line and b"\r" not in line for line in raw.split(b"\r\n"))
    calendar = Calendar.from_ical(raw)
    assert (calendar["VERSION"], "METHOD" in calendar) == ("2.0", False)
    read: list[Any] = list(calendar.events)
    assert len(read) == len(written)
    for event, booking in zip(read, written, strict=True):
        assert (str(event["UID"]), event["SEQUENCE"]) == (booking.id, booking.changes)
        assert event["STATUS"] == ("CANCELLED" if booking.cancelled else "CONFIRMED")
        assert event.start == moment(booking.interval.start)
        assert event.end == moment(booking.interval.end)
        assert event["LAST-MODIFIED"].dt == event["DTSTAMP"].dt == moment(booking.updated_at)
        assert event["CREATED"].dt == moment(booking.created_at)
        # What cannot be printed is left to the writer; all else is there.
        assert shown(str(event["LOCATION"])) == shown(booking.location_name)
        assert shown(str(event["SUMMARY"])) == shown(f"{booking.resource_name}, {booking.location_name}")
        assert event.errors == []


@given(bookings(), bookings())
def test_the_tag_tells_calendars_apart(one, other):
    assert icalendar_tag([one]) == icalendar_tag([one])
    assert (icalendar_tag([one]) == icalendar_tag([other])) == (one == other)
    assert icalendar_tag([]) != icalendar_tag([one])


def test_times_are_in_utc():
    booking = FeedBooking(
        id="018f0000-0000-7000-8000-000000000000",
        cancelled=False,
        interval=Interval(NOON, NOON + 3600),
        resource_name="Bay 1",
        location_name="Fairway",
        created_at=NOON,
        updated_at=NOON,
        changes=0,
    )
    lines = icalendar_of([booking]).decode().split("\r\n")
    assert {"DTSTART:20270601T120000Z", "DTEND:20270601T130000Z", "SUMMARY:Bay 1\\, Fairway"} <= set(lines)
