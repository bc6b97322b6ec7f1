"""The booking desk: where every door's commands and questions go.

It finds out what a command is about, asks whether its giver may give it, and hands it to the location's writer. Belongs
here: that, and verdicts. Does not belong here: what commands do (``bookings``), or how they are committed (``writer``).
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from rules.evaluate import evaluate
from rules.model import Action as Judged
from rules.model import Moved, Proposal
from rules.suggest import suggest
from server.clock import Clock
from server.commands import Command, Create, Hold, Operation, Reschedule, Update
from server.errors import NotActive, NotFound, Problem, Refused
from server.live.desk import Answer, Done, JudgedMove
from server.live.rooms import Rooms
from server.principal import Principal
from server.service.access import Action, require
from server.service.bookings.times import interval_of
from server.service.circumstances import as_offered, facts_for
from server.service.customer_cache import CustomerCache
from server.service.orders import Order
from server.service.sweeping import Sweep
from server.service.writer import Task, Writer
from server.storage.bookings import Bookings
from server.storage.customers import Customer
from server.storage.database import Database
from server.storage.locations import Locations
from server.storage.stored_booking import StoredBooking

Describe = Callable[[Problem], dict[str, Any]]

_NEEDED: Mapping[Operation, Action] = {
    "reschedule": Action.CHANGE_BOOKING,
    "update": Action.CHANGE_BOOKING,
    "cancel": Action.CHANGE_BOOKING,
    "release": Action.CHANGE_BOOKING,
    "confirm": Action.CHECK_IN,
    "no_show": Action.MARK_NO_SHOW,
    "undo": Action.UNDO,
}
"""What a command on a booking needs; ``create`` and ``hold`` need CREATE_BOOKING_FOR."""


class BookingDesk:
    """One for each node; adapts ``server.live.desk.Desk``."""

    def __init__(
        self,
        *,
        rooms: Rooms,
        database: Database,
        clock: Clock,
        customers: CustomerCache,
        describe: Describe,
    ) -> None:
        self._rooms = rooms
        self._database = database
        self._clock = clock
        self._customers = customers
        self._bookings = Bookings(database)
        self._locations = Locations(database, clock)
        self._location_by_resource: dict[int, int] = {}
        self._writers: dict[int, Writer] = {}
        self.describe = describe

    async def execute(
        self, principal: Principal, command: Command, answered: Callable[[Answer], None]
    ) -> None:
        """Has the command decided; ``answered`` is called once, before its change is shown to anybody on this node.

        Raises:
            NotFound, Forbidden: before anything is decided; ``answered`` is not called then.
            Unavailable: if Postgres is away.
        """
        order = await self._order(principal, command, answered)
        self.submit(order)

    async def perform(self, principal: Principal, command: Command) -> Done:
        """As ``execute``, for those who wait for the answer; a refusal or fault is raised."""
        decided: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()

        def settle(answer: Answer) -> None:
            if not decided.done():
                decided.set_result(answer)

        await self.execute(principal, command, settle)
        answer = await decided
        if isinstance(answer, Problem):
            raise answer
        return answer

    def submit(self, task: Task) -> None:
        """Queues an order or a sweep with its location's writer."""
        writer = self._writers.get(task.location_id)
        if writer is None:
            writer = Writer(task.location_id, rooms=self._rooms, database=self._database, clock=self._clock)
            self._writers[task.location_id] = writer
        writer.submit(task)

    async def sweep(self) -> None:
        """Has every location with overdue holds or ended bookings see to them."""
        for location_id in await self._locations.due(self._clock.now()):
            self.submit(Sweep(location_id))

    async def idle(self) -> None:
        """Waits until every writer has nothing left to do."""
        await asyncio.gather(*(writer.idle() for writer in self._writers.values()))

    async def judge(self, principal: Principal, command: Command) -> JudgedMove:
        """The verdict on a ``create``, ``hold``, ``reschedule`` or ``update``, from memory and without doing it (G8).

        Raises:
            NotFound, Forbidden: as ``execute``.
            Malformed: if the end is not after the start.
        """
        booking = await self._target(principal, command) if command.target else None
        body = command.body
        if isinstance(body, Create | Hold):
            await self._require_may_create(principal, body)
        location_id = (
            booking.location_id if booking else await self._location_of(getattr(body, "resource_id", None))
        )
        room = await self._rooms.open(location_id)
        try:
            proposal, customer_id = _proposal(principal, body, booking, room.state.timezone, location_id)
        except Refused as refused:
            return self._judged(refused, overridable=False)
        resource = room.state.resource_by_id.get(proposal.resource_id)
        if resource is None or not resource.active or not room.state.active:
            raise NotFound
        customer = await self._customers.find(customer_id) if customer_id is not None else None
        own = booking.id if booking else _hold_it_would_be(body, customer)
        if own is not None and proposal.existing is None:
            held = Moved(id=own, resource_id=proposal.resource_id, interval=proposal.interval)
            proposal = replace(proposal, existing=held)
        facts = facts_for(room.state, room.grid, customer, self._clock.now(), without=own)
        verdict = evaluate(proposal, facts)
        if verdict.allowed:
            return JudgedMove(allowed=True, overridable=False)
        refusal = Refused(verdict.violations, suggest(proposal, as_offered(facts, room.grid)))
        return self._judged(refusal, overridable=verdict.overridable)

    def _judged(self, refused: Refused, *, overridable: bool) -> JudgedMove:
        told = self.describe(refused)
        return JudgedMove(
            allowed=False,
            overridable=overridable,
            violations=told["violations"],
            suggestions=told["suggestions"],
        )

    async def _order(
        self, principal: Principal, command: Command, answered: Callable[[Answer], None]
    ) -> Order:
        customer_ids = {principal.user_id}
        body = command.body
        if isinstance(body, Create | Hold):
            await self._require_may_create(principal, body)
            location_id = await self._location_of(body.resource_id)
            if isinstance(body, Create):
                customer_ids = await self._customers_of(principal, body)
        else:
            booking = await self._target(principal, command)
            location_id = booking.location_id
            customer_ids = {booking.user_id}
            if isinstance(body, Update):
                customer_ids.add(body.user_id)
        return Order(
            principal=principal,
            command=command,
            location_id=location_id,
            customer_ids=frozenset(id_ for id_ in customer_ids if id_ is not None),
            answered=answered,
        )

    async def _customers_of(self, principal: Principal, body: Create) -> set[int | None]:
        if body.hold_id is not None:
            hold = await self._bookings.get(body.hold_id)
            if hold is None:
                raise NotFound
            require(principal, Action.CHANGE_BOOKING, location_id=hold.location_id, owner_id=hold.user_id)
            return {hold.user_id}
        if body.visitor or body.type != "CUSTOMER":
            return set()
        return {body.user_id if body.user_id is not None else principal.user_id}

    async def _require_may_create(self, principal: Principal, body: Create | Hold) -> None:
        location_id = await self._location_of(body.resource_id)
        require(principal, Action.READ_GRID, location_id=location_id)
        if isinstance(body, Hold):
            owner_id = principal.user_id
        elif body.type != "CUSTOMER":
            return require(principal, Action.BLOCK, location_id=location_id)
        elif body.visitor is not None:
            owner_id = None
        else:
            owner_id = body.user_id if body.user_id is not None else principal.user_id
        return require(principal, Action.CREATE_BOOKING_FOR, location_id=location_id, owner_id=owner_id)

    async def _target(self, principal: Principal, command: Command) -> StoredBooking:
        booking = await self._bookings.get(command.target) if command.target else None
        if booking is None:
            raise NotFound("There is no such booking")
        require(principal, Action.READ_BOOKING, location_id=booking.location_id, owner_id=booking.user_id)
        needed = Action.BLOCK if booking.is_block else _NEEDED[command.op]
        require(principal, needed, location_id=booking.location_id, owner_id=booking.user_id)
        return booking

    async def _location_of(self, resource_id: int | None) -> int:
        if resource_id is None:
            raise NotFound("There is no such resource")
        known = self._location_by_resource.get(resource_id)
        if known is None:
            # What is in memory needs no Postgres, which may be away (P2).
            here = (state.id for state in self._rooms.states() if resource_id in state.resource_by_id)
            known = next(here, None) or await self._locations.location_of_resource(resource_id)
            if known is None:
                raise NotFound("There is no such resource")
            self._location_by_resource[resource_id] = known
        return known


