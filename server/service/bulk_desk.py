"""Bulk operations: up to five hundred commands in one request, as one transaction (B5).

Belongs here: making orders of what was asked, and handing them to a writer together. Does not belong here: deciding them
(``deciding``). Everything that a command is asked for at its own door is asked for here too.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from server.commands import Command, Create, Operation
from server.errors import Problem
from server.live.desk import Answer, Done
from server.principal import Principal
from server.service.access import Action, require
from server.service.deciding import bulk_body
from server.service.desk import BookingDesk, answer_to
from server.service.orders import Bulk, Order
from server.storage.bookings import Bookings
from server.storage.database import Database
from server.storage.stored_booking import StoredBooking
from server.wire.arguments import WrongArgument, read_command


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkRequest:
    """Operations with their arguments, as on the wire, in the order in which they are to be done."""

    operations: Sequence[tuple[Operation, Mapping[str, Any]]]
    atomic: bool
    rehearsal: bool

    def fingerprint(self, read: Sequence[Command | Problem]) -> bytes:
        """What it is compared by with another request under its key: each operation as it is compared alone, or as it was
        written where it cannot be ``read`` (G7).
        """
        operations = [
            each.fingerprint.hex() if isinstance(each, Command) else list(written)
            for each, written in zip(read, self.operations, strict=True)
        ]
        told = ["bulk", self.atomic, self.rehearsal, operations]
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).digest()


class BulkDesk:
    """The use case on one node."""

    def __init__(self, desk: BookingDesk, database: Database) -> None:
        self._desk = desk
        self._bookings = Bookings(database)

    async def perform(self, principal: Principal, request: BulkRequest, *, key: str | None) -> Done:
        """200 with a result for each operation, in their order. Those that fail do so alone; in an atomic bulk nothing is
        done then, and the others' results say so. A rehearsal is answered alike, and changes nothing.

        Raises:
            Forbidden: to all but admins.
            IdempotencyMismatch: if the key was used for another request.
            Unavailable: if Postgres is away.
        """
        require(principal, Action.ADMINISTER)
        self._desk.check_database()
        read = [_read(op, args) for op, args in request.operations]
        entries = await self._entries(principal, read)
        orders = [entry for entry in entries if isinstance(entry, Order)]
        if not orders:
            problems = [entry for entry in entries if isinstance(entry, Problem)]
            return Done(status=200, body=bulk_body(problems, self._desk.describe, failed=False), stands=False)

        async def ordered(answered: Callable[[Answer], None]) -> None:
            self._desk.submit(
                Bulk(
                    principal=principal,
                    key=key,
                    fingerprint=request.fingerprint(read),
                    entries=tuple(entries),
                    atomic=request.atomic,
                    rehearsal=request.rehearsal,
                    answered=answered,
                )
            )

        return await answer_to(ordered)

    async def _entries(
        self, principal: Principal, read: Sequence[Command | Problem]
    ) -> list[Order | Problem]:
        named = {str(id_) for each in read if isinstance(each, Command) for id_ in _named(each)}
        known = await self._bookings.of_ids(named) if named else {}
        return [
            each if isinstance(each, Problem) else await self._entry(principal, each, known) for each in read
        ]

    async def _entry(
        self, principal: Principal, command: Command, known: Mapping[str, StoredBooking]
    ) -> Order | Problem:
        try:
            return await self._desk.order(principal, command, _unheard, known=known)
        except Problem as problem:
            return problem


def _read(op: Operation, args: Mapping[str, Any]) -> Command | Problem:
    try:
        return read_command(op, args)
    except WrongArgument as wrong:
        return wrong.problem


def _named(command: Command) -> list[Any]:
    """The ids of the bookings and holds that it is about."""
    body = command.body
    hold_id = body.hold_id if isinstance(body, Create) else None
    return [id_ for id_ in (command.target, hold_id) if id_ is not None]


def _unheard(_: Answer) -> None:
    """An order of a bulk has no answer of its own."""
