"""What another policy would have said to what was asked for in the past (R23).

Everything that was asked for is judged twice by the rules, as of the instant at which it was asked for: by the present
policy and by the changed one. Each is judged by itself: that a booking which would have been refused would have left room
for others is not thought through.

Belongs here: the comparison, and the past that it needs, led along in order. Does not belong here: gathering any of it.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Generic, TypeAlias, TypeVar

from grid_engine.diff import Diff, Put, Remove
from grid_engine.grid import Grid
from grid_engine.interval import Instant
from grid_engine.records import Record
from rules.evaluate import evaluate
from rules.model import Facts, Proposal, Verdict, Violation
from rules.policy import Policy

Moment: TypeAlias = tuple[Instant, int]
"""An instant and, among what happened within that second, a place in the order."""

Asked = TypeVar("Asked")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What either policy says to the same proposal."""

    present: Verdict
    changed: Verdict

    @property
    def refused(self) -> tuple[Violation, ...]:
        """Why it would be refused from now on, if it is not already."""
        return self.changed.violations if self.present.allowed else ()

    @property
    def accepted(self) -> tuple[Violation, ...]:
        """Why it is refused, if it would be accepted from now on."""
        return self.present.violations if self.changed.allowed else ()


def simulate(proposal: Proposal, facts: Facts, changed: Policy) -> Outcome:
    """The outcome for facts with the present policy, and the policy that would be in force in its place; some 40 µs."""
    return Outcome(evaluate(proposal, facts), evaluate(proposal, replace(facts, policy=changed)))


@dataclass(slots=True)
class Tally(Generic[Asked]):
    """What was judged, how much of it would be different, by which rules, and the first ``most`` of either kind.

    What was asked for several times counts so often, and is told once.
    """

    most: int
    judged: int = 0
    refused: list[tuple[Asked, tuple[Violation, ...]]] = field(default_factory=list)
    accepted: list[tuple[Asked, tuple[Violation, ...]]] = field(default_factory=list)
    refused_count: int = 0
    accepted_count: int = 0
    refused_by_rule: Counter[str] = field(default_factory=Counter)
    accepted_by_rule: Counter[str] = field(default_factory=Counter)

    def count(self, asked: Asked, outcome: Outcome, times: int = 1) -> None:
        """Takes one more into account."""
        self.judged += times
        if outcome.refused:
            self.refused_count += times
            _tell(self.refused, self.refused_by_rule, (asked, outcome.refused), times, self.most)
        elif outcome.accepted:
            self.accepted_count += times
            _tell(self.accepted, self.accepted_by_rule, (asked, outcome.accepted), times, self.most)


def _tell(
    told: list[tuple[Asked, tuple[Violation, ...]]],
    by_rule: Counter[str],
    one: tuple[Asked, tuple[Violation, ...]],
    times: int,
    most: int,
) -> None:
    if len(told) < most:
        told.append(one)
    for violation in one[1]:
        by_rule[violation.code] += times


class Past:
    """A location's grid as it was, led through its changes in the order in which they were made."""

    def __init__(self, location_id: int, records: Iterable[Record]) -> None:
        """``records`` are those of the beginning."""
        self.grid = Grid(location_id, "past", 0, records)

    def become(self, booking_id: str, record: Record | None) -> None:
        """The booking is now as the record says, or occupies nothing. O(log n)."""
        version = self.grid.version + 1
        change = Put(version, record) if record else Remove(version, booking_id, "")
        self.grid.apply(Diff(version - 1, version, (change,)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Engagement:
    """A booking that counted towards a customer's limit (R11), from a change of it until the next, or its end."""

    booking_id: str
    since: Moment
    until: Moment


def active_at(engagements: Iterable[Engagement], moment: Moment, without: str | None) -> int:
    """How many bookings a customer had just before the moment, the one that is asked about not counted. O(n)."""
    return sum(each.since < moment < each.until and each.booking_id != without for each in engagements)
