"""The interval index against what else could hold a location's records.

``python -m bench.index [--sizes 1000,10000] [--json]`` measures, in one run and on the same records:

- *tree*: ``grid_engine.interval_tree``, and *bitmap*: ``grid_engine.occupancy``, the day's free starts already read;
- *intervaltree*: the tree with a node per centre from PyPI, one for the location and one per resource, as ours;
- *list*: looking at every record.

The questions are those of the product: does this hour on this bay conflict, what is on this day at the whole location,
and a record that goes and comes back. All contenders must give the same answers before the first is timed.

Caveats first: times are CPU time, the best of several rounds on one warm core, for one seed; records on one resource do
not overlap, as G1 has it; there are 24 resources; a day's answer is some 170 records, and copying them out is most of its
time. The peer holds ids in place of records, because it compares what it holds, and gives unordered sets where our answers
are sorted. Compare ratios within a run, not figures between machines.
"""

import argparse
import json
import random
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from time import process_time
from typing import Any

from intervaltree import IntervalTree as PeerTree

from grid_engine.calendar_day import calendar_day, days_after
from grid_engine.grid import Grid
from grid_engine.interval import HOUR, MINUTE, Interval
from grid_engine.interval_tree import IntervalTree
from grid_engine.occupancy import free_starts, taken_spans
from grid_engine.records import Booking, Record

SIZES = (1_000, 10_000, 100_000)
RESOURCES = 24
FIRST_DAY = date(2027, 1, 1)
ZONE = "UTC"
ROUNDS = 7
ROUND_SECONDS = 0.05

Ask = Callable[[Any], object]


@dataclass(frozen=True)
class Measurement:
    """Microseconds for one question; ``ratio`` is how many times as long as the first contender's."""

    size: int
    question: str
    contender: str
    microseconds: float
    ratio: float


def records_of(size: int, chance: random.Random) -> list[Record]:
    """Bookings of one to four hours with up to two hours between, spread over the resources."""
    start = calendar_day(FIRST_DAY, ZONE, 30).start
    ends = [start] * RESOURCES
    records: list[Record] = []
    for number in range(size):
        resource_id = number % RESOURCES
        begin = ends[resource_id] + chance.randrange(5) * 30 * MINUTE
        ends[resource_id] = begin + chance.randrange(2, 9) * 30 * MINUTE
        records.append(
            Booking(
                id=f"{number:032x}",
                grid_id=f"{number:022x}",
                resource_id=resource_id,
                interval=Interval(begin, ends[resource_id]),
            )
        )
    return records


def microseconds(ask: Ask, questions: Sequence[Any]) -> float:
    """The best round's mean time for one question; a round asks all of them as often as it has time for."""
    begun = process_time()
    ask(questions[0])
    once = max(process_time() - begun, 1e-7)
    asked = questions[: max(int(ROUND_SECONDS / once), 1)]
    repeats = range(max(int(ROUND_SECONDS / once / len(asked)), 1))
    best = float("inf")
    for _ in range(ROUNDS):
        begun = process_time()
        for _ in repeats:
            for question in asked:
                ask(question)
        best = min(best, process_time() - begun)
    return best / len(repeats) / len(asked) * 1e6


def timed(
    size: int, question: str, contenders: Mapping[str, Ask], questions: Sequence[Any]
) -> list[Measurement]:
    """Each contender's time for the same questions, the first one's as the measure."""
    times = {name: microseconds(ask, questions) for name, ask in contenders.items()}
    first = next(iter(times.values()))
    return [Measurement(size, question, name, took, took / first) for name, took in times.items()]


