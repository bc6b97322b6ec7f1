"""Times when the location is closed."""

import pytest

from grid_engine.interval import DAY, Interval
from rules.checks.closed import RULE
from rules.policy import Policy
from tests.rules.venues import NOON, at, create, facts_of, local, told

NINE_TO_TEN_AT_NIGHT = (((540, 720), (780, 1320)), ((540, 1320),), (), (), (), (), ())


def test_r9_hours_of_the_day_are_told():
    facts = facts_of(policy=Policy(opening_hours=NINE_TO_TEN_AT_NIGHT))
    assert told(RULE, create(at(9)), facts) is None
    assert told(RULE, create(at(9.5)), facts) == {"hours": {"tue": [["09:00", "22:00"]]}}


def test_r9_t6_hours_of_both_days_are_told_over_midnight():
    facts = facts_of(policy=Policy(opening_hours=NINE_TO_TEN_AT_NIGHT))
    monday_night = Interval(local(2027, 6, 7, 23), local(2027, 6, 8, 1))
    assert told(RULE, create(monday_night), facts) == {
        "hours": {"mon": [["09:00", "12:00"], ["13:00", "22:00"]], "tue": [["09:00", "22:00"]]}
    }
    until_midnight = Interval(local(2027, 6, 8, 23), local(2027, 6, 9, 0))
    assert list(told(RULE, create(until_midnight), facts)["hours"]) == ["tue"]


def test_r9_at_most_a_week_of_hours_is_told():
    params = told(
        RULE, create(Interval(NOON, NOON + 400 * DAY)), facts_of(policy=Policy(opening_hours=((),) * 7))
    )
    assert list(params["hours"]) == ["tue", "wed", "thu", "fri", "sat", "sun", "mon"]


def test_r9_without_hours_it_is_never_closed():
    assert told(RULE, create(Interval(NOON, NOON + 400 * DAY)), facts_of()) is None


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({}, "This is outside the opening hours."),
        (
            {"hours": {"mon": [["09:00", "12:00"], ["14:00", "24:00"]], "tue": []}},
            "This is outside the opening hours: Monday 09:00 to 12:00 and 14:00 to 24:00; Tuesday closed.",
        ),
    ],
)
def test_r9_is_told_by_its_parameters(params, message):
    assert RULE.wording(params) == message
