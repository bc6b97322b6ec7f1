"""RRULEs as a series reads them: what they give, and what is refused however it is written (B2)."""

import datetime as dt

import pytest
from dateutil import rrule
from hypothesis import given
from hypothesis import strategies as st

from server.service.blocks.recurrence import InvalidRecurrenceError, wall_starts

FIRST = dt.datetime.fromisoformat("2027-06-01T09:00")
"""A Tuesday."""


def days(text, first=FIRST, timezone="America/New_York"):
    return [start.date().isoformat() for start in wall_starts(text, first, timezone)]


@pytest.mark.parametrize(
    ("text", "given_"),
    [
        ("FREQ=WEEKLY;COUNT=3", ["2027-06-01", "2027-06-08", "2027-06-15"]),
        ("RRULE:FREQ=DAILY;COUNT=2", ["2027-06-01", "2027-06-02"]),
        ("freq=weekly;byday=mo,th;count=3", ["2027-06-03", "2027-06-07", "2027-06-10"]),
        ("FREQ=MONTHLY;BYDAY=-1FR;COUNT=2", ["2027-06-25", "2027-07-30"]),
        ("FREQ=MONTHLY;BYMONTHDAY=31;COUNT=3", ["2027-07-31", "2027-08-31", "2027-10-31"]),
        ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1;COUNT=2", ["2027-06-30", "2027-07-30"]),
        ("FREQ=YEARLY;COUNT=3", ["2027-06-01", "2028-06-01", "2029-06-01"]),
        ("FREQ=YEARLY;BYYEARDAY=-1;COUNT=2", ["2027-12-31", "2028-12-31"]),
        ("FREQ=YEARLY;BYWEEKNO=1;BYDAY=MO;COUNT=2", ["2028-01-03", "2029-01-01"]),
        ("FREQ=WEEKLY;INTERVAL=2;WKST=SU;BYDAY=TU,SU;COUNT=3", ["2027-06-01", "2027-06-13", "2027-06-15"]),
        ("FREQ=DAILY;INTERVAL=300;UNTIL=20290601", ["2027-06-01", "2028-03-27", "2029-01-21"]),
    ],
)
def test_b2_a_recurrence_gives_its_occurrences_on_the_wall(text, given_):
    assert days(text) == given_
    assert all(start.time() == FIRST.time() for start in wall_starts(text, FIRST, "America/New_York"))


def test_b2_hours_and_minutes_of_the_rule_replace_those_of_the_start():
    starts = wall_starts("FREQ=DAILY;BYHOUR=8,20;BYMINUTE=30;COUNT=3", FIRST, "UTC")
    assert [start.isoformat() for start in starts] == [
        "2027-06-01T20:30:00",
        "2027-06-02T08:30:00",
        "2027-06-02T20:30:00",
    ]


@pytest.mark.parametrize(
    ("until", "last"),
    [
        ("20270603", "2027-06-03"),  # a date: to its end
        ("20270603T090000", "2027-06-03"),  # wall time, and the last moment counts
        ("20270603T085959", "2027-06-02"),
        ("20270603T130000Z", "2027-06-03"),  # 09:00 in New York
        ("20270603T125959Z", "2027-06-02"),
    ],
)
def test_b2_until_is_a_date_a_wall_time_or_an_instant(until, last):
    assert days(f"FREQ=DAILY;UNTIL={until}")[-1] == last


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "is not an RRULE"),
        ("every day", "is not an RRULE"),
        ("FREQ", "is not an RRULE"),
        ("FREQ=;COUNT=1", "is not an RRULE"),
        ("FREQ=DAILY;;COUNT=1", "is not an RRULE"),
        ("FREQ=DAILY;COUNT=1\nEXDATE:20270603", "is not an RRULE"),
        (f"FREQ=YEARLY;COUNT=1;BYYEARDAY={','.join(['1'] * 300)}", "is not an RRULE"),
        ("DTSTART:20270601T090000 RRULE:FREQ=DAILY;COUNT=1", "is one RRULE and nothing else"),
        ("FREQ=DAILY;COUNT=1;DTSTART=20270601", "is one RRULE and nothing else"),
        ("FREQ=DAILY;COUNT=1;EXDATE=20270603", "is one RRULE and nothing else"),
        ("COUNT=3", "needs a FREQ"),
        ("FREQ=SECONDLY;COUNT=3", "needs a FREQ"),
        ("FREQ=MINUTELY;COUNT=3", "needs a FREQ"),
        ("FREQ=FORTNIGHTLY;COUNT=3", "needs a FREQ"),
        ("FREQ=DAILY", "must end"),
        ("FREQ=DAILY;COUNT=3;UNTIL=20270701", "must end: give it a COUNT or an UNTIL, and not both"),
        ("FREQ=DAILY;COUNT=0", "has a COUNT"),
        ("FREQ=DAILY;COUNT=-1", "has a COUNT"),
        ("FREQ=DAILY;COUNT=many", "has a COUNT"),
        ("FREQ=DAILY;COUNT=1;COUNT=2", "has COUNT more than once"),
        ("FREQ=DAILY;COUNT=1001", "gives more than 1,000 occurrences"),
        ("FREQ=HOURLY;UNTIL=20270801", "gives more than 1,000 occurrences"),
        ("FREQ=DAILY;UNTIL=20290602", "must end within 2 years"),
        ("FREQ=DAILY;UNTIL=99991231T235959", "must end within 2 years"),
        ("FREQ=WEEKLY;COUNT=106", "must end within 2 years"),
        ("FREQ=YEARLY;COUNT=4", "must end within 2 years"),
        ("FREQ=DAILY;INTERVAL=10000;COUNT=2", "must end within 2 years"),
        ("FREQ=DAILY;UNTIL=20270531", "gives no occurrence"),
        ("FREQ=DAILY;UNTIL=20270230", "has an UNTIL that is no date of the calendar"),
        ("FREQ=DAILY;UNTIL=tomorrow", "has an UNTIL that is not like"),
        ("FREQ=DAILY;UNTIL=2027-06-03", "has an UNTIL that is not like"),
        ("FREQ=DAILY;INTERVAL=0;COUNT=2", "has a INTERVAL"),
        ("FREQ=DAILY;BYSECOND=1;COUNT=2", "has BYSECOND, which is not understood here"),
        ("FREQ=DAILY;BYEASTER=0;COUNT=2", "has BYEASTER, which is not understood here"),
        ("FREQ=DAILY;WKST=XX;COUNT=2", "has a WKST that is no day of the week"),
        ("FREQ=WEEKLY;BYDAY=Monday;COUNT=2", "has a BYDAY that is not a list of days"),
        ("FREQ=WEEKLY;BYDAY=1MO;COUNT=2", "has a BYDAY with a number"),
        ("FREQ=MONTHLY;BYDAY=0MO;COUNT=2", "has a BYDAY that is not a number"),
        ("FREQ=MONTHLY;BYDAY=MO,1TU;COUNT=2", "has a BYDAY of days with a number and days without"),
        ("FREQ=MONTHLY;BYWEEKNO=2;COUNT=2", "has a BYWEEKNO"),
        ("FREQ=WEEKLY;BYYEARDAY=2;COUNT=2", "has a BYYEARDAY"),
        ("FREQ=WEEKLY;BYMONTHDAY=2;COUNT=2", "has a BYMONTHDAY"),
        ("FREQ=DAILY;BYMONTH=13;COUNT=2", "has a BYMONTH that is not a number from 1 to 12"),
        ("FREQ=DAILY;BYHOUR=24;COUNT=2", "has a BYHOUR that is not a number from 0 to 23"),
        ("FREQ=MONTHLY;BYMONTHDAY=0;COUNT=2", "has a BYMONTHDAY that is not a number from 1 to 31, or -1 to -31"),
        ("FREQ=DAILY;BYSETPOS=1;COUNT=2", "has a BYSETPOS with nothing to choose from"),
    ],
)  # fmt: skip
def test_b2_what_is_no_rule_that_ends_in_time_is_refused_with_the_reason(text, why):
    with pytest.raises(InvalidRecurrenceError) as refused:
        wall_starts(text, FIRST, "America/New_York")
    assert str(refused.value).startswith(why)


