"""Changes too shortly before the start."""

import pytest

from grid_engine.interval import HOUR, Interval
from rules.checks.cutoff import RULE
from rules.model import Action, Moved, Proposal, Role
from tests.rules.venues import NOON, at, facts_of, move, told


@pytest.mark.parametrize(
    ("start", "grace", "refused"),
    [
        (NOON + 2 * HOUR, 0, False),
        (NOON + 2 * HOUR - 1, 0, True),
        (NOON + 2 * HOUR - 60, 60, False),
        (NOON + 2 * HOUR - 61, 60, True),
        (NOON - HOUR, 60, True),
    ],
)
def test_r13_the_present_start_decides(start, grace, refused):
    existing = Interval(start, start + HOUR)
    cancel = Proposal(
        action=Action.CANCEL,
        role=Role.CUSTOMER,
        resource_id=7,
        interval=existing,
        existing=Moved(id="moved", resource_id=7, interval=existing),
    )
    for proposal in (move(existing, at(40)), cancel):
        params = told(RULE, proposal, facts_of(grace=grace))
        assert params == ({"minutes": 120, "until_time": start - 2 * HOUR} if refused else None)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({}, "It is too close to the start to change this booking."),
        ({"minutes": 120, "until_time": 0}, "Changes close 2 hours before the start, which is now past."),
    ],
)
def test_r13_is_told_by_its_parameters(params, message):
    assert RULE.wording(params) == message
