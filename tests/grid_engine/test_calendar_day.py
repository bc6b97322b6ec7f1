"""Local days and wall clocks, against an oracle that only reads clocks: minute after minute."""

import datetime as dt
import os
import time
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from grid_engine.calendar_day import (
    FIRST_INSTANT,
    LAST_INSTANT,
    SLOT_MINUTES,
    CalendarDay,
    calendar_day,
    day_of,
    days_after,
    days_touched,
    is_boundary,
    local_time,
    next_existing,
    rows_between,
    wall_time,
    window_of,
)
from grid_engine.interval import DAY, HOUR, MINUTE, Interval

ZONES = sorted(
    name for name in available_timezones() if name not in {"localtime", "Factory", "build/etc/localtime"}
)
EDGES = [dt.date.min, dt.date(1, 1, 2), dt.date(9999, 12, 30), dt.date.max]


def instant(text: str) -> int:
    return int(dt.datetime.fromisoformat(text).timestamp())


def local(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


FIRST_READING, LAST_READING = local("0001-01-01T00:00"), local("9999-12-31T23:59:59")


def reading(at: int, timezone: str) -> dt.datetime:
    """What the clock on the wall shows, by the library alone."""
    return dt.datetime.fromtimestamp(at, ZoneInfo(timezone)).replace(tzinfo=None)


@cache
def first_at_or_after(midnight: dt.datetime, timezone: str) -> int:
    """The oracle of a day's start: the first minute at which the clock shows midnight or later."""
    nominal = int(midnight.replace(tzinfo=dt.UTC).timestamp())
    return next(
        at
        for at in range(nominal - 27 * HOUR, nominal + 27 * HOUR, MINUTE)
        if reading(at, timezone) >= midnight
    )


@cache
def days_of_change(timezone: str, year: int) -> tuple[dt.date, ...]:
    """The dates round every change of the clocks in the year."""
    start = int(dt.datetime(year, 1, 2, tzinfo=dt.UTC).timestamp())
    zone = ZoneInfo(timezone)
    dates: set[dt.date] = set()
    before = dt.datetime.fromtimestamp(start, zone).utcoffset()
    for at in range(start, start + 362 * DAY, 6 * HOUR):
        now = dt.datetime.fromtimestamp(at, zone)
        if now.utcoffset() != before:
            dates.update(days_after(now.date(), days) for days in (-2, -1, 0, 1))
        before = now.utcoffset()
    return tuple(sorted(dates))


zones = st.sampled_from(ZONES)
slots = st.sampled_from(SLOT_MINUTES)


@st.composite
def dates_of_change(draw: st.DrawFn) -> tuple[str, dt.date]:
    """A zone and a date; near a change of the clocks wherever the zone has one in that year."""
    timezone, year = draw(zones), draw(st.integers(1975, 2036))
    changing = days_of_change(timezone, year)
    return timezone, draw(
        st.sampled_from(changing) if changing else st.dates(dt.date(year, 1, 1), dt.date(year, 12, 31))
    )


@pytest.mark.parametrize(
    ("timezone", "date", "slot_minutes", "rows"),
    [
        ("Europe/Berlin", dt.date(2027, 6, 5), 30, 48),
        ("Europe/Berlin", dt.date(2027, 6, 5), 5, 288),
        ("Europe/Berlin", dt.date(2027, 6, 5), 60, 24),
        ("Europe/Berlin", dt.date(2027, 3, 28), 30, 46),
        ("Europe/Berlin", dt.date(2027, 10, 31), 30, 50),
        ("America/New_York", dt.date(2027, 3, 14), 30, 46),
        ("Australia/Lord_Howe", dt.date(2026, 10, 4), 30, 47),
        ("Australia/Lord_Howe", dt.date(2027, 4, 4), 30, 49),
        ("Asia/Kolkata", dt.date(2027, 3, 28), 30, 48),
    ],
)
def test_t2_a_day_has_the_rows_that_its_length_holds(timezone, date, slot_minutes, rows):
    day = calendar_day(date, timezone, slot_minutes)
    assert len(day.rows) == rows
    assert {later - earlier for earlier, later in pairwise(day.rows)} == {slot_minutes * MINUTE}
    assert day.boundaries == (*day.rows, day.end)
    assert day.interval == Interval(day.start, day.end)


def test_t2_spring_forward_day_has_46_rows():
    day = calendar_day(dt.date(2026, 3, 29), "Europe/Berlin", 30)
    assert len(day.rows) == 46
    assert [reading(row, "Europe/Berlin").strftime("%H:%M") for row in day.rows[2:6]] == [
        "01:00", "01:30", "03:00", "03:30",
    ]  # fmt: skip


def test_t2_the_last_row_of_a_day_may_be_shorter():
    day = calendar_day(dt.date(2026, 10, 4), "Australia/Lord_Howe", 60)
    assert len(day.rows) == 24
    assert day.row_interval(22).seconds == HOUR
    assert day.row_interval(23).seconds == HOUR // 2


@pytest.mark.parametrize(
    ("timezone", "date", "first", "hours"),
    [
        ("Africa/Cairo", dt.date(2026, 4, 24), "2026-04-24T01:00", 23),
        ("America/Havana", dt.date(2026, 3, 8), "2026-03-08T01:00", 23),
        ("Asia/Beirut", dt.date(2026, 3, 29), "2026-03-29T01:00", 23),
        ("America/Sao_Paulo", dt.date(2018, 11, 4), "2018-11-04T01:00", 23),
    ],
)
def test_t2_a_day_without_a_midnight_starts_at_the_first_instant_there_is(timezone, date, first, hours):
    day = calendar_day(date, timezone, 30)
    assert reading(day.start, timezone) == local(first)
    assert day.interval.seconds == hours * HOUR


def test_t2_a_midnight_that_occurs_twice_means_the_first():
    day = calendar_day(dt.date(2026, 11, 1), "America/Havana", 30)
    assert [reading(row, "America/Havana").strftime("%H:%M") for row in day.rows[:4]] == [
        "00:00", "00:30", "00:00", "00:30",
    ]  # fmt: skip
    assert len(day.rows) == 50


def test_t2_an_hour_before_a_second_midnight_belongs_to_the_day_already_begun():
    # St. John's set its clocks back from 00:01 to 23:01 of the day before.
    timezone, date = "America/St_Johns", dt.date(2009, 11, 1)
    day = calendar_day(date, timezone, 30)
    at = day.start + 30 * MINUTE
    assert len(day.rows) == 50
    assert reading(at, timezone).date() == dt.date(2009, 10, 31)
    assert day_of(at, timezone) == date
    assert calendar_day(dt.date(2009, 10, 31), timezone, 30).end == day.start


def test_t2_a_date_that_a_zone_skipped_has_no_rows():
    skipped = calendar_day(dt.date(2011, 12, 30), "Pacific/Apia", 30)
    before, after = (calendar_day(dt.date(2011, 12, day), "Pacific/Apia", 30) for day in (29, 31))
    assert skipped.rows == ()
    assert skipped.start == skipped.end == before.end == after.start
    assert skipped.boundaries == (after.start,)
    assert skipped.interval == Interval(after.start, after.start + 1)
    assert len(before.rows) == len(after.rows) == 48
    assert day_of(before.end - 1, "Pacific/Apia") == dt.date(2011, 12, 29)
    assert day_of(after.start, "Pacific/Apia") == dt.date(2011, 12, 31)
    assert window_of(dt.date(2011, 12, 30), 1, "Pacific/Apia") == skipped.interval


@settings(max_examples=60, deadline=None)
@given(dates_of_change(), slots)
@example(("America/St_Johns", dt.date(2009, 11, 1)), 30)
@example(("Pacific/Apia", dt.date(2011, 12, 30)), 30)
@example(("Antarctica/Troll", dt.date(2026, 3, 29)), 60)
def test_t2_a_day_is_what_a_reader_of_clocks_finds(zone_and_date, slot_minutes):
    timezone, date = zone_and_date
    day = calendar_day(date, timezone, slot_minutes)
    start, end = (
        first_at_or_after(dt.datetime.combine(each, dt.time.min), timezone)
        for each in (date, days_after(date, 1))
    )
    assert day.rows == tuple(range(start, end, slot_minutes * MINUTE))
    assert (day.start, day.end) == (start, end)


@settings(max_examples=100, deadline=None)
@given(zones, st.one_of(st.dates(), st.sampled_from(EDGES)), slots)
@example("Asia/Tokyo", dt.date.min, 30)
@example("America/New_York", dt.date.max, 30)
@example("Pacific/Kiritimati", dt.date.max, 60)
def test_t2_any_date_can_be_looked_at(timezone, date, slot_minutes):
    day = calendar_day(date, timezone, slot_minutes)
    assert FIRST_INSTANT <= day.start <= day.end <= LAST_INSTANT
    for at in day.boundaries:
        assert dt.datetime.fromtimestamp(at, dt.UTC) is not None
        assert is_boundary(at, timezone, slot_minutes)
    if day.rows:
        assert day_of(day.start, timezone) == day_of(day.end - 1, timezone) == date
        assert days_touched(day.interval, timezone) == [date]
        for at in (day.start, (day.start + day.end) // 2, day.end - 1):
            index = day.row_of(at)
            assert day.row_interval(index).contains(at)
            assert is_boundary(at, timezone, slot_minutes) == (at in day.boundaries)
    for outside in (day.start - 1, day.end):
        with pytest.raises(ValueError, match="is not within"):
            day.row_of(outside)


@settings(max_examples=60, deadline=None)
@given(zones, st.one_of(st.dates(), st.sampled_from(EDGES)))
def test_t2_days_follow_each_other_without_a_gap(timezone, date):
    following = days_after(date, 1)
    if following != date:
        assert calendar_day(date, timezone, 30).end == calendar_day(following, timezone, 30).start


def test_t2_days_are_cached_and_compare_by_what_they_are_asked_for():
    date = dt.date(2026, 3, 29)
    assert calendar_day(date, "Europe/Berlin", 30) is calendar_day(date, "Europe/Berlin", 30)
    assert calendar_day(date, "Europe/Berlin", 30) == CalendarDay(date, "Europe/Berlin", 30)


@pytest.mark.parametrize(
    "timezone",
    [
        "", "Nowhere/Land", "Europe", "../etc/passwd", "/etc/passwd", "Europe/Berlin\0", "leapseconds", "x" * 5000,
        "localtime", "right/Europe/Berlin",
    ],
)  # fmt: skip
def test_t1_an_unknown_zone_is_a_value_error(timezone):
    with pytest.raises(ValueError, match="time zone"):
        calendar_day(dt.date(2026, 1, 1), timezone, 30)
    with pytest.raises(ValueError, match="time zone"):
        local_time(0, timezone)


@pytest.mark.parametrize("slot_minutes", [0, -30, 7, 45, 90])
def test_t2_rows_are_5_10_15_20_30_or_60_minutes(slot_minutes):
    with pytest.raises(ValueError, match="slot_minutes"):
        calendar_day(dt.date(2026, 1, 1), "UTC", slot_minutes)
    with pytest.raises(ValueError, match="slot_minutes"):
        is_boundary(0, "UTC", slot_minutes)


def test_r4_a_boundary_is_a_rows_instant_or_the_days_end():
    timezone = "Australia/Lord_Howe"
    day = calendar_day(dt.date(2026, 10, 4), timezone, 60)
    assert is_boundary(day.rows[-1], timezone, 60)
    assert is_boundary(day.end, timezone, 60)
    assert not is_boundary(day.rows[-1] + HOUR, timezone, 60)
    assert not is_boundary(day.rows[3] + 1, timezone, 60)
    assert is_boundary(LAST_INSTANT, timezone, 60)


def test_t3_a_wall_time_that_does_not_exist_has_no_reading():
    missing = local("2027-03-28T02:30")
    assert wall_time(missing, "Europe/Berlin") == ()
    assert next_existing(missing, "Europe/Berlin") == instant("2027-03-28T03:00+02:00")


def test_t3_a_wall_time_that_occurs_twice_has_both_readings_earliest_first():
    twice = local("2027-10-31T02:30")
    readings = instant("2027-10-31T02:30+02:00"), instant("2027-10-31T02:30+01:00")
    assert wall_time(twice, "Europe/Berlin") == readings
    assert wall_time(twice.replace(fold=1), "Europe/Berlin") == readings
    assert next_existing(twice, "Europe/Berlin") == readings[0]


def test_t3_a_wall_time_on_a_skipped_date_gives_way_to_the_next_day():
    missing = local("2011-12-30T13:00")
    assert wall_time(missing, "Pacific/Apia") == ()
    assert next_existing(missing, "Pacific/Apia") == instant("2011-12-31T00:00+14:00")


def test_t3_a_wall_time_has_no_zone_of_its_own_and_no_fractions():
    with pytest.raises(ValueError, match="no zone of its own"):
        wall_time(local("2027-03-28T02:30+00:00"), "Europe/Berlin")
    assert wall_time(local("1970-01-01T00:00:01.9"), "UTC") == (1,)


@pytest.mark.parametrize(
    ("wall", "timezone", "readings", "following"),
    [
        (FIRST_READING, "Asia/Tokyo", (), FIRST_INSTANT),
        (FIRST_READING, "UTC", (FIRST_INSTANT,), FIRST_INSTANT),
        (LAST_READING, "UTC", (LAST_INSTANT,), LAST_INSTANT),
        (LAST_READING, "America/New_York", (), LAST_INSTANT),
    ],
)
def test_t3_time_ends_where_the_calendar_does(wall, timezone, readings, following):
    assert wall_time(wall, timezone) == readings
    assert next_existing(wall, timezone) == following


@settings(max_examples=60, deadline=None)
@given(dates_of_change(), st.integers(0, 24 * 60 - 1))
@example(("Pacific/Apia", dt.date(2011, 12, 30)), 700)
def test_t3_readings_are_all_the_instants_at_which_the_clock_shows_it(zone_and_date, minute):
    timezone, date = zone_and_date
    wall = dt.datetime.combine(date, dt.time(minute // 60, minute % 60))
    nominal = int(wall.replace(tzinfo=dt.UTC).timestamp())
    shown = [
        at
        for at in range(nominal - 27 * HOUR, nominal + 27 * HOUR, MINUTE)
        if abs(reading(at, timezone) - wall) < dt.timedelta(minutes=1) and reading(at, timezone) == wall
    ]
    assert wall_time(wall, timezone) == tuple(shown)
    assert next_existing(wall, timezone) == (shown[0] if shown else first_at_or_after(wall, timezone))


@given(zones, st.integers(FIRST_INSTANT + 2 * DAY, LAST_INSTANT - 2 * DAY))
def test_t3_an_instant_is_among_the_readings_of_its_own_wall_time(timezone, at):
    wall = local_time(at, timezone)
    assert wall == reading(at, timezone)
    assert at in wall_time(wall, timezone)


def test_t3_the_wall_clock_stops_at_the_ends_of_the_calendar():
    assert local_time(FIRST_INSTANT, "America/New_York") == FIRST_READING
    assert local_time(LAST_INSTANT, "Asia/Tokyo") == LAST_READING
    assert local_time(FIRST_INSTANT - 5 * DAY, "UTC") == FIRST_READING
    assert day_of(LAST_INSTANT + DAY, "UTC") == day_of(LAST_INSTANT, "Asia/Tokyo") == dt.date.max
    assert (
        day_of(FIRST_INSTANT - DAY, "Asia/Tokyo") == day_of(FIRST_INSTANT, "America/New_York") == dt.date.min
    )


def test_t4_from_0130_to_0330_over_a_spring_gap_is_60_minutes():
    (start,), (end,) = (
        wall_time(local(f"2027-03-28T{time}"), "Europe/Berlin") for time in ("01:30", "03:30")
    )
    assert Interval(start, end).seconds == 60 * MINUTE


@pytest.mark.parametrize("process_zone", ["UTC", "Asia/Kathmandu", "America/Havana", "Pacific/Apia"])
def test_t5_nothing_depends_on_the_zone_of_the_process(process_zone, monkeypatch):
    def answers():
        wall = local("2026-11-01T00:30")
        zone = "America/Havana"
        return (
            CalendarDay(dt.date(2026, 11, 1), zone, 30).rows,
            wall_time(wall, zone),
            next_existing(local("2026-03-08T00:30"), zone),
            local_time(1793500000, zone),
            day_of(1793500000, zone),
        )

    expected = answers()
    monkeypatch.setenv("TZ", process_zone)
    time.tzset()
    try:
        assert os.environ["TZ"] == process_zone
        assert answers() == expected
    finally:
        monkeypatch.undo()
        time.tzset()


def test_t6_an_interval_over_midnight_touches_both_days():
    evening, morning = instant("2027-06-05T22:00+02:00"), instant("2027-06-06T01:00+02:00")
    midnight = instant("2027-06-06T00:00+02:00")
    assert days_touched(Interval(evening, morning), "Europe/Berlin") == [
        dt.date(2027, 6, 5),
        dt.date(2027, 6, 6),
    ]
    assert days_touched(Interval(evening, midnight), "Europe/Berlin") == [dt.date(2027, 6, 5)]
    assert days_touched(Interval(midnight, morning), "Europe/Berlin") == [dt.date(2027, 6, 6)]


def test_t6_a_skipped_date_is_not_touched():
    window = window_of(dt.date(2011, 12, 29), 3, "Pacific/Apia")
    assert days_touched(window, "Pacific/Apia") == [dt.date(2011, 12, 29), dt.date(2011, 12, 31)]
    assert window.seconds == 2 * DAY


def test_t2_a_window_is_its_days_in_one():
    days = [calendar_day(dt.date(2027, 3, 27 + each), "Europe/Berlin", 30) for each in range(3)]
    assert window_of(dt.date(2027, 3, 27), 3, "Europe/Berlin") == Interval(days[0].start, days[-1].end)
    assert window_of(dt.date.max, 31, "UTC") == calendar_day(dt.date.max, "UTC", 30).interval
    with pytest.raises(ValueError, match="at least one day"):
        window_of(dt.date.max, 0, "UTC")


def test_days_after_stays_within_the_calendar():
    assert days_after(dt.date(2026, 12, 31), 1) == dt.date(2027, 1, 1)
    assert days_after(dt.date.max, 5) == dt.date.max
    assert days_after(dt.date.min, -5) == dt.date.min


@settings(max_examples=60, deadline=None)
@given(
    zones,
    st.dates(dt.date(1990, 1, 1), dt.date(2040, 1, 1)),
    slots,
    st.integers(0, DAY),
    st.integers(0, 3 * DAY),
)
@example("Pacific/Apia", dt.date(2011, 12, 29), 30, 23 * HOUR, 2 * HOUR)
@example("Europe/Berlin", dt.date(2027, 3, 28), 30, 0, 0)
def test_t2_rows_between_two_instants_are_those_of_the_days_that_begin_within(
    timezone, date, slot, shift, seconds
):
    start = calendar_day(date, timezone, slot).start + shift
    nearby = [calendar_day(days_after(date, number), timezone, slot) for number in range(-1, 6)]
    assert rows_between(start, start + seconds, timezone, slot) == [
        row for day in nearby for row in day.rows if start <= row < start + seconds
    ]
    assert rows_between(start, start - 1, timezone, slot) == []
