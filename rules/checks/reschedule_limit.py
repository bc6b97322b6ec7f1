"""R12: bookings moved too often."""

from collections.abc import Iterator

from rules.model import Action, Facts, Proposal, Violation
from rules.rule import STAFF, Rule, Scope
from rules.wording import Params, counted


def check(proposal: Proposal, facts: Facts) -> Iterator[Violation]:
    """R12: refuses a further move of a booking that its customer moved as often as allowed. Params: ``limit``.

    Whoever moves it is held to it, as to every rule that judges the customer; but moves by staff are not among those
    counted (R17).
    """
    limit = facts.policy.reschedule_limit
    assert proposal.existing is not None, "moves are about a booking"
    if proposal.existing.reschedule_count >= limit:
        yield Violation(code="reschedule_limit", params={"limit": limit})


def message(params: Params) -> str:
    """The violation in words."""
    limit = params.get("limit")
    if limit is None:
        return "This booking cannot be moved any more."
    if limit == 0:
        return "Bookings cannot be moved here."
    return f"A booking can be moved {counted(limit, 'time')}, and this one has been."


RULE = Rule(
    id="R12",
    code="reschedule_limit",
    scope=Scope.PERSON,
    actions=frozenset({Action.MOVE}),
    waived_by=STAFF,
    check=check,
    wording=message,
)
