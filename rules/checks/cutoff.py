"""R13: changes too shortly before the start."""

from collections.abc import Iterator

from grid_engine.interval import MINUTE
from rules.model import Action, Facts, Proposal, Violation
from rules.rule import STAFF, Rule, Scope
from rules.wording import Params, minutes_in_words


def check(proposal: Proposal, facts: Facts) -> Iterator[Violation]:
    """R13: refuses to cancel or move less than so many minutes before the present start, or after it.

    Params: ``minutes``, and ``until_time``, the last instant at which it was allowed.
    """
    minutes = facts.policy.cutoff_minutes
    assert proposal.existing is not None, "moves and cancellations are about a booking"
    until = proposal.existing.interval.start - minutes * MINUTE
    if facts.now - facts.grace > until:
        yield Violation(code="cutoff", params={"minutes": minutes, "until_time": until})


def message(params: Params) -> str:
    """The violation in words."""
    minutes = params.get("minutes")
    if minutes is None:
        return "It is too close to the start to change this booking."
    return f"Changes close {minutes_in_words(minutes)} before the start, which is now past."


RULE = Rule(
    id="R13",
    code="cutoff",
    scope=Scope.PERSON,
    actions=frozenset({Action.MOVE, Action.CANCEL}),
    waived_by=STAFF,
    check=check,
    wording=message,
)
