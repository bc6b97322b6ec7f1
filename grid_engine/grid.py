"""One location's live state: its records, the index over them, and the version they are at.

Belongs here: holding the state, applying diffs to it, letting go of the past. Does not belong here: where diffs come
from (``draft`` makes them, the server moves them) or who is shown what (``audience``, ``snapshot``).
"""

from collections.abc import Iterable

from grid_engine.diff import Diff, Put, Remove
from grid_engine.digest import digest_of_records
from grid_engine.draft import Draft
from grid_engine.grid_view import GridView
from grid_engine.interval import Instant, Interval
from grid_engine.interval_tree import IntervalTree
from grid_engine.records import Record

MANY = 256
"""From so many operations on, a tree that is not much larger is sooner built than changed."""


class Grid(GridView):
    """All records that a node keeps of a location, at ``version`` of the version stream that ``epoch`` names (G6)."""

    __slots__ = ("_tree", "epoch", "location_id", "version")

    def __init__(self, location_id: int, epoch: str, version: int, records: Iterable[Record] = ()) -> None:
        """O(n log n).

        Raises:
            ValueError: if two records have the same id.
        """
        self.location_id = location_id
        self.epoch = epoch
        self.version = version
        self._tree = IntervalTree(records)

    def __len__(self) -> int:
        return len(self._tree)

    def get(self, record_id: str) -> Record | None:
        """The record of this id. O(1)."""
        return self._tree.get(record_id)

    def records(self) -> list[Record]:
        """All records. O(n)."""
        return list(self._tree)

    def overlapping(self, interval: Interval, resource_id: int | None = None) -> list[Record]:
        """The records that share an instant with the interval, on one resource or on all of them. O(log n + k)."""
        return self._tree.overlapping(interval, resource_id)

    def draft(self) -> Draft:
        """A view on which changes can be staged; the grid must not change while it is in use. O(1)."""
        return Draft(self, self.version)

    def apply(self, diff: Diff) -> None:
        """Take the diff's operations and its version. O(log n) each; O(n log n) in all where they are many.

        Raises:
            ValueError: if the diff does not start at this grid's version (W2); nothing has changed then.
        """
        if diff.base != self.version:
            raise ValueError(f"a diff from version {diff.base} does not fit a grid at {self.version}")
        if len(diff.ops) >= MANY and len(diff.ops) >= len(self._tree) // 4:
            self._tree = IntervalTree(_after(diff, self._tree))
        else:
            self._apply_one_by_one(diff)
        self.version = diff.version

    def _apply_one_by_one(self, diff: Diff) -> None:
        for operation in diff.ops:
            if isinstance(operation, Put):
                self._tree.discard(operation.record)
                self._tree.add(operation.record)
            elif isinstance(operation, Remove):
                known = self._tree.get(operation.id)
                if known is not None:
                    self._tree.discard(known)

    def prune(self, before: Instant) -> int:
        """Let go of the records that ended at or before the instant, and tell how many.

        O(m log n) for m that began by then.

        This is a node's forgetting and not a change: the version stays, and other nodes may still hold them.
        """
        started = self._tree.started_before(before)
        ended = [record for record in started if record.interval.end <= before]
        for record in ended:
            self._tree.discard(record)
        return len(ended)

    def digest(self) -> str:
        """A hash of all records in full; the same on nodes at one epoch and version that pruned alike. O(n log n)."""
        return digest_of_records(self._tree)

    def check_invariants(self) -> None:
        """Raise AssertionError if the index is not sound. O(n log n)."""
        self._tree.check_invariants()


def _after(diff: Diff, before: Iterable[Record]) -> Iterable[Record]:
    """The records as the diff leaves them."""
    records = {record.id: record for record in before}
    for operation in diff.ops:
        if isinstance(operation, Put):
            records[operation.record.id] = operation.record
        elif isinstance(operation, Remove):
            records.pop(operation.id, None)
    return records.values()
