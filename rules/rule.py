"""What a rule is, as each file of ``checks`` declares one.

Belongs here: the form of a declaration. Does not belong here: any rule, or the order in which they are told
(``evaluate``).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Flag, auto
from typing import TypeAlias

from grid_engine.interval import Interval
from grid_engine.occupancy import Span
from rules.model import Action, Facts, Proposal, Role, Violation
from rules.wording import Wording

Check: TypeAlias = Callable[[Proposal, Facts], Iterator[Violation]]
"""A generator that yields at most one violation of the rule's code, without a word about overriding it."""

Taking: TypeAlias = Callable[[Interval, Proposal, Facts], Iterator[Span]]
"""What a rule takes of the location within a window, for proposals of that kind, in no particular order.

The check refuses an interval that lies within the window exactly if it overlaps one of these spans of its resource; where
the proposal is does not matter. O(log n + k).
"""

STAFF = frozenset({Role.STAFF, Role.ADMIN})
ADMINS = frozenset({Role.ADMIN})
NOBODY: frozenset[Role] = frozenset()

BOOKING = frozenset({Action.CREATE, Action.MOVE})
"""A new booking, or a booking changed."""


class Scope(Flag):
    """What a rule depends on besides the facts, so that a search asks it once for many candidates."""

    PERSON = auto()
    """Who asks, and the booking as it stands: the same wherever and whenever it would go, from now on."""
    TIME = auto()
    """When it would be, wherever."""
    PLACE = auto()
    """Where and when it would be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule, whole.

    ``id`` is its name in docs/spec.md, ``code`` that of its violation and of its file. ``actions`` are those that it
    judges, ``waived_by`` the roles that may override it. A rule that depends on the place also says what it ``takes``:
    searches find by that what it would let pass.

    Raises:
        ValueError: if a rule of the place does not say what it takes, or another one does.
    """

    id: str
    code: str
    scope: Scope
    actions: frozenset[Action]
    waived_by: frozenset[Role]
    check: Check
    wording: Wording
    takes: Taking | None = None

    def __post_init__(self) -> None:
        if (self.scope is Scope.PLACE) is not (self.takes is not None):
            raise ValueError(f"{self.code}: what depends on the place, and nothing else, takes time")
