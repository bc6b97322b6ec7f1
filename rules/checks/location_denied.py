"""R3: locations denied to a customer."""

from collections.abc import Iterator

from rules.model import Facts, Proposal, Violation


def check_location_denied(proposal: Proposal, facts: Facts) -> Iterator[Violation]:  # noqa: ARG001  # all checks alike
    """R3: refuses where the location is on the customer's denied list."""
    if facts.location_id in facts.standing.denied_locations:
        yield Violation(code="location_denied")
