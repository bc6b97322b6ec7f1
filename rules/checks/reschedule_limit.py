"""R12: bookings moved too often."""

from collections.abc import Iterator

from rules.model import Facts, Proposal, Violation


def check_reschedule_limit(proposal: Proposal, facts: Facts) -> Iterator[Violation]:
    """R12: refuses a further move of a booking that its customer moved as often as allowed. Params: ``limit``.

    Whoever moves it is held to it, as to every rule that judges the customer; but moves by staff are not among those
    counted (R17).
    """
    limit = facts.policy.reschedule_limit
    assert proposal.existing is not None, "moves are about a booking"
    if proposal.existing.reschedule_count >= limit:
        yield Violation(code="reschedule_limit", params={"limit": limit})