def _hold_it_would_be(body: object, customer: Customer | None) -> str | None:
    """The hold that would be confirmed or replaced, and so stands in nobody's way (G5)."""
    if isinstance(body, Create):
        return str(body.hold_id) if body.hold_id else None
    if isinstance(body, Hold) and customer is not None:
        return next((each.id for each in customer.bookings if each.held), None)
    return None


def _proposal(
    principal: Principal,
    body: object,
    booking: StoredBooking | None,
    timezone: str,
    location_id: int,
) -> tuple[Proposal, int | None]:
    """What the command would do, and the customer it is judged for."""
    role = principal.role_at(location_id)
    if booking is None:
        if not isinstance(body, Create | Hold):
            raise NotFound
        interval = interval_of(body.start_time, body.end_time, body.resource_id, timezone)
        if isinstance(body, Create) and body.type != "CUSTOMER":
            return Proposal(
                action=Judged.BLOCK,
                role=role,
                resource_id=body.resource_id,
                interval=interval,
                override_reason=body.override_reason,
            ), None
        visiting = isinstance(body, Create) and body.visitor is not None
        chosen = body.user_id if isinstance(body, Create) else None
        customer_id = None if visiting else chosen if chosen is not None else principal.user_id
        return Proposal(
            action=Judged.CREATE,
            role=role,
            resource_id=body.resource_id,
            interval=interval,
            override_reason=body.override_reason if isinstance(body, Create) else None,
        ), customer_id
    if not isinstance(body, Reschedule | Update):
        raise NotActive("Only a new time or resource can be judged")
    start = booking.interval.start if body.start_time is None else body.start_time
    end = booking.interval.end if body.end_time is None else body.end_time
    resource_id = booking.resource_id if body.resource_id is None else body.resource_id
    return Proposal(
        action=Judged.BLOCK if booking.is_block else Judged.MOVE,
        role=role,
        resource_id=resource_id,
        interval=interval_of(start, end, resource_id, timezone),
        existing=Moved(
            id=booking.id,
            resource_id=booking.resource_id,
            interval=booking.interval,
            reschedule_count=booking.reschedule_count,
        ),
        override_reason=body.override_reason,
    ), booking.user_id
