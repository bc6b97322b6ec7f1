"""The client's rule of ``wire.md``: how somebody who was sent a snapshot follows the diffs after it.

Belongs here: the rule, as a reference that tests, simulations and load tools hold other clients against. Does not
belong here: sockets, timers, drawing; the time is passed in.
"""

from collections.abc import Iterable, Sequence
from enum import Enum
from typing import Final

from grid_engine.audience import WireOperation, WireRecord
from grid_engine.digest import digest_of_wire_records
from grid_engine.interval import Interval

PATIENCE_SECONDS: Final = 2.0
"""How long a tick may be ahead before the client subscribes again: the diffs may be on their way."""


class Outcome(Enum):
    """What became of a message, and what the client has to do about it."""

    APPLIED = "applied"
    IGNORED = "ignored"
    SUBSCRIBE_SINCE = "subscribe with since"
    """A gap: ask for what was missed. What is held stays on the screen."""
    SUBSCRIBE_AFRESH = "subscribe without since"
    """What is held cannot be continued; a snapshot has to replace it."""


class ClientGrid:
    """One location's window as a client holds it; ``records`` are by id, and only those that share time with the
    window.
    """

    __slots__ = ("_promised", "epoch", "records", "version", "window")

    def __init__(self, window: Interval) -> None:
        self.window = window
        self.epoch: str | None = None
        self.version: int | None = None
        """What the client has; None until there is a snapshot."""
        self.records: dict[str, WireRecord] = {}
        self._promised: tuple[int, float] | None = None

    @property
    def since(self) -> tuple[str, int] | None:
        """The epoch and version to subscribe with; None where that has to be done without."""
        return (self.epoch, self.version) if self.epoch is not None and self.version is not None else None

    def take_snapshot(self, epoch: str, version: int, records: Iterable[WireRecord]) -> Outcome:
        """Hold this and nothing else. O(records)."""
        self.epoch, self.version = epoch, version
        self.records = {record["id"]: record for record in records}
        self._promised = None
        return Outcome.APPLIED

    def take_diff(self, epoch: str, base: int, version: int, operations: Sequence[WireOperation]) -> Outcome:
        """Apply what continues what is held, ignore what is held already, refuse what would leave a gap.
        O(operations).
        """
        if self.version is None or epoch != self.epoch:
            return Outcome.SUBSCRIBE_AFRESH if self.since is None else Outcome.SUBSCRIBE_SINCE
        if version <= self.version:
            return Outcome.IGNORED
        if base > self.version:
            return Outcome.SUBSCRIBE_SINCE
        outcome = Outcome.APPLIED
        for operation in operations:
            if operation[0] > self.version and not self._take(operation):
                outcome = Outcome.SUBSCRIBE_AFRESH
        self.version = version
        if self._promised is not None and self._promised[0] <= version:
            self._promised = None
        return outcome

    def take_tick(self, version: int, at: float) -> Outcome:
        """Compare with the version that a ``tick`` names; ``at`` is the time in seconds, of any one clock. O(1)."""
        if self.version is None or version < self.version:
            return Outcome.SUBSCRIBE_AFRESH
        if version > self.version and self._promised is None:
            self._promised = version, at
        return Outcome.IGNORED

    def overdue(self, at: float) -> bool:
        """Whether a tick has been ahead for so long that the client subscribes again, with ``since``. O(1)."""
        return self._promised is not None and at - self._promised[1] >= PATIENCE_SECONDS

    def forget(self) -> None:
        """Hold nothing (``resync``)."""
        self.epoch = self.version = self._promised = None
        self.records = {}

    def digest(self) -> str:
        """A hash of the records held: whoever holds the same window at the same version has the same. O(n log n)."""
        return digest_of_wire_records(self.records.values())

    def _take(self, operation: WireOperation) -> bool:
        """Whether the operation could be applied; a reload cannot: rows, columns and rules may be others now."""
        match operation:
            case [_, "put", record]:
                if record["start"] < self.window.end and self.window.start < record["end"]:
                    self.records[record["id"]] = record
                else:
                    self.records.pop(record["id"], None)
            case [_, "remove", record_id]:
                self.records.pop(record_id, None)
            case _:
                return False
        return True
