"""R9: times when the location is closed."""

from collections.abc import Iterator
from datetime import timedelta

from grid_engine.calendar_day import local_time
from rules.model import Facts, Proposal, Violation
from rules.opening_hours import is_open
from rules.policy_document import write_spans
from rules.policy_values import WEEKDAYS


def check_closed(proposal: Proposal, facts: Facts) -> Iterator[Violation]:
    """R9: refuses what lies outside opening hours, if only in part; both days count over midnight (T6).

    Params: ``hours``, the opening hours of the days touched by name, as a policy writes them; closed days are empty.
    """
    hours = facts.policy.opening_hours
    interval = proposal.interval
    if hours is not None and not is_open(interval, hours, facts.timezone):
        first = local_time(interval.start, facts.timezone).date()
        last = local_time(interval.end - 1, facts.timezone).date()
        days = min((last - first) // timedelta(days=1), 6) + 1
        touched = [(first.weekday() + day) % 7 for day in range(days)]
        yield Violation(
            code="closed", params={"hours": {WEEKDAYS[day]: write_spans(hours[day]) for day in touched}}
        )
