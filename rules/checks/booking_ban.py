"""R2: whoever is banned from booking."""

from collections.abc import Iterator

from rules.model import Facts, Proposal, Violation


def check_booking_ban(proposal: Proposal, facts: Facts) -> Iterator[Violation]:  # noqa: ARG001  # all checks alike
    """R2: refuses a customer with a booking ban in force."""
    if facts.standing.banned:
        yield Violation(code="booking_ban")
