"""The recent past of a location: the last diffs, and what somebody at an older version still needs.

Belongs here: keeping and handing out diffs. Does not belong here: fetching what was let go of (the server reads
Postgres), or encoding.
"""

from collections import deque
from enum import Enum
from typing import Final, Literal

from grid_engine.diff import Diff


class Stale(Enum):
    """The answer of a history that does not reach back, or forward, to the version asked about."""

    STALE = "stale"


STALE: Final = Stale.STALE


class DiffLog:
    """A ring of the last ``capacity`` diffs, each beginning where the one before it ended (W2)."""

    __slots__ = ("_diffs", "version")

    def __init__(self, capacity: int = 1024, version: int | None = None) -> None:
        """``version`` is where the first diff will begin; while it is None, not known, every question is STALE."""
        self._diffs: deque[Diff] = deque(maxlen=capacity)
        self.version = version
        """The version reached by the last diff."""

    def __len__(self) -> int:
        return len(self._diffs)

    def append(self, diff: Diff) -> None:
        """Keep the diff, and let go of the oldest one beyond the capacity. O(1).

        Raises:
            ValueError: if it does not begin at ``version``.
        """
        if self.version is not None and diff.base != self.version:
            raise ValueError(f"gap between version {self.version} and base {diff.base}")
        self._diffs.append(diff)
        self.version = diff.version

    def reset(self, version: int) -> None:
        """Forget everything: the state was loaded afresh at ``version``."""
        self._diffs.clear()
        self.version = version

    def since(self, version: int) -> tuple[Diff, ...] | Literal[Stale.STALE]:
        """What leads from ``version`` to the present, without a gap; nothing if that is the present.

        A diff of several versions that began before ``version`` is given from there on. STALE if the version is older
        than what is kept, or newer than the present. O(diffs given).
        """
        if self.version is None or version > self.version:
            return STALE
        needed: list[Diff] = []
        reached = self.version
        for diff in reversed(self._diffs):
            if reached <= version:
                break
            needed.append(diff)
            reached = diff.base
        if reached > version:
            return STALE
        if reached < version:
            needed[-1] = needed[-1].after(version)
        return tuple(reversed(needed))
