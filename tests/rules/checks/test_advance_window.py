"""Bookings too far ahead."""

import pytest

from grid_engine.interval import DAY, HOUR, Interval
from rules.checks.advance_window import RULE
from rules.model import Role
from tests.rules.venues import NOON, create, facts_of, told


def test_r8_days_are_of_24_hours_from_now():
    latest = NOON + 14 * DAY
    for role in Role:
        assert told(RULE, create(Interval(latest, latest + HOUR), role), facts_of()) is None
        assert told(RULE, create(Interval(latest + 1, latest + HOUR), role), facts_of()) == {
            "days": 14,
            "latest_time": latest,
        }


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({}, "This is too far ahead to be booked yet."),
        ({"days": 1, "latest_time": 0}, "Bookings open 1 day ahead; this is too far off."),
    ],
)
def test_r8_is_told_by_its_parameters(params, message):
    assert RULE.wording(params) == message
