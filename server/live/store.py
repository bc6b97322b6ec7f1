"""What the live layer asks of storage.

Belongs here: the port alone. Its adapter is ``server.storage``; tests have one in memory.
"""

from collections.abc import Collection
from typing import Protocol

from grid_engine.diff import Diff
from grid_engine.interval import Interval
from grid_engine.records import Record
from server.storage.location_state import LoadedLocation, LocationState


class Store(Protocol):
    """Reads of locations. Every one raises ``errors.Unavailable`` while Postgres is away."""

    async def load(self, location_id: int) -> LoadedLocation | None:
        """The location with every active record that ends after its today's midnight, of one instant; None if there is none."""

    async def window(self, location_id: int, interval: Interval) -> tuple[str, int, tuple[Record, ...]]:
        """(epoch, version, active records that overlap the interval) of one instant, for windows that begin before today.

        Raises:
            LookupError: if there is no such location.
        """

    async def diffs_since(self, location_id: int, version: int) -> tuple[str, int, tuple[Diff, ...]] | None:
        """(epoch, present version, the diffs after ``version`` in order); None when they are not all kept."""

    async def state(self, location_id: int) -> LocationState | None:
        """The configuration alone; None if there is no such location."""

    async def versions(self, location_ids: Collection[int]) -> dict[int, tuple[str, int]]:
        """(epoch, version) of each of the locations that exists."""
