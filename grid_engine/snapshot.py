"""The whole state of a window of time, as one audience is sent it.

Belongs here: which records, in which order. Does not belong here: the message around them (rows, resources,
blackouts) or following what comes after (``follower``).
"""

from collections.abc import Iterable
from dataclasses import dataclass

from grid_engine.audience import Audience, WireRecord, project_record
from grid_engine.grid import Grid
from grid_engine.interval import Interval
from grid_engine.records import Record


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The records that share an instant with ``window``, at ``version`` of ``epoch``; sorted by start, end and shown
    id.
    """

    epoch: str
    version: int
    window: Interval
    audience: Audience
    records: tuple[WireRecord, ...]


def snapshot_of(grid: Grid, window: Interval, audience: Audience) -> Snapshot:
    """The window as it stands. O(log n + k log k) for k records in it."""
    records = project_records(grid.overlapping(window), audience)
    return Snapshot(grid.epoch, grid.version, window, audience, tuple(records))


def project_records(records: Iterable[Record], audience: Audience) -> list[WireRecord]:
    """The records as the audience is shown them, sorted by start, end and the id that it is shown. O(k log k).

    The order must not come from the ids of bookings where those are not shown: they tell which was made first (A4).
    """
    return sorted((project_record(record, audience) for record in records), key=_order)


def _order(record: WireRecord) -> tuple[int, int, str]:
    return record["start"], record["end"], record["id"]
