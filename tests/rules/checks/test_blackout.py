"""Periods closed to customers."""

import pytest

from grid_engine.records import Blackout
from rules.checks.blackout import RULE
from rules.model import Role
from tests.rules.venues import at, create, facts_of, told


def test_r10_a_blackout_of_the_resource_refuses_and_touching_does_not():
    closure = Blackout(id=1, interval=at(2, 60), resource_ids=frozenset({7}), reason="tournament")
    facts = facts_of(blackouts=(closure,))
    assert told(RULE, create(at(1, 60)), facts) is None
    assert told(RULE, create(at(3, 60)), facts) is None
    assert told(RULE, create(at(2, 60), resource_id=3), facts) is None
    span = {"start_time": at(2).start, "end_time": at(2).end}
    assert told(RULE, create(at(1, 90)), facts) == {"blackouts": [span]}


def test_r10_a4_why_it_is_closed_is_told_to_those_who_are_no_customers_there():
    facts = facts_of(blackouts=(Blackout(id=1, interval=at(2, 60), reason="tournament"),))
    params = told(RULE, create(at(2, 60), Role.STAFF), facts)
    assert [each["reason"] for each in params["blackouts"]] == ["tournament"]


def test_r10_blackouts_are_told_in_order_of_time_and_ten_at_most():
    closures = tuple(Blackout(id=number, interval=at(-number, 60 * 24)) for number in range(12))
    params = told(RULE, create(at(1)), facts_of(blackouts=closures))
    starts = [each["start_time"] for each in params["blackouts"]]
    assert starts == [at(-number).start for number in range(11, 1, -1)]


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({}, "This time is closed to bookings."),
        (
            {"blackouts": [{"reason": "Cup final"}, {"reason": ""}, {"reason": "Cup final"}]},
            "This time is closed to bookings: Cup final.",
        ),
    ],
)
def test_r10_is_told_by_its_parameters(params, message):
    assert RULE.wording(params) == message
