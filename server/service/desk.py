"""The booking desk: where every door's commands and questions go.

It finds out what a command is about, asks whether its giver may give it, and hands it to the location's writer. Belongs
here: that. Does not belong here: what commands do (``bookings``), how they are committed (``writer``), or verdicts
(``judging``).
"""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType

from server.clock import Clock
from server.commands import Command, Create, Hold, Nothing, Reschedule, Update
from server.errors import NotFound, Problem, Unavailable
from server.live.desk import Answer, Done, JudgedMove, Wish
from server.live.rooms import Rooms
from server.principal import Principal
from server.service.access import Action, allows, require
from server.service.customer_cache import CustomerCache
from server.service.directory import Directory
from server.service.identifiers import tidied_code
from server.service.judging import Judging
from server.service.notifications.outbox import Deliverer, Outbox
from server.service.orders import Describe, Order
from server.service.permission import admit, customer_of, require_change, require_check_in, require_creation
from server.service.refusals import RefusalLog
from server.service.refusing import Refusing
from server.service.sweeping import Sweep
from server.service.writer import Task, Writer
from server.storage.bookings import Bookings
from server.storage.database import Database
from server.storage.locations import Locations
from server.storage.stored_booking import StoredBooking


class BookingDesk:
    """One for each node; adapts ``server.live.desk.Desk``."""

    def __init__(
        self,
        *,
        rooms: Rooms,
        database: Database,
        clock: Clock,
        customers: CustomerCache,
        refusals: RefusalLog,
        describe: Describe,
        deliverer: Deliverer | None = None,
    ) -> None:
        """``deliverer`` takes what customers are told of changes; by default an outbox does."""
        self._rooms = rooms
        self._database = database
        self._clock = clock
        self._bookings = Bookings(database)
        self._locations = Locations(database, clock)
        self._directory = Directory(rooms, self._locations)
        self._judging = Judging(
            rooms=rooms,
            bookings=self._bookings,
            directory=self._directory,
            clock=clock,
            customers=customers,
            describe=describe,
        )
        self._refusing = Refusing(database=database, clock=clock, refusals=refusals)
        self._deliverer = deliverer or Outbox()
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
        self.check_database()
        order = await self.order(principal, command, answered)
        self.submit(order)

    async def perform(self, principal: Principal, command: Command) -> Done:
        """As ``execute``, for those who wait for the answer; a refusal or fault is raised."""
        return await answer_to(lambda answered: self.execute(principal, command, answered))

    async def check_in(self, principal: Principal, code: str, *, key: str | None = None) -> Done:
        """Attendance of the booking with this code: at its own location, for its kiosks and desks (K3).

        Raises:
            Forbidden: to those who check nobody in anywhere.
            NotFound: if there is no such booking where they do.
            Problem: as ``perform`` of a ``confirm``.
        """
        require_check_in(principal)
        self.check_database()
        booking = await self._bookings.by_code(tidied_code(code))
        if booking is None or not allows(principal, Action.CHECK_IN, location_id=booking.location_id):
            raise NotFound("No booking here has this code")
        command = Command(op="confirm", body=Nothing(), target=uuid.UUID(booking.id), key=key)

        async def ordered(answered: Callable[[Answer], None]) -> None:
            self.submit(
                Order(
                    principal=principal,
                    command=command,
                    location_id=booking.location_id,
                    customer_ids=_known({booking.user_id}),
                    answered=answered,
                )
            )

        return await answer_to(ordered)

    def admit(self, principal: Principal, wish: Wish, location_id: int) -> None:
        """As ``server.live.desk.Admit``."""
        admit(principal, wish, location_id)

    def submit(self, task: Task) -> None:
        """Queues an order or a sweep with its location's writer."""
        writer = self._writers.get(task.location_id)
        if writer is None:
            writer = Writer(
                task.location_id,
                rooms=self._rooms,
                database=self._database,
                clock=self._clock,
                refusing=self._refusing,
                deliverer=self._deliverer,
                describe=self.describe,
            )
            self._writers[task.location_id] = writer
        writer.submit(task)

    async def sweep(self) -> None:
        """Has every location with overdue holds or ended bookings see to them."""
        for location_id in await self._locations.due(self._clock.now()):
            self.submit(Sweep(location_id))

    async def idle(self) -> None:
        """Waits until every writer has nothing left to do, and everybody is answered."""
        await asyncio.gather(*(writer.idle() for writer in self._writers.values()))
        await self._refusing.idle()

    async def judge(self, principal: Principal, command: Command) -> JudgedMove:
        """As ``Judging.judge``."""
        return await self._judging.judge(principal, command)

    async def order(
        self,
        principal: Principal,
        command: Command,
        answered: Callable[[Answer], None],
        *,
        known: Mapping[str, StoredBooking] = MappingProxyType({}),
    ) -> Order:
        """The command as an order of somebody who may give it; bookings that are ``known`` are not read for it.

        Raises:
            NotFound, Forbidden: to all others.
        """
        customer_ids = {principal.user_id}
        body = command.body
        if isinstance(body, Create | Hold):
            location_id = await self._directory.location_of(body.resource_id)
            require_creation(principal, body, location_id)
            if isinstance(body, Create):
                customer_ids = await self._customers_of(principal, body, known)
        else:
            booking = await self._target(principal, command, known)
            location_id = booking.location_id
            if isinstance(body, Reschedule | Update) and body.resource_id is not None:
                # An unknown one is 404; another location's is told from it under the lock, and is 400.
                await self._directory.location_of(body.resource_id)
            customer_ids = {booking.user_id}
            if isinstance(body, Update):
                customer_ids.add(body.user_id)
        return Order(
            principal=principal,
            command=command,
            location_id=location_id,
            customer_ids=_known(customer_ids),
            answered=answered,
        )

    def check_database(self) -> None:
        """Raises ``Unavailable`` while Postgres is known to be away."""
        if self._rooms.stale:
            # A Postgres that hangs takes its time to fail; whoever waits at a desk should be told now.
            raise Unavailable("The database is away")

    async def _customers_of(
        self, principal: Principal, body: Create, known: Mapping[str, StoredBooking]
    ) -> set[int | None]:
        if body.hold_id is not None:
            hold = known.get(str(body.hold_id)) or await self._bookings.get(body.hold_id)
            if hold is None:
                raise NotFound
            require(principal, Action.CHANGE_BOOKING, location_id=hold.location_id, owner_id=hold.user_id)
            return {hold.user_id}
        return {customer_of(principal, body)}

    async def _target(
        self, principal: Principal, command: Command, known: Mapping[str, StoredBooking]
    ) -> StoredBooking:
        booking = known.get(str(command.target))
        if booking is None and command.target:
            booking = await self._bookings.get(command.target)
        if booking is None:
            raise NotFound
        require_change(
            principal,
            command.op,
            location_id=booking.location_id,
            owner_id=booking.user_id,
            is_block=booking.is_block,
        )
        return booking


async def answer_to(execute: Callable[[Callable[[Answer], None]], Awaitable[None]]) -> Done:
    """The answer that is given to whoever is passed to ``execute``; a refusal or fault is raised."""
    decided: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()

    def settle(answer: Answer) -> None:
        if not decided.done():
            decided.set_result(answer)

    await execute(settle)
    answer = await decided
    if isinstance(answer, Problem):
        raise answer
    return answer


def _known(customer_ids: set[int | None]) -> frozenset[int]:
    return frozenset(id_ for id_ in customer_ids if id_ is not None)
