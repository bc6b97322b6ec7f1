"""Bookings that are too short."""

import pytest

from grid_engine.interval import Interval
from rules.checks.min_duration import RULE
from tests.rules.venues import at, create, facts_of, local, told


def test_r6_elapsed_minutes_count():
    assert told(RULE, create(at(1, 60)), facts_of()) is None
    assert told(RULE, create(at(1, 59)), facts_of()) == {"minimum": 60}


def test_r6_t4_an_hour_over_the_gap_of_spring_is_an_hour():
    start = local(2027, 3, 14, 1, 30)
    assert told(RULE, create(Interval(start, local(2027, 3, 14, 3, 30))), facts_of()) is None
    assert told(RULE, create(Interval(start, local(2027, 3, 14, 3, 0))), facts_of()) == {"minimum": 60}


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({}, "The booking is too short."),
        ({"minimum": 60}, "A booking here lasts at least 1 hour."),
    ],
)
def test_r6_is_told_by_its_parameters(params, message):
    assert RULE.wording(params) == message
