"""R6: bookings that are too short."""

from collections.abc import Iterator

from grid_engine.interval import MINUTE
from rules.model import Facts, Proposal, Violation
from rules.rule import BOOKING, STAFF, Rule, Scope
from rules.wording import Params, minutes_in_words


def check(proposal: Proposal, facts: Facts) -> Iterator[Violation]:
    """R6: refuses less elapsed time (T4) than the minimum. Params: ``minimum``, in minutes."""
    minimum = facts.policy.min_duration_minutes
    if proposal.interval.seconds < minimum * MINUTE:
        yield Violation(code="min_duration", params={"minimum": minimum})


def message(params: Params) -> str:
    """The violation in words."""
    minimum = params.get("minimum")
    if minimum is None:
        return "The booking is too short."
    return f"A booking here lasts at least {minutes_in_words(minimum)}."


RULE = Rule(
    id="R6",
    code="min_duration",
    scope=Scope.TIME,
    actions=BOOKING,
    waived_by=STAFF,
    check=check,
    wording=message,
)
