from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grid_engine.interval import DAY, Interval
from grid_engine.records import Blackout
from rules.evaluate import EVERYTHING, RULES, evaluate, is_allowed, told_in_order, violations_of
from rules.model import Action, Moved, Proposal, Role, Standing, Verdict, Violation
from rules.policy import Policy
from rules.rule import Scope
from tests.rules.venues import NOON, at, booked, create, facts_of, move, venues

CODES = [rule.code for rule in RULES]


def refusing_facts(**rest):
    """Everything that can refuse a MOVE at once does."""
    given: dict[str, Any] = {
        "records": [booked(at(2), who="Ann", user_id=4)],
        "blackouts": (Blackout(id=1, interval=at(2)),),
        "policy": Policy(can_book=False, advance_days=0, min_duration_minutes=300, opening_hours=((),) * 7),
        "standing": Standing(banned=True, denied_locations=frozenset({1}), active_bookings=2),
    }
    return facts_of(**(given | rest))


def worst(role=Role.CUSTOMER, **rest):
    return move(at(-1), at(2.25), role, moves=2, **rest)


def codes(violations):
    return [each.code for each in violations]


def test_all_rules_run_and_are_told_in_the_order_of_the_table():
    assert codes(evaluate(worst(), refusing_facts()).violations) == [
        "not_permitted",
        "booking_ban",
        "location_denied",
        "off_grid",
        "min_duration",
        "advance_window",
        "closed",
        "blackout",
        "concurrent_limit",
        "reschedule_limit",
        "cutoff",
        "conflict",
    ]
    long_ago = create(Interval(NOON - DAY, NOON - DAY // 2))
    assert codes(evaluate(long_ago, facts_of()).violations) == ["past_start", "max_duration"]


def test_an_allowed_proposal_has_an_empty_verdict():
    verdict = evaluate(create(at(1)), facts_of())
    assert verdict == Verdict()
    assert verdict.allowed
    assert not verdict.overridable


@pytest.mark.parametrize(
    ("action", "judged"),
    [
        (Action.CREATE, [code for code in CODES if code not in ("reschedule_limit", "cutoff")]),
        (Action.MOVE, CODES),
        (Action.CANCEL, ["cutoff"]),
        (Action.BLOCK, ["off_grid", "conflict"]),
        (Action.RESTORE, ["conflict"]),
    ],
)
def test_each_action_is_judged_by_its_own_rules(action, judged):
    assert [rule.code for rule in RULES if action in rule.actions] == judged
    proposal = replace(worst(), action=action)
    assert codes(evaluate(proposal, refusing_facts()).violations) == [
        code for code in judged if code not in ("past_start", "max_duration")
    ]


def test_a2_who_is_banned_may_cancel_outside_the_cutoff_and_not_move():
    facts = facts_of(standing=Standing(banned=True))
    booking = Moved(id="moved", resource_id=7, interval=at(5))
    cancel = Proposal(
        action=Action.CANCEL, role=Role.CUSTOMER, resource_id=7, interval=at(5), existing=booking
    )
    assert evaluate(cancel, facts).allowed
    assert codes(evaluate(move(at(5), at(6)), facts).violations) == ["booking_ban"]


@pytest.mark.parametrize("action", [Action.MOVE, Action.CANCEL])
def test_moves_and_cancellations_need_the_booking_they_are_about(action):
    with pytest.raises(ValueError, match=action.value):
        Proposal(action=action, role=Role.STAFF, resource_id=7, interval=at(1))


@pytest.mark.parametrize(
    ("role", "overridable"),
    [
        (Role.CUSTOMER, set()),
        (Role.OPERATOR, set()),
        (Role.STAFF, set(CODES) - {"booking_ban", "conflict"}),
        (Role.ADMIN, set(CODES) - {"conflict"}),
    ],
)
def test_r19_who_may_override_what(role, overridable):
    found = evaluate(worst(role), refusing_facts()).violations
    assert {each.code for each in found if each.overridable} == overridable & set(codes(found))
    assert role.overrides is bool(overridable)


def test_r19_a_reason_waives_what_the_role_may_waive():
    facts = facts_of(policy=Policy(can_book=False))
    refused = evaluate(create(at(1, 30), Role.STAFF), facts)
    waived = evaluate(create(at(1, 30), Role.STAFF, override_reason="regular"), facts)
    assert refused.overridable
    assert not refused.allowed
    assert waived.allowed
    assert codes(waived.waived) == ["not_permitted", "min_duration"]
    assert waived.waived == refused.violations


@pytest.mark.parametrize("reason", [None, "", " \t\n"])
def test_r19_a_blank_reason_waives_nothing(reason):
    verdict = evaluate(create(at(1, 30), Role.ADMIN, override_reason=reason), facts_of())
    assert codes(verdict.violations) == ["min_duration"]


@pytest.mark.parametrize("role", [Role.CUSTOMER, Role.OPERATOR])
def test_r19_customers_and_operators_never_override(role):
    verdict = evaluate(create(at(1, 30), role, override_reason="please"), facts_of())
    assert codes(verdict.violations) == ["min_duration"]
    assert not verdict.overridable


def test_r19_a_ban_is_waived_by_admins_only():
    facts = facts_of(standing=Standing(banned=True))
    assert not evaluate(create(at(1), Role.STAFF, override_reason="sorry"), facts).allowed
    assert codes(evaluate(create(at(1), Role.ADMIN, override_reason="sorry"), facts).waived) == [
        "booking_ban"
    ]


def test_r19_if_anything_remains_nothing_is_waived_and_all_is_told():
    taken = booked(at(1))
    verdict = evaluate(create(at(1, 30), Role.ADMIN, override_reason="regular"), facts_of([taken]))
    assert codes(verdict.violations) == ["min_duration", "conflict"]
    assert verdict.waived == ()
    assert not verdict.overridable


def test_r14_the_verdict_has_the_records_behind_a_conflict_and_the_violation_not_whose():
    taken = booked(at(1), who="Ann", user_id=4, note="birthday")
    verdict = evaluate(create(at(1)), facts_of([taken]))
    assert verdict.conflicts == (taken,)
    (violation,) = verdict.violations
    assert "Ann" not in repr(violation)
    assert taken.id not in repr(violation)
    assert evaluate(create(at(1, 30)), facts_of()).conflicts == ()


@settings(deadline=None)
@given(venues(), st.integers(-20, 60), st.sampled_from([20, 30, 60, 75, 300]), st.sampled_from(Action))
def test_scopes_together_say_what_the_verdict_says(venue, slots, minutes, action):
    facts = venue.facts
    start = facts.now // 1800 * 1800 + slots * 1800
    existing = Moved(id="record-0", resource_id=5, interval=Interval(start + 9000, start + 12600))
    proposal = Proposal(
        action=action,
        role=venue.role,
        resource_id=3,
        interval=Interval(start, start + minutes * 60),
        existing=existing,
    )
    verdict = evaluate(proposal, facts)
    parts = [each for scope in Scope for each in violations_of(proposal, facts, scope)]
    assert told_in_order(parts) == verdict.violations
    assert is_allowed(proposal, facts) is verdict.allowed
    assert is_allowed(proposal, facts, EVERYTHING) is all(
        is_allowed(proposal, facts, scope) for scope in Scope
    )
    assert len(set(codes(verdict.violations))) == len(verdict.violations)


def test_violations_of_several_scopes_are_put_in_order():
    told = told_in_order(
        [Violation(code="conflict"), Violation(code="off_grid"), Violation(code="not_permitted")]
    )
    assert codes(told) == ["not_permitted", "off_grid", "conflict"]
