"""R10: periods closed to customers."""

from collections.abc import Iterator

from grid_engine.interval import Interval
from grid_engine.occupancy import Span
from grid_engine.records import Blackout
from rules.model import Facts, Proposal, Role, Violation
from rules.rule import BOOKING, STAFF, Rule, Scope
from rules.wording import Params

MOST_NAMED = 10
"""No more blackouts than this are named."""


def check(proposal: Proposal, facts: Facts) -> Iterator[Violation]:
    """R10: refuses what overlaps a blackout of the resource (B4). Params: ``blackouts`` of start and end, and for those who
    are no customers there the reason, which may name people.
    """
    found = _overlapping(proposal.resource_id, proposal.interval, facts)
    if found:
        named = [
            {"start_time": each.interval.start, "end_time": each.interval.end}
            | ({} if proposal.role is Role.CUSTOMER else {"reason": each.reason})
            for each in found[:MOST_NAMED]
        ]
        yield Violation(code="blackout", params={"blackouts": named})


def taken(window: Interval, _: Proposal, facts: Facts) -> Iterator[Span]:
    """The blackouts within the window, once for each resource that they close."""
    for blackout in facts.blackouts:
        if blackout.interval.overlaps(window):
            for resource in facts.resources:
                if blackout.closes(resource.id):
                    yield resource.id, blackout.interval.start, blackout.interval.end


def message(params: Params) -> str:
    """The violation in words."""
    reasons = dict.fromkeys(each["reason"] for each in params.get("blackouts", ()) if each.get("reason"))
    why = f": {'; '.join(reasons)}" if reasons else ""
    return f"This time is closed to bookings{why}."


RULE = Rule(
    id="R10",
    code="blackout",
    scope=Scope.PLACE,
    actions=BOOKING,
    waived_by=STAFF,
    check=check,
    wording=message,
    takes=taken,
)


def _overlapping(resource_id: int, interval: Interval, facts: Facts) -> list[Blackout]:
    """The blackouts of the resource that share time with the interval, ordered by start."""
    found = [
        each for each in facts.blackouts if each.closes(resource_id) and each.interval.overlaps(interval)
    ]
    return sorted(found, key=lambda blackout: (blackout.interval, blackout.id))
