"""Times that are over."""

import pytest

from grid_engine.interval import HOUR, MINUTE, Interval
from rules.checks.past_start import RULE
from rules.model import Role
from tests.rules.venues import NOON, at, create, facts_of, told


@pytest.mark.parametrize(
    ("role", "start", "grace", "refused"),
    [
        (Role.CUSTOMER, NOON, 0, False),
        (Role.CUSTOMER, NOON - 1, 0, True),
        (Role.CUSTOMER, NOON - 60, 60, False),
        (Role.CUSTOMER, NOON - 61, 60, True),
        (Role.OPERATOR, NOON - 61, 60, True),
    ],
)
def test_r5_a_start_before_now_is_refused(role, start, grace, refused):
    params = told(RULE, create(Interval(start, start + HOUR), role), facts_of(grace=grace))
    assert params == ({"earliest_time": NOON} if refused else None)


@pytest.mark.parametrize("role", [Role.STAFF, Role.ADMIN])
@pytest.mark.parametrize(
    ("minutes_past", "start", "grace", "refused"),
    [
        (29, 0, 0, False),
        (29, -30, 0, True),
        (30, 0, 0, True),
        (30, 0, 60, False),
        (30.9, 0, 60, False),
        (31, 0, 60, True),
    ],
)
def test_r5_for_staff_the_slot_now_running_is_not_past(role, minutes_past, start, grace, refused):
    facts = facts_of(now=NOON + int(minutes_past * MINUTE), grace=grace)
    params = told(RULE, create(at(start / 60), role), facts)
    running = NOON + int(minutes_past // 30) * 30 * MINUTE
    assert params == ({"earliest_time": running} if refused else None)


def test_r5_is_told():
    assert RULE.wording({}) == "The start has already passed."
