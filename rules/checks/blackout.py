"""R10: periods closed to customers."""

from collections.abc import Iterator

from rules.model import Facts, Proposal, Role, Violation
from rules.obstacles import overlapping_blackouts

MOST_NAMED = 10
"""No more blackouts than this are named."""


def check_blackout(proposal: Proposal, facts: Facts) -> Iterator[Violation]:
    """R10: refuses what overlaps a blackout of the resource (B4). Params: ``blackouts`` of start and end, and for those who
    are no customers there the reason, which may name people.
    """
    found = overlapping_blackouts(proposal.resource_id, proposal.interval, facts)
    if found:
        named = [
            {"start_time": each.interval.start, "end_time": each.interval.end}
            | ({} if proposal.role is Role.CUSTOMER else {"reason": each.reason})
            for each in found[:MOST_NAMED]
        ]
        yield Violation(code="blackout", params={"blackouts": named})
