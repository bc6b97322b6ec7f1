"""R5: times that are over."""

from collections.abc import Iterator

from grid_engine.calendar_day import calendar_day, day_of
from grid_engine.interval import Instant
from rules.model import Facts, Proposal, Violation
from rules.rule import BOOKING, STAFF, Rule, Scope
from rules.wording import always


def check(proposal: Proposal, facts: Facts) -> Iterator[Violation]:
    """R5: refuses a start before now; for staff the slot now running is not past. Params: ``earliest_time``."""
    forgiven = _earliest(facts.now - facts.grace, proposal, facts)
    if proposal.interval.start < forgiven:
        yield Violation(code="past_start", params={"earliest_time": _earliest(facts.now, proposal, facts)})


def _earliest(now: Instant, proposal: Proposal, facts: Facts) -> Instant:
    if not proposal.role.is_staff:
        return now
    day = calendar_day(day_of(now, facts.timezone), facts.timezone, facts.slot_minutes)
    return day.rows[day.row_of(now)]


RULE = Rule(
    id="R5",
    code="past_start",
    scope=Scope.TIME,
    actions=BOOKING,
    waived_by=STAFF,
    check=check,
    wording=always("The start has already passed."),
)
