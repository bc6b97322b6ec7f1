"""What a changed policy would have said (R23): the comparison, the tally, and the past that is led along."""

from dataclasses import replace

from grid_engine.interval import HOUR
from rules.model import Role
from rules.policy import Policy
from rules.simulate import Engagement, Outcome, Past, Tally, active_at, simulate
from tests.rules.venues import NOON, at, booked, create, facts_of


def codes(violations):
    return [each.code for each in violations]


def outcome(minutes: int, present: int, changed: int) -> Outcome:
    facts = facts_of(policy=Policy(min_duration_minutes=present))
    return simulate(create(at(1, minutes)), facts, replace(facts.policy, min_duration_minutes=changed))


def test_r23_what_only_the_changed_policy_refuses_is_refused_from_now_on():
    told = outcome(60, 60, 90)
    assert codes(told.refused) == ["min_duration"]
    assert told.refused[0].params == {"minimum": 90}
    assert told.accepted == ()


def test_r23_what_only_the_present_policy_refuses_is_newly_accepted():
    told = outcome(60, 90, 60)
    assert told.refused == ()
    assert codes(told.accepted) == ["min_duration"]


def test_r23_what_both_allow_or_both_refuse_is_neither():
    for told in (outcome(60, 60, 30), outcome(30, 60, 90)):
        assert (told.refused, told.accepted) == ((), ())


def test_r23_what_staff_overrode_with_a_reason_stays_overridden():
    facts = facts_of()
    proposal = create(at(1, 30), Role.STAFF, override_reason="a lesson")
    assert simulate(proposal, facts, Policy(min_duration_minutes=90)).refused == ()


def test_r23_a_tally_counts_all_and_tells_the_first():
    tally: Tally[str] = Tally(most=2)
    for name in ("a", "b", "c"):
        tally.count(name, outcome(60, 60, 90))
    tally.count("d", outcome(60, 90, 60), times=5)
    tally.count("e", outcome(60, 60, 60))
    assert (tally.judged, tally.refused_count, tally.accepted_count) == (9, 3, 5)
    assert [name for name, _ in tally.refused] == ["a", "b"]
    assert [(name, codes(violations)) for name, violations in tally.accepted] == [("d", ["min_duration"])]
    assert dict(tally.refused_by_rule) == {"min_duration": 3}
    assert dict(tally.accepted_by_rule) == {"min_duration": 5}


def test_r23_the_past_becomes_what_happened_in_order():
    past = Past(1, [booked(at(1), record_id="one")])
    assert past.grid.conflicts(7, at(1))
    past.become("one", booked(at(3), record_id="one"))
    past.become("two", booked(at(5), record_id="two"))
    assert not past.grid.conflicts(7, at(1))
    past.become("one", None)
    past.become("never seen", None)
    assert [record.id for record in past.grid.records()] == ["two"]


def test_r23_r11_a_booking_counts_from_when_it_was_made_until_it_was_changed_or_over():
    made, ends = (NOON, 5), (NOON + HOUR, 0)
    mine = [Engagement(booking_id="one", since=made, until=ends)]
    assert active_at(mine, (NOON, 5), None) == 0
    assert active_at(mine, (NOON, 6), None) == 1
    assert active_at(mine, (NOON, 6), "one") == 0
    assert active_at(mine, (NOON + HOUR - 1, 99), None) == 1
    assert active_at(mine, (NOON + HOUR, 1), None) == 0
