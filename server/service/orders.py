"""A command on its way through the service, and what can become of it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeAlias, TypeVar

from grid_engine.calendar_day import next_existing
from grid_engine.interval import Instant
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

    def begins(self, timezone: str) -> Instant | None:
        """When the time begins that an admin asks for, for theirs may lie before what a replica holds; None for all else."""
        time = getattr(self.command.body, "start_time", None)
        if time is None or self.role is not Role.ADMIN:
            return None
        return next_existing(time, timezone) if isinstance(time, datetime) else int(time)

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
