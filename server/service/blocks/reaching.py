"""Which occurrences of a series an order is about: all of it, from one on, or one alone, and never what is over (B6)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from grid_engine.interval import Instant, Interval
from server.service.blocks.occurrences import WallSpan, interval_on, wall_span
from server.service.blocks.requests import Occurrences
from server.storage.series import StoredOccurrence, WholeSeries
from server.storage.stored_booking import StoredBooking


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """An occurrence as it stands: what it wants, when that is, and its blocks on each resource, by start."""

    wanted: StoredOccurrence
    wall: WallSpan
    interval: Interval
    blocks: Mapping[int, Sequence[StoredBooking]]

    @property
    def number(self) -> int:
        """Its number in the series."""
        return self.wanted.number

    def ends(self) -> Instant:
        """When the last of it is over."""
        return max([self.interval.end, *(block.interval.end for block in self.all_blocks())])

    def all_blocks(self) -> Iterable[StoredBooking]:
        """Its blocks on all resources."""
        return (block for blocks in self.blocks.values() for block in blocks)


def standing_occurrences(whole: WholeSeries, timezone: str) -> list[Standing]:
    """The occurrences that were not ended, or of which something was restored since, by their wall times.

    O(occurrences + blocks).
    """
    blocks: dict[int, dict[int, list[StoredBooking]]] = {}
    for block in whole.blocks:
        if block.occurrence is not None:
            blocks.setdefault(block.occurrence, {}).setdefault(block.resource_id, []).append(block)
    found = []
    listed = {each.number for each in whole.occurrences}
    restored = [
        _wanting(number, [block for each in there.values() for block in each], timezone)
        for number, there in blocks.items()
        if number not in listed
    ]
    for each in sorted([*whole.occurrences, *restored], key=lambda each: (each.start_wall, each.number)):
        wall = WallSpan(each.start_wall, each.end_wall)
        there = blocks.get(each.number, {})
        # Of times that the clocks show twice, the one that it was placed at is meant.
        placed = (block.interval for on_one in there.values() for block in on_one)
        interval = next(
            (interval for interval in placed if wall_span(interval, timezone) == wall),
            None,
        ) or interval_on(wall, timezone)
        found.append(Standing(wanted=each, wall=wall, interval=interval, blocks=there))
    return found


def _wanting(number: int, blocks: Sequence[StoredBooking], timezone: str) -> StoredOccurrence:
    """An occurrence that was ended, told from what there is of it: somebody took that back, or it was over by then."""
    wall = wall_span(
        Interval(min(each.interval.start for each in blocks), max(each.interval.end for each in blocks)),
        timezone,
    )
    return StoredOccurrence(
        number=number,
        type=blocks[0].type,
        reason=blocks[0].reason or "",
        start_wall=wall.start,
        end_wall=wall.end,
        resource_ids=tuple(sorted({each.resource_id for each in blocks})),
    )


def reached(occurrences: Sequence[Standing], which: Occurrences, now: Instant) -> list[Standing]:
    """Those that are meant and are not over, by their wall times."""
    ahead = [each for each in occurrences if each.ends() > now]
    match which.scope:
        case "all":
            return ahead
        case "from":
            return [each for each in ahead if each.number >= (which.number or 0)]
        case "one":
            return [each for each in ahead if each.number == which.number]


def over(block: StoredBooking, now: Instant) -> bool:
    """Whether a block is past, and stays as it is."""
    return block.status != "confirmed" or block.interval.end <= now
