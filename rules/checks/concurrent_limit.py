"""R11: more bookings at a time than a customer may have."""

from collections.abc import Iterator

from rules.model import Action, Facts, Proposal, Violation


def check_concurrent_limit(proposal: Proposal, facts: Facts) -> Iterator[Violation]:
    """R11: refuses a booking that would be one too many of those that end after now. Params: ``limit``, ``active``.

    Moving a booking that the customer has already adds none (R17), so whoever is over a limit that was lowered may still
    move; but it does where it had ended or comes from somebody else.
    """
    existing = proposal.existing
    counted_already = (
        proposal.action is Action.MOVE
        and not proposal.new_customer
        and existing is not None
        and existing.interval.end > facts.now
    )
    limit, active = facts.policy.concurrent_limit, facts.standing.active_bookings
    if not counted_already and proposal.interval.end > facts.now and active + 1 > limit:
        yield Violation(code="concurrent_limit", params={"limit": limit, "active": active})
