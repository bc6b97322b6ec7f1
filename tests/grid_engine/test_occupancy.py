"""Bitmaps of rows, against the grid asked for each start alone."""

import datetime as dt
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from grid_engine.calendar_day import calendar_day
from grid_engine.grid import Grid
from grid_engine.interval import DAY, HOUR, MINUTE, Interval
from grid_engine.occupancy import DayOccupancy, RowRange, rows_reaching
from grid_engine.records import Block, Booking, Record

BERLIN = calendar_day(dt.date(2027, 6, 5), "Europe/Berlin", 30)
DAYS = [
    BERLIN,
    calendar_day(dt.date(2027, 3, 28), "Europe/Berlin", 30),
    calendar_day(dt.date(2027, 10, 30), "Europe/Berlin", 60),
    calendar_day(dt.date(2026, 10, 4), "Australia/Lord_Howe", 60),
    calendar_day(dt.date(2026, 10, 3), "Australia/Lord_Howe", 60),
    calendar_day(dt.date(2026, 4, 24), "Africa/Cairo", 20),
    calendar_day(dt.date(2011, 12, 29), "Pacific/Apia", 30),
    calendar_day(dt.date(2011, 12, 30), "Pacific/Apia", 30),
    calendar_day(dt.date.max, "UTC", 30),
]


def taken(day, minute: int, length: int, number: int = 0, kind: type[Booking | Block] = Booking) -> Record:
    """A record on resource 1, ``minute`` after the day's start; off the rows, if that is what it says."""
    start = day.start + minute * MINUTE
    common: dict[str, Any] = {"id": f"r{number}", "grid_id": f"s{number}", "resource_id": 1}
    interval = Interval(start, start + length * MINUTE)
    if kind is Block:
        return Block(**common, interval=interval, type="BLOCKED")
    return Booking(**common, interval=interval)


spans = st.lists(
    st.tuples(st.integers(-300, 3200), st.integers(1, 400), st.sampled_from((Booking, Block))), max_size=8
)


questions = st.fixed_dictionaries(
    {
        "buffer": st.sampled_from((0, 10 * MINUTE, 30 * MINUTE, 45 * MINUTE)),
        "buffered": st.booleans(),
        "excluding": st.frozensets(st.sampled_from(("r0", "r1"))),
    }
)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(DAYS), spans, st.sampled_from((20, 30, 45, 60, 90, 120, 240, 600, 1500)), questions)
@example(DAYS[3], [(1380, 30, Booking)], 60, {})
@example(BERLIN, [(600, 30, Booking), (600, 60, Block)], 60, {"excluding": {"r0"}, "buffer": 600})
@example(calendar_day(dt.date(2011, 12, 30), "Pacific/Apia", 30), [], 60, {})
def test_r21_the_free_starts_are_those_that_the_grid_has_no_conflict_for(day, some, length, question):
    grid = Grid(
        1,
        "epoch",
        0,
        [taken(day, minute, lasting, number, kind) for number, (minute, lasting, kind) in enumerate(some)],
    )
    occupancy = DayOccupancy(grid, day, longest=1500 * MINUTE, **question)
    seconds, boundaries = length * MINUTE, set(rows_reaching(day, 2 * DAY).boundaries)
    assert occupancy.free_starts(1, seconds) == [
        start
        for start in day.rows
        if start + seconds in boundaries
        and not grid.conflicts(1, Interval(start, start + seconds), **question)
    ]
    for row in range(occupancy.rows.count):
        for rows in (1, 3):
            last = row + rows
            assert occupancy.is_free(1, row, rows) == (
                last <= occupancy.rows.count
                and not grid.conflicts(
                    1, Interval(occupancy.rows.boundaries[row], occupancy.rows.boundaries[last]), **question
                )
            )


def test_t6_a_start_before_midnight_is_free_only_if_the_morning_is():
    evening = BERLIN.end - HOUR
    free = DayOccupancy(Grid(1, "epoch", 0), BERLIN)
    assert evening in free.free_starts(1, 2 * HOUR)
    early = Booking(
        id="a", grid_id="b", resource_id=1, interval=Interval(BERLIN.end + 30 * MINUTE, BERLIN.end + HOUR)
    )
    occupied = DayOccupancy(Grid(1, "epoch", 0, [early]), BERLIN)
    assert evening not in occupied.free_starts(1, 2 * HOUR)
    assert evening in occupied.free_starts(1, 90 * MINUTE)
    assert evening in occupied.free_starts(2, 2 * HOUR)


def test_g2_touching_is_free_and_a_buffer_is_not():
    grid = Grid(1, "epoch", 0, [taken(BERLIN, 600, 60)])
    after = BERLIN.start + 660 * MINUTE
    assert after in DayOccupancy(grid, BERLIN).free_starts(1, HOUR)
    assert after not in DayOccupancy(grid, BERLIN, buffer=600).free_starts(1, HOUR)
    assert after in DayOccupancy(grid, BERLIN, buffer=600, buffered=False).free_starts(1, HOUR)


def test_r4_a_row_that_is_touched_for_a_minute_is_busy_for_the_whole():
    occupancy = DayOccupancy(Grid(1, "epoch", 0, [taken(BERLIN, 44, 2)]), BERLIN)
    assert occupancy.busy(1) == 0b10
    assert [occupancy.is_free(1, row) for row in range(3)] == [True, False, True]


def test_t2_a_length_that_does_not_fit_the_rows_has_no_start():
    assert DayOccupancy(Grid(1, "epoch", 0), BERLIN).free_starts(1, 45 * MINUTE) == []


def test_t2_a_skipped_date_has_no_start():
    skipped = calendar_day(dt.date(2011, 12, 30), "Pacific/Apia", 30)
    assert DayOccupancy(Grid(1, "epoch", 0), skipped).free_starts(1, HOUR) == []


def test_t2_at_the_end_of_the_calendar_there_are_no_more_rows():
    last = calendar_day(dt.date.max, "UTC", 30)
    assert rows_reaching(last, 7 * DAY).count == 48
    assert (
        len(DayOccupancy(Grid(1, "epoch", 0), last).free_starts(1, HOUR)) == 46
    )  # the last row lacks a second


def test_a_range_without_rows_is_never_busy():
    skipped = calendar_day(dt.date(2011, 12, 30), "Pacific/Apia", 30)
    nowhere = RowRange([skipped])
    assert nowhere.count == nowhere.own == 0
    assert nowhere.touched(0, 2**40) == 0
    assert DayOccupancy(Grid(1, "epoch", 0), skipped, longest=0).busy(1) == 0


def test_b4_closed_rows_are_left_out():
    occupancy = DayOccupancy(Grid(1, "epoch", 0), BERLIN)
    closed = occupancy.rows.touched(BERLIN.start, BERLIN.start + 10 * HOUR)
    assert occupancy.free_starts(1, HOUR, closed=closed)[0] == BERLIN.start + 10 * HOUR


@pytest.mark.parametrize("seconds", [0, -HOUR, DAY + 1])
def test_a_length_that_was_not_announced_is_refused(seconds):
    with pytest.raises(ValueError, match="is not within"):
        DayOccupancy(Grid(1, "epoch", 0), BERLIN).free_starts(1, seconds)


def test_a_resource_is_read_from_the_grid_once():
    grid = Grid(1, "epoch", 0)
    occupancy = DayOccupancy(grid, BERLIN)
    assert occupancy.is_free(1, 0)
    draft = grid.draft()
    draft.put(taken(BERLIN, 0, 60))
    grid.apply(draft.diff())
    assert occupancy.is_free(1, 0)
    assert not DayOccupancy(grid, BERLIN).is_free(1, 0)
