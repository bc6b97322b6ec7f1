"""R14: time that is taken."""

from collections.abc import Iterator

from rules.model import Facts, Proposal, Violation
from rules.obstacles import conflicting_records

MOST_NAMED = 10
"""No more busy intervals than this are named; the verdict has all records."""


def check_conflict(proposal: Proposal, facts: Facts) -> Iterator[Violation]:
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
