"""Each rule at its edges: what it refuses, what it lets pass, and what it tells."""

from dataclasses import replace
from datetime import date

import pytest

from grid_engine.calendar_day import calendar_day
from grid_engine.interval import DAY, HOUR, MINUTE, Interval
from grid_engine.records import Blackout
from rules.evaluate import RULES, evaluate, violations_of
from rules.model import Action, Moved, Proposal, Role, Standing
from rules.policy import Policy
from tests.rules.venues import (
    GRIDS,
    NOON,
    at,
    blocked,
    booked,
    create,
    facts_of,
    held,
    local,
    move,
)


def told(proposal, facts, code):
    """The params of the violation of this code, None without one."""
    rule = next(rule for rule in RULES if rule.code == code)
    found = list(rule.check(proposal, facts))
    assert [each.code for each in found] in ([], [code])
    return found[0].params if found else None


def test_r1_who_may_not_book_is_refused():
    assert told(create(at(1)), facts_of(policy=Policy(can_book=False)), "not_permitted") == {}
    assert told(create(at(1)), facts_of(), "not_permitted") is None


def test_r2_who_is_banned_is_refused():
    assert told(create(at(1)), facts_of(standing=Standing(banned=True)), "booking_ban") == {}
    assert told(create(at(1)), facts_of(), "booking_ban") is None


def test_r3_a_denied_location_refuses_and_others_do_not():
    assert (
        told(create(at(1)), facts_of(standing=Standing(denied_locations=frozenset({1}))), "location_denied")
        == {}
    )
    assert (
        told(create(at(1)), facts_of(standing=Standing(denied_locations=frozenset({2}))), "location_denied")
        is None
    )


@pytest.mark.parametrize(
    ("start", "minutes", "refused"),
    [(0, 60, False), (0.5, 30, False), (0.25, 60, True), (0, 45, True), (0.25, 45, True)],
)
def test_r4_start_and_end_lie_on_the_grid(start, minutes, refused):
    params = told(create(at(start, minutes)), facts_of(), "off_grid")
    assert params == ({"slot_minutes": 30} if refused else None)


