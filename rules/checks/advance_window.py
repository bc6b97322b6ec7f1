"""R8: bookings too far ahead."""

from collections.abc import Iterator

from grid_engine.interval import DAY
from rules.model import Facts, Proposal, Violation


def check_advance_window(proposal: Proposal, facts: Facts) -> Iterator[Violation]:
    """R8: refuses a start more than ``days`` times 24 hours after now. Params: ``days``, ``latest_time``."""
    days = facts.policy.advance_days
    latest = facts.now + days * DAY
    if proposal.interval.start > latest:
        yield Violation(code="advance_window", params={"days": days, "latest_time": latest})
