"""R12: bookings moved too often."""

from collections.abc import Iterator

from rules.model import Facts, Proposal, Violation


def check_reschedule_limit(proposal: Proposal, facts: Facts) -> Iterator[Violation]:
    """R12: refuses its customer a further move of a booking that the customer moved as often as allowed. Params: ``limit``.

    Moves by others do not count, and are not held to it (R17).
    """
    limit = facts.policy.reschedule_limit
    assert proposal.existing is not None, "moves are about a booking"
    if proposal.by_owner and proposal.existing.reschedule_count >= limit:
        yield Violation(code="reschedule_limit", params={"limit": limit})
