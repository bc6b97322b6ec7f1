"""Where admins' requests about blocks of many resources go, and what there is to read of them (B2, B3, B6).

Belongs here: whether they may, and handing them to the location's writer. Does not belong here: what they mean
(``blocking``, ``editing``). There is no other way to write blocks than the one that bookings go.
"""

from collections.abc import Callable

from server.commands import AnyOperation, Body, Command
from server.live.desk import Answer, Done
from server.live.rooms import Rooms
from server.principal import Principal
from server.service.access import Action, require
from server.service.blocks.blocking import plan
from server.service.blocks.requests import Block
from server.service.desk import BookingDesk, answer_to
from server.service.orders import Order


class BlockDesk:
    """The use cases of blocks on one node."""

    def __init__(self, desk: BookingDesk, rooms: Rooms) -> None:
        self._desk = desk
        self._rooms = rooms

    async def block(self, principal: Principal, body: Block, *, key: str | None) -> Done:
        """As ``blocking.block``; one change of the location, however many blocks it makes.

        Raises:
            NotFound: if there is no such location, or no such resource at it.
            Forbidden: unless the principal may block there.
            Malformed: if the times or the recurrence are none.
            Refused: if a time is not known (T3) or off the grid, or the blocks are to fail where anything is in their way.
        """
        require(principal, Action.BLOCK, location_id=body.location_id)
        room = await self._rooms.open(body.location_id)
        plan(
            body, room.state.timezone
        )  # what is wrong with it keeps nobody waiting, and what is right is known then
        return await self._perform(principal, "block", body, body.location_id, key=key)

    async def _perform(
        self, principal: Principal, op: AnyOperation, body: Body, location_id: int, *, key: str | None
    ) -> Done:
        self._desk.check_database()

        async def ordered(answered: Callable[[Answer], None]) -> None:
            self._desk.submit(
                Order(
                    principal=principal,
                    command=Command(op=op, body=body, key=key),
                    location_id=location_id,
                    customer_ids=frozenset(),
                    answered=answered,
                )
            )

        return await answer_to(ordered)
