"""Bookings that are too long."""

import pytest

from rules.checks.max_duration import RULE
from tests.rules.venues import at, create, facts_of, told


def test_r7_elapsed_minutes_count():
    assert told(RULE, create(at(1, 240)), facts_of()) is None
    assert told(RULE, create(at(1, 241)), facts_of()) == {"maximum": 240}


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({}, "The booking is too long."),
        ({"maximum": 245}, "A booking here lasts at most 4 hours 5 minutes."),
        ({"maximum": 0}, "A booking here lasts at most 0 minutes."),
    ],
)
def test_r7_is_told_by_its_parameters(params, message):
    assert RULE.wording(params) == message
