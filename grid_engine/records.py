"""What a grid holds: the records that occupy time on a resource, and the things that frame them.

Belongs here: plain values, as staff may see them. Does not belong here: who else may see what (``audience``), how
records are found (``interval_tree``) or what they look like in tables, on the wire or in HTTP bodies.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from grid_engine.interval import Instant, Interval

BlockType: TypeAlias = Literal["MAINTENANCE", "TRAINING", "PRIVATE_EVENT", "BLOCKED"]
BookingStatus: TypeAlias = Literal["confirmed", "completed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Booking:
    """A customer's or a visitor's claim on a resource.

    ``id`` is the booking's UUID; ``grid_id`` the opaque id under which it is shown to those who may not know it (A4).
    ``user_id`` is None for a visitor; ``who`` is the customer's or the visitor's name; ``attended_at`` the instant of
    check-in; ``reschedule_count`` how often its customer moved it (R17).
    """

    id: str
    grid_id: str
    resource_id: int
    interval: Interval
    status: BookingStatus = "confirmed"
    user_id: int | None = None
    who: str = ""
    note: str | None = None
    attended_at: Instant | None = None
    reschedule_count: int = 0
    created_by: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """An interval claimed for ``user_id`` until ``expires_at``; it becomes a Booking under the same id (G5)."""

    id: str
    grid_id: str
    resource_id: int
    interval: Interval
    user_id: int
    who: str = ""
    expires_at: Instant
    created_by: int | None = None

    def is_overdue(self, now: Instant) -> bool:
        """Whether its time is up: it refuses nobody then, even if nobody has swept it up yet (G5)."""
        return self.expires_at <= now


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Time that staff took out of use on one resource (B1). It neither needs nor gives the turnover buffer (G2)."""

    id: str
    grid_id: str
    resource_id: int
    interval: Interval
    type: BlockType
    status: BookingStatus = "confirmed"
    reason: str | None = None
    series_id: str | None = None
    created_by: int | None = None


Record: TypeAlias = Booking | Hold | Block


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """A column of the grid: a bay, court or room. Columns stand in order of ``position``, then ``id``."""

    id: int
    name: str
    position: int
    active: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Blackout:
    """A period closed to customers (B4), on some resources or, with ``resource_ids`` None, on all of them."""

    id: int
    interval: Interval
    resource_ids: frozenset[int] | None = None
    reason: str = ""

    def closes(self, resource_id: int) -> bool:
        """Whether it applies to the resource."""
        return self.resource_ids is None or resource_id in self.resource_ids
