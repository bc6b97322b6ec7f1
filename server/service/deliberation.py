"""A batch under its locks: what its commands see, and what they have decided so far.

Every command of a batch sees the ones before it. Belongs here: the state of the deciding, in memory. Does not belong
here: any command (``bookings``), or the transaction around it (``writer``).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from grid_engine.draft import Draft
from grid_engine.interval import Instant
from rules.evaluate import evaluate
from rules.model import Proposal, Standing, Verdict, Violation
from rules.policy import Policy, write_values
from server.clock import Clock
from server.errors import NotFound
from server.service.circumstances import facts_for, policy_in_force, standing_of
from server.service.orders import Rejected
from server.service.views import audit_body
from server.storage.batch import AuditEntry
from server.storage.bookings import BookingEvent
from server.storage.customers import ActiveBooking, Customer
from server.storage.location_state import LocationState
from server.storage.stored_booking import StoredBooking


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What one command does to one booking; ``before`` is None for a new one."""

    event_type: str
    before: StoredBooking | None
    after: StoredBooking
    actor_id: int | None
    cause: str = "command"
    waived: tuple[Violation, ...] = ()
    override_reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Savepoint:
    """What a deliberation goes back to."""

    draft: tuple[int, int]
    changes: int
    customers: dict[int, Customer]
    bookings: dict[str, StoredBooking]


class Deliberation:
    """The present state of one location, as the batch sees it at ``now``; nothing here awaits."""

    def __init__(
        self,
        *,
        state: LocationState,
        draft: Draft,
        clock: Clock,
        now: Instant,
        customers: Mapping[int, Customer],
        bookings: Mapping[str, StoredBooking],
        last_events: Mapping[str, BookingEvent],
    ) -> None:
        self.state = state
        self.draft = draft
        self.clock = clock
        self.now = now
        self.changes: list[Change] = []
        self._customers = dict(customers)
        self._bookings = dict(bookings)
        self._last_events = dict(last_events)

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

    def last_event(self, booking: StoredBooking) -> BookingEvent | None:
        """The newest event of a booking that somebody asks to undo: what the batch itself did to it comes last."""
        for change in reversed(self.changes):
            if change.after.id == booking.id:
                entry = audit_entry(change)
                return BookingEvent(
                    id=0,  # it is given one when it is written
                    booking_id=booking.id,
                    event_type=entry.event_type,
                    actor_id=entry.actor_id,
                    metadata=entry.metadata,
                    created_at=self.now,
                )
        return self._last_events.get(booking.id)

    def require_resource(self, resource_id: int) -> None:
        """Raises ``NotFound`` unless it is an active resource of an active location."""
        resource = self.state.resource_by_id.get(resource_id)
        if resource is None or not resource.active or not self.state.active:
            raise NotFound("There is no such resource")

    def policy_for(self, customer: Customer | None) -> Policy:
        """The policy in force for the customer."""
        return policy_in_force(self.state, customer, self.now)

    def standing(self, customer: Customer) -> Standing:
        """How the customer stands, everything counted."""
        return standing_of(customer, self.now)

    def judge(self, proposal: Proposal, customer: Customer | None) -> Verdict | Rejected:
        """The verdict, if it allows the proposal; else the refusal with all that suggestions need."""
        without = proposal.existing.id if proposal.existing else None
        facts = facts_for(self.state, self.draft, customer, self.now, without=without)
        verdict = evaluate(proposal, facts)
        return verdict if verdict.allowed else Rejected(verdict=verdict, proposal=proposal, facts=facts)

    def values_judged_by(self, customer: Customer | None) -> dict[str, Any]:
        """What a booking records of its policy (R20)."""
        return write_values(self.policy_for(customer))

    def stage(self, change: Change) -> StoredBooking:
        """Makes the change in the draft, under the version being made, and gives the booking with that version."""
        after = replace(change.after, version=self.draft.version + 1, updated_at=self.now)
        record = after.record()
        if record is None:
            self.draft.remove(after.id)
        else:
            self.draft.put(record)
        self._bookings[after.id] = after
        self._recount(change.before, after)
        self.changes.append(replace(change, after=after))
        return after

    def overdue_holds(self) -> list[StoredBooking]:
        """Holds of the location whose time is over, to be expired before anything is judged (G5)."""
        return [
            booking
            for booking in self._bookings.values()
            if booking.status == "held"
            and booking.location_id == self.state.id
            and booking.expires_at is not None
            and booking.expires_at <= self.now
        ]

    def active_hold_of(self, user_id: int) -> StoredBooking | None:
        """The customer's hold at this location, which a new one replaces (G5)."""
        for booking in self._bookings.values():
            if (
                booking.status == "held"
                and booking.user_id == user_id
                and booking.location_id == self.state.id
            ):
                return booking
        return None

    def holds_another(self, hold: StoredBooking) -> bool:
        """Whether the hold's customer has another by now, here or elsewhere; known of those who hold or undo."""
        return any(
            booking.status == "held" and booking.user_id == hold.user_id and booking.id != hold.id
            for booking in self._bookings.values()
        )

    def is_unchanged(self, booking: StoredBooking) -> bool:
        """Whether the batch has not touched it."""
        return all(change.after.id != booking.id for change in self.changes)

    def savepoint(self) -> "Savepoint":
        """A mark to roll back to when a command turns out to be refused half way."""
        return Savepoint(
            draft=self.draft.savepoint(),
            changes=len(self.changes),
            customers=dict(self._customers),
            bookings=dict(self._bookings),
        )

    def rollback(self, savepoint: "Savepoint") -> None:
        """Forgets what was staged since the mark."""
        self.draft.rollback(savepoint.draft)
        del self.changes[savepoint.changes :]
        self._customers = savepoint.customers
        self._bookings = savepoint.bookings

    def written(self) -> tuple[list[StoredBooking], list[StoredBooking]]:
        """(new bookings, changed bookings), each as the last change leaves it."""
        created = {change.after.id for change in self.changes if change.before is None}
        last = {change.after.id: change.after for change in self.changes}
        return (
            [booking for id_, booking in last.items() if id_ in created],
            [booking for id_, booking in last.items() if id_ not in created],
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


def _counted(booking: StoredBooking) -> ActiveBooking:
    return ActiveBooking(
        id=booking.id,
        location_id=booking.location_id,
        interval=booking.interval,
        held=booking.status == "held",
    )


def audit_entry(change: Change) -> AuditEntry:
    """The event that is written with the change."""
    return AuditEntry(
        booking_id=change.after.id,
        location_id=change.after.location_id,
        event_type=change.event_type,
        actor_id=change.actor_id,
        metadata={
            "before": audit_body(change.before),
            "after": audit_body(change.after),
            "cause": change.cause,
            "waived": [{"code": each.code, "params": dict(each.params)} for each in change.waived],
            "override_reason": change.override_reason if change.waived else None,
        },
    )
