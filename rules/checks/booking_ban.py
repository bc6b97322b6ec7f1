"""R2: whoever is banned from booking."""

from collections.abc import Iterator

from rules.model import Facts, Proposal, Violation
from rules.rule import ADMINS, BOOKING, Rule, Scope
from rules.wording import always


def check(proposal: Proposal, facts: Facts) -> Iterator[Violation]:  # noqa: ARG001  # all checks alike
    """R2: refuses a customer with a booking ban in force."""
    if facts.standing.banned:
        yield Violation(code="booking_ban")


RULE = Rule(
    id="R2",
    code="booking_ban",
    scope=Scope.PERSON,
    actions=BOOKING,
    waived_by=ADMINS,
    check=check,
    wording=always("A ban on booking is in force for this account."),
)
