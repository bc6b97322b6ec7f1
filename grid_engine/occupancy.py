"""What is taken of a location as spans of time, and as bits the starts at which a given length still fits.

Availability and suggestions ask this of a whole location at once: one pass over what is taken in place of a question for
each start on each resource. What a bit says is exactly what `GridView.conflicts` would answer, for any starts and any
length, on row boundaries or between them.

Belongs here: which records stand in a candidate's way (G1, G2, G4, G5), and searching. Does not belong here: why else
time may be closed (rules pass such time in as spans of their own), and which starts are worth asking for.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Protocol, TypeAlias

from grid_engine.grid_view import NOTHING
from grid_engine.interval import Instant, Interval
from grid_engine.records import Block, Hold, Record

Span: TypeAlias = tuple[int, Instant, Instant]
"""Time taken on a resource: (resource id, start, end), half-open."""


class Overlapped(Protocol):
    """What this module asks of a grid."""

    def overlapping(self, interval: Interval, resource_id: int | None = None) -> Sequence[Record]:
        """The records that share an instant with the interval."""


def taken_spans(
    grid: Overlapped,
    window: Interval,
    *,
    now: Instant,
    buffer: int = 0,
    buffered: bool = True,
    excluding: Collection[str] = NOTHING,
) -> Iterator[Span]:
    """What a candidate may not overlap within ``window``, resource by resource, in no order that could be relied on.

    A candidate that is ``buffered`` (a booking or hold, not a block) keeps ``buffer`` seconds from other bookings and
    holds (G2): these are part of their spans. Records whose ids are in ``excluding`` do not count (G4), nor do overdue
    holds. Spans may overlap each other, and reach beyond the window. O(log n + k) for k records in it.
    """
    margin = buffer if buffered else 0
    found = grid.overlapping(window.widened(margin))
    # Thousands of records pass here for a search that finds nothing; what few need is kept off the way of all.
    if excluding:
        found = [record for record in found if record.id not in excluding]
    for record in found:
        if isinstance(record, Hold) and record.is_overdue(now):
            continue
        interval = record.interval
        if margin and not isinstance(record, Block):
            yield record.resource_id, interval.start - margin, interval.end + margin
        else:
            yield record.resource_id, interval.start, interval.end


def free_starts(
    starts: Sequence[Instant], seconds: int, resource_ids: Collection[int], taken: Iterable[Span]
) -> dict[int, int]:
    """For each resource the starts at which ``seconds`` overlap nothing taken, as bits: bit i stands for ``starts[i]``.

    ``starts`` are ascending; spans of other resources are passed over. O(resources + spans): spans too close together
    for anything to begin between them are gathered first, so that a bitmap is touched once for each gap.
    """
    refused = dict.fromkeys(resource_ids, 0)
    # A span refuses the starts between its own start less the length, and its end, both exclusive. The latest such
    # range of each resource is kept open for as long as the next one overlaps it.
    latest: dict[int, list[Instant]] = {}
    for resource_id, start, high in taken:
        low = start - seconds
        known = latest.get(resource_id)
        if known is None:
            latest[resource_id] = [low, high]
        elif known[0] <= low < known[1]:
            if high > known[1]:  # noqa: PLR1730  # max would be a call for each span
                known[1] = high
        else:
            if resource_id in refused:
                refused[resource_id] |= _between(starts, *known)
            known[:] = low, high
    for resource_id in refused.keys() & latest:
        refused[resource_id] |= _between(starts, *latest[resource_id])
    every = (1 << len(starts)) - 1
    return {resource_id: every & ~bits for resource_id, bits in refused.items()}


def _between(starts: Sequence[Instant], low: Instant, high: Instant) -> int:
    """The starts after ``low`` and before ``high``, as bits; ``low`` is less than ``high``."""
    first, last = bisect_right(starts, low), bisect_left(starts, high)
    return (1 << last) - (1 << first)
