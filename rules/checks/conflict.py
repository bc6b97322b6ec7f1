"""R14: time that is taken."""

from collections.abc import Iterator

from grid_engine import occupancy
from grid_engine.interval import MINUTE, Interval
from grid_engine.occupancy import Span
from grid_engine.records import Hold, Record
from rules.model import Action, Facts, Proposal, Violation
from rules.rule import BOOKING, NOBODY, Rule, Scope
from rules.wording import Params, minutes_in_words

MOST_NAMED = 10
"""No more busy intervals than this are named; the verdict has all records."""


def check(proposal: Proposal, facts: Facts) -> Iterator[Violation]:
    """R14: refuses what overlaps an active record on the resource, or comes within the turnover buffer of one (G1, G2).

    Params: ``busy``, start and end of each, and never whose they are (G3); ``buffer_minutes`` where there is a buffer.
    """
    found = conflicting_records(proposal, facts)
    if found:
        busy = [
            {"start_time": record.interval.start, "end_time": record.interval.end}
            for record in found[:MOST_NAMED]
        ]
        buffer = facts.policy.buffer_minutes
        yield Violation(
            code="conflict", params={"busy": busy} | ({"buffer_minutes": buffer} if buffer else {})
        )


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
    return [record for record in found if not (isinstance(record, Hold) and record.is_overdue(facts.now))]


def taken(window: Interval, proposal: Proposal, facts: Facts) -> Iterator[Span]:
    """The records within the window, wider by the buffer on either side where one is needed."""
    return occupancy.taken_spans(
        facts.grid,
        window,
        now=facts.now,
        buffer=facts.policy.buffer_minutes * MINUTE,
        buffered=proposal.buffered,
        excluding=proposal.excluding,
    )


def message(params: Params) -> str:
    """The violation in words."""
    buffer = params.get("buffer_minutes")
    if buffer is None:
        return "This time is already taken."
    return f"This time is already taken, or too close to the next booking: {minutes_in_words(buffer)} stay free between."


RULE = Rule(
    id="R14",
    code="conflict",
    scope=Scope.PLACE,
    actions=BOOKING | {Action.BLOCK, Action.RESTORE},
    waived_by=NOBODY,
    check=check,
    wording=message,
    takes=taken,
)
