"""Time that is taken."""

from dataclasses import replace

import pytest

from rules.checks.conflict import RULE
from rules.model import Action, Moved, Proposal, Role
from rules.policy import Policy
from tests.rules.venues import GRIDS, NOON, at, blocked, booked, create, facts_of, held, move, told


def busy(*intervals):
    return {"busy": [{"start_time": each.start, "end_time": each.end} for each in intervals]}


@pytest.mark.parametrize("grid", GRIDS)
class TestConflict:
    def test_r14_g2_overlapping_refuses_and_touching_does_not(self, grid):
        facts = facts_of(grid=grid([booked(at(2))]))
        assert told(RULE, create(at(1)), facts) is None
        assert told(RULE, create(at(3)), facts) is None
        assert told(RULE, create(at(1.5)), facts) == busy(at(2))
        assert told(RULE, create(at(1.5), resource_id=3), facts) is None

    def test_r14_g3_only_the_busy_intervals_are_told(self, grid):
        records = [booked(at(2), who="Ann", user_id=4), blocked(at(3)), held(at(4), NOON + 1)]
        assert told(RULE, create(at(2, 180)), facts_of(grid=grid(records))) == busy(at(2), at(3), at(4))

    def test_r14_g2_a_buffer_lies_between_bookings_but_not_at_blocks(self, grid):
        facts = facts_of(grid=grid([booked(at(2)), blocked(at(8))]), policy=Policy(buffer_minutes=30))
        assert told(RULE, create(at(0.5)), facts) is None
        assert told(RULE, create(at(3)), facts) == busy(at(2)) | {"buffer_minutes": 30}
        assert told(RULE, create(at(3.5)), facts) is None
        assert told(RULE, create(at(7)), facts) is None
        assert told(RULE, create(at(9)), facts) is None
        block = Proposal(action=Action.BLOCK, role=Role.ADMIN, resource_id=7, interval=at(3))
        assert told(RULE, block, facts) is None

    def test_g11_g2_a_block_is_restored_next_to_a_booking_and_a_booking_is_not(self, grid):
        facts = facts_of(grid=grid([booked(at(2))]), policy=Policy(buffer_minutes=30))
        existing = Moved(id="moved", resource_id=7, interval=at(8))
        booking = Proposal(
            action=Action.RESTORE, role=Role.ADMIN, resource_id=7, interval=at(3), existing=existing
        )
        assert told(RULE, booking, facts) == busy(at(2)) | {"buffer_minutes": 30}
        assert told(RULE, replace(booking, is_block=True), facts) is None
        assert told(RULE, replace(booking, is_block=True, interval=at(2.5)), facts) is not None

    def test_r14_g4_it_does_not_stand_in_its_own_way(self, grid):
        facts = facts_of(grid=grid([booked(at(5), record_id="moved")]))
        assert told(RULE, move(at(5), at(5.5)), facts) is None
        assert told(RULE, create(at(5.5)), facts) is not None

    def test_r14_g5_an_overdue_hold_refuses_nobody(self, grid):
        records = [held(at(2), NOON)]
        assert told(RULE, create(at(2)), facts_of(grid=grid(records))) is None
        assert told(RULE, create(at(2)), facts_of(grid=grid(records), now=NOON - 1)) == busy(at(2))

    def test_r14_ten_busy_intervals_at_most_are_told(self, grid):
        records = [booked(at(n, 30), record_id=f"{n}") for n in range(12)]
        params = told(RULE, create(at(0, 60 * 12)), facts_of(grid=grid(records)))
        assert params == busy(*(at(n, 30) for n in range(10)))


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({}, "This time is already taken."),
        (
            {"busy": [], "buffer_minutes": 10},
            "This time is already taken, or too close to the next booking: 10 minutes stay free between.",
        ),
    ],
)
def test_r14_is_told_by_its_parameters(params, message):
    assert RULE.wording(params) == message
