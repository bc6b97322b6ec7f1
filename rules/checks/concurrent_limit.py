"""R11: more bookings at a time than a customer may have."""

from collections.abc import Iterator

from rules.model import Action, Facts, Proposal, Violation
from rules.rule import BOOKING, STAFF, Rule, Scope
from rules.wording import Params, counted


def check(proposal: Proposal, facts: Facts) -> Iterator[Violation]:
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


def message(params: Params) -> str:
    """The violation in words."""
    limit = params.get("limit")
    if limit is None:
        return "There are too many upcoming bookings already."
    if limit == 0:
        return "No bookings can be made for this customer here."
    return (
        f"Only {counted(limit, 'upcoming booking')} at a time; cancel one, or let one pass, to make another."
    )


RULE = Rule(
    id="R11",
    code="concurrent_limit",
    scope=Scope.PERSON,
    actions=BOOKING,
    waived_by=STAFF,
    check=check,
    wording=message,
)