def measure(size: int) -> list[Measurement]:
    """All questions for one number of records."""
    chance = random.Random(size)
    records = records_of(size, chance)
    grid, tree, listed = Grid(1, "epoch", 0, records), IntervalTree(records), list(records)
    peer = PeerTree()
    peers = [PeerTree() for _ in range(RESOURCES)]
    for record in records:
        peer.addi(record.interval.start, record.interval.end, record.id)
        peers[record.resource_id].addi(record.interval.start, record.interval.end, record.id)
    days = max((records[-1].interval.end - records[0].interval.start) // (24 * HOUR), 1)

    hours: list[tuple[int, Interval]] = []
    rows: list[tuple[int, int]] = []
    spans: list[Interval] = []
    for _ in range(64):
        day = calendar_day(days_after(FIRST_DAY, chance.randrange(days)), ZONE, 30)
        row, resource_id = chance.randrange(46), chance.randrange(RESOURCES)
        taken = taken_spans(grid, day.interval.widened(HOUR), now=day.start)
        free = free_starts(day.rows, HOUR, [resource_id], taken)[resource_id]
        hours.append((resource_id, Interval(day.rows[row], day.rows[row] + HOUR)))
        rows.append((free, row))
        spans.append(day.interval)
    changing = chance.sample(records, min(64, size))

    def tree_conflict(asked: tuple[int, Interval]) -> list[Record]:
        return tree.overlapping(asked[1], asked[0])

    def bitmap_conflict(asked: tuple[int, int]) -> bool:
        return not asked[0] >> asked[1] & 1

    def peer_conflict(asked: tuple[int, Interval]) -> Any:
        return peers[asked[0]].overlap(asked[1].start, asked[1].end)

    def list_conflict(asked: tuple[int, Interval]) -> list[Record]:
        resource_id, window = asked
        return [each for each in listed if each.resource_id == resource_id and each.interval.overlaps(window)]

    def peer_day(window: Interval) -> Any:
        return peer.overlap(window.start, window.end)

    def list_day(window: Interval) -> list[Record]:
        return [each for each in listed if each.interval.overlaps(window)]

    def tree_change(record: Record) -> None:
        tree.discard(record)
        tree.add(record)

    def peer_change(record: Record) -> None:
        start, end = record.interval.start, record.interval.end
        for each in (peer, peers[record.resource_id]):
            each.removei(start, end, record.id)
            each.addi(start, end, record.id)

    def list_change(record: Record) -> None:
        listed.remove(record)
        listed.append(record)

    for asked, row_asked, window in zip(hours, rows, spans, strict=True):
        conflicts = {record.id for record in list_conflict(asked)}
        assert {record.id for record in tree_conflict(asked)} == conflicts
        assert {each.data for each in peer_conflict(asked)} == conflicts
        assert bitmap_conflict(row_asked) == bool(conflicts)
        on_day = {record.id for record in list_day(window)}
        assert {record.id for record in tree.overlapping(window)} == on_day
        assert {each.data for each in peer_day(window)} == on_day

    conflict: dict[str, Ask] = {"tree": tree_conflict, "intervaltree": peer_conflict, "list": list_conflict}
    day_view: dict[str, Ask] = {"tree": tree.overlapping, "intervaltree": peer_day, "list": list_day}
    change: dict[str, Ask] = {"tree": tree_change, "intervaltree": peer_change, "list": list_change}
    by_tree = timed(size, "conflict on a resource", conflict, hours)
    took = microseconds(bitmap_conflict, rows)
    by_bitmap = Measurement(size, "conflict on a resource", "bitmap", took, took / by_tree[0].microseconds)
    return [
        *by_tree,
        by_bitmap,
        *timed(size, "a day at the location", day_view, spans),
        *timed(size, "remove and add", change, changing),
    ]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.index", description="Measure the interval index.")
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)), help="numbers of records")
    parser.add_argument("--json", action="store_true", help="print JSON in place of a table")
    options = parser.parse_args(arguments)
    found: list[Measurement] = []
    for size in map(int, options.sizes.split(",")):
        print(f"measuring {size:,} records", file=sys.stderr)
        found += measure(size)
    if options.json:
        print(json.dumps([asdict(each) for each in found], indent=2))
        return
    print(f"{'records':>8}  {'question':<24}{'contender':<14}{'µs':>10}  {'of the tree':>12}")
    for each in found:
        print(
            f"{each.size:>8,}  {each.question:<24}{each.contender:<14}"
            f"{each.microseconds:>10,.2f}  {each.ratio:>12,.1f}"
        )


if __name__ == "__main__":
    main()
