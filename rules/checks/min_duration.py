"""R6: bookings that are too short."""

from collections.abc import Iterator

from grid_engine.interval import MINUTE
from rules.model import Facts, Proposal, Violation


def check_min_duration(proposal: Proposal, facts: Facts) -> Iterator[Violation]:
    """R6: refuses less elapsed time (T4) than the minimum. Params: ``minimum``, in minutes."""
    minimum = facts.policy.min_duration_minutes
    if proposal.interval.seconds < minimum * MINUTE:
        yield Violation(code="min_duration", params={"minimum": minimum})
