"""The words the rules speak: who proposes what, the facts it is judged by, and the verdict.

Belongs here: plain values. Does not belong here: any rule (``checks``), how the policy in force comes about
(``policy``), or the order in which rules run (``evaluate``).
"""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Protocol

from grid_engine.interval import Instant, Interval
from grid_engine.records import Blackout, Record, Resource
from rules.policy import Policy


class Role(Enum):
    """What somebody is at the location in question: staff of another location are customers here (A1)."""

    CUSTOMER = "customer"
    OPERATOR = "operator"
    STAFF = "staff"
    ADMIN = "admin"

    @property
    def is_staff(self) -> bool:
        """Whether "staff may" means this role: staff there, and admins (A1)."""
        return self in (Role.STAFF, Role.ADMIN)

    @property
    def overrides(self) -> bool:
        """Whether the role may waive rules with a reason (R19)."""
        return self.is_staff


class Action(Enum):
    """What is proposed; it decides which rules have anything to say."""

    CREATE = "create"
    """A new booking or hold, or a hold confirmed: the same rules (G5)."""
    MOVE = "move"
    """Another time or resource for an existing booking."""
    CANCEL = "cancel"
    """Judged by the cut-off alone (R13): whoever may not book may still cancel (A2)."""
    BLOCK = "block"
    """Judged by R4 and R14 alone."""
    RESTORE = "restore"
    """Undo (G11): judged by R14 alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """The booking that a MOVE or CANCEL is about, as it stands now."""

    id: str
    resource_id: int
    interval: Interval
    reschedule_count: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """Something somebody wants of the grid.

    ``role`` is the actor's at the location. ``existing`` is set for MOVE, CANCEL and RESTORE, and for a CREATE that
    confirms a hold (the hold never conflicts with itself). ``new_customer`` says that a MOVE also passes the booking to
    another customer, the one judged, for whom it is one more (R11). ``is_block`` says that what a RESTORE brings back is
    a block; the action BLOCK says it by itself.
    """

    action: Action
    role: Role
    resource_id: int
    interval: Interval
    existing: Moved | None = None
    override_reason: str | None = None
    new_customer: bool = False
    is_block: bool = False

    def __post_init__(self) -> None:
        if self.existing is None and self.action in (Action.MOVE, Action.CANCEL):
            raise ValueError(f"a {self.action.value} needs the existing booking")

    @property
    def excluding(self) -> frozenset[str]:
        """Ids of records that cannot stand in its way: itself (G4)."""
        return frozenset({self.existing.id}) if self.existing else frozenset()

    @property
    def buffered(self) -> bool:
        """Whether it needs and gives the turnover buffer: all but blocks do (G2)."""
        return self.action is not Action.BLOCK and not self.is_block


class Occupied(Protocol):
    """What the rules ask of a grid; ``grid_engine.grid.Grid`` and its drafts answer it."""

    def overlapping(self, interval: Interval, resource_id: int | None = None) -> Sequence[Record]:
        """Records that share time with the interval, ordered by start, end and id."""

    def conflicts(
        self,
        resource_id: int,
        interval: Interval,
        *,
        buffer: int = 0,
        buffered: bool = True,
        excluding: AbstractSet[str] = frozenset(),
    ) -> Sequence[Record]:
        """Records on the resource that do not allow the interval (G1, G2); ``buffer`` in seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What is known of the customer booked for; a visitor has the default one.

    ``active_bookings`` counts held or confirmed bookings over all locations that end after now, without the booking
    that the proposal is about (R11, R17). ``favourites`` are (resource id, minute of the week) pairs that the customer
    keeps asking for, most wanted first (R22).
    """

    user_id: int | None = None
    banned: bool = False
    denied_locations: frozenset[int] = frozenset()
    active_bookings: int = 0
    favourites: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All that a judgement rests on, at one version of the location.

    ``policy`` is the one in force for the customer (R20). ``grace`` is what R5 and R13 forgive, in seconds: 60 for what
    is posted, 0 for what is offered (R18).
    """

    now: Instant
    location_id: int
    timezone: str
    slot_minutes: int
    resources: tuple[Resource, ...]
    blackouts: tuple[Blackout, ...]
    policy: Policy
    grid: Occupied
    standing: Standing = field(default_factory=Standing)
    grace: int = 60

    @property
    def columns(self) -> list[int]:
        """The ids of the resources that can be booked, as columns stand: by position, then id. O(n log n)."""
        active = (each for each in self.resources if each.active)
        return [each.id for each in sorted(active, key=lambda each: (each.position, each.id))]


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """A rule's refusal. ``overridable`` is for this actor: whether giving a reason would waive it (R19).

    ``params`` are plain values that JSON and msgpack can carry. Under a key that ends in ``_time`` stands an instant, and
    under one that ends in ``_times`` a list of instants, at any depth, so that each door can write them as it writes
    instants.
    """

    code: str
    params: Mapping[str, Any] = field(default_factory=dict)
    overridable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """A resource and interval that would be accepted in place of what was refused (R18)."""

    resource_id: int
    interval: Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the rules say. Exactly one of the two holds: nothing refuses, or ``violations`` lists all that do.

    ``waived`` are the violations that an override with a reason set aside; they are recorded, not answered (R19).
    ``conflicts`` are the records behind a ``conflict`` violation.
    """

    violations: tuple[Violation, ...] = ()
    waived: tuple[Violation, ...] = ()
    conflicts: tuple[Record, ...] = ()

    @property
    def allowed(self) -> bool:
        """Whether it may be done as proposed."""
        return not self.violations

    @property
    def overridable(self) -> bool:
        """Whether it could be done with a reason: something refuses, and all of it can be waived."""
        return bool(self.violations) and all(violation.overridable for violation in self.violations)
