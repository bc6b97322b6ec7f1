"""R9: times when the location is closed."""

from collections.abc import Iterator
from datetime import timedelta

from grid_engine.calendar_day import local_time
from rules.model import Facts, Proposal, Violation
from rules.opening_hours import is_open
from rules.policy_document import write_spans
from rules.policy_values import WEEKDAYS
from rules.rule import BOOKING, STAFF, Rule, Scope
from rules.wording import Params

_DAYS = dict(
    zip(WEEKDAYS, ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"), strict=True)
)


def check(proposal: Proposal, facts: Facts) -> Iterator[Violation]:
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


def message(params: Params) -> str:
    """The violation in words."""
    hours = params.get("hours")
    if not hours:
        return "This is outside the opening hours."
    told = "; ".join(
        f"{_DAYS[day]} {' and '.join(f'{start} to {end}' for start, end in spans) or 'closed'}"
        for day, spans in hours.items()
    )
    return f"This is outside the opening hours: {told}."


RULE = Rule(
    id="R9",
    code="closed",
    scope=Scope.TIME,
    actions=BOOKING,
    waived_by=STAFF,
    check=check,
    wording=message,
)
