"""Judging a proposal: which rules have a say, in which order, and who may set which aside (R19).

Belongs here: the list of rules and running them. Does not belong here: what a rule refuses, whom it concerns or what it
says: each has a file in ``checks``.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from grid_engine.records import Record
from rules.checks import (
    advance_window,
    blackout,
    booking_ban,
    closed,
    concurrent_limit,
    conflict,
    cutoff,
    location_denied,
    max_duration,
    min_duration,
    not_permitted,
    off_grid,
    past_start,
    reschedule_limit,
)
from rules.model import Action, Facts, Proposal, Verdict, Violation
from rules.rule import Rule, Scope

RULES = (
    not_permitted.RULE,
    booking_ban.RULE,
    location_denied.RULE,
    off_grid.RULE,
    past_start.RULE,
    min_duration.RULE,
    max_duration.RULE,
    advance_window.RULE,
    closed.RULE,
    blackout.RULE,
    concurrent_limit.RULE,
    reschedule_limit.RULE,
    cutoff.RULE,
    conflict.RULE,
)
"""All rules, in the order in which violations are told."""

_PLACES = {rule.code: place for place, rule in enumerate(RULES)}

EVERYTHING = Scope.PERSON | Scope.TIME | Scope.PLACE

_JUDGED = {
    (action, scope): tuple(rule for rule in RULES if action in rule.actions and rule.scope in scope)
    for action in Action
    for scope in map(Scope, range(EVERYTHING.value + 1))
}


def rules_for(action: Action, scope: Scope = EVERYTHING) -> tuple[Rule, ...]:
    """The rules that judge the action and depend on something of the scope, in the order of the list."""
    return _JUDGED[action, scope]


def evaluate(proposal: Proposal, facts: Facts) -> Verdict:
    """The verdict on a proposal: all rules that judge its action, in the order of the list, each code at most once.

    With a reason for overriding (more than blanks) what the role may waive is set aside, unless anything remains that it
    may not: then nothing is waived and all is told (R19). About 20 µs.
    """
    violations = tuple(violations_of(proposal, facts))
    reason = proposal.override_reason
    if violations and reason is not None and reason.strip() and all(each.overridable for each in violations):
        return Verdict(waived=violations)
    return Verdict(violations=violations, conflicts=_conflicts(violations, proposal, facts))


def violations_of(proposal: Proposal, facts: Facts, scope: Scope = EVERYTHING) -> Iterator[Violation]:
    """What the rules of the scope refuse, lazily and in the order of the list, whatever the reason for overriding."""
    for rule in rules_for(proposal.action, scope):
        for violation in rule.check(proposal, facts):
            yield replace(violation, overridable=proposal.role in rule.waived_by)


def told_in_order(violations: Iterable[Violation]) -> tuple[Violation, ...]:
    """The violations of several scopes in the order of the list."""
    return tuple(sorted(violations, key=lambda violation: _PLACES[violation.code]))


def is_allowed(proposal: Proposal, facts: Facts, scope: Scope = EVERYTHING) -> bool:
    """Whether no rule of the scope refuses it; stops at the first that does."""
    return all(next(rule.check(proposal, facts), None) is None for rule in rules_for(proposal.action, scope))


def _conflicts(violations: tuple[Violation, ...], proposal: Proposal, facts: Facts) -> tuple[Record, ...]:
    if any(violation.code == conflict.RULE.code for violation in violations):
        return tuple(conflict.conflicting_records(proposal, facts))
    return ()
