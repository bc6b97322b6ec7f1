"""Verdicts without doing it (G8): from the replica, the same that doing it at once would come to (R21).

Belongs here: what a command would propose, and the verdict in plain values. Does not belong here: the rules, or doing it
(``bookings``). A drag asks several times a second: what it moves is found in memory where the grid holds it.
"""

import uuid

from grid_engine.records import Block, Booking, Record
from grid_engine.records import Hold as HoldRecord
from rules.evaluate import evaluate
from rules.model import Action, Moved, Proposal
from rules.suggest import suggest
from server.clock import Clock
from server.commands import Command, Create, Hold, Reschedule, Update
from server.errors import Fault, HoldExpired, Malformed, NotActive, NotFound, Refused
from server.live.desk import JudgedMove
from server.live.room import Room
from server.live.rooms import Rooms
from server.principal import Principal
from server.service.access import Action as Access
from server.service.access import allows
from server.service.bookings.times import interval_of
from server.service.circumstances import as_offered, facts_for
from server.service.customer_cache import CustomerCache
from server.service.directory import Directory
from server.service.orders import Describe
from server.service.permission import customer_of, require_change, require_creation
from server.storage.bookings import Bookings
from server.storage.customers import Customer


class Judging:
    """The verdicts of one node."""

    def __init__(
        self,
        *,
        rooms: Rooms,
        bookings: Bookings,
        directory: Directory,
        clock: Clock,
        customers: CustomerCache,
        describe: Describe,
    ) -> None:
        self._rooms = rooms
        self._bookings = bookings
        self._directory = directory
        self._clock = clock
        self._customers = customers
        self._describe = describe

    async def judge(self, principal: Principal, command: Command) -> JudgedMove:
        """The verdict on a ``create``, ``hold``, ``reschedule`` or ``update``.

        Raises:
            NotFound, Forbidden: as doing it would.
            NotActive, HoldExpired: if what it is about cannot be moved, or confirmed.
            Malformed: if the end is not after the start, or a move is to another location.
        """
        body = command.body
        try:
            if isinstance(body, Create | Hold):
                return await self._judge_new(principal, body)
            if isinstance(body, Reschedule | Update):
                return await self._judge_move(principal, command, body)
        except Refused as refused:  # a time that is not known (T3)
            return self._told(refused, overridable=False)
        raise NotActive("Only a new time or resource can be judged")

    async def _judge_new(self, principal: Principal, body: Create | Hold) -> JudgedMove:
        location_id = await self._directory.location_of(body.resource_id)
        require_creation(principal, body, location_id)
        room = await self._rooms.open(location_id)
        interval = interval_of(body.start_time, body.end_time, body.resource_id, room.state.timezone)
        if isinstance(body, Create) and body.hold_id is not None and body.type == "CUSTOMER":
            hold = self._hold_to_confirm(principal, body.hold_id, room)
            if (hold.resource_id, hold.interval) != (body.resource_id, interval):
                raise Malformed(faults=[Fault("/hold_id", "the hold is for another resource or other times")])
            hold_id: str | None = hold.id
            customer = await self._customer(hold.user_id)
        else:
            customer = await self._customer(customer_of(principal, body))
            hold_id = _hold_to_replace(customer) if isinstance(body, Hold) else None
        proposal = Proposal(
            action=Action.BLOCK if isinstance(body, Create) and body.type != "CUSTOMER" else Action.CREATE,
            role=principal.role_at(location_id),
            resource_id=body.resource_id,
            interval=interval,
            existing=Moved(id=hold_id, resource_id=body.resource_id, interval=interval) if hold_id else None,
            override_reason=body.override_reason if isinstance(body, Create) else None,
        )
        return self._verdict(room, proposal, customer)

    def _hold_to_confirm(self, principal: Principal, hold_id: uuid.UUID, room: Room) -> HoldRecord:
        """The hold, from memory: one that is over, or somebody else's, is not there."""
        hold = room.grid.get(str(hold_id))
        if not isinstance(hold, HoldRecord) or not allows(
            principal, Access.CHANGE_BOOKING, location_id=room.id, owner_id=hold.user_id
        ):
            raise NotActive("There is no such hold any more")
        if hold.expires_at <= self._clock.now():
            raise HoldExpired
        return hold

    async def _judge_move(
        self, principal: Principal, command: Command, body: Reschedule | Update
    ) -> JudgedMove:
        room, record = await self._target(principal, command)
        is_block = isinstance(record, Block)
        owner_id = None if isinstance(record, Block) else record.user_id
        require_change(principal, command.op, location_id=room.id, owner_id=owner_id, is_block=is_block)
        if not isinstance(record, Booking | Block) or record.status != "confirmed":
            raise NotActive("What is held or over cannot be moved")
        if body.resource_id is not None and await self._directory.location_of(body.resource_id) != room.id:
            raise Malformed(faults=[Fault("/resource_id", "is not a resource of the booking's location")])
        start = record.interval.start if body.start_time is None else body.start_time
        end = record.interval.end if body.end_time is None else body.end_time
        resource_id = record.resource_id if body.resource_id is None else body.resource_id
        given = body.user_id if isinstance(body, Update) else None
        customer_id = owner_id if given is None else given
        interval = interval_of(start, end, resource_id, room.state.timezone)
        if (resource_id, interval, customer_id) == (record.resource_id, record.interval, owner_id):
            # Where it is already it may stay, whatever the rules say by now (R17).
            return JudgedMove(allowed=True, overridable=False)
        proposal = Proposal(
            action=Action.BLOCK if is_block else Action.MOVE,
            role=principal.role_at(room.id),
            resource_id=resource_id,
            interval=interval,
            existing=Moved(
                id=record.id,
                resource_id=record.resource_id,
                interval=record.interval,
                reschedule_count=0 if isinstance(record, Block) else record.reschedule_count,
            ),
            override_reason=body.override_reason,
            new_customer=customer_id != owner_id,
        )
        # What the owner of a closed account booked can still be moved; it is passed on to nobody whose account is closed.
        customer = await self._customer(customer_id, even_closed=customer_id == owner_id)
        return self._verdict(room, proposal, customer)

    async def _target(self, principal: Principal, command: Command) -> tuple[Room, Record]:
        """What a move is about, and the room of its location."""
        booking_id = str(command.target)
        room = self._rooms.holding(booking_id)
        record = room.grid.get(booking_id) if room else None
        if room is not None and record is not None:
            return room, record
        booking = await self._bookings.get(booking_id) if command.target else None
        if booking is None:
            raise NotFound
        record = booking.record()
        if record is None:
            require_change(
                principal,
                command.op,
                location_id=booking.location_id,
                owner_id=booking.user_id,
                is_block=booking.is_block,
            )
            raise NotActive(f"A booking that is {booking.status} cannot be moved")
        return await self._rooms.open(booking.location_id), record

    async def _customer(self, customer_id: int | None, *, even_closed: bool = False) -> Customer | None:
        if customer_id is None:
            return None
        return await self._customers.find(customer_id, even_closed=even_closed)

    def _verdict(self, room: Room, proposal: Proposal, customer: Customer | None) -> JudgedMove:
        resource = room.state.resource_by_id.get(proposal.resource_id)
        if resource is None or not resource.active or not room.state.active:
            raise NotFound("There is no such resource")
        without = proposal.existing.id if proposal.existing else None
        facts = facts_for(room.state, room.grid, customer, self._clock.now(), without=without)
        verdict = evaluate(proposal, facts)
        if verdict.allowed:
            return JudgedMove(allowed=True, overridable=False)
        refused = Refused(verdict.violations, suggest(proposal, as_offered(facts, room.grid)))
        return self._told(refused, overridable=verdict.overridable)

    def _told(self, refused: Refused, *, overridable: bool) -> JudgedMove:
        told = self._describe(refused)
        return JudgedMove(
            allowed=False,
            overridable=overridable,
            violations=told["violations"],
            suggestions=told["suggestions"],
        )


def _hold_to_replace(customer: Customer | None) -> str | None:
    """The hold that a new one would replace, and so stands in nobody's way (G5)."""
    return next((each.id for each in customer.bookings if each.held), None) if customer else None
