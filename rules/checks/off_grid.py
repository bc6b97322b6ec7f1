"""R4: times between the grid's lines."""

from collections.abc import Iterator

from grid_engine.calendar_day import is_boundary
from rules.model import Action, Facts, Proposal, Violation
from rules.rule import BOOKING, STAFF, Rule, Scope
from rules.wording import Params, minutes_in_words


def check(proposal: Proposal, facts: Facts) -> Iterator[Violation]:
    """R4: refuses a start or an end that is not on a slot boundary (T2). Params: ``slot_minutes``."""
    interval = proposal.interval
    if not (
        is_boundary(interval.start, facts.timezone, facts.slot_minutes)
        and is_boundary(interval.end, facts.timezone, facts.slot_minutes)
    ):
        yield Violation(code="off_grid", params={"slot_minutes": facts.slot_minutes})


def message(params: Params) -> str:
    """The violation in words."""
    minutes = params.get("slot_minutes")
    often = "" if minutes is None else f", every {minutes_in_words(minutes)}"
    return f"Bookings start and end on the slots of the grid{often}."


RULE = Rule(
    id="R4",
    code="off_grid",
    scope=Scope.TIME,
    actions=BOOKING | {Action.BLOCK},
    waived_by=STAFF,
    check=check,
    wording=message,
)
