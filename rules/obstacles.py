"""What stands in the way of a proposal: records and blackouts, told one by one or as the time they take.

Belongs here: which of them count (G1, G2, G4, G5). Does not belong here: what follows from it (``checks``), and searching
for what is free (``vacancy``).
"""

from collections.abc import Iterator

from grid_engine.interval import MINUTE, Instant, Interval
from grid_engine.records import Blackout, Block, Hold, Record
from rules.model import Action, Facts, Proposal


def conflicting_records(proposal: Proposal, facts: Facts) -> list[Record]:
    """The records that R14 refuses for, ordered by start, end and id: active ones on the resource, without itself (G4).

    A hold that is overdue does not count, even if nobody has swept it up yet (G5). O(log n + k).
    """
    found = facts.grid.conflicts(
        proposal.resource_id,
        proposal.interval,
        buffer=facts.policy.buffer_minutes * MINUTE,
        buffered=proposal.buffered,
        excluding=proposal.excluding,
    )
    return [record for record in found if not is_overdue(record, facts.now)]


def overlapping_blackouts(resource_id: int, interval: Interval, facts: Facts) -> list[Blackout]:
    """The blackouts that R10 refuses for, ordered by start."""
    found = [
        each for each in facts.blackouts if each.closes(resource_id) and each.interval.overlaps(interval)
    ]
    return sorted(found, key=lambda blackout: (blackout.interval, blackout.id))


def is_overdue(record: Record, now: Instant) -> bool:
    """Whether it is a hold whose time is up."""
    return isinstance(record, Hold) and record.expires_at <= now


def taken_spans(window: Interval, proposal: Proposal, facts: Facts) -> Iterator[tuple[int, Instant, Instant]]:
    """What is taken of the location within ``window``, as (resource id, start, end), in no particular order.

    An interval on a resource, of the proposal's action, is refused by R10 or R14 exactly if it overlaps one of these spans
    of that resource and lies within ``window``. O(log n + k), and a blackout counts once for each resource it closes.
    """
    buffer = facts.policy.buffer_minutes * MINUTE if proposal.buffered else 0
    excluding = proposal.excluding
    now = facts.now
    for record in facts.grid.overlapping(window.widened(buffer)):
        if record.id not in excluding and not is_overdue(record, now):
            interval = record.interval
            margin = 0 if isinstance(record, Block) else buffer
            yield record.resource_id, interval.start - margin, interval.end + margin
    if proposal.action is not Action.BLOCK:
        for blackout in facts.blackouts:
            if blackout.interval.overlaps(window):
                for resource in facts.resources:
                    if blackout.closes(resource.id):
                        yield resource.id, blackout.interval.start, blackout.interval.end
