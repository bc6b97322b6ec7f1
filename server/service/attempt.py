"""One attempt to commit a batch: one transaction, from its locks to its commit.

The story of ``wire.md``, consistency model 4: lock keys, then customers, then locations; bring the replicas to the locked
versions; judge every command in order, each on what those before it did; write it all; commit. Belongs here: that order.
Does not belong here: retrying (``writer``), what a command means (``bookings``), SQL (``server.storage``).
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from grid_engine.diff import Diff, Reload, join
from grid_engine.grid import Grid
from grid_engine.interval import MINUTE, Instant, Interval
from grid_engine.records import Record
from server.clock import Clock
from server.commands import SERIES_OPERATIONS
from server.errors import IdempotencyMismatch, Unavailable
from server.live.desk import Done
from server.live.room import Room
from server.service.changes import Change, audit_entry
from server.service.deciding import decide, decide_bulk
from server.service.deliberation import Deliberation, NotYetReadError, Place
from server.service.notifications.following import tell_customers
from server.service.notifications.outbox import Deliverer, Outbox
from server.service.orders import Asked, Bulk, Decision, Describe, Order, Rejected
from server.service.sweeping import MOST_COMPLETED, complete_ended, expire_overdue
from server.storage.batch import (
    KeptAnswer,
    LockedLocation,
    lock_keys,
    lock_locations,
    read_bookings,
    read_ended,
    read_holds,
    read_targets,
    write,
    write_visitors,
)
from server.storage.bookings import read_last_events
from server.storage.customers import Customer, lock_accounts, with_circumstances
from server.storage.database import Connection, ContentionError, Database
from server.storage.locations import load, read_diffs, read_records, read_state
from server.storage.series import read_whole_series, write_series


class MoreConcernedError(ContentionError):
    """The batch concerns accounts or locations that were not known when it locked its own."""

    def __init__(
        self, customer_ids: frozenset[int] = frozenset(), location_ids: frozenset[int] = frozenset()
    ) -> None:
        super().__init__(
            f"accounts {sorted(customer_ids)} and locations {sorted(location_ids)} were not locked"
        )
        self.customer_ids = customer_ids
        self.location_ids = location_ids


@dataclass(frozen=True, slots=True, kw_only=True)
class Committed:
    """What a batch came to: a decision for each that was asked, and the diff of each location that it changed.

    ``refused`` are refusals that are told within other answers.
    """

    decisions: list[Decision]
    refused: Sequence[Rejected]
    diffs: Mapping[int, tuple[str, Diff]]
    """Location id → (epoch, diff)."""


@dataclass(kw_only=True)
class Attempt:
    """A batch on its way, with the rooms of all locations that it concerns.

    ``changes`` can be read after a failure, to tell what was attempted.
    """

    rooms: Sequence[Room]
    asked: Sequence[Asked]
    sweeps: bool
    database: Database
    clock: Clock
    describe: Describe
    deliverer: Deliverer = field(default_factory=Outbox)
    changes: list[Change] = field(default_factory=list)

    async def commit(self) -> Committed:
        """Decides and commits, or changes nothing.

        Raises:
            OccupancyTakenError, Duplicate, ContentionError: the batch as a whole cannot be written.
            Unavailable: Postgres is away; if it went during the commit, what became of it is not known.
        """
        async with self.database.transaction() as connection:
            kept = await lock_keys(
                connection,
                [(asked.principal.key, asked.key) for asked in self.asked if asked.key],
            )
            accounts = await lock_accounts(
                connection, {id_ for asked in self.asked for id_ in asked.customer_ids}
            )
            locked = await lock_locations(connection, {room.id for room in self.rooms})
            for room in self.rooms:
                await self._bring_up_to_date(connection, room, locked.get(room.id))
            # One instant for what is read and what is judged: a hold that lapsed in between would refuse somebody (G5).
            now = self.clock.now()
            customers = await with_circumstances(connection, accounts, now)
            deliberation = await self._deliberate(connection, customers, now)

            decisions, answers = await self._decide(connection, deliberation, kept)
            if self.sweeps:
                for room in self.rooms:
                    complete_ended(deliberation, await read_ended(connection, room.id, now, MOST_COMPLETED))

            diffs = deliberation.diffs()
            if diffs or answers or deliberation.series_changes:
                await self._write(connection, deliberation, diffs, answers)
        return Committed(
            decisions=decisions,
            refused=deliberation.refused,
            diffs={id_: (locked[id_].epoch, diff) for id_, diff in diffs.items()},
        )

    @property
    def orders(self) -> list[Order]:
        """All that is to be decided."""
        return [order for asked in self.asked for order in asked.orders]

    async def _bring_up_to_date(
        self, connection: Connection, room: Room, locked: LockedLocation | None
    ) -> None:
        """Takes the replica to the locked version: a replica may lag, but nothing is judged on one that does."""
        if locked is None:
            raise Unavailable("The location is being restored")
        if room.epoch == locked.epoch and room.version < locked.version:
            diffs = await read_diffs(connection, locked.id, room.version, locked.version)
            if diffs is not None:
                if any(isinstance(op, Reload) for diff in diffs for op in diff.ops):
                    room.state = await read_state(connection, locked.id) or room.state
                room.advance(join(diffs))
        if (room.epoch, room.version) != (locked.epoch, locked.version):
            loaded = await load(connection, locked.id, self.clock.now())
            if loaded is None:
                raise Unavailable("The location is being restored")
            room.replace(loaded, "too far behind")
        if room.state.config_version != locked.config_version:
            room.state = await read_state(connection, locked.id) or room.state

    async def _deliberate(
        self, connection: Connection, customers: Mapping[int, Customer], now: Instant
    ) -> Deliberation:
        here = {room.id for room in self.rooms}
        targets = {order.target for order in self.orders if order.target}
        targets |= {hold_id for order in self.orders if (hold_id := order.hold_id)}
        last_events = await read_last_events(
            connection, [order.target for order in self.orders if order.target and order.command.op == "undo"]
        )
        bookings = await read_targets(connection, here, targets, now)
        concerned = {booking.user_id for id_, booking in bookings.items() if id_ in targets}
        # Undone, a booking that was passed on is its earlier customer's again.
        concerned |= {(event.metadata["before"] or {}).get("user_id") for event in last_events.values()}
        strangers = _known(concerned) - customers.keys()
        if strangers:
            raise MoreConcernedError(customer_ids=frozenset(strangers))
        holders = _known({order.principal.user_id for order in self.orders if order.command.op == "hold"})
        restored = _known({bookings[id_].user_id for id_ in last_events if id_ in bookings})
        holds = await read_holds(connection, holders | restored)
        elsewhere = {hold.location_id for hold in holds if hold.user_id in holders} - here
        if elsewhere:
            # The hold that a new one replaces is given back at its own location, under that location's lock (G5).
            raise MoreConcernedError(location_ids=frozenset(elsewhere))
        series = await read_whole_series(
            connection,
            {order.target for order in self.orders if order.target and order.command.op in SERIES_OPERATIONS},
        )
        bookings |= {block.id: block for each in series.values() for block in each.blocks}
        return Deliberation(
            places=[
                Place(state=room.state, draft=(await self._grid(connection, room)).draft())
                for room in self.rooms
            ],
            clock=self.clock,
            now=now,
            customers=customers,
            bookings=bookings | {hold.id: hold for hold in holds},
            last_events=last_events,
            series=series,
        )

    async def _grid(self, connection: Connection, room: Room) -> Grid:
        """The room's grid, with what ended before the room's horizon where an admin's order reaches back so far.

        Of the past no more is read than what is asked for, and what comes within the turnover buffer of it (G2).
        """
        asked = {
            order.asked_of_the_past(room.state.timezone, room.horizon)
            for order in self.orders
            if order.location_id == room.id
        }
        buffer = room.state.policy.values.buffer_minutes * MINUTE
        forgotten: dict[str, Record] = {}
        for interval in filter(None, asked):
            around = Interval(interval.start - buffer, interval.end + buffer)
            for record in await read_records(connection, room.id, around):
                if room.grid.get(record.id) is None:
                    forgotten[record.id] = record
        if not forgotten:
            return room.grid
        return Grid(room.id, room.epoch, room.version, [*room.grid.records(), *forgotten.values()])

    async def _decide(
        self, connection: Connection, deliberation: Deliberation, kept: Mapping[tuple[str, str], KeptAnswer]
    ) -> tuple[list[Decision], list[KeptAnswer]]:
        answered = dict(kept)
        decisions: list[Decision] = []
        fresh: list[KeptAnswer] = []
        expire_overdue(deliberation)
        for asked in self.asked:
            key = (asked.principal.key, asked.key or "")
            earlier = answered.get(key) if asked.key else None
            if earlier is not None:
                decisions.append(_repeated(earlier, asked))
                continue
            decision = await self._decided(connection, asked, deliberation)
            decisions.append(decision)
            if isinstance(decision, Done) and decision.stands and asked.key:
                answered[key] = KeptAnswer(
                    principal=asked.principal.key,
                    key=asked.key,
                    fingerprint=asked.fingerprint,
                    status=decision.status,
                    body=dict(decision.body),
                    version=decision.version,
                )
                fresh.append(answered[key])
        return decisions, fresh

    async def _decided(self, connection: Connection, asked: Asked, deliberation: Deliberation) -> Decision:
        while True:
            try:
                # Where there may be much to it nobody else is to wait. It is under lock: nothing moves beneath the drafts.
                if isinstance(asked, Bulk):
                    return await asyncio.to_thread(decide_bulk, asked, deliberation, self.describe)
                if asked.command.op in SERIES_OPERATIONS:
                    return await asyncio.to_thread(decide, asked, deliberation)
                return decide(asked, deliberation)
            except NotYetReadError as error:
                found = await read_bookings(connection, error.ids)
                if len(found) < len(error.ids):
                    raise RuntimeError("the grid has records of bookings that there are not") from error
                deliberation.learn(found)

    async def _write(
        self,
        connection: Connection,
        deliberation: Deliberation,
        diffs: Mapping[int, Diff],
        answers: Sequence[KeptAnswer],
    ) -> None:
        self.changes = deliberation.changes
        await _write_visitors(connection, deliberation)
        written = deliberation.written()
        await write(
            connection,
            inserted=written.inserted,
            updated=written.updated,
            vacated=written.vacated,
            audit=map(audit_entry, deliberation.changes),
            diffs=diffs,
            answers=answers,
            now=deliberation.now,
        )
        for change in deliberation.series_changes:
            await write_series(connection, change)
        states = {room.id: room.state for room in self.rooms}
        await tell_customers(connection, deliberation.changes, states, self.deliverer, deliberation.now)


def _known(ids: set[int | None]) -> set[int]:
    return {id_ for id_ in ids if id_ is not None}


async def _write_visitors(connection: Connection, deliberation: Deliberation) -> None:
    unnamed = deliberation.unnamed_visitors()
    ids = await write_visitors(
        connection,
        [
            (booking.location_id, booking.visitor.name, booking.visitor.phone)
            for _, booking in unnamed
            if booking.visitor is not None
        ],
        deliberation.now,
    )
    for (place, _), id_ in zip(unnamed, ids, strict=True):
        deliberation.name_visitor(place, id_)


def _repeated(earlier: KeptAnswer, asked: Asked) -> Decision:
    if earlier.fingerprint != asked.fingerprint:
        return IdempotencyMismatch()
    return Done(status=earlier.status, body=earlier.body, version=earlier.version)
