"""One attempt to commit a batch of a location: one transaction, from its locks to its commit.

The story of ``wire.md``, consistency model 4: lock keys, then customers, then locations; bring the replica to the locked
version; judge every command in order, each on what those before it did; write it all; commit. Belongs here: that order.
Does not belong here: retrying (``writer``), what a command means (``bookings``), SQL (``server.storage``).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from grid_engine.diff import Diff, Reload, Remove, join
from grid_engine.interval import Instant
from server.clock import Clock
from server.errors import IdempotencyMismatch, Problem, Stale, Unavailable
from server.live.desk import Done
from server.live.room import Room
from server.service.bookings import DECIDERS
from server.service.deliberation import Change, Deliberation, audit_entry
from server.service.orders import Decision, Order
from server.service.sweeping import MOST_COMPLETED, complete_ended, expire_overdue
from server.storage.batch import (
    KeptAnswer,
    LockedLocation,
    lock_keys,
    lock_locations,
    read_ended,
    read_holds,
    read_targets,
    write,
    write_visitors,
)
from server.storage.bookings import read_last_events
from server.storage.customers import Customer, lock_accounts, with_circumstances
from server.storage.database import Connection, ContentionError, Database
from server.storage.locations import load, read_diffs, read_state
from server.storage.stored_booking import StoredBooking


class CustomersChangedError(ContentionError):
    """A booking is another customer's than was known when the batch locked its customers."""

    def __init__(self, customer_ids: frozenset[int]) -> None:
        super().__init__(f"customers {sorted(customer_ids)} were not locked")
        self.customer_ids = customer_ids


@dataclass(frozen=True, slots=True, kw_only=True)
class Committed:
    """What a batch came to: a decision for each order, and the diff of each location that it changed."""

    decisions: list[Decision]
    diffs: Mapping[int, tuple[str, Diff]]
    """Location id → (epoch, diff); the batch's own location and, where a hold was replaced, the other one's."""


