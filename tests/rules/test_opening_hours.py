"""R9 against an oracle that looks at a wall clock every minute."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grid_engine.interval import DAY, HOUR, MINUTE, Interval
from rules.opening_hours import closed_spans, is_open, open_spans
from tests.rules.venues import CLOCK_CHANGES, NEW_YORK, local, opening_hours

ALL_DAY = ((0, 1440),)
NIGHT = ((1320, 1440),)
CHANGES = [
    *(
        (zone, int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()))
        for zone, day in CLOCK_CHANGES
    ),
    # Clocks set back from 00:01 to 23:01: midnight occurs twice, and the evening before it.
    ("America/St_Johns", int(datetime(2010, 11, 7, tzinfo=UTC).timestamp())),
    # A whole date skipped.
    ("Pacific/Apia", int(datetime(2011, 12, 30, 10, tzinfo=UTC).timestamp())),
]


def open_minutes(interval, hours, timezone):
    zone = ZoneInfo(timezone)
    for instant in range(interval.start, interval.end, MINUTE):
        shown = datetime.fromtimestamp(instant, zone)
        minute = shown.hour * 60 + shown.minute
        yield any(start <= minute < end for start, end in hours[shown.weekday()])


@settings(deadline=None)
@given(st.sampled_from(CHANGES), opening_hours(15), st.integers(-36 * 60, 36 * 60), st.integers(1, 30 * 60))
def test_r9_t6_open_means_that_every_minutes_wall_time_is(change, hours, offset, minutes):
    timezone, near = change
    start = near + offset * MINUTE
    interval = Interval(start, start + minutes * MINUTE)
    shown = list(open_minutes(interval, hours, timezone))
    assert is_open(interval, hours, timezone) is all(shown)
    closed = closed_spans(interval, hours, timezone)
    assert [not any(span.contains(start + n * MINUTE) for span in closed) for n in range(minutes)] == shown


@settings(deadline=None)
@given(st.sampled_from(CHANGES), opening_hours(15), st.integers(-2, 2))
def test_r9_open_spans_of_a_day_are_in_order_and_apart(change, hours, days):
    timezone, near = change
    spans = open_spans(near // DAY + days, timezone, hours)
    flat = [instant for span in spans for instant in span]
    assert flat == sorted(flat)
    assert all(start < end for start, end in spans)


def test_r9_t6_open_until_midnight_and_again_from_midnight_is_open_throughout():
    hours = (NIGHT, ((0, 120),), (), (), (), (), ())
    monday = local(2027, 6, 7, 22, 0)
    assert is_open(Interval(monday, monday + 4 * HOUR), hours, NEW_YORK)
    assert not is_open(Interval(monday, monday + 4 * HOUR + 1), hours, NEW_YORK)
    assert not is_open(Interval(monday - 1, monday), hours, NEW_YORK)


def test_r9_t6_the_second_days_hours_count_too():
    hours = (NIGHT, (), (), (), (), (), ())
    monday = local(2027, 6, 7, 23, 0)
    assert is_open(Interval(monday, monday + HOUR), hours, NEW_YORK)
    assert not is_open(Interval(monday, monday + 2 * HOUR), hours, NEW_YORK)


def test_r9_both_showings_of_a_repeated_hour_are_open():
    sunday_only = ((), (), (), (), (), (), ((60, 120),))
    one = local(2026, 11, 1, 0, 0) + HOUR
    assert is_open(Interval(one, one + 2 * HOUR), sunday_only, NEW_YORK)
    assert not is_open(Interval(one, one + 2 * HOUR + 1), sunday_only, NEW_YORK)


def test_r9_hours_that_never_close_are_open_for_any_length():
    century = Interval(0, 100 * 365 * DAY)
    assert is_open(century, (ALL_DAY,) * 7, NEW_YORK)
    assert is_open(century, (((0, 600), (600, 1440)),) * 7, NEW_YORK)
    assert closed_spans(century, (ALL_DAY,) * 7, NEW_YORK) == []


@pytest.mark.parametrize("hours", [((),) * 7, (*(ALL_DAY,) * 6, ((0, 1439),))])
def test_r9_hours_that_ever_close_are_not(hours):
    assert not is_open(Interval(0, 100 * 365 * DAY), hours, NEW_YORK)
