"""Where admins' requests about blocks of many resources go, and what there is to read of them (B2, B3, B6).

Belongs here: whether they may, and handing them to the location's writer. Does not belong here: what they mean
(``blocking``, ``editing``). There is no other way to write blocks than the one that bookings go.
"""

import asyncio
import uuid
from collections.abc import Callable, Sequence
from datetime import datetime

from server.commands import AnyOperation, Body, Command
from server.errors import Fault, Malformed, NotFound
from server.live.desk import Answer, Done
from server.live.rooms import Rooms
from server.principal import Principal
from server.service.access import Action, require
from server.service.blocks.blocking import plan
from server.service.blocks.requests import (
    Block,
    EditSeries,
    EndSeries,
    Occurrences,
    Reach,
    SeriesChanges,
)
from server.service.desk import BookingDesk, answer_to
from server.service.orders import Order
from server.storage.bookings import Bookings
from server.storage.database import Database
from server.storage.series import OccurrenceRow, SeriesQueries, StoredSeries


class BlockDesk:
    """The use cases of blocks on one node."""

    def __init__(self, desk: BookingDesk, rooms: Rooms, database: Database) -> None:
        self._desk = desk
        self._rooms = rooms
        self._bookings = Bookings(database)
        self._queries = SeriesQueries(database)

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
        # What is wrong with it keeps nobody waiting, and what its recurrence gives is known then.
        await asyncio.to_thread(plan, body, room.state.timezone)
        return await self._perform(principal, "block", body, body.location_id, key=key)

    async def edit(
        self,
        principal: Principal,
        series_id: uuid.UUID,
        changes: SeriesChanges,
        *,
        scope: Reach,
        occurrence: uuid.UUID | None,
        key: str | None,
    ) -> Done:
        """As ``editing.edit_series``; ``occurrence`` is the id of any block of the one that is meant.

        Raises:
            NotFound: if there is no such series, or no such block in it, or a resource is none of its location's.
            Forbidden: unless the principal may block there.
            Malformed: if it is not said which occurrence is meant, or the times are none.
            Refused: as for ``block``.
            NotActive: if all that is meant is over.
        """
        series = await self._series(principal, series_id, Action.BLOCK)
        body = EditSeries(which=await self._which(series, scope, occurrence), changes=changes)
        return await self._perform(
            principal, "edit_series", body, series.location_id, target=series_id, key=key
        )

    async def end(
        self,
        principal: Principal,
        series_id: uuid.UUID,
        *,
        scope: Reach,
        occurrence: uuid.UUID | None,
        key: str | None,
    ) -> Done:
        """As ``editing.end_series``; raises as ``edit`` does."""
        series = await self._series(principal, series_id, Action.BLOCK)
        body = EndSeries(which=await self._which(series, scope, occurrence))
        return await self._perform(
            principal, "end_series", body, series.location_id, target=series_id, key=key
        )

    async def series(
        self, principal: Principal, series_id: uuid.UUID
    ) -> tuple[StoredSeries, Sequence[OccurrenceRow]]:
        """The series and its occurrences, for admins; raises ``NotFound`` if there is none."""
        series = await self._series(principal, series_id, Action.ADMINISTER)
        return series, await self._queries.occurrences(series_id)

    async def listed(
        self,
        principal: Principal,
        location_id: int | None,
        *,
        after: tuple[datetime, uuid.UUID] | None,
        limit: int,
    ) -> Sequence[StoredSeries]:
        """Up to ``limit`` series, of one location or of all, by wall time of the start and id; for admins."""
        require(principal, Action.ADMINISTER)
        return await self._queries.page(location_id, after=after, limit=limit)

    async def _series(self, principal: Principal, series_id: uuid.UUID, action: Action) -> StoredSeries:
        require(principal, action)
        series = await self._queries.get(series_id)
        if series is None:
            raise NotFound("There is no such series")
        require(principal, action, location_id=series.location_id)
        return series

    async def _which(self, series: StoredSeries, scope: Reach, occurrence: uuid.UUID | None) -> Occurrences:
        if occurrence is None:
            if scope != "all":
                fault = Fault("query:occurrence", f"is needed with scope={scope}: the id of a block of it")
                raise Malformed(faults=[fault])
            return Occurrences(scope=scope)
        block = await self._bookings.get(occurrence)
        if block is None or block.series_id != series.id or block.occurrence is None:
            raise NotFound("The series has no such block")
        return Occurrences(scope=scope, number=block.occurrence)

    async def _perform(
        self,
        principal: Principal,
        op: AnyOperation,
        body: Body,
        location_id: int,
        *,
        target: uuid.UUID | None = None,
        key: str | None,
    ) -> Done:
        self._desk.check_database()

        async def ordered(answered: Callable[[Answer], None]) -> None:
            self._desk.submit(
                Order(
                    principal=principal,
                    command=Command(op=op, body=body, target=target, key=key),
                    location_id=location_id,
                    customer_ids=frozenset(),
                    answered=answered,
                )
            )

        return await answer_to(ordered)
