"""What callers may read: bookings, their audit, and what is free.

Belongs here: reads that take who asks into account. Does not belong here: changes (``desk``), or the grid itself, which
rooms serve.
"""

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from grid_engine.interval import Instant
from rules.availability import Availability, availability
from server.clock import Clock
from server.errors import Fault, Malformed, NotFound
from server.live.rooms import Rooms
from server.principal import Principal
from server.service.access import Action, allows, places_of, require
from server.service.circumstances import OFFERED, facts_for
from server.service.customer_cache import CustomerCache
from server.service.views import booking_body
from server.storage.booking_lists import BookingFilter
from server.storage.bookings import BookingEvent, Bookings
from server.storage.database import Database
from server.storage.stored_booking import StoredBooking


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """What is free at a location on one of its days; ``stale`` while Postgres is away (P2)."""

    timezone: str
    found: Availability
    stale: bool


class Reading:
    """The reads of one node."""

    def __init__(self, *, rooms: Rooms, database: Database, clock: Clock, customers: CustomerCache) -> None:
        self._rooms = rooms
        self._clock = clock
        self._customers = customers
        self._bookings = Bookings(database)

    async def booking(self, principal: Principal, booking_id: uuid.UUID) -> StoredBooking:
        """The booking, to those who may see it; raises ``NotFound`` to all others (A3)."""
        booking = await self._bookings.get(booking_id)
        if booking is None:
            raise NotFound
        require(principal, Action.READ_BOOKING, location_id=booking.location_id, owner_id=booking.user_id)
        return booking

    async def events(
        self, principal: Principal, booking_id: uuid.UUID, *, after: int | None, limit: int
    ) -> Sequence[BookingEvent]:
        """Up to ``limit`` events of the booking's audit, oldest first, those after the id; ``Forbidden`` to its owner."""
        booking = await self.booking(principal, booking_id)
        require(principal, Action.READ_AUDIT, location_id=booking.location_id, owner_id=booking.user_id)
        return await self._bookings.events(booking_id, after=after, limit=limit)

    async def bookings(
        self,
        principal: Principal,
        condition: BookingFilter,
        *,
        after: tuple[Instant, uuid.UUID] | None,
        limit: int,
    ) -> list[StoredBooking]:
        """At most ``limit`` of the bookings that the caller may see, in order of start and id."""
        require(principal, Action.LIST_BOOKINGS)
        condition = replace(
            condition,
            visible_to=principal.user_id,
            visible_at=places_of(principal, Action.READ_RECORDS),
        )
        return await self._bookings.page(condition, after=after, limit=limit)

    async def available(
        self,
        principal: Principal,
        location_id: int,
        date: dt.date,
        duration_minutes: int,
        *,
        resource_id: int | None,
        user_id: int | None,
        explain: bool,
        min_version: int | None,
    ) -> Listing:
        """What the caller (or the customer that staff ask for) could book, from memory (R21).

        Raises:
            NotFound: for an unknown or inactive location, resource or customer.
            Forbidden: for another customer, unless staff ask.
        """
        require(principal, Action.READ_GRID, location_id=location_id)
        room = await self._rooms.open(location_id)
        if min_version is not None and room.version < min_version:
            await room.catch_up(min_version)
        state = room.state
        if not state.active:
            raise NotFound("There is no such location")
        wanted = None
        if resource_id is not None:
            resource = state.resource_by_id.get(resource_id)
            if resource is None or not resource.active:
                raise NotFound("There is no such resource")
            wanted = [resource_id]
        customer_id = principal.user_id if user_id is None else user_id
        if customer_id != principal.user_id:
            require(principal, Action.READ_FREE_FOR, location_id=location_id, owner_id=customer_id)
        customer = await self._customers.find(customer_id, fresh=True) if customer_id is not None else None
        facts = facts_for(state, room.grid, customer, self._clock.now(), grace=OFFERED)
        try:
            found = availability(
                date, duration_minutes, wanted, principal.role_at(location_id), facts, explain=explain
            )
        except ValueError as error:
            raise Malformed(faults=[Fault("query:date", str(error))]) from error
        unknown = customer_id is not None and customer is None
        return Listing(timezone=state.timezone, found=found, stale=self._rooms.stale or unknown)

    def body(self, principal: Principal, booking: StoredBooking) -> dict[str, Any]:
        """The booking with what the caller may see of it."""
        for_staff = allows(principal, Action.READ_RECORDS, location_id=booking.location_id)
        return booking_body(booking, for_staff=for_staff)
