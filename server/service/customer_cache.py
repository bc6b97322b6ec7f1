"""Customers as verdicts and listings see them: read once a moment rather than for every movement of a drag.

What is posted is judged on rows that are locked; a verdict or a listing may be a moment old. While Postgres is away the
last that was known goes on being used (P2).
"""

import asyncio
from collections import OrderedDict

from server.clock import Clock
from server.errors import NotFound, Unavailable
from server.storage.customers import Customer, read_customers
from server.storage.database import Database

FRESH_SECONDS = 1.0
MOST_KEPT = 10_000


class CustomerCache:
    """The customers asked for of late; at most ``MOST_KEPT`` of them."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._kept: OrderedDict[int, tuple[float, Customer]] = OrderedDict()

    async def get(self, user_id: int, *, fresh: bool = False, even_closed: bool = False) -> Customer:
        """The customer with restrictions and bookings; at most a second old, or read now with ``fresh``.

        Raises:
            NotFound: if there is no such account, or it is closed and that matters.
            Unavailable: if Postgres is away and the customer was not known before.
        """
        customer = await self._read(user_id, fresh=fresh)
        if customer is None or not (customer.active or even_closed):
            raise NotFound("There is no such customer")
        return customer

    async def _read(self, user_id: int, *, fresh: bool) -> Customer | None:
        monotonic = asyncio.get_running_loop().time()
        kept = self._kept.get(user_id)
        if kept is not None and not fresh and monotonic - kept[0] < FRESH_SECONDS:
            return kept[1]
        try:
            async with self._database.connection() as connection:
                found = await read_customers(connection, [user_id], self._clock.now())
        except Unavailable:
            if kept is None:
                raise
            return kept[1]
        customer = found.get(user_id)
        if customer is None:
            return None
        self._kept[user_id] = (monotonic, customer)
        self._kept.move_to_end(user_id)
        while len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)
        return customer

    async def find(self, user_id: int, *, fresh: bool = False, even_closed: bool = False) -> Customer | None:
        """As ``get``, but None while Postgres is away and the customer was not known before: then the location's policy
        alone tells what is free, for want of better (P2). What is posted is never judged so.
        """
        try:
            return await self.get(user_id, fresh=fresh, even_closed=even_closed)
        except Unavailable:
            return None
