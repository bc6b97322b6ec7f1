"""What can be asked of a grid, whether it stands (`Grid`) or is being drafted (`Draft`).

Belongs here: reading, and which overlaps are conflicts (G1, G2, G4). Does not belong here: changing anything.
"""

from abc import ABC, abstractmethod
from collections.abc import Collection
from typing import Final

from grid_engine.interval import Interval, gaps
from grid_engine.records import Block, Record

NOTHING: Final[frozenset[str]] = frozenset()


class GridView(ABC):
    """Reads of one location's records; lists are sorted by start, end and id."""

    __slots__ = ()

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def get(self, record_id: str) -> Record | None:
        """The record of this id. O(1)."""

    @abstractmethod
    def records(self) -> list[Record]:
        """All records. O(n)."""

    @abstractmethod
    def overlapping(self, interval: Interval, resource_id: int | None = None) -> list[Record]:
        """The records that share an instant with the interval, on one resource or on all of them. O(log n + k)."""

    def conflicts(
        self,
        resource_id: int,
        interval: Interval,
        *,
        buffer: int = 0,
        buffered: bool = True,
        excluding: Collection[str] = NOTHING,
    ) -> list[Record]:
        """The records that would not let the interval be taken on the resource (G1, G2). O(log n + k).

        ``buffer`` is the location's turnover buffer, in seconds: so much free time lies between any two bookings or
        holds. ``buffered`` tells whether the candidate is one of those; a block neither needs nor gives it. Records
        whose ids are in ``excluding`` do not count: the booking that is moved (G4), or the hold that is replaced
        (G5).
        """
        if not buffer or not buffered:
            found = self.overlapping(interval, resource_id)
        else:
            start, end = interval.start, interval.end
            found = [
                record
                for record in self.overlapping(interval.widened(buffer), resource_id)
                if not isinstance(record, Block)
                or (record.interval.start < end and start < record.interval.end)
            ]
        return [record for record in found if record.id not in excluding] if excluding and found else found

    def free_gaps(self, window: Interval, resource_id: int) -> list[Interval]:
        """What of the window no record on the resource covers, in order. O(log n + k)."""
        return list(gaps(window, (record.interval for record in self.overlapping(window, resource_id))))
