"""The index, against a plain list of records."""

import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from grid_engine.interval import Interval
from grid_engine.interval_tree import IntervalTree
from grid_engine.records import Record
from grid_engine.timeline import Timeline, order
from tests.grid_engine.making import block, booking, in_order, intervals, minutes, overlapping, records

resource_ids = st.none() | st.integers(0, 4)
unique_records = st.lists(records(), max_size=60, unique_by=lambda record: record.id)


class TreeFollowsList(RuleBasedStateMachine):
    """Whatever is added and discarded, the tree answers as a list of the same records would."""

    known = Bundle("known")

    def __init__(self) -> None:
        super().__init__()
        self.tree = IntervalTree()
        self.plain: dict[str, Record] = {}

    @rule(target=known, record=records())
    def add(self, record: Record) -> Record:
        if record.id in self.plain:
            with pytest.raises(ValueError, match="already"):
                self.tree.add(record)
            return self.plain[record.id]
        self.tree.add(record)
        self.plain[record.id] = record
        return record

    @rule(some=st.lists(records(), max_size=12))
    def add_some(self, some: list[Record]) -> None:
        for record in some:
            if record.id not in self.plain:
                self.tree.add(record)
                self.plain[record.id] = record

    @rule(record=consumes(known))
    def discard_known(self, record: Record) -> None:
        self.tree.discard(record)
        self.plain.pop(record.id, None)

    @rule(record=records())
    def discard_by_id_wherever_it_stands(self, record: Record) -> None:
        self.tree.discard(record)
        self.plain.pop(record.id, None)

    @rule(start=st.integers(0, 60))
    def discard_a_stretch(self, start: int) -> None:
        for record in overlapping(list(self.plain.values()), minutes(start, start + 10)):
            self.tree.discard(record)
            del self.plain[record.id]

    @rule(window=intervals(), resource_id=resource_ids)
    def overlap(self, window: Interval, resource_id: int | None) -> None:
        expected = overlapping(list(self.plain.values()), window, resource_id)
        assert self.tree.overlapping(window, resource_id) == expected

    @rule(minute=st.integers(-1, 90), resource_id=resource_ids)
    def stab(self, minute: int, resource_id: int | None) -> None:
        at = minute * 60
        expected = [
            record
            for record in in_order(list(self.plain.values()))
            if record.interval.contains(at) and resource_id in (None, record.resource_id)
        ]
        assert self.tree.stab(at, resource_id) == expected

    @rule(window=intervals(), resource_id=st.integers(1, 3))
    def gaps(self, window: Interval, resource_id: int) -> None:
        found = self.tree.free_gaps(window, resource_id)
        free = [
            minute
            for minute in range(window.start, window.end, 60)
            if not overlapping(list(self.plain.values()), Interval(minute, minute + 60), resource_id)
        ]
        assert [minute for gap in found for minute in range(gap.start, gap.end, 60)] == free
        assert all(earlier.end < later.start for earlier, later in pairwise(found))

    @rule(minute=st.integers(-1, 90))
    def begun(self, minute: int) -> None:
        expected = [record for record in self.plain.values() if record.interval.start < minute * 60]
        assert self.tree.started_before(minute * 60) == in_order(expected)

    @invariant()
    def holds_the_same(self) -> None:
        self.tree.check_invariants()
        assert list(self.tree) == in_order(list(self.plain.values()))
        assert len(self.tree) == len(self.plain)
        for record_id in ("r00", "r01", *self.plain):
            assert self.tree.get(record_id) == self.plain.get(record_id)
            assert (record_id in self.tree) == (record_id in self.plain)


TestTreeFollowsList = TreeFollowsList.TestCase
TestTreeFollowsList.settings = settings(max_examples=25, stateful_step_count=40, deadline=None)


@settings(deadline=None)
@given(unique_records, intervals(), resource_ids)
def test_g1_a_tree_built_at_once_answers_as_a_list(some, window, resource_id):
    tree = IntervalTree(some)
    tree.check_invariants()
    assert list(tree) == in_order(some)
    assert tree.overlapping(window, resource_id) == overlapping(some, window, resource_id)


def test_ids_are_unique_in_a_tree():
    with pytest.raises(ValueError, match="a already"):
        IntervalTree([booking("a", 0, 1), booking("a", 5, 6)])
    tree = IntervalTree([booking("a", 0, 1)])
    with pytest.raises(ValueError, match="a already"):
        tree.add(booking("a", 5, 6))


def test_g2_touching_records_do_not_overlap():
    tree = IntervalTree([booking("a", 0, 10), booking("b", 10, 20)])
    assert [record.id for record in tree.overlapping(minutes(10, 11))] == ["b"]
    assert [record.id for record in tree.overlapping(minutes(9, 10))] == ["a"]


def test_many_records_may_begin_and_end_together():
    some = [booking(f"{number:03}", 5, 9, resource_id=number % 3) for number in range(100)]
    random.Random(1).shuffle(some)
    tree = IntervalTree()
    for record in some:
        tree.add(record)
    tree.check_invariants()
    assert tree.overlapping(minutes(8, 9)) == in_order(some)
    for record in some:
        tree.discard(record)
        tree.check_invariants()
    assert len(tree) == 0


def test_a_record_that_lasts_long_is_found_from_far():
    short = [booking(f"s{number:03}", number, number + 1) for number in range(200)]
    tree = IntervalTree([*short, block("long", 3, 500), block("longer", 0, 900)])
    assert [record.id for record in tree.overlapping(minutes(150, 151))] == ["longer", "long", "s150"]
    tree.discard(block("longer", 0, 900))
    tree.check_invariants()
    assert [record.id for record in tree.overlapping(minutes(450, 451))] == ["long"]


def test_a_timeline_removes_only_what_it_holds():
    timeline = Timeline([booking("a", 0, 1)])
    for absent in (booking("b", 0, 1), booking("a", 0, 2), booking("z", 7, 8)):
        with pytest.raises(KeyError, match=absent.id):
            timeline.remove(absent)
    timeline.remove(booking("a", 0, 1))
    with pytest.raises(KeyError, match="a"):
        timeline.remove(booking("a", 0, 1))
    timeline.check_invariants()
    assert len(timeline) == 0
    assert timeline.overlapping(0, 100) == []


@pytest.mark.usefixtures("wide_leaves")
def test_g1_a_tree_of_thousands_stays_sound_at_its_real_width():
    chance = random.Random(7)
    some = [
        booking(f"{number:05}", start := chance.randrange(20000), start + chance.randrange(1, 9), number % 7)
        for number in range(4000)
    ]
    tree = IntervalTree(some[:2000])
    for record in some[2000:]:
        tree.add(record)
    tree.check_invariants()
    gone = chance.sample(some, 3000)
    for record in gone:
        tree.discard(record)
    tree.check_invariants()
    gone_ids = {record.id for record in gone}
    left = sorted((record for record in some if record.id not in gone_ids), key=order)
    for _ in range(50):
        start = chance.randrange(20000)
        window = minutes(start, start + chance.randrange(1, 300))
        resource_id = chance.choice((None, 0, 3))
        assert tree.overlapping(window, resource_id) == overlapping(left, window, resource_id)
