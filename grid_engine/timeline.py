"""One ordered run of records and the index over it: the tree that `IntervalTree` is made of.

Belongs here: finding, adding and removing by time within one run. Does not belong here: resources, ids' uniqueness, or
what an overlap means.

It is a tree of height two with wide leaves: a root over leaves of up to ``2 * LOAD`` records, everything sorted by
(start, end, id). As in any augmented interval tree each subtree knows the latest end within it. Beyond that, root and
leaves hold the *running maximum* of those ends, their ``reach``: it never falls, so one bisection finds the first place
where anything lasts beyond an instant, as a second finds the last place where anything begins before another. Between
the two lies the answer. In a run without overlaps, which a resource's is (G1), that is the answer and nothing else.

Why wide leaves and not a node per record: in CPython following a pointer, comparing and branching costs some 100 ns a
step, while ``bisect``, slicing and shifting a list of integers run in C, at a nanosecond or less an item. With 10,000
records a balanced tree takes 14 such steps down and touches two nodes per record of the answer; this one takes two
bisections and copies slices (``bench/index.py`` has the figures, against PyPI's node-per-record ``intervaltree`` too).
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from itertools import accumulate, pairwise
from typing import Final

from grid_engine.interval import Instant
from grid_engine.records import Record

LOAD: Final = 256
"""Leaves are built this full, split beyond twice it and joined to a neighbour below half of it."""


def order(record: Record) -> tuple[Instant, Instant, str]:
    """What records are sorted by: start, then end, then id."""
    interval = record.interval
    return interval.start, interval.end, record.id


class _Leaf:
    """Parallel lists, one place a record, sorted by `order`; ``reach[i]`` is the greatest of ``ends[: i + 1]``."""

    __slots__ = ("ends", "reach", "records", "starts")

    def __init__(self, records: list[Record]) -> None:
        self.records = records
        self.starts = [record.interval.start for record in records]
        self.ends = [record.interval.end for record in records]
        self.reach = list(accumulate(self.ends, max))

    def place(self, record: Record) -> int:
        """Where the record stands, or would. O(log n)."""
        start = record.interval.start
        low = bisect_left(self.starts, start)
        high = bisect_right(self.starts, start, low)
        return low if low == high else bisect_left(self.records, order(record), low, high, key=order)

    def insert(self, record: Record) -> None:
        place, end = self.place(record), record.interval.end
        self.records.insert(place, record)
        self.starts.insert(place, record.interval.start)
        self.ends.insert(place, end)
        reach = self.reach
        reach.insert(place, max(reach[place - 1], end) if place else end)
        for later in range(place + 1, len(reach)):
            if reach[later] >= end:
                break
            reach[later] = end

    def delete(self, place: int) -> None:
        del self.records[place], self.starts[place], self.ends[place], self.reach[place]
        reach, ends = self.reach, self.ends
        highest = reach[place - 1] if place else ends[0] if ends else 0
        for later in range(place, len(reach)):
            highest = max(highest, ends[later])
            if reach[later] == highest:
                break
            reach[later] = highest


class Timeline:
    """Records sorted by start, end and id, found by the time that they occupy. They may overlap each other."""

    __slots__ = ("_firsts", "_leaves", "_maxima", "_reach", "_size")

    def __init__(self, records: Iterable[Record] = ()) -> None:
        """O(n log n); O(n) where they are sorted already."""
        ordered = sorted(records, key=order)
        self._leaves = [_Leaf(ordered[place : place + LOAD]) for place in range(0, len(ordered), LOAD)]
        self._size = len(ordered)
        self._firsts = [leaf.starts[0] for leaf in self._leaves]
        self._maxima = [leaf.reach[-1] for leaf in self._leaves]
        self._reach = list(accumulate(self._maxima, max))

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[Record]:
        for leaf in self._leaves:
            yield from leaf.records

    def add(self, record: Record) -> None:
        """O(log n + LOAD), and O(n / LOAD) for the one in LOAD that splits a leaf."""
        self._size += 1
        if not self._leaves:
            self._replace_leaves(0, 0, [_Leaf([record])])
            return
        place = self._leaf_of(record)
        leaf = self._leaves[place]
        leaf.insert(record)
        if len(leaf.starts) > 2 * LOAD:
            self._replace_leaves(place, place + 1, [_Leaf(leaf.records[:LOAD]), _Leaf(leaf.records[LOAD:])])
            return
        self._firsts[place] = leaf.starts[0]
        highest = leaf.reach[-1]
        if highest != self._maxima[place]:
            self._maxima[place] = highest
            self._refresh_reach(place)

    def remove(self, record: Record) -> None:
        """O(log n + LOAD), and O(n / LOAD) where leaves are joined or the longest of many records goes.

        Raises:
            KeyError: if no record of its start, end and id is here.
        """
        place = self._leaf_of(record) if self._leaves else 0
        leaf = self._leaves[place] if self._leaves else _Leaf([])
        within = leaf.place(record)
        if within == len(leaf.records) or order(leaf.records[within]) != order(record):
            raise KeyError(record.id)
        self._size -= 1
        leaf.delete(within)
        if len(leaf.starts) < LOAD // 2 and (len(self._leaves) > 1 or not leaf.starts):
            self._join(place)
            return
        self._firsts[place] = leaf.starts[0]
        highest = leaf.reach[-1]
        if highest != self._maxima[place]:
            self._maxima[place] = highest
            self._refresh_reach(place)

    def overlapping(self, start: Instant, end: Instant) -> list[Record]:
        """The records that share an instant with ``[start, end)``, in order.

        O(log n + k) for k found where records do not overlap each other; a record that lasts into the window from long
        before it adds O(LOAD) for its leaf and O(m / LOAD) for the m records that begin in between.
        """
        first = bisect_right(self._reach, start)
        last = bisect_left(self._firsts, end, first)
        found: list[Record] = []
        for place in range(first, last):
            if self._maxima[place] > start:
                leaf = self._leaves[place]
                starts = leaf.starts
                earliest = bisect_right(leaf.reach, start)
                latest = bisect_left(starts, end, earliest)
                # From here on they begin within the window, so they need no look at their ends.
                inside = bisect_left(starts, start, earliest, latest)
                if earliest < inside:
                    ends, records = leaf.ends, leaf.records
                    found.extend([records[i] for i in range(earliest, inside) if ends[i] > start])
                found.extend(leaf.records[inside:latest])
        return found

    def check_invariants(self) -> None:
        """Raise AssertionError where the structure is not what this module says it is. O(n)."""
        assert [len(leaf.records) for leaf in self._leaves] == [len(leaf.starts) for leaf in self._leaves]
        assert self._size == sum(len(leaf.records) for leaf in self._leaves)
        assert all(0 < len(leaf.records) <= 2 * LOAD for leaf in self._leaves)
        assert len(self._leaves) < 2 or all(len(leaf.records) >= LOAD // 2 for leaf in self._leaves[:-1])
        for leaf in self._leaves:
            assert leaf.starts == [record.interval.start for record in leaf.records]
            assert leaf.ends == [record.interval.end for record in leaf.records]
            assert leaf.reach == list(accumulate(leaf.ends, max))
        keys = [order(record) for record in self]
        assert all(earlier < later for earlier, later in pairwise(keys))
        assert self._firsts == [leaf.starts[0] for leaf in self._leaves]
        assert self._maxima == [max(leaf.ends) for leaf in self._leaves]
        assert self._reach == list(accumulate(self._maxima, max))

    def _leaf_of(self, record: Record) -> int:
        """The last leaf that begins no later than the record, the first one if all begin later."""
        start = record.interval.start
        place = bisect_right(self._firsts, start) - 1
        # Where many records begin together, several leaves may begin with that same start.
        while (
            place > 0
            and self._firsts[place] == start
            and order(self._leaves[place].records[0]) > order(record)
        ):
            place -= 1
        return max(place, 0)

    def _join(self, place: int) -> None:
        """Make one or two leaves of a sparse one and its neighbour, or none of the last one."""
        first = max(place - 1, 0)
        records = [record for leaf in self._leaves[first : first + 2] for record in leaf.records]
        half = len(records) if len(records) <= LOAD else len(records) // 2
        parts = [part for part in (records[:half], records[half:]) if part]
        self._replace_leaves(first, first + 2, [_Leaf(part) for part in parts])

    def _replace_leaves(self, first: int, last: int, leaves: list[_Leaf]) -> None:
        self._leaves[first:last] = leaves
        self._firsts[first:last] = [leaf.starts[0] for leaf in leaves]
        self._maxima[first:last] = [leaf.reach[-1] for leaf in leaves]
        del self._reach[first:]
        before = self._reach[-1] if self._reach else self._maxima[0] if self._maxima else 0
        self._reach.extend(max(highest, before) for highest in accumulate(self._maxima[first:], max))

    def _refresh_reach(self, place: int) -> None:
        """Bring the running maxima from ``place`` on up to date; stops where they are so already."""
        maxima, reach = self._maxima, self._reach
        highest = reach[place - 1] if place else maxima[0]
        for later in range(place, len(reach)):
            highest = max(highest, maxima[later])
            if reach[later] == highest:
                return
            reach[later] = highest
