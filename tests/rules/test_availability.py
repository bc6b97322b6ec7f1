from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grid_engine.calendar_day import LAST_INSTANT, calendar_day
from grid_engine.interval import HOUR, MINUTE, Interval
from grid_engine.records import Blackout, Resource
from rules.availability import availability
from rules.evaluate import evaluate
from rules.model import Role
from rules.policy import Policy
from tests.rules.venues import BAYS, NOON, at, booked, create, facts_of, local, venues

TODAY = date(2027, 6, 1)


@settings(deadline=None, max_examples=50)
@given(venues(), st.sampled_from([20, 30, 45, 60, 90, 240, 300]))
def test_r21_a_slot_is_offered_exactly_if_it_would_be_accepted(venue, minutes):
    facts = venue.facts
    answer = availability(venue.date, minutes, None, venue.role, facts, explain=True)
    told = {(each.resource_id, each.interval): each.violations for each in answer.refused}
    told |= {(each.resource_id, each.interval): () for each in answer.slots}
    rows = calendar_day(venue.date, facts.timezone, facts.slot_minutes).rows
    assert len(told) == len(answer.slots) + len(answer.refused) == len(rows) * len(BAYS)
    for row in rows:
        for resource in BAYS:
            interval = Interval(row, row + minutes * MINUTE)
            proposal = create(interval, venue.role, resource.id)
            assert told[resource.id, interval] == evaluate(proposal, replace(facts, grace=0)).violations
    assert availability(venue.date, minutes, None, venue.role, facts).slots == answer.slots


@settings(deadline=None, max_examples=50)
@given(venues(), st.sampled_from([30, 60]), st.integers(0, 59))
def test_r21_a_slot_posted_at_once_is_accepted(venue, minutes, later):
    posted = replace(venue.facts, now=venue.facts.now + later, grace=60)
    for slot in availability(venue.date, minutes, None, venue.role, venue.facts).slots:
        assert evaluate(create(slot.interval, venue.role, slot.resource_id), posted).allowed


def starts(answer, resource_id=7):
    return [each.interval.start for each in answer.slots if each.resource_id == resource_id]


def test_r21_slots_are_ordered_by_start_and_then_as_columns_stand():
    answer = availability(TODAY, 60, None, Role.CUSTOMER, facts_of([booked(at(3), resource_id=3)]))
    assert answer.slots[0] == (7, at(0))
    assert [each.resource_id for each in answer.slots[:3]] == [7, 3, 5]
    assert [each.resource_id for each in answer.slots if each.interval.start == at(3).start] == [7, 5]
    assert answer.refused == ()


def test_columns_stand_by_position_then_id_without_what_is_out_of_order():
    resources = (
        Resource(id=4, name="Last", position=2),
        Resource(id=9, name="Second", position=1),
        Resource(id=2, name="Out of order", position=0, active=False),
        Resource(id=6, name="First", position=1),
    )
    assert facts_of(resources=resources).columns == [6, 9, 4]


def test_r21_only_the_resources_asked_for_that_are_active_are_listed():
    resources = (*BAYS, Resource(id=9, name="Out of order", position=0, active=False))
    facts = facts_of(resources=resources)
    listed = availability(TODAY, 60, [5, 9, 1000], Role.CUSTOMER, facts, explain=True)
    assert {each.resource_id for each in listed.slots} == {each.resource_id for each in listed.refused} == {5}
    assert availability(TODAY, 60, [], Role.CUSTOMER, facts, explain=True).refused == ()


def test_r4_a_duration_between_the_grids_lines_is_never_offered():
    answer = availability(TODAY, 75, [7], Role.CUSTOMER, facts_of(), explain=True)
    assert answer.slots == ()
    assert all(each.violations[-1].code == "off_grid" or "off_grid" in str(each) for each in answer.refused)


def test_r5_the_slot_now_running_is_offered_to_staff_only():
    facts = facts_of(now=NOON + 10 * MINUTE)
    assert starts(availability(TODAY, 60, None, Role.STAFF, facts))[0] == NOON
    assert starts(availability(TODAY, 60, None, Role.CUSTOMER, facts))[0] == NOON + 30 * MINUTE


def test_t6_slots_that_cross_midnight_are_listed_on_the_day_they_start():
    midnight = local(2027, 6, 2, 0)
    facts = facts_of([booked(Interval(midnight + HOUR, midnight + 2 * HOUR))])
    last = starts(availability(TODAY, 120, None, Role.CUSTOMER, facts))[-1]
    assert last == midnight - HOUR


def test_t4_durations_are_elapsed_time_over_a_change_of_clocks():
    night = local(2027, 3, 14, 1)
    facts = facts_of(now=night - 12 * HOUR)
    answer = availability(date(2027, 3, 14), 60, [7], Role.CUSTOMER, facts)
    assert len(answer.slots) == 46
    assert Interval(night + HOUR // 2, local(2027, 3, 14, 3, 30)) in [each.interval for each in answer.slots]


def test_t2_a_date_that_a_zone_skipped_has_no_slots():
    facts = facts_of(timezone="Pacific/Apia", now=local(2011, 12, 29, 12, timezone="Pacific/Apia"))
    answer = availability(date(2011, 12, 30), 60, None, Role.CUSTOMER, facts, explain=True)
    assert (answer.slots, answer.refused) == ((), ())


@pytest.mark.parametrize("day", [date.min, date.max])
def test_t2_any_date_can_be_asked_for(day):
    facts = facts_of(
        policy=Policy(opening_hours=(((540, 1320),),) * 7), blackouts=(Blackout(id=1, interval=at(1)),)
    )
    answer = availability(day, 60, None, Role.CUSTOMER, facts, explain=True)
    assert answer.slots == ()
    assert answer.refused
    assert all(each.interval.end <= LAST_INSTANT for each in answer.refused)


def test_a_duration_is_at_least_a_minute():
    with pytest.raises(ValueError, match="end after it starts"):
        availability(TODAY, 0, None, Role.CUSTOMER, facts_of())


def test_r21_what_is_refused_is_told_with_every_reason_in_order():
    facts = facts_of([booked(at(5))], resources=BAYS[:2], policy=Policy(can_book=False))
    answer = availability(TODAY, 60, None, Role.CUSTOMER, facts, explain=True)
    at_five = {each.resource_id: each.violations for each in answer.refused if each.interval == at(5)}
    codes = {resource_id: [each.code for each in told] for resource_id, told in at_five.items()}
    assert codes == {7: ["not_permitted", "conflict"], 3: ["not_permitted"]}
    assert availability(TODAY, 60, [7], Role.CUSTOMER, facts).slots == ()
