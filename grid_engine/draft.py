"""Changes to a grid that are being decided, seen as if they had been made.

Belongs here: staging, reading through what is staged, and the diff that comes of it. Does not belong here: deciding
(``rules``) or committing (``server``). A batch of commands shares one draft, so that each is judged on what those
before it did; a command that fails half way is rolled back to its savepoint.
"""

from heapq import merge

from grid_engine.diff import Diff, Operation, Put, Reload, Remove
from grid_engine.grid_view import GridView
from grid_engine.interval import Interval
from grid_engine.interval_tree import IntervalTree
from grid_engine.records import Booking, Hold, Record
from grid_engine.timeline import order


class Draft(GridView):
    """An overlay over a grid that does not touch it. Reads cost what the grid's do, and more for what is staged.

    Operations are staged under ``version + 1`` until `close_change` ends that change: every committed change takes
    exactly one version (G6). The draft is good for as long as the grid beneath it does not change.
    """

    __slots__ = ("_base", "_grid", "_hidden", "_operations", "_staged", "version")

    def __init__(self, grid: GridView, version: int) -> None:
        """O(1)."""
        self.version = version
        """The version of the last closed change; the grid's own until there is one."""
        self._grid = grid
        self._base = version
        self._operations: list[Operation] = []
        self._staged = IntervalTree()
        self._hidden: set[str] = set()

    def __len__(self) -> int:
        return len(self._grid) - len(self._hidden) + len(self._staged)

    @property
    def ops(self) -> tuple[Operation, ...]:
        """What was staged so far, in order. O(operations)."""
        return tuple(self._operations)

    def get(self, record_id: str) -> Record | None:
        """The record of this id, as staged. O(1)."""
        staged = self._staged.get(record_id)
        if staged is not None or record_id in self._hidden:
            return staged
        return self._grid.get(record_id)

    def records(self) -> list[Record]:
        """All records, as staged. O(n)."""
        return self._with_staged(self._grid.records(), list(self._staged))

    def overlapping(self, interval: Interval, resource_id: int | None = None) -> list[Record]:
        """The records that share an instant with the interval, as staged. O(log n + k) for k found below."""
        found = self._grid.overlapping(interval, resource_id)
        if not self._operations:
            return found
        return self._with_staged(found, self._staged.overlapping(interval, resource_id))

    def put(self, record: Record) -> None:
        """Stage the record, in place of the one of its id if there is one. O(log n)."""
        self._stage(Put(self.version + 1, record))

    def remove(self, record_id: str) -> None:
        """Stage that there is no record of this id; nothing is staged if there is none. O(log n)."""
        present = self.get(record_id)
        if present is not None:
            owner = present.user_id if isinstance(present, Booking | Hold) else None
            self._stage(Remove(self.version + 1, present.id, present.grid_id, owner))

    def reload(self) -> None:
        """Stage that the location's configuration changed. O(1)."""
        self._stage(Reload(self.version + 1))

    def close_change(self) -> int:
        """End the change that was being staged, even if it has no operations, and give its version. O(1)."""
        self.version += 1
        return self.version

    def diff(self) -> Diff:
        """All that was staged as one diff for the grid beneath; an open change that has operations is part of it."""
        version = max(self.version, self._operations[-1].version) if self._operations else self.version
        return Diff(self._base, version, tuple(self._operations))

    def savepoint(self) -> tuple[int, int]:
        """A mark to `rollback` to. O(1)."""
        return self.version, len(self._operations)

    def rollback(self, savepoint: tuple[int, int]) -> None:
        """Forget what was staged, and which changes were closed, since the savepoint. O(operations kept), if there is any
        to forget.
        """
        self.version, length = savepoint
        if length == len(self._operations):
            return
        kept = self._operations[:length]
        self._operations = []
        self._staged = IntervalTree()
        self._hidden = set()
        for operation in kept:
            self._stage(operation)

    def _stage(self, operation: Operation) -> None:
        self._operations.append(operation)
        if isinstance(operation, Reload):
            return
        record_id = operation.record.id if isinstance(operation, Put) else operation.id
        staged = self._staged.get(record_id)
        if staged is not None:
            self._staged.discard(staged)
        elif self._grid.get(record_id) is not None:
            self._hidden.add(record_id)
        if isinstance(operation, Put):
            self._staged.add(operation.record)

    def _with_staged(self, found: list[Record], staged: list[Record]) -> list[Record]:
        if self._hidden:
            found = [record for record in found if record.id not in self._hidden]
        return list(merge(found, staged, key=order)) if staged else found
