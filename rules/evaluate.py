"""Judging a proposal: which rules have a say, in which order, and who may set which aside (R19).

Belongs here: the table of rules and running it. Does not belong here: what a rule refuses (``checks``).
"""

from collections.abc import Callable, Iterable, Iterator
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
    """A line of the table. ``actions`` are those that it judges, ``waived_by`` the roles that may override it."""

    id: str
    code: str
    check: Check
    scope: Scope
    actions: frozenset[Action]
    waived_by: frozenset[Role]


_STAFF = frozenset({Role.STAFF, Role.ADMIN})
_ADMIN = frozenset({Role.ADMIN})
_NOBODY: frozenset[Role] = frozenset()

_BOOK = frozenset({Action.CREATE, Action.MOVE})
_MOVE = frozenset({Action.MOVE})
_CANCEL = frozenset({Action.CANCEL})
_BLOCK = frozenset({Action.BLOCK})
_RESTORE = frozenset({Action.RESTORE})

RULES = (
    Rule("R1", "not_permitted", check_not_permitted, Scope.PERSON, _BOOK, _STAFF),
    Rule("R2", "booking_ban", check_booking_ban, Scope.PERSON, _BOOK, _ADMIN),
    Rule("R3", "location_denied", check_location_denied, Scope.PERSON, _BOOK, _STAFF),
    Rule("R4", "off_grid", check_off_grid, Scope.TIME, _BOOK | _BLOCK, _STAFF),
    Rule("R5", "past_start", check_past_start, Scope.TIME, _BOOK, _STAFF),
    Rule("R6", "min_duration", check_min_duration, Scope.TIME, _BOOK, _STAFF),
    Rule("R7", "max_duration", check_max_duration, Scope.TIME, _BOOK, _STAFF),
    Rule("R8", "advance_window", check_advance_window, Scope.TIME, _BOOK, _STAFF),
    Rule("R9", "closed", check_closed, Scope.TIME, _BOOK, _STAFF),
    Rule("R10", "blackout", check_blackout, Scope.PLACE, _BOOK, _STAFF),
    Rule("R11", "concurrent_limit", check_concurrent_limit, Scope.PERSON, _BOOK, _STAFF),
    Rule("R12", "reschedule_limit", check_reschedule_limit, Scope.PERSON, _MOVE, _STAFF),
    Rule("R13", "cutoff", check_cutoff, Scope.PERSON, _MOVE | _CANCEL, _STAFF),
    Rule("R14", "conflict", check_conflict, Scope.PLACE, _BOOK | _BLOCK | _RESTORE, _NOBODY),
)
"""All rules, in the order in which violations are told."""

_PLACES = {rule.code: place for place, rule in enumerate(RULES)}

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


def told_in_order(violations: Iterable[Violation]) -> tuple[Violation, ...]:
    """The violations of several scopes in the order of the table."""
    return tuple(sorted(violations, key=lambda violation: _PLACES[violation.code]))


def is_allowed(proposal: Proposal, facts: Facts, scope: Scope = EVERYTHING) -> bool:
    """Whether no rule of the scope refuses it; stops at the first that does."""
    return all(next(rule.check(proposal, facts), None) is None for rule in _JUDGED[proposal.action, scope])


def _conflicts(violations: tuple[Violation, ...], proposal: Proposal, facts: Facts) -> tuple[Record, ...]:
    if any(violation.code == "conflict" for violation in violations):
        return tuple(conflicting_records(proposal, facts))
    return ()
