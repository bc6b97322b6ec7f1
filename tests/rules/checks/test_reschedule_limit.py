"""Bookings moved too often."""

import pytest

from rules.checks.reschedule_limit import RULE
from rules.evaluate import evaluate
from rules.model import Role
from tests.rules.venues import at, facts_of, move, told


@pytest.mark.parametrize(("moves", "refused"), [(0, False), (1, False), (2, True), (3, True)])
@pytest.mark.parametrize("role", Role)
def test_r12_a_booking_that_its_customer_moved_so_often_is_moved_by_nobody(moves, refused, role):
    params = told(RULE, move(at(5), at(6), role, moves=moves), facts_of())
    assert params == ({"limit": 2} if refused else None)


@pytest.mark.parametrize("role", Role)
def test_r12_r19_staff_waive_it_with_a_reason(role):
    proposal = move(at(5), at(6), role, moves=2, override_reason="rained off")
    verdict = evaluate(proposal, facts_of())
    assert verdict.allowed == role.is_staff
    told_of = verdict.waived if role.is_staff else verdict.violations
    assert [each.code for each in told_of] == ["reschedule_limit"]


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({}, "This booking cannot be moved any more."),
        ({"limit": 0}, "Bookings cannot be moved here."),
        ({"limit": 2}, "A booking can be moved 2 times, and this one has been."),
    ],
)
def test_r12_is_told_by_its_parameters(params, message):
    assert RULE.wording(params) == message
