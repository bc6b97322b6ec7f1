"""R4: times between the grid's lines."""

from collections.abc import Iterator

from grid_engine.calendar_day import is_boundary
from rules.model import Facts, Proposal, Violation


def check_off_grid(proposal: Proposal, facts: Facts) -> Iterator[Violation]:
    """R4: refuses a start or an end that is not on a slot boundary (T2). Params: ``slot_minutes``."""
    interval = proposal.interval
    if not (
        is_boundary(interval.start, facts.timezone, facts.slot_minutes)
        and is_boundary(interval.end, facts.timezone, facts.slot_minutes)
    ):
        yield Violation(code="off_grid", params={"slot_minutes": facts.slot_minutes})
