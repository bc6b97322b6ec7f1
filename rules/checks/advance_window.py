"""R8: bookings too far ahead."""

from collections.abc import Iterator

from grid_engine.interval import DAY
from rules.model import Facts, Proposal, Violation
from rules.rule import BOOKING, STAFF, Rule, Scope
from rules.wording import Params, counted


def check(proposal: Proposal, facts: Facts) -> Iterator[Violation]:
    """R8: refuses a start more than ``days`` times 24 hours after now. Params: ``days``, ``latest_time``."""
    days = facts.policy.advance_days
    latest = facts.now + days * DAY
    if proposal.interval.start > latest:
        yield Violation(code="advance_window", params={"days": days, "latest_time": latest})


def message(params: Params) -> str:
    """The violation in words."""
    days = params.get("days")
    if days is None:
        return "This is too far ahead to be booked yet."
    return f"Bookings open {counted(days, 'day')} ahead; this is too far off."


RULE = Rule(
    id="R8",
    code="advance_window",
    scope=Scope.TIME,
    actions=BOOKING,
    waived_by=STAFF,
    check=check,
    wording=message,
)
