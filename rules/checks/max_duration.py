"""R7: bookings that are too long."""

from collections.abc import Iterator

from grid_engine.interval import MINUTE
from rules.model import Facts, Proposal, Violation


def check_max_duration(proposal: Proposal, facts: Facts) -> Iterator[Violation]:
    """R7: refuses more elapsed time (T4) than the maximum. Params: ``maximum``, in minutes."""
    maximum = facts.policy.max_duration_minutes
    if proposal.interval.seconds > maximum * MINUTE:
        yield Violation(code="max_duration", params={"maximum": maximum})