@pytest.mark.parametrize("frequency", ["YEARLY", "MONTHLY", "DAILY", "HOURLY"])
@pytest.mark.parametrize(
    "never", ["BYMONTH=2;BYMONTHDAY=30", "BYMONTH=2;BYMONTHDAY=31;BYDAY=MO", "BYMONTH=2;BYMONTHDAY=-30"]
)
@pytest.mark.parametrize("end", ["COUNT=1", "UNTIL=20280601"])
def test_b2_a_rule_that_never_matches_is_refused_after_bounded_work(frequency, never, end):
    with pytest.raises(InvalidRecurrenceError, match="gives no occurrence"):
        wall_starts(f"FREQ={frequency};{never};{end}", FIRST, "UTC")


@pytest.mark.parametrize(
    "never", ["FREQ=HOURLY;INTERVAL=2;BYHOUR=8;COUNT=1", "FREQ=YEARLY;BYWEEKNO=53;BYMONTH=6;COUNT=1"]
)
def test_b2_neither_is_one_that_its_own_parts_exclude(never):
    with pytest.raises(InvalidRecurrenceError, match="gives no occurrence"):
        wall_starts(never, FIRST, "UTC")


def test_b2_a_rule_that_the_calendar_holds_only_in_leap_years_is_found():
    leap_day = dt.datetime.fromisoformat("2028-02-29T09:00")
    assert days("FREQ=YEARLY;COUNT=1", leap_day) == ["2028-02-29"]
    assert days("FREQ=DAILY;UNTIL=20300301", leap_day)[-1] == "2030-03-01"
    assert days("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;COUNT=1") == ["2028-02-29"]


@pytest.mark.parametrize("year", [1, 9995, 9999])
def test_b2_at_the_ends_of_the_calendar_nothing_recurs(year):
    with pytest.raises(InvalidRecurrenceError, match="outside the calendar"):
        wall_starts("FREQ=DAILY;COUNT=2", FIRST.replace(year=year), "UTC")


RULES = (
    "FREQ=DAILY;INTERVAL=3",
    "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,SA",
    "FREQ=MONTHLY;BYDAY=2TU,-1SU",
    "FREQ=MONTHLY;BYMONTHDAY=-1,15",
    "FREQ=YEARLY;BYMONTH=1,2,12;BYDAY=FR",
    "FREQ=YEARLY;BYWEEKNO=1,52;BYDAY=MO",
    "FREQ=YEARLY;BYYEARDAY=1,60,-1",
)


@given(
    rule=st.sampled_from(RULES),
    first=st.dates(dt.date(1990, 1, 1), dt.date(2110, 12, 31)).map(
        lambda date: dt.datetime.combine(date, FIRST.time())
    ),
)
def test_b2_years_that_look_the_same_give_what_the_years_themselves_do(rule, first):
    until = first + dt.timedelta(days=700)
    plain = rrule.rrulestr(f"{rule};WKST=MO;UNTIL={until:%Y%m%dT%H%M%S}", dtstart=first)
    assert list(wall_starts(f"{rule};UNTIL={until:%Y%m%dT%H%M%S}", first, "UTC")) == list(plain)
