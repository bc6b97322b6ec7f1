from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grid_engine.calendar_day import LAST_INSTANT, rows_between
from grid_engine.interval import DAY, HOUR, MINUTE, Interval
from grid_engine.records import Blackout, Resource
from rules.candidates import SEARCHED_DAYS, Search, nearest_favourite, nearest_length
from rules.evaluate import evaluate, is_allowed
from rules.model import Action, Moved, Proposal, Role, Standing
from rules.policy import Policy
from rules.rule import Scope
from rules.suggest import suggest
from tests.rules.venues import (
    BAYS,
    NOON,
    at,
    blocked,
    booked,
    create,
    facts_of,
    held,
    local,
    move,
    venues,
)

FIRST, SECOND, THIRD = (each.id for each in BAYS)


def offers(proposal, facts, limit=5):
    """Suggestions as (resource id, hours after noon, minutes)."""
    return [
        (each.resource_id, (each.interval.start - NOON) / HOUR, each.interval.seconds // MINUTE)
        for each in suggest(proposal, facts, limit)
    ]


def test_r18_two_other_times_another_bay_both_and_a_trimmed_length():
    facts = facts_of([booked(at(6, 60))])
    assert offers(create(at(5, 120)), facts) == [
        (FIRST, 4, 120),
        (FIRST, 3.5, 120),
        (SECOND, 5, 120),
        (SECOND, 4.5, 120),
        (FIRST, 5, 60),
    ]


def test_r18_places_that_a_class_cannot_fill_go_to_the_others_in_order():
    facts = facts_of([booked(at(5))])
    assert offers(create(at(5)), facts) == [
        (FIRST, 4, 60),
        (FIRST, 6, 60),
        (FIRST, 3.5, 60),
        (SECOND, 5, 60),
        (SECOND, 4.5, 60),
    ]
    alone = replace(facts, resources=BAYS[:1])
    assert offers(create(at(5)), alone) == [(FIRST, hours, 60) for hours in (4, 6, 3.5, 6.5, 3)]
    elsewhere_only = facts_of([booked(at(-400, 60 * 24 * 60))])
    assert offers(create(at(5)), elsewhere_only)[:2] == [(SECOND, 5, 60), (THIRD, 5, 60)]


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        (0, []),
        (1, [(FIRST, 4, 120)]),
        (2, [(FIRST, 4, 120), (SECOND, 5, 120)]),
        (3, [(FIRST, 4, 120), (SECOND, 5, 120), (SECOND, 4.5, 120)]),
        (4, [(FIRST, 4, 120), (SECOND, 5, 120), (SECOND, 4.5, 120), (FIRST, 5, 60)]),
    ],
)
def test_r18_no_more_than_asked_for(limit, expected):
    assert offers(create(at(5, 120)), facts_of([booked(at(6, 60))]), limit) == expected


def test_r18_within_a_class_the_least_shift_then_the_earlier_then_as_columns_stand():
    facts = facts_of([booked(at(5)), booked(at(5), SECOND, "second"), booked(at(5), THIRD, "third")])
    assert offers(create(at(5), resource_id=THIRD), facts) == [
        (THIRD, 4, 60),
        (THIRD, 6, 60),
        (THIRD, 3.5, 60),
        (THIRD, 6.5, 60),
        (FIRST, 4, 60),
    ]


