"""More bookings at a time than a customer may have."""

import pytest

from rules.checks.concurrent_limit import RULE
from rules.model import Moved, Role, Standing
from tests.rules.venues import at, create, facts_of, move, told


def standing_with(active):
    return Standing(user_id=1, active_bookings=active)


@pytest.mark.parametrize(("active", "refused"), [(0, False), (1, False), (2, True), (5, True)])
def test_r11_one_too_many_is_refused(active, refused):
    params = told(RULE, create(at(1)), facts_of(standing=standing_with(active)))
    assert params == ({"limit": 2, "active": active} if refused else None)


def test_r11_what_ends_by_now_is_not_one_more():
    facts = facts_of(standing=standing_with(2))
    assert told(RULE, create(at(-1), Role.STAFF), facts) is None
    assert told(RULE, create(at(-0.9), Role.STAFF), facts) is not None


def test_r11_r17_a_move_is_not_one_more_even_over_a_limit_that_was_lowered():
    facts = facts_of(standing=standing_with(5))
    assert told(RULE, move(at(5), at(6)), facts) is None


def test_r11_a_move_is_one_more_for_another_customer_and_for_a_booking_that_had_ended():
    facts = facts_of(standing=standing_with(2))
    assert told(RULE, move(at(5), at(6), Role.STAFF, new_customer=True), facts) is not None
    assert told(RULE, move(at(-1), at(6), Role.STAFF), facts) is not None


def test_r11_g5_confirming_a_hold_counts_the_booking_it_becomes():
    existing = Moved(id="held", resource_id=7, interval=at(1))
    assert told(RULE, create(at(1), existing=existing), facts_of(standing=standing_with(1))) is None
    assert told(RULE, create(at(1), existing=existing), facts_of(standing=standing_with(2))) is not None


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({}, "There are too many upcoming bookings already."),
        ({"limit": 0, "active": 0}, "No bookings can be made for this customer here."),
        (
            {"limit": 2, "active": 2},
            "Only 2 upcoming bookings at a time; cancel one, or let one pass, to make another.",
        ),
    ],
)
def test_r11_is_told_by_its_parameters(params, message):
    assert RULE.wording(params) == message
