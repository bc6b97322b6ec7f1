"""Occurrences on the days when the clocks change: they keep to the wall (B2, T3)."""

import datetime as dt
import itertools

import pytest

from grid_engine.calendar_day import local_time
from grid_engine.interval import HOUR, MINUTE, Interval
from server.errors import Malformed
from server.service.blocks.occurrences import WallSpan, apart, interval_on, spans_of, wall_span

NEW_YORK, LONDON, LORD_HOWE = "America/New_York", "Europe/London", "Australia/Lord_Howe"


def wall(text):
    return dt.datetime.fromisoformat(text)


def span(start, end):
    return WallSpan(wall(start), wall(end))


def shown(interval, timezone):
    return [local_time(instant, timezone).isoformat()[:16] for instant in (interval.start, interval.end)]


@pytest.mark.parametrize(
    ("timezone", "first_day", "lengths"),
    [
        (NEW_YORK, "2027-03-12", [8, 8, 8, 8]),  # set forward on the 14th
        (NEW_YORK, "2027-11-05", [8, 8, 8, 8]),  # set back on the 7th
        (LONDON, "2027-03-26", [8, 8, 8, 8]),
        (LONDON, "2027-10-29", [8, 8, 8, 8]),
        (LORD_HOWE, "2027-04-02", [8, 8, 8, 8]),
        (LORD_HOWE, "2027-10-01", [8, 8, 8, 8]),
    ],
)
def test_b2_nine_to_five_stays_nine_to_five_when_the_clocks_change(timezone, first_day, lengths):
    spans = spans_of("FREQ=DAILY;COUNT=4", span(f"{first_day}T09:00", f"{first_day}T17:00"), timezone)
    intervals = [interval_on(each, timezone) for each in spans]
    assert [interval.seconds / HOUR for interval in intervals] == lengths
    for number, interval in enumerate(intervals):
        day = (wall(first_day) + dt.timedelta(days=number)).date()
        assert shown(interval, timezone) == [f"{day}T09:00", f"{day}T17:00"]
    apart_by = [later.start - earlier.start for earlier, later in itertools.pairwise(intervals)]
    assert len(set(apart_by)) == 2, "one night was longer or shorter than the others"


@pytest.mark.parametrize(
    ("timezone", "on_the_wall", "becomes", "minutes"),
    [
        # The start is left out: it is put off, and takes the end along on the clocks.
        (NEW_YORK, ("2027-03-14T02:30", "2027-03-14T03:30"), ("2027-03-14T03:00", "2027-03-14T04:00"), 60),
        (LONDON, ("2027-03-28T01:00", "2027-03-28T02:00"), ("2027-03-28T02:00", "2027-03-28T03:00"), 60),
        (LORD_HOWE, ("2027-10-03T02:00", "2027-10-03T03:00"), ("2027-10-03T02:30", "2027-10-03T03:30"), 60),
        # The end is left out: it is the moment of the jump.
        (NEW_YORK, ("2027-03-14T01:00", "2027-03-14T02:30"), ("2027-03-14T01:00", "2027-03-14T03:00"), 60),
        # Over the jump, and over the repeated hour: as the clocks show it.
        (NEW_YORK, ("2027-03-14T01:30", "2027-03-14T03:30"), ("2027-03-14T01:30", "2027-03-14T03:30"), 60),
        (NEW_YORK, ("2027-11-07T00:30", "2027-11-07T02:30"), ("2027-11-07T00:30", "2027-11-07T02:30"), 180),
        # Shown twice: the first is meant.
        (NEW_YORK, ("2027-11-07T01:00", "2027-11-07T01:30"), ("2027-11-07T01:00", "2027-11-07T01:30"), 30),
        (LONDON, ("2027-10-31T01:30", "2027-10-31T02:30"), ("2027-10-31T01:30", "2027-10-31T02:30"), 120),
        (LORD_HOWE, ("2027-04-04T01:30", "2027-04-04T02:00"), ("2027-04-04T01:30", "2027-04-04T02:00"), 60),
    ],
)
def test_b2_and_t3_times_that_are_left_out_or_shown_twice(timezone, on_the_wall, becomes, minutes):
    interval = interval_on(span(*on_the_wall), timezone)
    assert shown(interval, timezone) == list(becomes)
    assert interval.seconds == minutes * MINUTE


def test_b2_without_a_recurrence_there_is_one_occurrence():
    once = span("2027-06-01T09:00", "2027-06-01T17:00")
    assert spans_of(None, once, NEW_YORK) == [once]


@pytest.mark.parametrize(
    ("recurrence", "first", "pointer"),
    [
        ("FREQ=DAILY;COUNT=2", ("2027-06-01T09:00", "2027-06-02T09:30"), "/recurrence"),
        ("FREQ=HOURLY;COUNT=2", ("2027-06-01T09:00", "2027-06-01T10:30"), "/recurrence"),
        ("FREQ=DAILY", ("2027-06-01T09:00", "2027-06-01T10:00"), "/recurrence"),
        (
            "FREQ=DAILY;COUNT=2",
            ("2027-11-07T01:30", "2027-11-07T01:15"),
            "/end_time",
        ),  # over the repeated hour
    ],
)
def test_b2_occurrences_that_overlap_or_never_end_are_malformed(recurrence, first, pointer):
    with pytest.raises(Malformed) as malformed:
        spans_of(recurrence, span(*first), NEW_YORK)
    assert [fault.pointer for fault in malformed.value.faults] == [pointer]


def test_b2_occurrences_that_touch_are_apart():
    spans = spans_of("FREQ=DAILY;COUNT=3", span("2027-06-01T00:00", "2027-06-02T00:00"), NEW_YORK)
    assert len(spans) == 3


def test_b2_where_the_clocks_leave_out_what_was_between_two_the_later_gives_way():
    spans = spans_of("FREQ=HOURLY;COUNT=4", span("2027-03-14T01:00", "2027-03-14T02:00"), NEW_YORK)
    intervals = [interval_on(each, NEW_YORK) for each in spans]
    # 02:00 is put off to 03:00, where the third is already.
    assert [shown(each, NEW_YORK)[0][11:] for each in intervals] == ["01:00", "03:00", "03:00", "04:00"]
    kept = apart(intervals)
    assert [each and shown(each, NEW_YORK)[0][11:] for each in kept] == ["01:00", "03:00", None, "04:00"]


def test_apart_trims_what_is_half_taken():
    assert apart([Interval(0, 10), Interval(5, 20), Interval(20, 30)]) == [
        Interval(0, 10),
        Interval(10, 20),
        Interval(20, 30),
    ]


def test_the_wall_span_of_instants_is_what_the_clocks_show():
    second_showing = interval_on(span("2027-11-07T00:30", "2027-11-07T02:00"), NEW_YORK)
    later = wall_span(Interval(second_showing.start + 2 * HOUR, second_showing.end), NEW_YORK)
    assert later == span("2027-11-07T01:30", "2027-11-07T02:00")
    assert later.start.fold == 0
