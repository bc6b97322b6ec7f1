"""R1: whoever may not book at all."""

from collections.abc import Iterator

from rules.model import Facts, Proposal, Violation
from rules.rule import BOOKING, STAFF, Rule, Scope
from rules.wording import always


def check(proposal: Proposal, facts: Facts) -> Iterator[Violation]:  # noqa: ARG001  # all checks alike
    """R1: refuses where the policy in force does not let the customer book."""
    if not facts.policy.can_book:
        yield Violation(code="not_permitted")


RULE = Rule(
    id="R1",
    code="not_permitted",
    scope=Scope.PERSON,
    actions=BOOKING,
    waived_by=STAFF,
    check=check,
    wording=always("This account may not book here."),
)