def test_r4_t2_the_end_of_a_day_whose_last_row_is_shorter_is_a_boundary():
    day = calendar_day(date(2027, 4, 4), "Australia/Lord_Howe", 60)
    facts = facts_of(timezone="Australia/Lord_Howe", slot_minutes=60)
    assert day.end - day.rows[-1] == HOUR // 2
    assert told(create(Interval(day.rows[-1], day.end)), facts, "off_grid") is None
    assert told(create(Interval(day.rows[-1], day.end + HOUR // 2)), facts, "off_grid") == {
        "slot_minutes": 60
    }


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
    params = told(create(Interval(start, start + HOUR), role), facts_of(grace=grace), "past_start")
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
    params = told(create(at(start / 60), role), facts, "past_start")
    running = NOON + int(minutes_past // 30) * 30 * MINUTE
    assert params == ({"earliest_time": running} if refused else None)


def test_r6_elapsed_minutes_count():
    assert told(create(at(1, 60)), facts_of(), "min_duration") is None
    assert told(create(at(1, 59)), facts_of(), "min_duration") == {"minimum": 60}


def test_r6_t4_an_hour_over_the_gap_of_spring_is_an_hour():
    start = local(2027, 3, 14, 1, 30)
    assert told(create(Interval(start, local(2027, 3, 14, 3, 30))), facts_of(), "min_duration") is None
    assert told(create(Interval(start, local(2027, 3, 14, 3, 0))), facts_of(), "min_duration") == {
        "minimum": 60
    }


def test_r7_elapsed_minutes_count():
    assert told(create(at(1, 240)), facts_of(), "max_duration") is None
    assert told(create(at(1, 241)), facts_of(), "max_duration") == {"maximum": 240}


def test_r8_days_are_of_24_hours_from_now():
    latest = NOON + 14 * DAY
    for role in Role:
        assert told(create(Interval(latest, latest + HOUR), role), facts_of(), "advance_window") is None
        assert told(create(Interval(latest + 1, latest + HOUR), role), facts_of(), "advance_window") == {
            "days": 14,
            "latest_time": latest,
        }


NINE_TO_TEN_AT_NIGHT = (((540, 720), (780, 1320)), ((540, 1320),), (), (), (), (), ())


def test_r9_hours_of_the_day_are_told():
    facts = facts_of(policy=Policy(opening_hours=NINE_TO_TEN_AT_NIGHT))
    assert told(create(at(9)), facts, "closed") is None
    assert told(create(at(9.5)), facts, "closed") == {"hours": {"tue": [["09:00", "22:00"]]}}


def test_r9_t6_hours_of_both_days_are_told_over_midnight():
    facts = facts_of(policy=Policy(opening_hours=NINE_TO_TEN_AT_NIGHT))
    monday_night = Interval(local(2027, 6, 7, 23), local(2027, 6, 8, 1))
    assert told(create(monday_night), facts, "closed") == {
        "hours": {"mon": [["09:00", "12:00"], ["13:00", "22:00"]], "tue": [["09:00", "22:00"]]}
    }
    until_midnight = Interval(local(2027, 6, 8, 23), local(2027, 6, 9, 0))
    assert list(told(create(until_midnight), facts, "closed")["hours"]) == ["tue"]


def test_r9_at_most_a_week_of_hours_is_told():
    params = told(
        create(Interval(NOON, NOON + 400 * DAY)), facts_of(policy=Policy(opening_hours=((),) * 7)), "closed"
    )
    assert list(params["hours"]) == ["tue", "wed", "thu", "fri", "sat", "sun", "mon"]


def test_r9_without_hours_it_is_never_closed():
    assert told(create(Interval(NOON, NOON + 400 * DAY)), facts_of(), "closed") is None


def test_r10_a_blackout_of_the_resource_refuses_and_touching_does_not():
    closure = Blackout(id=1, interval=at(2, 60), resource_ids=frozenset({7}), reason="tournament")
    facts = facts_of(blackouts=(closure,))
    assert told(create(at(1, 60)), facts, "blackout") is None
    assert told(create(at(3, 60)), facts, "blackout") is None
    assert told(create(at(2, 60), resource_id=3), facts, "blackout") is None
    span = {"start_time": at(2).start, "end_time": at(2).end}
    assert told(create(at(1, 90)), facts, "blackout") == {"blackouts": [span]}


def test_r10_a4_why_it_is_closed_is_told_to_those_who_are_no_customers_there():
    facts = facts_of(blackouts=(Blackout(id=1, interval=at(2, 60), reason="tournament"),))
    params = told(create(at(2, 60), Role.STAFF), facts, "blackout")
    assert [each["reason"] for each in params["blackouts"]] == ["tournament"]


def test_r10_blackouts_are_told_in_order_of_time_and_ten_at_most():
    closures = tuple(Blackout(id=number, interval=at(-number, 60 * 24)) for number in range(12))
    params = told(create(at(1)), facts_of(blackouts=closures), "blackout")
    starts = [each["start_time"] for each in params["blackouts"]]
    assert starts == [at(-number).start for number in range(11, 1, -1)]


def standing_with(active):
    return Standing(user_id=1, active_bookings=active)


@pytest.mark.parametrize(("active", "refused"), [(0, False), (1, False), (2, True), (5, True)])
def test_r11_one_too_many_is_refused(active, refused):
    params = told(create(at(1)), facts_of(standing=standing_with(active)), "concurrent_limit")
    assert params == ({"limit": 2, "active": active} if refused else None)


def test_r11_what_ends_by_now_is_not_one_more():
    facts = facts_of(standing=standing_with(2))
    assert told(create(at(-1), Role.STAFF), facts, "concurrent_limit") is None
    assert told(create(at(-0.9), Role.STAFF), facts, "concurrent_limit") is not None


def test_r11_r17_a_move_is_not_one_more_even_over_a_limit_that_was_lowered():
    facts = facts_of(standing=standing_with(5))
    assert told(move(at(5), at(6)), facts, "concurrent_limit") is None


def test_r11_a_move_is_one_more_for_another_customer_and_for_a_booking_that_had_ended():
    facts = facts_of(standing=standing_with(2))
    assert told(move(at(5), at(6), Role.STAFF, new_customer=True), facts, "concurrent_limit") is not None
    assert told(move(at(-1), at(6), Role.STAFF), facts, "concurrent_limit") is not None


def test_r11_g5_confirming_a_hold_counts_the_booking_it_becomes():
    existing = Moved(id="held", resource_id=7, interval=at(1))
    assert (
        told(create(at(1), existing=existing), facts_of(standing=standing_with(1)), "concurrent_limit")
        is None
    )
    assert (
        told(create(at(1), existing=existing), facts_of(standing=standing_with(2)), "concurrent_limit")
        is not None
    )


@pytest.mark.parametrize(("moves", "refused"), [(0, False), (1, False), (2, True), (3, True)])
@pytest.mark.parametrize("role", Role)
def test_r12_a_booking_that_its_customer_moved_so_often_is_moved_by_nobody(moves, refused, role):
    params = told(move(at(5), at(6), role, moves=moves), facts_of(), "reschedule_limit")
    assert params == ({"limit": 2} if refused else None)


@pytest.mark.parametrize("role", Role)
def test_r12_r19_staff_waive_it_with_a_reason(role):
    proposal = move(at(5), at(6), role, moves=2, override_reason="rained off")
    verdict = evaluate(proposal, facts_of())
    assert verdict.allowed == role.is_staff
    told_of = verdict.waived if role.is_staff else verdict.violations
    assert [each.code for each in told_of] == ["reschedule_limit"]


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
        params = told(proposal, facts_of(grace=grace), "cutoff")
        assert params == ({"minutes": 120, "until_time": start - 2 * HOUR} if refused else None)


def busy(*intervals):
    return {"busy": [{"start_time": each.start, "end_time": each.end} for each in intervals]}


@pytest.mark.parametrize("grid", GRIDS)
class TestConflict:
    def test_r14_g2_overlapping_refuses_and_touching_does_not(self, grid):
        facts = facts_of(grid=grid([booked(at(2))]))
        assert told(create(at(1)), facts, "conflict") is None
        assert told(create(at(3)), facts, "conflict") is None
        assert told(create(at(1.5)), facts, "conflict") == busy(at(2))
        assert told(create(at(1.5), resource_id=3), facts, "conflict") is None

    def test_r14_g3_only_the_busy_intervals_are_told(self, grid):
        records = [booked(at(2), who="Ann", user_id=4), blocked(at(3)), held(at(4), NOON + 1)]
        assert told(create(at(2, 180)), facts_of(grid=grid(records)), "conflict") == busy(at(2), at(3), at(4))

    def test_r14_g2_a_buffer_lies_between_bookings_but_not_at_blocks(self, grid):
        facts = facts_of(grid=grid([booked(at(2)), blocked(at(8))]), policy=Policy(buffer_minutes=30))
        assert told(create(at(0.5)), facts, "conflict") is None
        assert told(create(at(3)), facts, "conflict") == busy(at(2)) | {"buffer_minutes": 30}
        assert told(create(at(3.5)), facts, "conflict") is None
        assert told(create(at(7)), facts, "conflict") is None
        assert told(create(at(9)), facts, "conflict") is None
        block = Proposal(action=Action.BLOCK, role=Role.ADMIN, resource_id=7, interval=at(3))
        assert told(block, facts, "conflict") is None

    def test_g11_g2_a_block_is_restored_next_to_a_booking_and_a_booking_is_not(self, grid):
        facts = facts_of(grid=grid([booked(at(2))]), policy=Policy(buffer_minutes=30))
        existing = Moved(id="moved", resource_id=7, interval=at(8))
        booking = Proposal(
            action=Action.RESTORE, role=Role.ADMIN, resource_id=7, interval=at(3), existing=existing
        )
        assert told(booking, facts, "conflict") == busy(at(2)) | {"buffer_minutes": 30}
        assert told(replace(booking, is_block=True), facts, "conflict") is None
        assert told(replace(booking, is_block=True, interval=at(2.5)), facts, "conflict") is not None

    def test_r14_g4_it_does_not_stand_in_its_own_way(self, grid):
        facts = facts_of(grid=grid([booked(at(5), record_id="moved")]))
        assert told(move(at(5), at(5.5)), facts, "conflict") is None
        assert told(create(at(5.5)), facts, "conflict") is not None

    def test_r14_g5_an_overdue_hold_refuses_nobody(self, grid):
        records = [held(at(2), NOON)]
        assert told(create(at(2)), facts_of(grid=grid(records)), "conflict") is None
        assert told(create(at(2)), facts_of(grid=grid(records), now=NOON - 1), "conflict") == busy(at(2))

    def test_r14_ten_busy_intervals_at_most_are_told(self, grid):
        records = [booked(at(n, 30), record_id=f"{n}") for n in range(12)]
        params = told(create(at(0, 60 * 12)), facts_of(grid=grid(records)), "conflict")
        assert params == busy(*(at(n, 30) for n in range(10)))


def test_rules_stand_in_the_order_of_their_ids_each_code_once():
    assert [rule.id for rule in RULES] == [f"R{number}" for number in range(1, 15)]
    assert len({rule.code for rule in RULES}) == len(RULES)


def test_each_rule_tells_its_own_code():
    records = [booked(at(2))]
    facts = facts_of(
        records,
        blackouts=(Blackout(id=1, interval=at(2)),),
        policy=Policy(can_book=False, advance_days=0, min_duration_minutes=300, opening_hours=((),) * 7),
        standing=Standing(banned=True, denied_locations=frozenset({1}), active_bookings=2),
    )
    found = [each.code for each in violations_of(move(at(-1), at(2.25), moves=2), facts)]
    assert found == [rule.code for rule in RULES if rule.code not in ("past_start", "max_duration")]
