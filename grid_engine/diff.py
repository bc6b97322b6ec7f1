"""How a grid changes: operations, each under the version that made it, and diffs that carry them.

Belongs here: the values and how consecutive diffs join. Does not belong here: keeping past diffs (``history``),
applying them (``grid``) or what each audience sees of them (``audience``).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

from grid_engine.records import Record


@dataclass(frozen=True, slots=True)
class Put:
    """The record is now as given, whether or not it was there before."""

    version: int
    record: Record


@dataclass(frozen=True, slots=True)
class Remove:
    """No record of this id is on the grid any more. ``grid_id`` is what other audiences knew it by."""

    version: int
    id: str
    grid_id: str
    user_id: int | None = None
    """The customer it belonged to, so that a node can tell that customer (``own``); no audience is sent it."""


@dataclass(frozen=True, slots=True)
class Reload:
    """Configuration changed (resources, policy, hours, blackouts): watchers subscribe again."""

    version: int


Operation: TypeAlias = Put | Remove | Reload


@dataclass(frozen=True, slots=True)
class Diff:
    """Operations that take a grid from ``base`` to ``version``; each has ``base < op.version <= version``, in order.

    A version may have no operations at all, so ``version`` can be more than the last operation's.
    """

    base: int
    version: int
    ops: tuple[Operation, ...]

    def __post_init__(self) -> None:
        if self.version < self.base:
            raise ValueError(f"a diff cannot run backwards, from {self.base} to {self.version}")

    def after(self, version: int) -> "Diff":
        """What is left for somebody who already has ``version``; ``base <= version <= self.version`` is required."""
        if not self.base <= version <= self.version:
            raise ValueError(f"version {version} is not within {self.base}..{self.version}")
        return Diff(version, self.version, tuple(op for op in self.ops if op.version > version))


def join(diffs: Sequence[Diff]) -> Diff:
    """One diff for several that follow each other without a gap.

    Raises:
        ValueError: if there are none, or one does not start where the one before it ended.
    """
    if not diffs:
        raise ValueError("nothing to join")
    for earlier, later in pairwise(diffs):
        if later.base != earlier.version:
            raise ValueError(f"gap between version {earlier.version} and base {later.base}")
    return Diff(diffs[0].base, diffs[-1].version, tuple(op for diff in diffs for op in diff.ops))
