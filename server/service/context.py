"""The booking context of a customer, for whoever answers them in a support thread (X1).

Belongs here: who may ask, whose bookings they are told of, and what of a kept answer each reader may see. Does not belong
here: putting the answer together (``storage.context``).

Staff are told of bookings and denials at their own locations alone, and of customers who ever booked there, here as
everywhere (A3):
elsewhere is as if there were nothing. A kept answer is cut down for its reader in the same way.
"""

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from grid_engine.interval import Instant
from server.clock import Clock
from server.errors import NotFound
from server.principal import Principal
from server.service.access import Action, places_of, require
from server.storage.context import Entry, Lookup, Reader, Thread, ask, list_entries, list_threads
from server.storage.database import Database


class Context:
    """The use cases of support. ``Forbidden`` to all but admins, operators and staff."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def ask(
        self, caller: Principal, lookup: Lookup, value: int | str, thread_id: str | None
    ) -> Mapping[str, Any]:
        """What there is to tell of a customer; with a thread, question and answer are kept in it.

        Raises:
            NotFound: if no customer that the caller knows has this id, address or number; the thread keeps that, too.
        """
        require(caller, Action.READ_CONTEXT)
        async with self._database.connection() as connection:
            answer = await ask(
                connection,
                _reader(caller),
                lookup,
                value,
                thread_id=thread_id,
                now=self._clock.now(),
            )
        if answer is None:
            raise NotFound("There is no such customer")
        return answer

    async def threads(
        self, caller: Principal, *, before: tuple[Instant, str] | None, limit: int
    ) -> Sequence[Thread]:
        """Up to ``limit`` threads, the last asked in first."""
        require(caller, Action.READ_CONTEXT)
        async with self._database.connection() as connection:
            return await list_threads(connection, _reader(caller), before=before, limit=limit)

    async def thread(
        self, caller: Principal, thread_id: str, *, after: int | None, limit: int
    ) -> Sequence[Entry]:
        """Up to ``limit`` of what was asked and answered in a thread, oldest first, as far as the caller may see it.

        Raises:
            NotFound: if nothing was asked in such a thread.
        """
        require(caller, Action.READ_CONTEXT)
        reader = _reader(caller)
        async with self._database.connection() as connection:
            entries = await list_entries(connection, reader, thread_id, after=after, limit=limit)
        if not entries and after is None:
            raise NotFound("Nothing was asked in such a thread")
        if reader.visible_at is None:
            return entries
        return [
            entry if entry.answer is None else replace(entry, answer=_seen(entry.answer, reader.visible_at))
            for entry in entries
        ]


def _reader(caller: Principal) -> Reader:
    return Reader(user_id=caller.user_id, name=caller.name, visible_at=places_of(caller, Action.READ_CONTEXT))


def _seen(answer: Mapping[str, Any], visible_at: Collection[int]) -> dict[str, Any]:
    """A kept answer as if there were no other locations: neither bookings there, nor being denied to be there."""
    upcoming, history = (
        [booking for booking in answer[name] if booking["location_id"] in visible_at]
        for name in ("upcoming", "history")
    )
    first = upcoming[0] if upcoming else None
    return {
        **answer,
        "has_booking": first is not None,
        "booking_in": first and _seconds_between(answer["asked_at"], first["start_time"]),
        "booking_details": first,
        "upcoming": upcoming,
        "history": history,
        "restrictions": [
            restriction
            for restriction in answer["restrictions"]
            if restriction["restriction_type"] != "DENY_LOCATION" or restriction["value"] in visible_at
        ],
    }


def _seconds_between(asked_at: str, start_time: str) -> int:
    apart = dt.datetime.fromisoformat(start_time) - dt.datetime.fromisoformat(asked_at)
    return max(0, int(apart.total_seconds()))
