"""R1: whoever may not book at all."""

from collections.abc import Iterator

from rules.model import Facts, Proposal, Violation


def check_not_permitted(proposal: Proposal, facts: Facts) -> Iterator[Violation]:  # noqa: ARG001  # all checks alike
    """R1: refuses where the policy in force does not let the customer book."""
    if not facts.policy.can_book:
        yield Violation(code="not_permitted")
