"""A location's grid and its drafts, against a plain dictionary of records."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from grid_engine.diff import Diff, Operation, Put, Reload, Remove
from grid_engine.draft import Draft
from grid_engine.grid import Grid
from grid_engine.interval import Interval
from grid_engine.records import Block, Record
from tests.grid_engine.making import block, booking, hold, in_order, intervals, minutes, overlapping, records

ids = st.integers(0, 25).map(lambda number: f"r{number:02}")
buffers = st.sampled_from((0, 0, 60, 180))


def conflicting(
    some: list[Record],
    resource_id: int,
    interval: Interval,
    *,
    buffer: int,
    buffered: bool,
    excluding: frozenset[str],
) -> list[Record]:
    """The oracle of G1 and G2, in their words: how many free seconds there have to be between the two."""
    found = []
    for record in some:
        apart = buffer if buffered and not isinstance(record, Block) else 0
        free = interval.start - record.interval.end >= apart or record.interval.start - interval.end >= apart
        if record.resource_id == resource_id and record.id not in excluding and not free:
            found.append(record)
    return in_order(found)


class GridFollowsDictionary(RuleBasedStateMachine):
    """What is staged is read from the draft, and from the grid once it is applied, and never before."""

    def __init__(self) -> None:
        super().__init__()
        self.grid = Grid(1, "epoch", 10)
        self.plain: dict[str, Record] = {}
        self.version = 10
        self.draft: Any = None
        self.staged: dict[str, Record] = {}
        self.savepoints: list[tuple[tuple[int, int], dict[str, Record]]] = []

    @precondition(lambda self: self.draft is None)
    @rule()
    def begin(self) -> None:
        self.draft = self.grid.draft()
        self.staged = dict(self.plain)

    @precondition(lambda self: self.draft is not None)
    @rule(record=records(ids))
    def put(self, record: Record) -> None:
        self.draft.put(record)
        self.staged[record.id] = record

    @precondition(lambda self: self.draft is not None)
    @rule(record_id=ids)
    def remove(self, record_id: str) -> None:
        before = len(self.draft.ops)
        self.draft.remove(record_id)
        assert len(self.draft.ops) - before == (record_id in self.staged)
        self.staged.pop(record_id, None)

    @precondition(lambda self: self.draft is not None)
    @rule()
    def reload(self) -> None:
        self.draft.reload()
        assert self.draft.ops[-1] == Reload(self.draft.version + 1)

    @precondition(lambda self: self.draft is not None)
    @rule()
    def close(self) -> None:
        before = self.draft.version
        assert self.draft.close_change() == self.draft.version == before + 1

    @precondition(lambda self: self.draft is not None)
    @rule()
    def save(self) -> None:
        self.savepoints.append((self.draft.savepoint(), dict(self.staged)))

    @precondition(lambda self: self.savepoints)
    @rule(place=st.integers(0, 99))
    def roll_back(self, place: int) -> None:
        place %= len(self.savepoints)
        savepoint, self.staged = self.savepoints[place]
        self.draft.rollback(savepoint)
        assert self.draft.savepoint() == savepoint
        self.staged = dict(self.staged)
        del self.savepoints[place + 1 :]

    @precondition(lambda self: self.draft is not None)
    @rule(keep=st.booleans())
    def finish(self, *, keep: bool) -> None:
        if keep:
            diff = self.draft.diff()
            assert diff.base == self.version
            assert diff.version >= self.draft.version
            assert [op.version for op in diff.ops] == sorted(op.version for op in diff.ops)
            self.grid.apply(diff)
            self.plain, self.version = self.staged, diff.version
        self.draft, self.staged, self.savepoints = None, {}, []

    @precondition(lambda self: self.draft is None)
    @rule(minute=st.integers(0, 60))
    def prune(self, minute: int) -> None:
        kept = {
            record_id: record for record_id, record in self.plain.items() if record.interval.end > minute * 60
        }
        assert self.grid.prune(minute * 60) == len(self.plain) - len(kept)
        self.plain = kept

    @rule(
        resource_id=st.integers(1, 4),
        interval=intervals(),
        buffer=buffers,
        buffered=st.booleans(),
        excluding=st.frozensets(ids, max_size=3),
    )
    def ask(
        self, resource_id: int, interval: Interval, *, buffer: int, buffered: bool, excluding: frozenset[str]
    ) -> None:
        question: dict[str, Any] = {"buffer": buffer, "buffered": buffered, "excluding": excluding}
        for view, plain in self.views():
            some = list(plain.values())
            assert view.conflicts(resource_id, interval, **question) == conflicting(
                some, resource_id, interval, **question
            )
            assert view.overlapping(interval) == overlapping(some, interval)
            assert view.overlapping(interval, resource_id) == overlapping(some, interval, resource_id)
            assert sum(gap.seconds for gap in view.free_gaps(interval, resource_id)) == 60 * sum(
                not overlapping(some, Interval(minute, minute + 60), resource_id)
                for minute in range(interval.start, interval.end, 60)
            )

    @invariant()
    def reads_the_same(self) -> None:
        assert self.grid.version == self.version
        self.grid.check_invariants()
        for view, plain in self.views():
            assert view.records() == in_order(plain.values())
            assert len(view) == len(plain)
            assert all(
                view.get(record_id) == plain.get(record_id) for record_id in ("r00", "r01", "r02", *plain)
            )

    def views(self) -> list[tuple[Grid | Draft, dict[str, Record]]]:
        standing: list[tuple[Grid | Draft, dict[str, Record]]] = [(self.grid, self.plain)]
        return [*standing, (self.draft, self.staged)] if self.draft is not None else standing


TestGridFollowsDictionary = GridFollowsDictionary.TestCase
TestGridFollowsDictionary.settings = settings(max_examples=30, stateful_step_count=40, deadline=None)


def test_g6_a_grid_knows_its_location_epoch_and_version():
    grid = Grid(3, "epoch", 7, [booking("a", 0, 1)])
    assert (grid.location_id, grid.epoch, grid.version, len(grid)) == (3, "epoch", 7, 1)


@pytest.mark.parametrize("base", [6, 8])
def test_w2_a_diff_that_does_not_start_at_the_grids_version_changes_nothing(base):
    grid = Grid(1, "epoch", 7)
    with pytest.raises(ValueError, match="does not fit"):
        grid.apply(Diff(base, 9, (Put(9, booking("a", 0, 1)),)))
    assert (grid.version, len(grid)) == (7, 0)


def test_g6_a_diff_without_operations_takes_its_version():
    grid = Grid(1, "epoch", 7)
    grid.apply(Diff(7, 9, ()))
    assert grid.version == 9


def test_w2_a_put_replaces_and_an_unknown_remove_is_nothing():
    grid = Grid(1, "epoch", 0, [booking("a", 0, 10)])
    moved = booking("a", 50, 60, resource_id=2)
    ops: tuple[Operation, ...] = (Put(1, moved), Remove(2, "gone", "shown-gone"), Reload(3))
    grid.apply(Diff(0, 3, ops))
    assert grid.records() == [moved]
    grid.check_invariants()


def test_g2_touching_bookings_do_not_conflict():
    grid = Grid(1, "epoch", 0, [booking("a", 60, 120), block("b", 180, 240)])
    assert grid.conflicts(1, minutes(120, 180)) == []
    assert [record.id for record in grid.conflicts(1, minutes(119, 181))] == ["a", "b"]
    assert grid.conflicts(2, minutes(60, 120)) == []


@pytest.mark.parametrize("taken", [booking("a", 60, 120), hold("a", 60, 120)])
def test_g2_a_buffer_lies_between_bookings_and_holds(taken):
    grid = Grid(1, "epoch", 0, [taken])
    buffer = 15 * 60
    assert grid.conflicts(1, minutes(120, 180), buffer=buffer) == [taken]
    assert grid.conflicts(1, minutes(134, 180), buffer=buffer) == [taken]
    assert grid.conflicts(1, minutes(135, 180), buffer=buffer) == []
    assert grid.conflicts(1, minutes(0, 46), buffer=buffer) == [taken]
    assert grid.conflicts(1, minutes(0, 45), buffer=buffer) == []


def test_g2_blocks_neither_need_nor_give_the_buffer():
    taken, blocked = booking("a", 60, 120), block("b", 180, 240)
    grid = Grid(1, "epoch", 0, [taken, blocked])
    assert grid.conflicts(1, minutes(135, 180), buffer=900) == []
    assert grid.conflicts(1, minutes(135, 181), buffer=900) == [blocked]
    assert grid.conflicts(1, minutes(120, 180), buffer=900, buffered=False) == []
    assert grid.conflicts(1, minutes(119, 180), buffer=900, buffered=False) == [taken]


def test_g4_a_booking_does_not_conflict_with_itself():
    taken, other = booking("a", 60, 120), booking("b", 120, 180)
    grid = Grid(1, "epoch", 0, [taken, other])
    assert grid.conflicts(1, minutes(90, 120), excluding={"a"}) == []
    assert grid.conflicts(1, minutes(90, 150), excluding=["a"]) == [other]


def test_g6_every_change_of_a_draft_has_its_own_version():
    grid = Grid(1, "epoch", 4, [booking("a", 0, 10), hold("h", 20, 30), block("k", 40, 50)])
    draft = grid.draft()
    draft.put(booking("b", 10, 20))
    assert draft.close_change() == 5
    draft.remove("a")
    draft.remove("h")
    draft.remove("k")
    assert draft.close_change() == 6
    assert draft.close_change() == 7
    draft.put(booking("c", 0, 5))
    assert draft.diff() == Diff(
        4,
        8,
        (
            Put(5, booking("b", 10, 20)),
            Remove(6, "a", "shown-a", None),
            Remove(6, "h", "shown-h", 5),
            Remove(6, "k", "shown-k", None),
            Put(8, booking("c", 0, 5)),
        ),
    )
    assert (grid.version, len(grid)) == (4, 3)


def test_b5_what_came_after_a_savepoint_can_be_taken_back():
    grid = Grid(1, "epoch", 4, [booking("a", 0, 10)])
    draft = grid.draft()
    draft.put(booking("b", 10, 20))
    draft.reload()
    draft.close_change()
    savepoint = draft.savepoint()
    draft.remove("a")
    draft.put(booking("b", 30, 40))
    draft.close_change()
    draft.rollback(savepoint)
    assert draft.records() == [booking("a", 0, 10), booking("b", 10, 20)]
    assert draft.diff() == Diff(4, 5, (Put(5, booking("b", 10, 20)), Reload(5)))


def test_a_grid_lets_go_of_what_has_ended():
    grid = Grid(1, "epoch", 4, [booking("a", 0, 10), booking("b", 0, 11), booking("c", 10, 20)])
    assert grid.prune(10 * 60) == 1
    assert [record.id for record in grid.records()] == ["b", "c"]
    assert grid.version == 4
    grid.check_invariants()


def test_w2_a_remove_takes_a_record_away():
    grid = Grid(1, "epoch", 0, [booking("a", 0, 10)])
    grid.apply(Diff(0, 1, (Remove(1, "a", "shown-a"),)))
    assert (grid.records(), grid.get("a")) == ([], None)


def test_g6_a_draft_without_changes_is_a_diff_without_versions():
    assert Grid(1, "epoch", 4).draft().diff() == Diff(4, 4, ())


@settings(max_examples=50, deadline=None)
@given(st.lists(records(ids), max_size=15, unique_by=lambda record: record.id), st.randoms())
def test_w1_grids_have_the_same_digest_exactly_if_they_hold_the_same(some, chance):
    shuffled = list(some)
    chance.shuffle(shuffled)
    grid, other = Grid(1, "epoch", 0, some), Grid(2, "other", 5, shuffled)
    assert grid.digest() == other.digest()
    other.apply(Diff(5, 6, (Put(6, booking("r00", 900, 901)),)))
    assert grid.digest() != other.digest()


def test_w1_many_operations_at_once_come_to_the_same_as_one_after_the_other():
    before = [block(f"r{number:04}", number, number + 1, number % 7) for number in range(600)]
    ops: list[Operation] = [
        Put(2, block(f"r{number:04}", number, number + 2, 1)) for number in range(0, 900, 3)
    ]
    ops += [Remove(2, f"r{number:04}", "") for number in range(0, 1200, 4)]
    ops += [Reload(2), *(Put(2, block(f"r{number:04}", number, number + 1, 2)) for number in range(0, 90, 8))]
    at_once, one_by_one = (Grid(1, "e", 1, before) for _ in range(2))
    at_once.apply(Diff(1, 2, tuple(ops)))
    for op in ops:
        one_by_one.apply(Diff(one_by_one.version, one_by_one.version + 1, (op,)))
    at_once.check_invariants()
    assert at_once.version == 2
    assert at_once.records() == one_by_one.records()
