"""What became of a booking, step by step, told as the audit tells it (A8).

Belongs here: lives, and the versions that their steps would have taken. Does not belong here: which lives there are
(``planning``), or writing them (``writing``).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from grid_engine.interval import Instant
from server.service.changes import Change, audit_entry
from server.storage.batch import AuditEntry
from server.storage.stored_booking import StoredBooking


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One change of a booking. Steps of the same time and ``together`` were one change of their location, of one version."""

    at: Instant
    event_type: str
    changes: Mapping[str, Any]
    actor_id: int | None
    cause: str = "command"
    together: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """A booking as it was made, and its steps in order, the making of it first."""

    made: StoredBooking
    steps: tuple[Step, ...]

    @property
    def now(self) -> StoredBooking:
        """What came of it; its version is not yet known."""
        changes = {name: value for step in self.steps for name, value in step.changes.items()}
        return replace(self.made, **changes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A location's history: bookings as they are now, and all events in order with their times, up to ``version``."""

    bookings: tuple[StoredBooking, ...]
    events: tuple[tuple[Instant, AuditEntry], ...]
    version: int


def told(lives: Sequence[Life], version: int) -> Told:
    """All steps in order of time, each change taking the next version after ``version`` (G6). O(n log n)."""
    steps = sorted(
        (
            (step.at, step.together, place, number)
            for place, life in enumerate(lives)
            for number, step in enumerate(life.steps)
        ),
    )
    bookings: dict[int, StoredBooking] = {}
    events: list[tuple[Instant, AuditEntry]] = []
    last: tuple[Instant, str] | None = None
    for at, together, place, number in steps:
        if not together or (at, together) != last:
            version += 1
        last = (at, together)
        life = lives[place]
        step = life.steps[number]
        before = bookings.get(place)
        after = replace(before or life.made, **step.changes, updated_at=at, version=version)
        bookings[place] = after
        change = Change(
            event_type=step.event_type, before=before, after=after, actor_id=step.actor_id, cause=step.cause
        )
        events.append((at, audit_entry(change)))
    return Told(bookings=tuple(bookings.values()), events=tuple(events), version=version)


def with_visitors(lives: Sequence[Life], ids: Mapping[int, int]) -> list[Life]:
    """The lives with the ids that their visitors were given."""
    return [
        replace(life, made=replace(life.made, visitor=replace(visitor, id=ids[visitor.id])))
        if (visitor := life.made.visitor) is not None and visitor.id is not None
        else life
        for life in lives
    ]
