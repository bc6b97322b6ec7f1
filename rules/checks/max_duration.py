"""R7: bookings that are too long."""

from collections.abc import Iterator

from grid_engine.interval import MINUTE
from rules.model import Facts, Proposal, Violation
from rules.rule import BOOKING, STAFF, Rule, Scope
from rules.wording import Params, minutes_in_words


def check(proposal: Proposal, facts: Facts) -> Iterator[Violation]:
    """R7: refuses more elapsed time (T4) than the maximum. Params: ``maximum``, in minutes."""
    maximum = facts.policy.max_duration_minutes
    if proposal.interval.seconds > maximum * MINUTE:
        yield Violation(code="max_duration", params={"maximum": maximum})


def message(params: Params) -> str:
    """The violation in words."""
    maximum = params.get("maximum")
    if maximum is None:
        return "The booking is too long."
    return f"A booking here lasts at most {minutes_in_words(maximum)}."


RULE = Rule(
    id="R7",
    code="max_duration",
    scope=Scope.TIME,
    actions=BOOKING,
    waived_by=STAFF,
    check=check,
    wording=message,
)
