"""Which occurrences of a series an order is about: all of it, from one on, or one alone, and never what is over (B6)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from grid_engine.interval import Instant, Interval
from server.service.blocks.occurrences import WallSpan, interval_on
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
    """The occurrences that were not ended, by their wall times. O(occurrences + blocks)."""
    blocks: dict[int, dict[int, list[StoredBooking]]] = {}
    for block in whole.blocks:
        if block.occurrence is not None:
            blocks.setdefault(block.occurrence, {}).setdefault(block.resource_id, []).append(block)
    found = []
    for each in sorted(whole.occurrences, key=lambda each: (each.start_wall, each.number)):
        wall = WallSpan(each.start_wall, each.end_wall)
        interval = interval_on(wall, timezone)
        found.append(Standing(wanted=each, wall=wall, interval=interval, blocks=blocks.get(each.number, {})))
    return found


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
