"""A batch under its locks: what its commands see, and what they have decided so far.

Every command of a batch sees the ones before it. Belongs here: the state of the deciding, in memory, at all locations that
the batch has locked. Does not belong here: any command (``bookings``, ``blocks``), or the transaction around it
(``attempt``).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from grid_engine.diff import Diff
from grid_engine.draft import Draft
from grid_engine.interval import Instant
from grid_engine.records import Record
from rules.checks import booking_ban
from rules.evaluate import evaluate
from rules.model import Action, Facts, Proposal, Role, Standing, Verdict, Violation
from rules.policy import Policy, write_values
from server.clock import Clock
from server.errors import BaygridError, NotFound
from server.service.changes import COMMAND, Change, audit_entry
from server.service.circumstances import existing_of, facts_for, policy_in_force, standing_of
from server.service.orders import Rejected
from server.storage.bookings import BookingEvent
from server.storage.customers import ActiveBooking, Customer
from server.storage.location_state import LocationState
from server.storage.series import SeriesChange, WholeSeries
from server.storage.stored_booking import StoredBooking


class NotYetReadError(BaygridError):
    """A decision turns out to be about bookings that nobody has read: read them, and decide again."""

    def __init__(self, ids: Sequence[str]) -> None:
        super().__init__(f"{len(ids)} bookings have to be read")
        self.ids = ids


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A location under its lock: its configuration, and the changes that are being decided over its grid."""

    state: LocationState
    draft: Draft


