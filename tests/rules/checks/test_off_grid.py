"""Times between the grid's lines."""

from datetime import date

import pytest

from grid_engine.calendar_day import calendar_day
from grid_engine.interval import HOUR, Interval
from rules.checks.off_grid import RULE
from tests.rules.venues import at, create, facts_of, told


@pytest.mark.parametrize(
    ("start", "minutes", "refused"),
    [(0, 60, False), (0.5, 30, False), (0.25, 60, True), (0, 45, True), (0.25, 45, True)],
)
def test_r4_start_and_end_lie_on_the_grid(start, minutes, refused):
    params = told(RULE, create(at(start, minutes)), facts_of())
    assert params == ({"slot_minutes": 30} if refused else None)


def test_r4_t2_the_end_of_a_day_whose_last_row_is_shorter_is_a_boundary():
    day = calendar_day(date(2027, 4, 4), "Australia/Lord_Howe", 60)
    facts = facts_of(timezone="Australia/Lord_Howe", slot_minutes=60)
    assert day.end - day.rows[-1] == HOUR // 2
    assert told(RULE, create(Interval(day.rows[-1], day.end)), facts) is None
    assert told(RULE, create(Interval(day.rows[-1], day.end + HOUR // 2)), facts) == {"slot_minutes": 60}


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({}, "Bookings start and end on the slots of the grid."),
        ({"slot_minutes": 30}, "Bookings start and end on the slots of the grid, every 30 minutes."),
    ],
)
def test_r4_is_told_by_its_parameters(params, message):
    assert RULE.wording(params) == message
