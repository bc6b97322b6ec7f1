"""Judging a proposal: which rules have a say, in which order, and who may set which aside (R19).

Belongs here: the table of rules and running it. Does not belong here: what a rule refuses (``checks``).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import Flag, auto
from typing import TypeAlias

from grid_engine.records import Record
from rules.checks.advance_window import check_advance_window
from rules.checks.blackout import check_blackout
from rules.checks.booking_ban import check_booking_ban
from rules.checks.closed import check_closed
from rules.checks.concurrent_limit import check_concurrent_limit
from rules.checks.conflict import check_conflict
from rules.checks.cutoff import check_cutoff
from rules.checks.location_denied import check_location_denied
from rules.checks.max_duration import check_max_duration
from rules.checks.min_duration import check_min_duration
from rules.checks.not_permitted import check_not_permitted
from rules.checks.off_grid import check_off_grid
from rules.checks.past_start import check_past_start
from rules.checks.reschedule_limit import check_reschedule_limit
from rules.model import Action, Facts, Proposal, Role, Verdict, Violation
from rules.obstacles import conflicting_records

Check: TypeAlias = Callable[[Proposal, Facts], Iterator[Violation]]


class Scope(Flag):
    """What a rule depends on besides the facts, so that a search asks it once for many candidates."""

    PERSON = auto()
    """Who asks, and the booking as it stands: the same wherever and whenever it would go, from now on."""
    TIME = auto()
    """When it would be, wherever."""
    PLACE = auto()
    """Where and when it would be."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A line of the table: ``actions`` are those it is judged for, ``waived_by`` the roles that may override it."""

    id: str
    check: Check
    scope: Scope
    actions: frozenset[Action]
    waived_by: frozenset[Role]


_STAFF = frozenset({Role.STAFF, Role.ADMIN})
_ADMIN = frozenset({Role.ADMIN})
_NOBODY: frozenset[Role] = frozenset()

_CREATE, _MOVE, _CANCEL, _BLOCK, _RESTORE = (
    frozenset({action})
    for action in (Action.CREATE, Action.MOVE, Action.CANCEL, Action.BLOCK, Action.RESTORE)
)
_BOOK = _CREATE | _MOVE

RULES = (
    Rule("R1", check_not_permitted, Scope.PERSON, _BOOK, _STAFF),
    Rule("R2", check_booking_ban, Scope.PERSON, _BOOK, _ADMIN),
    Rule("R3", check_location_denied, Scope.PERSON, _BOOK, _STAFF),
    Rule("R4", check_off_grid, Scope.TIME, _BOOK | _BLOCK, _STAFF),
    Rule("R5", check_past_start, Scope.TIME, _BOOK, _STAFF),
    Rule("R6", check_min_duration, Scope.TIME, _BOOK, _STAFF),
    Rule("R7", check_max_duration, Scope.TIME, _BOOK, _STAFF),
    Rule("R8", check_advance_window, Scope.TIME, _BOOK, _STAFF),
    Rule("R9", check_closed, Scope.TIME, _BOOK, _STAFF),
    Rule("R10", check_blackout, Scope.PLACE, _BOOK, _STAFF),
    Rule("R11", check_concurrent_limit, Scope.PERSON, _BOOK, _STAFF),
    Rule("R12", check_reschedule_limit, Scope.PERSON, _MOVE, _STAFF),
    Rule("R13", check_cutoff, Scope.PERSON, _MOVE | _CANCEL, _STAFF),
    Rule("R14", check_conflict, Scope.PLACE, _BOOK | _BLOCK | _RESTORE, _NOBODY),
)
"""All rules, in the order in which violations are told."""

EVERYTHING = Scope.PERSON | Scope.TIME | Scope.PLACE

_JUDGED = {
    (action, scope): tuple(rule for rule in RULES if action in rule.actions and rule.scope in scope)
    for action in Action
    for scope in map(Scope, range(EVERYTHING.value + 1))
}


def evaluate(proposal: Proposal, facts: Facts) -> Verdict:
    """The verdict on a proposal: all rules that judge its action, in the order of the table, each code at most once.

    With a reason for overriding (more than blanks) what the role may waive is set aside, unless anything remains that it
    may not: then nothing is waived and all is told (R19). About 20 µs.
    """
    violations = tuple(violations_of(proposal, facts))
    reason = proposal.override_reason
    if violations and reason is not None and reason.strip() and all(each.overridable for each in violations):
        return Verdict(waived=violations)
    return Verdict(violations=violations, conflicts=_conflicts(violations, proposal, facts))


def violations_of(proposal: Proposal, facts: Facts, scope: Scope = EVERYTHING) -> Iterator[Violation]:
    """What the rules of the scope refuse, lazily and in the order of the table, whatever the reason for overriding."""
    for rule in _JUDGED[proposal.action, scope]:
        for violation in rule.check(proposal, facts):
            yield replace(violation, overridable=proposal.role in rule.waived_by)


def is_allowed(proposal: Proposal, facts: Facts, scope: Scope = EVERYTHING) -> bool:
    """Whether no rule of the scope refuses it; stops at the first that does."""
    return all(next(rule.check(proposal, facts), None) is None for rule in _JUDGED[proposal.action, scope])


def _conflicts(violations: tuple[Violation, ...], proposal: Proposal, facts: Facts) -> tuple[Record, ...]:
    if any(violation.code == "conflict" for violation in violations):
        return tuple(conflicting_records(proposal, facts))
    return ()
