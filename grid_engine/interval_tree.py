"""The index over one location's records: what overlaps an interval, at the location or on one resource.

Belongs here: which records there are, found by time. Does not belong here: which overlaps are conflicts
(``grid_view``), versions and diffs (``grid``). How the tree itself is built, and why so, is told in ``timeline``.

Every record stands in two trees, the location's and its resource's. That doubles the cost of a change, some
microseconds, and saves every day view a merge over all resources, and every conflict check the records of all the
others.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import takewhile

from grid_engine.interval import Instant, Interval, gaps
from grid_engine.records import Record
from grid_engine.timeline import Timeline


class IntervalTree:
    """A mutable set of records with unique ids. Answers come sorted by start, end and id; records may overlap.

    The costs named below are for n records in the whole tree, and for records that, on one resource, do not overlap.
    """

    __slots__ = ("_location", "_records", "_resources")

    def __init__(self, records: Iterable[Record] = ()) -> None:
        """O(n log n).

        Raises:
            ValueError: if two records have the same id.
        """
        self._records: dict[str, Record] = {}
        by_resource: defaultdict[int, list[Record]] = defaultdict(list)
        for record in records:
            if record.id in self._records:
                raise ValueError(f"there is a record {record.id} already")
            self._records[record.id] = record
            by_resource[record.resource_id].append(record)
        self._location = Timeline(self._records.values())
        self._resources = {resource_id: Timeline(own) for resource_id, own in by_resource.items()}

    def __len__(self) -> int:
        return len(self._records)

    def __iter__(self) -> Iterator[Record]:
        """All records, sorted by start, end and id. O(n)."""
        return iter(self._location)

    def __contains__(self, record_id: str) -> bool:
        return record_id in self._records

    def get(self, record_id: str) -> Record | None:
        """The record of this id. O(1)."""
        return self._records.get(record_id)

    def add(self, record: Record) -> None:
        """O(log n), and moving some hundred list entries.

        Raises:
            ValueError: if there is a record of this id already.
        """
        if record.id in self._records:
            raise ValueError(f"there is a record {record.id} already")
        self._records[record.id] = record
        self._location.add(record)
        own = self._resources.get(record.resource_id)
        if own is None:
            self._resources[record.resource_id] = Timeline((record,))
        else:
            own.add(record)

    def discard(self, record: Record) -> None:
        """Take out the record that has this one's id, wherever it stands; none is as well. Costs as `add`."""
        present = self._records.pop(record.id, None)
        if present is None:
            return
        self._location.remove(present)
        own = self._resources[present.resource_id]
        own.remove(present)
        if not own:
            del self._resources[present.resource_id]

    def overlapping(self, interval: Interval, resource_id: int | None = None) -> list[Record]:
        """The records that share an instant with the interval, on one resource or on all of them.

        O(log n + k) for k found. A record that lasts into the interval from long before it adds some hundred
        comparisons, and one more for every hundred records that begin in between.
        """
        if resource_id is None:
            return self._location.overlapping(interval.start, interval.end)
        own = self._resources.get(resource_id)
        return own.overlapping(interval.start, interval.end) if own is not None else []

    def stab(self, instant: Instant, resource_id: int | None = None) -> list[Record]:
        """The records that are there at the instant. As `overlapping`."""
        return self.overlapping(Interval(instant, instant + 1), resource_id)

    def free_gaps(self, window: Interval, resource_id: int) -> list[Interval]:
        """What of the window no record on the resource covers, in order; touching records leave none. O(log n + k)."""
        return list(gaps(window, (record.interval for record in self.overlapping(window, resource_id))))

    def started_before(self, instant: Instant) -> list[Record]:
        """The records that begin before the instant, wherever they end. O(k)."""
        return list(takewhile(lambda record: record.interval.start < instant, self._location))

    def check_invariants(self) -> None:
        """Raise AssertionError if trees and ids do not hold the same, or a tree is not sound. O(n log n)."""
        self._location.check_invariants()
        assert {record.id: record for record in self._location} == self._records
        for resource_id, own in self._resources.items():
            own.check_invariants()
            assert len(own) > 0
            assert all(
                record.resource_id == resource_id and self._records[record.id] is record for record in own
            )
        assert sum(map(len, self._resources.values())) == len(self._records) == len(self._location)
