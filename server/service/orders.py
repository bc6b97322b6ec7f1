"""A command on its way through the service, and what can become of it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeAlias, TypeVar

from grid_engine.calendar_day import next_existing
from grid_engine.interval import Instant, Interval
from rules.model import Facts, Proposal, Role, Verdict
from server.commands import Body, Command, Create
from server.errors import Problem
from server.live.desk import Answer, Done
from server.principal import Principal
from server.service.views import attendance_body, booking_body
from server.storage.stored_booking import StoredBooking


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """The rules' refusal, with what suggestions are made from once the locks are gone.

    Without ``suggests`` none are made: the proposal stands for more than itself, and nothing in its place would be accepted.
    """

    verdict: Verdict
    proposal: Proposal
    facts: Facts
    suggests: bool = True


Decision: TypeAlias = Done | Rejected | Problem

Describe: TypeAlias = Callable[[Problem], dict[str, Any]]
"""A problem as plain values, as callers are told of it."""

BodyType = TypeVar("BodyType", bound=Body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A command that somebody may give, at the location that will decide it.

    ``customer_ids`` are the accounts it is for, and ``elsewhere`` other locations that it changes, as far as either is known
    before the locks; their rows are locked with the batch. ``answered`` is called once, before the diff of the answer's
    version is shown to anybody on this node.
    """

    principal: Principal
    command: Command
    location_id: int
    customer_ids: frozenset[int]
    answered: Callable[[Answer], None]
    elsewhere: frozenset[int] = frozenset()

    @property
    def key(self) -> str | None:
        """The idempotency key it was given under."""
        return self.command.key

    @property
    def fingerprint(self) -> bytes:
        """What it is compared by with another under its key."""
        return self.command.fingerprint

    @property
    def orders(self) -> "tuple[Order, ...]":
        """Itself: as of a bulk, which is given like it."""
        return (self,)

    @property
    def location_ids(self) -> frozenset[int]:
        """All locations that it changes."""
        return self.elsewhere | {self.location_id}

    def concerning(self, customer_ids: frozenset[int], location_ids: frozenset[int]) -> "Order":
        """The order, known to concern more accounts and locations."""
        return replace(
            self,
            customer_ids=self.customer_ids | customer_ids,
            elsewhere=(self.elsewhere | location_ids) - {self.location_id},
        )

    def asked_of_the_past(self, timezone: str, horizon: Instant) -> Interval | None:
        """What an admin asks for of the time before ``horizon``, which a replica does not hold; None for all else."""
        changes = getattr(
            self.command.body, "changes", None
        )  # of a series, of which the others go on from there
        body = changes or self.command.body
        start = _instant(getattr(body, "start_time", None), timezone)
        if start is None or start >= horizon or self.role is not Role.ADMIN:
            return None
        end = _instant(getattr(body, "end_time", None), timezone)
        goes_on = changes is not None or getattr(body, "recurrence", None) is not None
        if end is None or end <= start or goes_on:
            end = horizon
        return Interval(start, min(end, horizon))

    def body(self, kind: type[BodyType]) -> BodyType:
        """The command's body, known to be of ``kind`` by its operation."""
        if not isinstance(self.command.body, kind):
            raise TypeError(f"{self.command.op} has a body of {type(self.command.body).__name__}")
        return self.command.body

    @property
    def role(self) -> Role:
        """What its giver is at the location."""
        return self.principal.role_at(self.location_id)

    def done(self, booking: StoredBooking, status: int = 200) -> Done:
        """The booking as the answer, with what its giver may see of it."""
        if self.principal.role == "kiosk":
            body = attendance_body(booking)
        else:
            body = booking_body(booking, for_staff=self.role is not Role.CUSTOMER)
        return Done(status=status, body=body, version=booking.version)

    @property
    def hold_id(self) -> str | None:
        """The hold that a ``create`` confirms."""
        body = self.command.body
        return str(body.hold_id) if isinstance(body, Create) and body.hold_id else None

    @property
    def target(self) -> str | None:
        """The booking it is about, as records name it."""
        return str(self.command.target) if self.command.target else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bulk:
    """Many orders that are answered together (B5): in one transaction, each decided on what those before it did.

    ``entries`` are in the order in which they were given; what could not even become an order is the problem that it met.
    ``atomic`` ones stand or fall together. A ``rehearsal`` changes nothing.
    """

    principal: Principal
    key: str | None
    fingerprint: bytes
    entries: tuple[Order | Problem, ...]
    atomic: bool
    rehearsal: bool
    answered: Callable[[Answer], None]
    more_customers: frozenset[int] = frozenset()
    more_locations: frozenset[int] = frozenset()

    @property
    def orders(self) -> tuple[Order, ...]:
        """Those that are to be decided."""
        return tuple(each for each in self.entries if isinstance(each, Order))

    @property
    def location_id(self) -> int:
        """The location whose writer sees to it; raises ``ValueError`` if there is nothing to be decided."""
        return min(self.location_ids)

    @property
    def location_ids(self) -> frozenset[int]:
        """All locations that it changes."""
        return self.more_locations.union(*(order.location_ids for order in self.orders))

    @property
    def customer_ids(self) -> frozenset[int]:
        """The accounts that it is for."""
        return self.more_customers.union(*(order.customer_ids for order in self.orders))

    def concerning(self, customer_ids: frozenset[int], location_ids: frozenset[int]) -> "Bulk":
        """The bulk, known to concern more accounts and locations."""
        return replace(
            self,
            more_customers=self.more_customers | customer_ids,
            more_locations=self.more_locations | location_ids,
        )


Asked: TypeAlias = Order | Bulk
"""What somebody waits for an answer to."""


def _instant(time: Instant | datetime | None, timezone: str) -> Instant | None:
    return next_existing(time, timezone) if isinstance(time, datetime) else time
