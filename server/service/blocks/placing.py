"""Placing blocks on a grid that has other things on it: what the rules say, and what gives way (B3).

Belongs here: which pieces of what is wanted can be had, at what cost. Does not belong here: who wants it, or doing it
(``blocking``, ``series``). Blocks are judged by R4 and R14 and nothing else.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from grid_engine.calendar_day import is_boundary, rows_between
from grid_engine.interval import Instant, Interval, gaps
from grid_engine.records import Block, Record
from rules.checks.conflict import MOST_NAMED, conflicting_records
from rules.evaluate import violations_of
from rules.model import Action, Facts, Proposal, Role, Verdict, Violation
from rules.rule import Scope
from server.service.blocks.requests import OnConflict
from server.service.orders import Rejected


@dataclass(frozen=True, slots=True)
class Wanted:
    """Time to be blocked on one resource, for the occurrence of this number."""

    occurrence: int
    resource_id: int
    interval: Interval


@dataclass(frozen=True, kw_only=True)
class Placed:
    """What can be had: the pieces to block, what was given up, and what is to be cancelled for it.

    ``collisions`` is all that was in the way, by start; ``waived`` what an override set aside for pieces of an interval
    (R19).
    """

    pieces: Sequence[Wanted]
    skipped: Sequence[Wanted]
    cancelled: Sequence[Record]
    collisions: Sequence[Record]
    waived: Mapping[Interval, Violation]

    def of(self, occurrence: int, resource_id: int) -> Sequence[Wanted]:
        """The pieces of an occurrence on a resource, in order."""
        return self._by_place.get((occurrence, resource_id), ())

    @cached_property
    def _by_place(self) -> Mapping[tuple[int, int], Sequence[Wanted]]:
        found: dict[tuple[int, int], list[Wanted]] = {}
        for piece in self.pieces:
            found.setdefault((piece.occurrence, piece.resource_id), []).append(piece)
        return found


def place(
    wanted: Sequence[Wanted],
    on_conflict: OnConflict | None,
    facts: Facts,
    *,
    role: Role,
    override_reason: str | None,
    excluding: Collection[str] = frozenset(),
) -> Placed | Rejected:
    """What can be had of what is wanted. No two of it overlap. O(wanted · log n + collisions).

    ``on_conflict`` None refuses nothing for being taken, and gives up nothing: it is for a look at the collisions. Records
    whose ids are in ``excluding`` are in nobody's way.
    """
    off_grid = _off_grid((each.interval for each in wanted), facts, role)
    refused = [each for each in off_grid.values() if not (override_reason and each.overridable)][:1]
    in_the_way = [_in_the_way(each, facts, role, excluding) for each in wanted]
    collisions = _by_start(record for found in in_the_way for record in found)
    if collisions and on_conflict == "fail":
        refused.append(_conflict(collisions))
    if refused:
        return Rejected(
            verdict=Verdict(violations=tuple(refused), conflicts=tuple(collisions)),
            proposal=_proposal(wanted[0].resource_id, wanted[0].interval, role),
            facts=facts,
            suggests=len(wanted) == 1 and not excluding,
        )

    pieces: list[Wanted] = []
    skipped: list[Wanted] = []
    cancelled: dict[str, Record] = {}
    for each, found in zip(wanted, in_the_way, strict=True):
        if not found or on_conflict is None:
            pieces.append(each)
            continue
        staying = found
        if on_conflict == "cancel":
            staying = [record for record in found if not _gives_way(record, facts.now)]
            cancelled |= {record.id: record for record in found if _gives_way(record, facts.now)}
        kept = [] if on_conflict == "skip" else list(_around(each, staying, facts))
        pieces += kept
        if not kept:
            skipped.append(each)
    return Placed(
        pieces=pieces,
        skipped=skipped,
        cancelled=_by_start(cancelled.values()),
        collisions=collisions,
        waived=_off_grid((piece.interval for piece in pieces), facts, role) if off_grid else {},
    )


def _off_grid(intervals: Iterable[Interval], facts: Facts, role: Role) -> dict[Interval, Violation]:
    """R4's violation, for each of the intervals that deserves it."""
    return {
        interval: violation
        for interval in dict.fromkeys(intervals)
        for violation in violations_of(_proposal(0, interval, role), facts, Scope.TIME)
    }


def _in_the_way(wanted: Wanted, facts: Facts, role: Role, excluding: Collection[str]) -> list[Record]:
    found = conflicting_records(_proposal(wanted.resource_id, wanted.interval, role), facts)
    return [record for record in found if record.id not in excluding] if found and excluding else found


def _proposal(resource_id: int, interval: Interval, role: Role) -> Proposal:
    return Proposal(action=Action.BLOCK, role=role, resource_id=resource_id, interval=interval)


def _conflict(collisions: Sequence[Record]) -> Violation:
    """R14's violation for all of them, as it is for one."""
    busy = [
        {"start_time": record.interval.start, "end_time": record.interval.end}
        for record in collisions[:MOST_NAMED]
    ]
    return Violation(code="conflict", params={"busy": busy})


def _gives_way(record: Record, now: Instant) -> bool:
    """Whether it is cancelled for a block: bookings and holds are, unless they are over; other blocks are not."""
    return not isinstance(record, Block) and record.interval.end > now


def _around(wanted: Wanted, staying: Sequence[Record], facts: Facts) -> Iterable[Wanted]:
    """What is left of it round the records that stay, in whole slots where it meets them."""
    for gap in gaps(wanted.interval, (record.interval for record in staying)):
        piece = _in_whole_slots(gap, wanted.interval, facts)
        if piece is not None:
            yield Wanted(wanted.occurrence, wanted.resource_id, piece)


def _in_whole_slots(gap: Interval, whole: Interval, facts: Facts) -> Interval | None:
    """The gap without what lies off the grid at an end that is not the whole's own (R4); None if nothing is left."""
    own = {whole.start, whole.end}
    if all(
        end in own or is_boundary(end, facts.timezone, facts.slot_minutes) for end in (gap.start, gap.end)
    ):
        return gap
    rows = rows_between(gap.start, gap.end + 1, facts.timezone, facts.slot_minutes)
    if not rows:
        return None
    start = gap.start if gap.start in own else rows[0]
    end = gap.end if gap.end in own else rows[-1]
    return Interval(start, end) if start < end else None


def _by_start(records: Iterable[Record]) -> list[Record]:
    """Each once."""
    once = {record.id: record for record in records}
    return sorted(once.values(), key=lambda record: (record.interval, record.resource_id, record.id))