def trimmed(proposal, facts):
    search = Search(proposal, facts, 50, proposal.interval.seconds, None)
    return [
        (each.resource_id, (each.interval.start - NOON) / HOUR, each.interval.seconds // MINUTE)
        for each in search.trimmed()
    ]


def test_r18_trimmed_lengths_are_whole_gaps_nearest_and_longest_first():
    records = [booked(at(7, 30)), booked(at(6, 60), SECOND, "second"), booked(at(5, 30), THIRD, "third")]
    assert trimmed(create(at(5, 240)), facts_of(records)) == [
        (FIRST, 5, 120),
        (SECOND, 5, 60),
        (THIRD, 5.5, 210),
        (SECOND, 7, 120),
        (FIRST, 7.5, 90),
    ]


def test_r18_among_equally_trimmed_the_bay_that_was_asked_for_goes_first():
    facts = facts_of([booked(at(6, 60), each.id, each.name) for each in BAYS])
    found = trimmed(create(at(5, 120), resource_id=THIRD), facts)
    assert found == [(THIRD, 5, 60), (FIRST, 5, 60), (SECOND, 5, 60)]


def test_r18_trimmed_to_opening_hours_blackouts_the_buffer_and_what_is_not_past():
    until_eight = Policy(opening_hours=(((540, 1200),),) * 7)
    assert (FIRST, 6, 120) in offers(create(at(6, 180)), facts_of(policy=until_eight))
    league = Blackout(id=1, interval=at(8, 60), resource_ids=frozenset({FIRST}))
    assert (FIRST, 6, 120) in offers(create(at(6, 180)), facts_of(blackouts=(league,)))
    buffered = facts_of([booked(at(8, 60))], policy=Policy(buffer_minutes=30))
    assert (FIRST, 6, 90) in offers(create(at(6, 180)), buffered)
    assert (FIRST, 0, 90) in offers(create(at(-1, 150)), facts_of())


def test_r18_a_gap_that_no_whole_row_fits_in_is_passed_over():
    facts = facts_of([booked(at(5, 15)), booked(at(5.75, 75), record_id="second")])
    assert trimmed(create(at(5, 180)), facts) == [(FIRST, 7, 60)]


def test_r18_what_starts_right_now_can_be_trimmed():
    assert trimmed(create(at(0, 120)), facts_of([booked(at(1))])) == [(FIRST, 0, 60)]


def test_r18_a_length_that_is_too_short_or_too_long_gives_way_to_the_nearest_that_is_not():
    assert offers(create(at(5, 30)), facts_of())[0] == (FIRST, 5, 60)
    assert offers(create(at(5, 600)), facts_of())[0] == (FIRST, 5, 240)


def test_r18_r4_times_between_the_lines_give_way_to_the_nearest_on_them():
    assert offers(create(at(5.25, 60)), facts_of())[:2] == [(FIRST, 5, 60), (FIRST, 5.5, 60)]
    assert offers(create(at(5, 100)), facts_of())[0] == (FIRST, 5, 90)
    assert offers(create(at(5, 105)), facts_of())[0] == (FIRST, 5, 120)


@pytest.mark.parametrize(
    ("minutes", "policy", "expected"),
    [
        (60, Policy(), 60),
        (10, Policy(), 60),
        (10, Policy(min_duration_minutes=0), 30),
        (10, Policy(min_duration_minutes=45), 60),
        (300, Policy(max_duration_minutes=200), 180),
        (30, Policy(min_duration_minutes=60, max_duration_minutes=60), 60),
        (75, Policy(min_duration_minutes=75, max_duration_minutes=75), None),
        (60, Policy(max_duration_minutes=0), None),
    ],
)
def test_r18_the_nearest_length_that_can_be_had(minutes, policy, expected):
    seconds = nearest_length(create(at(5, minutes)), facts_of(policy=policy))
    assert seconds == (expected and expected * MINUTE)
    if expected is None:
        assert suggest(create(at(5, minutes)), facts_of(policy=policy)) == ()


def test_r18_what_is_past_gives_way_to_what_comes_next():
    assert offers(create(at(-50)), facts_of(now=NOON + 60))[0] == (FIRST, 0.5, 60)
    assert offers(create(at(-50), Role.STAFF), facts_of(now=NOON + 60))[0] == (FIRST, 0, 60)


def test_r18_what_is_too_far_ahead_gives_way_to_the_last_that_is_not():
    assert offers(create(at(400)), facts_of())[0] == (FIRST, 14 * 24, 60)


def test_r18_a_venue_closed_for_days_is_searched_for_a_week():
    closed = Blackout(id=1, interval=at(-24, 60 * 24 * 6), reason="floor")
    assert offers(create(at(5)), facts_of(blackouts=(closed,)))[0] == (FIRST, 5 * 24, 60)
    closed = Blackout(id=1, interval=at(-24, 60 * 24 * 12), reason="floor")
    assert offers(create(at(5)), facts_of(blackouts=(closed,))) == []


def test_r18_overdue_holds_are_no_obstacle():
    assert (FIRST, 4.5, 60) in offers(create(at(5)), facts_of([held(at(4), NOON), booked(at(5.5))]))


@pytest.mark.parametrize(
    "standing",
    [
        Standing(banned=True),
        Standing(denied_locations=frozenset({1})),
        Standing(active_bookings=2),
    ],
)
def test_r18_none_where_who_asks_is_what_is_refused(standing):
    for role in Role:
        proposal = create(at(5), role, override_reason="as suggestions are posted without one")
        assert suggest(proposal, facts_of(standing=standing)) == ()


@pytest.mark.parametrize("action", [Action.CANCEL, Action.RESTORE])
def test_r18_none_in_place_of_a_cancellation_or_an_undo(action):
    existing = Moved(id="moved", resource_id=FIRST, interval=at(1))
    proposal = Proposal(action=action, role=Role.STAFF, resource_id=FIRST, interval=at(1), existing=existing)
    assert suggest(proposal, facts_of()) == ()


def test_r18_r13_none_for_a_move_within_the_grace_of_the_cutoff():
    facts = facts_of(now=NOON + 30)
    assert evaluate(move(at(2), at(5)), facts).allowed
    assert suggest(move(at(2), at(5)), facts) == ()


def test_r18_g4_a_move_may_overlap_itself_but_is_never_offered_where_it_is():
    facts = facts_of([booked(at(5), record_id="moved"), booked(at(6), record_id="next")])
    found = offers(move(at(5), at(5, 120)), facts, limit=50)
    assert (FIRST, 4, 120) in found
    assert (FIRST, 5, 60) not in found
    found = offers(move(at(5), at(6)), facts, limit=50)
    assert (FIRST, 4.5, 60) in found
    assert (FIRST, 5, 60) not in found


def test_r18_a_block_is_offered_any_length_and_no_time_that_is_past():
    facts = facts_of([booked(at(2, 60))], blackouts=(Blackout(id=1, interval=at(0, 600)),))
    block = Proposal(action=Action.BLOCK, role=Role.ADMIN, resource_id=FIRST, interval=at(1, 600))
    assert offers(block, facts)[0] == (FIRST, 3, 600)
    assert (FIRST, 3, 480) in trimmed(block, facts)
    assert min(each[1] for each in offers(block, facts, limit=50)) == 0
    old = Proposal(action=Action.BLOCK, role=Role.ADMIN, resource_id=FIRST, interval=at(-100, 600))
    assert offers(old, facts)[0] == (FIRST, -99.5, 600)


def test_r18_blocks_longer_than_the_search_are_not_trimmed():
    long = Proposal(action=Action.BLOCK, role=Role.ADMIN, resource_id=FIRST, interval=at(1, 60 * 24 * 8))
    facts = facts_of([blocked(at(24))])
    assert all(each.interval.seconds == 8 * DAY for each in suggest(long, facts, limit=50))


def test_t2_nothing_is_offered_that_ends_after_time_does():
    start = LAST_INSTANT // DAY * DAY + 20 * HOUR
    facts = facts_of([blocked(Interval(start, start + HOUR))], timezone="UTC")
    proposal = Proposal(
        action=Action.BLOCK, role=Role.ADMIN, resource_id=FIRST, interval=Interval(start, start + 3 * HOUR)
    )
    found = suggest(proposal, facts, limit=50)
    assert found
    assert max(each.interval.end for each in found) <= LAST_INSTANT


def test_r18_a_resource_that_is_out_of_order_is_not_offered():
    resources = (*BAYS, Resource(id=9, name="Out of order", position=0, active=False))
    facts = facts_of([booked(at(5), resource_id=9)], resources=resources)
    found = suggest(create(at(5), resource_id=9), facts, limit=50)
    assert {each.resource_id for each in found} == {FIRST, SECOND, THIRD}
    assert (found[0].resource_id, found[0].interval) == (FIRST, at(5))


TUESDAY_NINETEEN = (24 + 19) * 60


def favouring(*favourites):
    return Standing(user_id=1, favourites=favourites)


def test_r22_a_customer_is_offered_what_is_nearest_to_a_favourite():
    facts = facts_of([booked(at(5))], standing=favouring((SECOND, TUESDAY_NINETEEN)))
    assert offers(create(at(5)), facts) == [
        (SECOND, 7, 60),
        (FIRST, 7, 60),
        (FIRST, 6.5, 60),
        (FIRST, 7.5, 60),
        (SECOND, 5, 60),
    ]


def test_r22_the_most_wanted_favourite_of_that_half_day_counts():
    friday = TUESDAY_NINETEEN + 3 * 24 * 60
    facts = facts_of(standing=favouring((THIRD, friday), (SECOND, TUESDAY_NINETEEN), (FIRST, 24 * 60)))
    assert offers(create(at(5)), facts)[0] == (SECOND, 7, 60)
    plain = facts_of()
    assert offers(create(at(5)), replace(plain, standing=favouring((THIRD, friday)))) == offers(
        create(at(5)), plain
    )


@pytest.mark.parametrize(("minutes", "counts"), [(-721, False), (-720, True), (720, True), (721, False)])
def test_r22_favourites_count_within_twelve_hours(minutes, counts):
    half_past_five = (24 + 17) * 60 + 30
    facts = facts_of(standing=favouring((SECOND, half_past_five + minutes)))
    found = nearest_favourite(create(at(5.5)), facts)
    assert found == ((SECOND, at(5.5).start + minutes * MINUTE) if counts else None)


def test_r22_favourites_reach_over_the_end_of_the_week():
    sunday_night = Interval(local(2027, 6, 6, 23), local(2027, 6, 7, 0))
    facts = facts_of(standing=favouring((SECOND, 30)))
    found = suggest(create(sunday_night), facts)
    assert (found[0].resource_id, found[0].interval.start) == (SECOND, local(2027, 6, 7, 0, 30))


# Against an oracle that judges every row of a fortnight


def rows_of(facts, start, end):
    return rows_between(start, end, facts.timezone, facts.slot_minutes)


def rank(proposal, facts):
    shift = proposal.interval.start
    order = [each.id for each in BAYS]
    return lambda resource_id, interval: (
        abs(interval.start - shift),
        interval.start,
        order.index(resource_id),
    )


def every_candidate(proposal, facts, seconds):
    """All that would be accepted at this length within the search's reach, by class, in the order of the spec."""
    accepting = replace(facts, grace=0)
    asked = proposal.interval.start
    centre = asked
    if proposal.action is not Action.BLOCK:
        earliest = facts.now - facts.slot_minutes * MINUTE
        centre = min(max(asked, earliest), facts.now + facts.policy.advance_days * DAY)
    reach = SEARCHED_DAYS * DAY
    classes: list[list[tuple[int, Interval]]] = [[], [], []]
    same, elsewhere, both = classes
    for start in rows_of(facts, centre - reach, centre + reach):
        if proposal.action is Action.BLOCK and start < min(asked, facts.now):
            continue
        interval = Interval(start, start + seconds)
        for resource in BAYS:
            wanted = replace(proposal, resource_id=resource.id, interval=interval, override_reason=None)
            if is_news(proposal, resource.id, interval) and is_allowed(wanted, accepting):
                is_same = resource.id == proposal.resource_id
                found = same if is_same else elsewhere if start == asked else both
                found.append((resource.id, interval))
    key = rank(proposal, facts)
    return [sorted(each, key=lambda place: key(*place)) for each in classes]


def every_trimmed(proposal, facts, seconds):
    """All that would be accepted within the time asked for and lies in nothing longer that would be."""
    accepting = replace(facts, grace=0)
    start, end = proposal.interval.start, proposal.interval.start + seconds
    lines = rows_of(facts, start, end + 1)
    found = {
        (resource.id, Interval(first, last))
        for resource in BAYS
        for first in lines
        for last in lines
        if first < last
        and last - first < seconds
        and is_allowed(
            replace(proposal, resource_id=resource.id, interval=Interval(first, last), override_reason=None),
            accepting,
        )
    }
    return {
        (resource_id, interval)
        for resource_id, interval in found
        if is_news(proposal, resource_id, interval)
        and not any(
            other != (resource_id, interval) and other[0] == resource_id and other[1].covers(interval)
            for other in found
        )
    }


def is_news(proposal, resource_id, interval):
    existing = proposal.existing
    place = (resource_id, interval)
    return place != (proposal.resource_id, proposal.interval) and (
        existing is None or place != (existing.resource_id, existing.interval)
    )


@st.composite
def cases(draw):
    venue = draw(venues())
    facts = replace(
        venue.facts,
        standing=replace(venue.facts.standing, favourites=()),
        slot_minutes=draw(st.sampled_from([30, 60])),
    )
    slot = facts.slot_minutes * MINUTE
    start = draw(st.sampled_from(rows_of(facts, facts.now - DAY, facts.now + 3 * DAY)))
    start += draw(st.sampled_from([0] * 9 + [10 * MINUTE]))
    interval = Interval(start, start + draw(st.sampled_from([1, 2, 2, 3, 4, 9])) * slot)
    action = draw(st.sampled_from([Action.CREATE, Action.CREATE, Action.MOVE, Action.BLOCK]))
    existing = None
    if action is Action.MOVE:
        here = draw(st.integers(-4, 4)) * slot
        existing = Moved(
            id=draw(st.sampled_from(["record-0", "moved"])),
            resource_id=draw(st.sampled_from([3, 7])),
            interval=Interval(start + here, start + here + 2 * slot),
        )
    proposal = Proposal(
        action=action,
        role=venue.role,
        resource_id=draw(st.sampled_from([3, 5, 7])),
        interval=interval,
        existing=existing,
        override_reason=draw(st.sampled_from([None, "regular"])),
    )
    return proposal, facts


@settings(deadline=None, max_examples=50)
@given(cases())
def test_r18_suggestions_are_what_an_exhaustive_search_finds_nearest(case):
    proposal, facts = case
    found = [(each.resource_id, each.interval) for each in suggest(proposal, facts)]
    seconds = nearest_length(proposal, facts)
    if seconds is None or not is_allowed(proposal, replace(facts, grace=0), Scope.PERSON):
        assert found == []
        return
    classes = every_candidate(proposal, facts, seconds)
    cut = [place for place in found if place[1].seconds < seconds]
    if proposal.role.is_staff and proposal.action is not Action.BLOCK:
        # A booking is never trimmed to the slot now running: staff do not look for that.
        assert set(cut) <= every_trimmed(proposal, facts, seconds)
    else:
        whole = every_trimmed(proposal, facts, seconds)
        assert set(cut) <= whole
        assert len(found) == min(5, len(whole) + sum(map(len, classes)))
    told = [[place for place in found if place in each] for each in classes]
    assert found == [place for each in (*told, cut) for place in each]
    assert all(each == candidates[: len(each)] for each, candidates in zip(told, classes, strict=True))
    assert bool(told[1]) is bool(classes[1])


@settings(deadline=None, max_examples=100)
@given(cases(), st.integers(0, 59), st.lists(st.tuples(st.sampled_from([3, 5, 9]), st.integers(0, 10079))))
def test_r18_every_suggestion_posted_at_once_is_accepted(case, later, favourites):
    proposal, facts = case
    facts = replace(facts, standing=replace(facts.standing, favourites=tuple(favourites)))
    found = suggest(proposal, facts)
    assert len(found) == len(set(found)) <= 5
    for each in found:
        posted = replace(proposal, resource_id=each.resource_id, interval=each.interval, override_reason=None)
        assert evaluate(posted, replace(facts, grace=0)).allowed
        assert evaluate(posted, replace(facts, now=facts.now + later, grace=60)).allowed
        assert is_news(proposal, each.resource_id, each.interval)
