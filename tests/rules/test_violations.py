"""The order and content of violations, as a table: what is asked, of what, and exactly what each role is told."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from grid_engine.interval import DAY, HOUR, MINUTE, Interval
from grid_engine.records import Blackout
from rules.evaluate import RULES, evaluate
from rules.model import Action, Facts, Moved, Proposal, Role, Standing
from rules.policy import Policy
from tests.rules.venues import NOON, at, blocked, booked, create, facts_of, held, move

CUSTOMERS = (Role.CUSTOMER, Role.OPERATOR)
"""Those to whom nothing is overridable."""
EVERYBODY = (*CUSTOMERS, Role.STAFF, Role.ADMIN)

STAFF = {Role.STAFF, Role.ADMIN}
ADMIN = {Role.ADMIN}
NOBODY: set[Role] = set()


@dataclass(frozen=True)
class Case:
    """``told`` is (code, params, roles that may override it), in order; the same for all ``roles``."""

    what: str
    asked: Any
    """Makes the proposal of a role."""
    facts: Facts
    told: list[tuple[str, dict[str, Any], set[Role]]]
    roles: tuple[Role, ...] = field(default=EVERYBODY)


def spans(*intervals):
    return [{"start_time": each.start, "end_time": each.end} for each in intervals]


def cancel(existing, role):
    return Proposal(
        action=Action.CANCEL,
        role=role,
        resource_id=7,
        interval=existing,
        existing=Moved(id="moved", resource_id=7, interval=existing),
    )


def block(interval, role):
    return Proposal(action=Action.BLOCK, role=role, resource_id=7, interval=interval)


def restore(interval, role):
    return Proposal(
        action=Action.RESTORE,
        role=role,
        resource_id=7,
        interval=interval,
        existing=Moved(id="moved", resource_id=7, interval=interval),
    )


CLOSURE = Blackout(id=1, interval=at(2, 120), reason="tournament")
EVENINGS = (((17 * 60, 22 * 60),),) * 7
WINDOW = {"days": 14, "latest_time": NOON + 14 * DAY}

CASES = [
    Case("nothing in the way", lambda role: create(at(1), role), facts_of(), []),
    Case(
        "not permitted",
        lambda role: create(at(1), role),
        facts_of(policy=Policy(can_book=False)),
        [("not_permitted", {}, STAFF)],
    ),
    Case(
        "banned",
        lambda role: create(at(1), role),
        facts_of(standing=Standing(banned=True)),
        [("booking_ban", {}, ADMIN)],
    ),
    Case(
        "banned, denied and not permitted at once",
        lambda role: create(at(1), role),
        facts_of(
            policy=Policy(can_book=False), standing=Standing(banned=True, denied_locations=frozenset({1}))
        ),
        [("not_permitted", {}, STAFF), ("booking_ban", {}, ADMIN), ("location_denied", {}, STAFF)],
    ),
    Case(
        "between the lines, and too short by that",
        lambda role: create(at(1.25, 45), role),
        facts_of(),
        [("off_grid", {"slot_minutes": 30}, STAFF), ("min_duration", {"minimum": 60}, STAFF)],
    ),
    Case(
        "over, by more than the slot now running",
        lambda role: create(at(-2), role),
        facts_of(now=NOON + 10 * MINUTE),
        [("past_start", {"earliest_time": NOON + 10 * MINUTE}, NOBODY)],
        roles=CUSTOMERS,
    ),
    Case(
        "over, and staff may look back to the slot now running",
        lambda role: create(at(-2), role),
        facts_of(now=NOON + 10 * MINUTE),
        [("past_start", {"earliest_time": NOON}, STAFF)],
        roles=(Role.STAFF, Role.ADMIN),
    ),
    Case(
        "in the slot now running: only customers are too late",
        lambda role: create(at(0), role),
        facts_of(now=NOON + 10 * MINUTE),
        [("past_start", {"earliest_time": NOON + 10 * MINUTE}, NOBODY)],
        roles=CUSTOMERS,
    ),
    Case(
        "in the slot now running, for staff",
        lambda role: create(at(0), role),
        facts_of(now=NOON + 10 * MINUTE),
        [],
        roles=(Role.STAFF, Role.ADMIN),
    ),
    Case(
        "too long, too far ahead, outside hours",
        lambda role: create(Interval(NOON + 15 * DAY, NOON + 15 * DAY + 5 * HOUR), role),
        facts_of(policy=Policy(opening_hours=EVENINGS)),
        [
            ("max_duration", {"maximum": 240}, STAFF),
            ("advance_window", WINDOW, STAFF),
            ("closed", {"hours": {"wed": [["17:00", "22:00"]]}}, STAFF),
        ],
    ),
    Case(
        "blacked out and taken: a customer is not told why it is closed",
        lambda role: create(at(2), role),
        facts_of([booked(at(2.5))], blackouts=(CLOSURE,)),
        [
            ("blackout", {"blackouts": spans(at(2, 120))}, NOBODY),
            ("conflict", {"busy": spans(at(2.5))}, NOBODY),
        ],
        roles=(Role.CUSTOMER,),
    ),
    Case(
        "blacked out and taken: all others are",
        lambda role: create(at(2), role),
        facts_of([booked(at(2.5))], blackouts=(CLOSURE,)),
        [
            ("blackout", {"blackouts": [spans(at(2, 120))[0] | {"reason": "tournament"}]}, STAFF),
            ("conflict", {"busy": spans(at(2.5))}, NOBODY),
        ],
        roles=(Role.OPERATOR, Role.STAFF, Role.ADMIN),
    ),
    Case(
        "one too many, and only just too close to the next",
        lambda role: create(at(1), role),
        facts_of(
            [booked(at(2))], policy=Policy(buffer_minutes=15), standing=Standing(user_id=1, active_bookings=2)
        ),
        [
            ("concurrent_limit", {"limit": 2, "active": 2}, STAFF),
            ("conflict", {"busy": spans(at(2)), "buffer_minutes": 15}, NOBODY),
        ],
    ),
    Case(
        "taken, and by nothing else refused",
        lambda role: create(at(2), role),
        facts_of([booked(at(1.5)), blocked(at(2.5)), held(at(3.5), NOON + 1)]),
        [("conflict", {"busy": spans(at(1.5), at(2.5))}, NOBODY)],
    ),
    Case(
        "moved as often as may be, too late, and into somebody's way",
        lambda role: move(at(1), at(5), role, moves=2),
        facts_of([booked(at(1), record_id="moved"), booked(at(5.5))]),
        [
            ("reschedule_limit", {"limit": 2}, STAFF),
            ("cutoff", {"minutes": 120, "until_time": NOON - HOUR}, STAFF),
            ("conflict", {"busy": spans(at(5.5))}, NOBODY),
        ],
    ),
    Case(
        "moved over itself, by a customer who has as many as may be",
        lambda role: move(at(5), at(5.5), role),
        facts_of([booked(at(5), record_id="moved")], standing=Standing(user_id=1, active_bookings=2)),
        [],
    ),
    Case(
        "cancelled too late; nothing else is asked, even of the banned",
        lambda role: cancel(at(1), role),
        facts_of(policy=Policy(can_book=False), standing=Standing(banned=True)),
        [("cutoff", {"minutes": 120, "until_time": NOON - HOUR}, STAFF)],
    ),
    Case(
        "a block between the lines, in the past, in a blackout, on a booking",
        lambda role: block(at(-1.25, 60), role),
        facts_of([booked(at(-1))], blackouts=(Blackout(id=1, interval=at(-2, 600)),)),
        [
            ("off_grid", {"slot_minutes": 30}, STAFF),
            ("conflict", {"busy": spans(at(-1))}, NOBODY),
        ],
    ),
    Case(
        "brought back into somebody's way, too short and too late as it is",
        lambda role: restore(at(1, 30), role),
        facts_of([booked(at(1))]),
        [("conflict", {"busy": spans(at(1))}, NOBODY)],
    ),
    Case(
        "everything at once",
        lambda role: move(at(-1), at(2.25), role, moves=2),
        facts_of(
            [booked(at(2))],
            blackouts=(Blackout(id=1, interval=at(2), resource_ids=frozenset({7}), reason=""),),
            policy=Policy(
                can_book=False, advance_days=0, min_duration_minutes=300, opening_hours=((),) * 7, buffer_minutes=5
            ),
            standing=Standing(banned=True, denied_locations=frozenset({1, 2}), active_bookings=2),
        ),
        [
            ("not_permitted", {}, STAFF),
            ("booking_ban", {}, ADMIN),
            ("location_denied", {}, STAFF),
            ("off_grid", {"slot_minutes": 30}, STAFF),
            ("min_duration", {"minimum": 300}, STAFF),
            ("advance_window", {"days": 0, "latest_time": NOON}, STAFF),
            ("closed", {"hours": {"tue": []}}, STAFF),
            ("blackout", {"blackouts": [spans(at(2))[0] | {"reason": ""}]}, STAFF),
            ("concurrent_limit", {"limit": 2, "active": 2}, STAFF),
            ("reschedule_limit", {"limit": 2}, STAFF),
            ("cutoff", {"minutes": 120, "until_time": NOON - 3 * HOUR}, STAFF),
            ("conflict", {"busy": spans(at(2)), "buffer_minutes": 5}, NOBODY),
        ],
        roles=(Role.OPERATOR, Role.STAFF, Role.ADMIN),
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("case", "role"),
    [pytest.param(case, role, id=f"{case.what}-{role.value}") for case in CASES for role in case.roles],
)
def test_the_table_of_violations(case, role):
    verdict = evaluate(case.asked(role), case.facts)
    assert [(each.code, each.params, each.overridable) for each in verdict.violations] == [
        (code, params, role in waived_by) for code, params, waived_by in case.told
    ]
    assert verdict.allowed is (case.told == [])
    assert verdict.overridable is (case.told != [] and all(role in each[2] for each in case.told))


def test_the_table_has_every_rule():
    assert {code for case in CASES for code, _, _ in case.told} == {rule.code for rule in RULES}
