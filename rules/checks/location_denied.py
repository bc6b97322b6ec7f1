"""R3: locations denied to a customer."""

from collections.abc import Iterator

from rules.model import Facts, Proposal, Violation
from rules.rule import BOOKING, STAFF, Rule, Scope
from rules.wording import always


def check(proposal: Proposal, facts: Facts) -> Iterator[Violation]:  # noqa: ARG001  # all checks alike
    """R3: refuses where the location is on the customer's denied list."""
    if facts.location_id in facts.standing.denied_locations:
        yield Violation(code="location_denied")


RULE = Rule(
    id="R3",
    code="location_denied",
    scope=Scope.PERSON,
    actions=BOOKING,
    waived_by=STAFF,
    check=check,
    wording=always("This account may not book at this location."),
)
