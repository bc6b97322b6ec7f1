"""Bitmaps of free starts against the grid's own conflicts, record by record."""

import datetime as dt
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from grid_engine.calendar_day import calendar_day, rows_between
from grid_engine.grid import Grid
from grid_engine.interval import DAY, HOUR, MINUTE, Instant, Interval
from grid_engine.occupancy import free_starts, taken_spans
from grid_engine.records import Block, Booking, Hold, Record

BERLIN = calendar_day(dt.date(2027, 6, 5), "Europe/Berlin", 30)
DAYS = [
    BERLIN,
    calendar_day(dt.date(2027, 3, 28), "Europe/Berlin", 30),
    calendar_day(dt.date(2027, 10, 30), "Europe/Berlin", 60),
    calendar_day(dt.date(2026, 10, 4), "Australia/Lord_Howe", 60),
    calendar_day(dt.date(2026, 4, 24), "Africa/Cairo", 20),
    calendar_day(dt.date(2011, 12, 29), "Pacific/Apia", 30),
]
RESOURCES = (1, 2)
NOW = BERLIN.start


def taken(
    minute: int,
    length: int,
    number: int = 0,
    kind: type[Record] = Booking,
    resource_id: int = 1,
    *,
    day=BERLIN,
):
    """A record that begins ``minute`` after the day's start; off the rows, if that is what it says."""
    start = day.start + minute * MINUTE
    common: dict[str, Any] = {
        "id": f"r{number}",
        "grid_id": f"s{number}",
        "resource_id": resource_id,
        "interval": Interval(start, start + length * MINUTE),
    }
    if kind is Block:
        return Block(**common, type="BLOCKED")
    if kind is Hold:
        return Hold(**common, user_id=1, expires_at=day.start + number % 3 - 1)
    return Booking(**common)


def grid_of(*records: Record) -> Grid:
    return Grid(1, "epoch", 0, records)


def free(grid: Grid, starts: list[Instant], seconds: int, **question: Any) -> dict[int, list[Instant]]:
    """The free starts of both resources, read from their bitmaps."""
    window = Interval(starts[0], starts[-1] + seconds)
    spans = taken_spans(grid, window, **({"now": NOW} | question))
    bits = free_starts(starts, seconds, RESOURCES, spans)
    assert all(bitmap >> len(starts) == 0 for bitmap in bits.values())
    return {
        resource_id: [start for place, start in enumerate(starts) if bitmap >> place & 1]
        for resource_id, bitmap in bits.items()
    }


some_records = st.lists(
    st.tuples(
        st.integers(-300, 3200),
        st.integers(1, 400),
        st.sampled_from((Booking, Booking, Hold, Block)),
        st.sampled_from((1, 1, 2, 3)),
    ),
    max_size=10,
)
questions = st.fixed_dictionaries(
    {
        "buffer": st.sampled_from((0, 10 * MINUTE, 30 * MINUTE, 45 * MINUTE)),
        "buffered": st.booleans(),
        "excluding": st.frozensets(st.sampled_from(("r0", "r1"))),
    }
)


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(DAYS),
    st.integers(1, 3),
    some_records,
    st.sampled_from((1, 20, 30, 45, 60, 90, 240, 600, 1500)),
    questions,
)
@example(DAYS[3], 1, [(1380, 30, Booking, 1)], 60, {})
@example(BERLIN, 2, [(600, 30, Booking, 1), (600, 60, Block, 1)], 60, {"excluding": {"r0"}, "buffer": 600})
def test_r21_free_are_the_starts_that_the_grid_has_no_conflict_for(day, days, some, minutes, question):
    grid = grid_of(
        *(
            taken(minute, length, number, kind, resource_id, day=day)
            for number, (minute, length, kind, resource_id) in enumerate(some)
        )
    )
    seconds = minutes * MINUTE
    starts = rows_between(day.start, day.start + days * DAY, day.timezone, day.slot_minutes)
    found = free(grid, starts, seconds, now=day.start, **question)
    for resource_id in RESOURCES:
        assert found[resource_id] == [
            start
            for start in starts
            if all(
                isinstance(record, Hold) and record.expires_at <= day.start
                for record in grid.conflicts(resource_id, Interval(start, start + seconds), **question)
            )
        ]


def test_g2_touching_is_free_and_a_buffer_is_not():
    grid, after = grid_of(taken(600, 60)), BERLIN.start + 660 * MINUTE
    assert after in free(grid, list(BERLIN.rows), HOUR)[1]
    assert after not in free(grid, list(BERLIN.rows), HOUR, buffer=600)[1]
    assert after in free(grid, list(BERLIN.rows), HOUR, buffer=600, buffered=False)[1]


def test_g2_a_buffer_that_reaches_back_over_a_block_is_no_gap():
    grid = grid_of(taken(600, 30, 0, Block), taken(605, 60, 1))
    before = BERLIN.start + 540 * MINUTE
    assert before in free(grid, [before], HOUR)[1]
    assert before not in free(grid, [before], HOUR, buffer=600)[1]


def test_r4_what_lies_between_the_rows_counts_to_the_second():
    at_ten = BERLIN.start + 10 * HOUR
    grid = grid_of(taken(660, 5))
    starts = [at_ten - 1, at_ten, at_ten + 1, at_ten + HOUR + 299, at_ten + HOUR + 300]
    assert free(grid, starts, HOUR)[1] == [at_ten - 1, at_ten, at_ten + HOUR + 300]


def test_t6_a_start_before_midnight_is_free_only_if_the_morning_is():
    early, evening = taken(24 * 60 + 30, 30), BERLIN.end - HOUR
    assert evening in free(grid_of(), list(BERLIN.rows), 2 * HOUR)[1]
    assert evening not in free(grid_of(early), list(BERLIN.rows), 2 * HOUR)[1]
    assert evening in free(grid_of(early), list(BERLIN.rows), 90 * MINUTE)[1]
    assert evening in free(grid_of(early), list(BERLIN.rows), 2 * HOUR)[2]


def test_g5_a_hold_refuses_until_its_time_is_up():
    grid, start = grid_of(taken(600, 60, 0, Hold)), BERLIN.start + 600 * MINUTE
    assert free(grid, [start], HOUR, now=BERLIN.start - 2)[1] == []
    assert free(grid, [start], HOUR, now=BERLIN.start - 1)[1] == [start]


def test_b4_spans_may_come_from_anywhere_and_in_any_order():
    starts = [0, 10, 20, 30, 40, 50]
    spans = [(1, 40, 45), (1, 5, 14), (7, 0, 9), (1, 12, 13), (1, 13, 15), (2, 0, 100), (7, 50, 60)]
    assert free_starts(starts, 10, RESOURCES, spans) == {1: 0b101100, 2: 0}


def test_r21_without_starts_or_resources_there_is_nothing_free():
    assert free_starts([], 10, RESOURCES, [(1, 0, 5)]) == {1: 0, 2: 0}
    assert free_starts([0, 10], 10, (), [(1, 0, 5)]) == {}
