"""Changing a booking: another time, bay or customer, or only what is written on it."""

from dataclasses import dataclass, replace

from rules.model import Action, Proposal, Role, Violation
from server.commands import Reschedule, Update
from server.errors import Fault, Forbidden, Malformed, NotActive
from server.service.bookings.times import interval_of
from server.service.changes import Change
from server.service.circumstances import existing_of
from server.service.deliberation import Deliberation
from server.service.orders import Decision, Order, Rejected
from server.storage.stored_booking import StoredBooking


def reschedule(order: Order, deliberation: Deliberation) -> Decision:
    """The booking at another time, or on another resource of its location (R12, R13, R17)."""
    body = order.body(Reschedule)
    booking = deliberation.booking(order.target)
    resource_id = booking.resource_id if body.resource_id is None else body.resource_id
    interval = interval_of(body.start_time, body.end_time, resource_id, deliberation.state.timezone)
    after = replace(booking, resource_id=resource_id, interval=interval)
    return _change(order, booking, after, body.override_reason, deliberation)


def update(order: Order, deliberation: Deliberation) -> Decision:
    """The booking with the fields that were sent; where its time or resource differ it is a reschedule."""
    body = order.body(Update)
    booking = deliberation.booking(order.target)
    sent = body.model_fields_set
    if order.role is Role.CUSTOMER and sent & {"user_id", "internal_note"}:
        return Forbidden("Only staff change whose booking it is, or its internal note")
    if "user_id" in sent and booking.is_block:
        return Malformed(faults=[Fault("/user_id", "a block has no customer")])

    resource_id = booking.resource_id if body.resource_id is None else body.resource_id
    start = booking.interval.start if body.start_time is None else body.start_time
    end = booking.interval.end if body.end_time is None else body.end_time
    after = replace(
        booking,
        resource_id=resource_id,
        interval=interval_of(start, end, resource_id, deliberation.state.timezone),
        note=body.note if "note" in sent else booking.note,
        reason=body.note if booking.is_block and "note" in sent else booking.reason,
        internal_note=body.internal_note if "internal_note" in sent else booking.internal_note,
    )
    if body.user_id is not None and body.user_id != booking.user_id:
        customer = deliberation.customer(body.user_id)
        after = replace(
            after, user_id=body.user_id, customer_name=customer.name if customer else "", visitor=None
        )
    return _change(order, booking, after, body.override_reason, deliberation)


@dataclass(frozen=True, slots=True)
class _Kind:
    """What of a booking would be different."""

    moved: bool
    passed_on: bool
    written: bool


def _change(
    order: Order,
    before: StoredBooking,
    after: StoredBooking,
    override_reason: str | None,
    deliberation: Deliberation,
) -> Decision:
    if before.status != "confirmed":
        return NotActive(f"A booking that is {before.status} cannot be changed")
    if after.resource_id not in deliberation.state.resource_by_id:
        return Malformed(faults=[Fault("/resource_id", "is not a resource of the booking's location")])
    kind = _Kind(
        moved=(after.resource_id, after.interval) != (before.resource_id, before.interval),
        passed_on=after.user_id != before.user_id,
        written=(after.note, after.internal_note) != (before.note, before.internal_note),
    )
    if not (kind.moved or kind.passed_on or kind.written):
        return order.done(before)
    if kind.moved:
        deliberation.require_resource(after.resource_id)

    customer = deliberation.owner(after)
    waived: tuple[Violation, ...] = ()
    if kind.moved or kind.passed_on:
        proposal = _proposal(order, before, after, kind, override_reason)
        verdict = deliberation.judge(proposal, customer)
        if isinstance(verdict, Rejected):
            return verdict
        waived = verdict.waived
        after = replace(after, judged_by=deliberation.values_judged_by(customer))
    elif (banned := deliberation.ban(order.role, before, customer)) is not None:
        return banned

    by_owner = before.user_id is not None and before.user_id == order.principal.user_id
    counts = kind.moved and by_owner and not order.role.is_staff
    changed = deliberation.stage(
        Change(
            event_type="rescheduled" if kind.moved else "updated",
            before=before,
            after=replace(after, reschedule_count=before.reschedule_count + counts),
            actor_id=order.principal.user_id,
            waived=waived,
            override_reason=override_reason,
        )
    )
    return order.done(changed)


def _proposal(
    order: Order,
    before: StoredBooking,
    after: StoredBooking,
    kind: _Kind,
    override_reason: str | None,
) -> Proposal:
    return Proposal(
        action=Action.BLOCK if before.is_block else Action.MOVE,
        role=order.role,
        resource_id=after.resource_id,
        interval=after.interval,
        existing=existing_of(before),
        override_reason=override_reason,
        new_customer=kind.passed_on,
    )
