"""A location's recent versions, each encoded once for every audience.

Belongs here: remembering what to send to those who are behind. Does not belong here: who they are (``watchers``).
"""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

import msgpack

from grid_engine.audience import Audience, Known, WireOperation, project_diff
from grid_engine.diff import Diff
from grid_engine.history import STALE, DiffLog, Stale
from server.live.frames import frame
from server.wire.codec import encode_diff

CAPACITY: Final = 1024
"""How many versions are remembered."""

_packer = msgpack.Packer()


@dataclass(frozen=True, slots=True)
class _Entry:
    """One version: for each audience how many operations and their bytes, and the customers whose records it changed."""

    packed: Mapping[Audience, tuple[int, bytes]]
    customers: frozenset[int]


class Ring:
    """The last versions of one location in one epoch, from which anybody at any of them can be continued (W2)."""

    def __init__(self, location_id: int, epoch: str, version: int, capacity: int = CAPACITY) -> None:
        self._location_id = location_id
        self._epoch = epoch
        self._log = DiffLog(capacity, version)
        self._entries: deque[_Entry] = deque(maxlen=capacity)
        self._frames: dict[tuple[Audience, int, int], bytes] = {}

    @property
    def version(self) -> int:
        """What the last diff led to."""
        version = self._log.version
        assert version is not None
        return version

    def append(self, diff: Diff, before: Known | None = None, customers: Iterable[int] = ()) -> None:
        """Remember the diff, version by version. O(its operations).

        ``before`` is the grid before it, so that an audience is told nothing of a change it may not see. ``customers`` are
        those whose records it changes.

        Raises:
            ValueError: if it does not begin at ``version``.
        """
        concerned = frozenset(customers)
        if diff.version == diff.base + 1:
            self._log.append(diff)
            packed = {audience: _pack(project_diff(diff, audience, before)) for audience in Audience}
            self._entries.append(_Entry(packed, concerned))
            self._frames.clear()
            return
        projected = {
            audience: _by_version(project_diff(diff, audience, before), diff) for audience in Audience
        }
        for version in range(diff.base + 1, diff.version + 1):
            # One entry per version: then whoever asks from the middle of a batch gets exactly what is missing.
            operations = tuple(op for op in diff.ops if op.version == version)
            self._log.append(Diff(version - 1, version, operations))
            packed = {audience: _pack(projected[audience][version]) for audience in Audience}
            self._entries.append(_Entry(packed, concerned))
        self._frames.clear()

    def since(self, version: int) -> tuple[Diff, ...] | Literal[Stale.STALE]:
        """The diffs after ``version``; STALE if it is too old, or ahead. O(diffs given)."""
        return self._log.since(version)

    def holds(self, version: int) -> bool:
        """Whether somebody at ``version`` can be continued from here. O(1)."""
        return self.version - len(self._entries) <= version <= self.version

    def frame(self, base: int, version: int, audience: Audience) -> bytes:
        """One frame with everything from ``base`` to ``version``, joined; the same bytes for the same question.

        Raises:
            ValueError: if the ring does not hold ``base``, or ``version`` is not between it and the present.
        """
        key = (audience, base, version)
        known = self._frames.get(key)
        if known is None:
            known = self._frames[key] = frame(
                encode_diff(
                    self._location_id,
                    self._epoch,
                    base,
                    version,
                    [entry.packed[audience] for entry in self._between(base, version)],
                )
            )
        return known

    def customers(self, base: int, version: int) -> frozenset[int]:
        """The customers whose records changed after ``base`` and by ``version``. Raises as ``frame`` does."""
        return frozenset().union(*(entry.customers for entry in self._between(base, version)))

    def _between(self, base: int, version: int) -> list[_Entry]:
        if not self.holds(base) or not base <= version <= self.version:
            raise ValueError(
                f"versions {base} to {version} are not within {len(self._entries)} before {self.version}"
            )
        entries, last = self._entries, len(self._entries) - 1
        # From the right: the newest are asked for most, and a deque is quick at its ends.
        return [entries[last - (self.version - wanted)] for wanted in range(base + 1, version + 1)]


def _by_version(operations: Iterable[WireOperation], diff: Diff) -> dict[int, list[WireOperation]]:
    split: dict[int, list[WireOperation]] = {
        version: [] for version in range(diff.base + 1, diff.version + 1)
    }
    for operation in operations:
        split[operation[0]].append(operation)
    return split


def _pack(operations: list[WireOperation]) -> tuple[int, bytes]:
    return len(operations), b"".join(map(_packer.pack, operations))


__all__ = ["CAPACITY", "STALE", "Ring"]