@dataclass(frozen=True, slots=True, kw_only=True)
class Savepoint:
    """What a deliberation goes back to."""

    drafts: Mapping[int, tuple[int, int]]
    changes: int
    series_changes: int
    customers: dict[int, Customer]
    bookings: dict[str, StoredBooking]


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What a batch comes to: new bookings and changed ones, each as its last change leaves it.

    ``vacated`` are the ids of changed ones that give up time on a resource, which others of the batch may take.
    """

    inserted: Sequence[StoredBooking]
    updated: Sequence[StoredBooking]
    vacated: Sequence[str]


class Deliberation:
    """The present state of the locations under lock, as the batch sees it at ``now``; nothing here awaits.

    One of them is where the command being decided is (``turn_to``): its ``state`` and ``draft`` are meant.
    """

    def __init__(
        self,
        *,
        places: Sequence[Place],
        clock: Clock,
        now: Instant,
        customers: Mapping[int, Customer],
        bookings: Mapping[str, StoredBooking],
        last_events: Mapping[str, BookingEvent],
        series: Mapping[str, WholeSeries],
    ) -> None:
        self.clock = clock
        self.now = now
        self.changes: list[Change] = []
        self.series_changes: list[SeriesChange] = []
        self.refused: list[Rejected] = []
        """What was refused of a bulk that is answered with its refusals in it: it is remembered as any other (R22)."""
        self._places = {place.state.id: place for place in places}
        self._here = places[0]
        self._cause = COMMAND
        self._customers = dict(customers)
        self._bookings = dict(bookings)
        self._last_events = dict(last_events)
        self._series = dict(series)
        self._last_changes: dict[str, Change] = {}
        self._open: set[int] = set()

    @property
    def state(self) -> LocationState:
        """The configuration of the location whose turn it is."""
        return self._here.state

    @property
    def draft(self) -> Draft:
        """The grid of the location whose turn it is, with what the batch decided so far."""
        return self._here.draft

    def turn_to(self, location_id: int, cause: str) -> None:
        """Has the next command be about this location, which is one of those under lock; ``cause`` is what the audit says
        of what it does.
        """
        self._here = self._places[location_id]
        self._cause = cause

    def customer(self, user_id: int | None) -> Customer | None:
        """The account, as locked and as changed by the batch so far; None for nobody.

        Raises:
            NotFound: if there is no such account, or it is closed.
        """
        if user_id is None:
            return None
        customer = self._customers.get(user_id)
        if customer is None or not customer.active:
            raise NotFound("There is no such customer")
        return customer

    def owner(self, booking: StoredBooking) -> Customer | None:
        """Whose the booking is, be the account closed by now: what they booked can still be seen to."""
        return self._customers.get(booking.user_id) if booking.user_id is not None else None

    def booking(self, booking_id: str | None) -> StoredBooking:
        """The booking in whatever status, as changed by the batch so far.

        Raises:
            NotFound: if there is none at this location.
        """
        found = self._bookings.get(booking_id or "")
        if found is None or found.location_id != self.state.id:
            raise NotFound("There is no such booking")
        return found

    def bookings_behind(self, records: Sequence[Record]) -> list[StoredBooking]:
        """The bookings that records of the grid stand for, as changed by the batch so far.

        Raises:
            NotYetReadError: if any of them has not been read yet.
        """
        missing = [record.id for record in records if record.id not in self._bookings]
        if missing:
            raise NotYetReadError(missing)
        return [self._bookings[record.id] for record in records]

    def learn(self, bookings: Mapping[str, StoredBooking]) -> None:
        """Takes what was read after the deciding began; no change is open then."""
        self._bookings = {**bookings, **self._bookings}

    def series(self, series_id: str | None) -> WholeSeries:
        """The series with its occurrences and blocks, as it was before the batch.

        Raises:
            NotFound: if there is none at this location.
        """
        found = self._series.get(series_id or "")
        if found is None or found.series.location_id != self.state.id:
            raise NotFound("There is no such series")
        return found

    def last_event(self, booking: StoredBooking) -> BookingEvent | None:
        """The newest event of a booking that somebody asks to undo: what the batch itself did to it comes last."""
        change = self._last_changes.get(booking.id)
        if change is None:
            return self._last_events.get(booking.id)
        entry = audit_entry(change)
        return BookingEvent(
            id=0,  # it is given one when it is written
            booking_id=booking.id,
            event_type=entry.event_type,
            actor_id=entry.actor_id,
            metadata=entry.metadata,
            created_at=self.now,
        )

    def require_resource(self, resource_id: int) -> None:
        """Raises ``NotFound`` unless it is an active resource of an active location."""
        if not self.is_open(resource_id):
            raise NotFound("There is no such resource")

    def is_open(self, resource_id: int) -> bool:
        """Whether it is an active resource of an active location."""
        resource = self.state.resource_by_id.get(resource_id)
        return resource is not None and resource.active and self.state.active

    def policy_for(self, customer: Customer | None) -> Policy:
        """The policy in force for the customer."""
        return policy_in_force(self.state, customer, self.now)

    def standing(self, customer: Customer) -> Standing:
        """How the customer stands, everything counted."""
        return standing_of(customer, self.now)

    def judge(self, proposal: Proposal, customer: Customer | None) -> Verdict | Rejected:
        """The verdict, if it allows the proposal; else the refusal with all that suggestions need."""
        facts = self.facts(customer, without=proposal.existing.id if proposal.existing else None)
        verdict = evaluate(proposal, facts)
        return verdict if verdict.allowed else Rejected(verdict=verdict, proposal=proposal, facts=facts)

    def facts(self, customer: Customer | None, *, without: str | None = None) -> Facts:
        """What a proposal for the customer is judged by, the booking ``without`` not counted."""
        return facts_for(self.state, self.draft, customer, self.now, without=without)

    def ban(self, role: Role, booking: StoredBooking, customer: Customer | None) -> Rejected | None:
        """The refusal of whatever is neither a move nor a cancellation to an owner who is banned (A2); staff may.

        Nothing can be suggested in its place, as whoever is banned may have no other time either.
        """
        if role is not Role.CUSTOMER or customer is None or not self.standing(customer).banned:
            return None
        proposal = Proposal(
            action=Action.MOVE,
            role=role,
            resource_id=booking.resource_id,
            interval=booking.interval,
            existing=existing_of(booking),
        )
        facts = self.facts(customer, without=booking.id)
        verdict = Verdict(violations=(Violation(code=booking_ban.RULE.code),))
        return Rejected(verdict=verdict, proposal=proposal, facts=facts)

    def values_judged_by(self, customer: Customer | None) -> dict[str, Any]:
        """What a booking records of its policy (R20)."""
        return write_values(self.policy_for(customer))

    def stage(self, change: Change) -> StoredBooking:
        """Makes the change in its location's draft, under the version being made, and gives the booking with that version."""
        place = self._places[change.after.location_id]
        after = replace(change.after, version=place.draft.version + 1, updated_at=self.now)
        record = after.record()
        if record is None:
            place.draft.remove(after.id)
        else:
            place.draft.put(record)
        self._bookings[after.id] = after
        self._recount(change.before, after)
        staged = replace(change, after=after, cause=change.cause or self._cause)
        self.changes.append(staged)
        self._last_changes[after.id] = staged
        self._open.add(place.state.id)
        return after

    def stage_series(self, change: SeriesChange) -> None:
        """Has the series written with the bookings; it is on no grid, and takes no version."""
        self.series_changes.append(change)

    @property
    def version_being_made(self) -> int | None:
        """The version that what is staged will have at the location whose turn it is; None if nothing is."""
        return self.draft.version + 1 if self.state.id in self._open else None

    def close_change(self) -> None:
        """Ends what was staged since the last time as one change: one version of each location that it is about (G6)."""
        for location_id in self._open:
            self._places[location_id].draft.close_change()
        self._open.clear()

    def overdue_holds(self) -> list[StoredBooking]:
        """Holds of the locations whose time is over, to be expired before anything is judged (G5)."""
        return [
            booking
            for booking in self._bookings.values()
            if booking.status == "held"
            and booking.location_id in self._places
            and booking.expires_at is not None
            and booking.expires_at <= self.now
        ]

    def active_hold_of(self, user_id: int) -> StoredBooking | None:
        """The customer's hold at any of the locations, which a new one replaces (G5); known of those who hold or undo."""
        for booking in self._bookings.values():
            if booking.status == "held" and booking.user_id == user_id:
                return booking
        return None

    def holds_another(self, hold: StoredBooking) -> bool:
        """Whether the hold's customer has another by now, here or elsewhere; known of those who hold or undo."""
        return any(
            booking.status == "held" and booking.user_id == hold.user_id and booking.id != hold.id
            for booking in self._bookings.values()
        )

    def is_unchanged(self, booking: StoredBooking) -> bool:
        """Whether the batch has not touched it. O(1)."""
        return booking.id not in self._last_changes

    def savepoint(self) -> Savepoint:
        """A mark to roll back to when a command turns out to be refused half way; no change is open then."""
        return Savepoint(
            drafts={id_: place.draft.savepoint() for id_, place in self._places.items()},
            changes=len(self.changes),
            series_changes=len(self.series_changes),
            customers=dict(self._customers),
            bookings=dict(self._bookings),
        )

    def rollback(self, savepoint: Savepoint) -> None:
        """Forgets what was staged since the mark."""
        for id_, mark in savepoint.drafts.items():
            self._places[id_].draft.rollback(mark)
        if len(self.changes) > savepoint.changes:
            del self.changes[savepoint.changes :]
            self._last_changes = {change.after.id: change for change in self.changes}
        del self.series_changes[savepoint.series_changes :]
        self._customers = savepoint.customers
        self._bookings = savepoint.bookings
        self._open.clear()

    def diffs(self) -> dict[int, Diff]:
        """What the batch does to each location that it changes."""
        diffs = {id_: place.draft.diff() for id_, place in self._places.items()}
        return {id_: diff for id_, diff in diffs.items() if diff.version > diff.base}

    def unnamed_visitors(self) -> list[tuple[int, StoredBooking]]:
        """Bookings of walk-ins who have no id yet, each with its place in ``changes``."""
        return [
            (place, change.after)
            for place, change in enumerate(self.changes)
            if change.after.visitor is not None and change.after.visitor.id is None
        ]

    def name_visitor(self, place: int, visitor_id: int) -> None:
        """Gives the walk-in of a change their id."""
        change = self.changes[place]
        if change.after.visitor is None:
            raise TypeError("the booking is not a visitor's")
        named = replace(
            change, after=replace(change.after, visitor=replace(change.after.visitor, id=visitor_id))
        )
        self.changes[place] = named
        if self._last_changes[named.after.id] is change:
            self._last_changes[named.after.id] = named

    def written(self) -> Written:
        """All that is to be written of bookings."""
        first: dict[str, StoredBooking | None] = {}
        for change in self.changes:
            first.setdefault(change.after.id, change.before)
        last = [(first[id_], change.after) for id_, change in self._last_changes.items()]
        return Written(
            inserted=[after for before, after in last if before is None],
            updated=[after for before, after in last if before is not None],
            vacated=[after.id for before, after in last if before is not None and _gives_up(before, after)],
        )

    def _recount(self, before: StoredBooking | None, after: StoredBooking) -> None:
        for booking in (before, after):
            if booking is None or booking.user_id is None or booking.user_id not in self._customers:
                continue
            customer = self._customers[booking.user_id]
            others = tuple(each for each in customer.bookings if each.id != booking.id)
            if booking is after and after.status in ("held", "confirmed"):
                others += (_counted(after),)
            self._customers[customer.id] = replace(customer, bookings=others)


def _gives_up(before: StoredBooking, after: StoredBooking) -> bool:
    """Whether it took time that it does not take any more."""
    return before.is_active and (
        not after.is_active or (before.resource_id, before.interval) != (after.resource_id, after.interval)
    )


def _counted(booking: StoredBooking) -> ActiveBooking:
    return ActiveBooking(
        id=booking.id,
        location_id=booking.location_id,
        interval=booking.interval,
        held=booking.status == "held",
    )