@dataclass(kw_only=True)
class Attempt:
    """A batch on its way; ``changes`` can be read after a failure, to tell what was attempted."""

    room: Room
    orders: Sequence[Order]
    sweeps: bool
    database: Database
    clock: Clock
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
                [(order.principal.key, order.command.key) for order in self.orders if order.command.key],
            )
            accounts = await lock_accounts(
                connection, {id_ for order in self.orders for id_ in order.customer_ids}
            )
            elsewhere = await self._holds_elsewhere(connection)
            locked = await lock_locations(
                connection, {self.room.state.id, *(hold.location_id for hold in elsewhere)}
            )
            if elsewhere:
                # It may have lapsed while its location's lock was waited for; nobody else can have placed another.
                elsewhere = await self._holds_elsewhere(connection)
            here = locked.get(self.room.state.id)
            if here is None:
                raise Unavailable("The location is being restored")
            await self._bring_up_to_date(connection, here)
            # One instant for what is read and what is judged: a hold that lapsed in between would refuse somebody (G5).
            now = self.clock.now()
            customers = await with_circumstances(connection, accounts, now)
            deliberation = await self._deliberate(connection, customers, elsewhere, now)

            decisions, answers = self._decide(deliberation, kept)
            if self.sweeps:
                ended = await read_ended(connection, here.id, deliberation.now, MOST_COMPLETED)
                complete_ended(deliberation, ended)

            diffs = {here.id: (here.epoch, deliberation.draft.diff())} if deliberation.changes else {}
            if any(change.event_type == "held" for change in deliberation.changes):
                diffs |= self._release(elsewhere, locked, deliberation)
            if diffs or answers:
                await self._write(connection, deliberation, diffs, answers)
        return Committed(decisions=decisions, diffs=diffs)

    async def _holds_elsewhere(self, connection: Connection) -> list[StoredBooking]:
        """The hold that a new one replaces, where it is at another location; a hold is always decided alone (G5)."""
        if len(self.orders) != 1 or self.orders[0].command.op != "hold":
            return []
        user_id = self.orders[0].principal.user_id
        if user_id is None:
            return []
        return [
            hold for hold in await read_holds(connection, user_id) if hold.location_id != self.room.state.id
        ]

    async def _bring_up_to_date(self, connection: Connection, locked: LockedLocation) -> None:
        """Takes the replica to the locked version: a replica may lag, but nothing is judged on one that does."""
        room = self.room
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
        self,
        connection: Connection,
        customers: Mapping[int, Customer],
        elsewhere: Sequence[StoredBooking],
        now: Instant,
    ) -> Deliberation:
        targets = {order.target for order in self.orders if order.target}
        targets |= {hold_id for order in self.orders if (hold_id := order.hold_id)}
        last_events = await read_last_events(
            connection, [order.target for order in self.orders if order.target and order.command.op == "undo"]
        )
        bookings = await read_targets(connection, self.room.state.id, targets, now)
        concerned = {booking.user_id for id_, booking in bookings.items() if id_ in targets}
        # Undone, a booking that was passed on is its earlier customer's again.
        concerned |= {(event.metadata["before"] or {}).get("user_id") for event in last_events.values()}
        holders = {order.principal.user_id for order in self.orders if order.command.op == "hold"}
        holders |= {bookings[id_].user_id for id_ in last_events if id_ in bookings}
        for holder in holders:
            if holder is not None:
                bookings |= {hold.id: hold for hold in await read_holds(connection, holder)}
        strangers = {id_ for id_ in concerned if id_ is not None and id_ not in customers}
        if strangers:
            raise CustomersChangedError(frozenset(strangers))
        replaced = {hold.id for hold in elsewhere}
        return Deliberation(
            state=self.room.state,
            draft=self.room.grid.draft(),
            clock=self.clock,
            now=now,
            customers={
                id_: replace(
                    customer,
                    bookings=tuple(each for each in customer.bookings if each.id not in replaced),
                )
                for id_, customer in customers.items()
            },
            bookings=bookings,
            last_events=last_events,
        )

    def _decide(
        self, deliberation: Deliberation, kept: Mapping[tuple[str, str], KeptAnswer]
    ) -> tuple[list[Decision], list[KeptAnswer]]:
        answered = dict(kept)
        decisions: list[Decision] = []
        fresh: list[KeptAnswer] = []
        expire_overdue(deliberation)
        for order in self.orders:
            key = (order.principal.key, order.command.key or "")
            earlier = answered.get(key) if order.command.key else None
            if earlier is not None:
                decisions.append(_repeated(earlier, order))
                continue
            decision = _decide_one(order, deliberation)
            decisions.append(decision)
            if isinstance(decision, Done) and order.command.key:
                answered[key] = KeptAnswer(
                    principal=order.principal.key,
                    key=order.command.key,
                    fingerprint=order.command.fingerprint,
                    status=decision.status,
                    body=dict(decision.body),
                    version=decision.version,
                )
                fresh.append(answered[key])
        return decisions, fresh

    def _release(
        self,
        elsewhere: Sequence[StoredBooking],
        locked: Mapping[int, LockedLocation],
        deliberation: Deliberation,
    ) -> dict[int, tuple[str, Diff]]:
        """Gives back the replaced hold at its own location, under that location's next version."""
        released: dict[int, tuple[str, Diff]] = {}
        for hold in elsewhere:
            location = locked[hold.location_id]
            version = location.version + 1
            overdue = hold.expires_at is not None and hold.expires_at <= deliberation.now
            deliberation.changes.append(
                Change(
                    event_type="expired" if overdue else "released",
                    before=hold,
                    after=replace(
                        hold,
                        status="expired" if overdue else "cancelled",
                        expires_at=None,
                        updated_at=deliberation.now,
                        version=version,
                    ),
                    actor_id=None if overdue else self.orders[0].principal.user_id,
                    cause="expiry" if overdue else "replaced",
                )
            )
            gone = Remove(version, hold.id, hold.grid_id, hold.user_id)
            released[location.id] = (location.epoch, Diff(location.version, version, (gone,)))
        return released

    async def _write(
        self,
        connection: Connection,
        deliberation: Deliberation,
        diffs: Mapping[int, tuple[str, Diff]],
        answers: Sequence[KeptAnswer],
    ) -> None:
        self.changes = deliberation.changes
        await self._write_visitors(connection, deliberation)
        inserted, updated = deliberation.written()
        await write(
            connection,
            inserted=inserted,
            updated=updated,
            audit=[audit_entry(change) for change in deliberation.changes],
            diffs={location_id: diff for location_id, (_, diff) in diffs.items()},
            answers=answers,
            now=deliberation.now,
        )

    async def _write_visitors(self, connection: Connection, deliberation: Deliberation) -> None:
        places = [
            (place, change.after.visitor)
            for place, change in enumerate(deliberation.changes)
            if change.after.visitor is not None and change.after.visitor.id is None
        ]
        ids = await write_visitors(
            connection,
            self.room.state.id,
            [(visitor.name, visitor.phone) for _, visitor in places],
            deliberation.now,
        )
        for (place, visitor), id_ in zip(places, ids, strict=True):
            change = deliberation.changes[place]
            known = replace(change.after, visitor=replace(visitor, id=id_))
            deliberation.changes[place] = replace(change, after=known)


def _decide_one(order: Order, deliberation: Deliberation) -> Decision:
    """The order's decision; what it staged stays only if it is done, and makes one version (G6)."""
    savepoint = deliberation.savepoint()
    try:
        if order.command.if_version is not None and order.target:
            present = deliberation.booking(order.target)
            if present.version != order.command.if_version:
                return Stale(f"The booking is at version {present.version}")
        decision = DECIDERS[order.command.op](order, deliberation)
    except Problem as problem:
        decision = problem
    if not isinstance(decision, Done):
        deliberation.rollback(savepoint)
    elif len(deliberation.changes) > savepoint.changes:
        deliberation.draft.close_change()
    return decision


def _repeated(earlier: KeptAnswer, order: Order) -> Decision:
    if earlier.fingerprint != order.command.fingerprint:
        return IdempotencyMismatch()
    return Done(status=earlier.status, body=earlier.body, version=earlier.version)
