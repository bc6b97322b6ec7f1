"""Booking a resource: new, out of a hold, or (admins) as a block."""

from dataclasses import replace

from grid_engine.interval import Instant, Interval
from rules.model import Action, Proposal, Role
from server.commands import Create
from server.errors import Fault, Forbidden, HoldExpired, Malformed, NotActive
from server.service.bookings.times import interval_of
from server.service.changes import Change
from server.service.circumstances import existing_of
from server.service.deliberation import Deliberation
from server.service.identifiers import new_booking_id, new_code, new_grid_id
from server.service.orders import Decision, Order, Rejected
from server.storage.customers import Customer
from server.storage.stored_booking import StoredBooking, StoredVisitor


def create(order: Order, deliberation: Deliberation) -> Decision:
    """A confirmed booking for the caller, another customer or a visitor; 201 with the booking."""
    body = order.body(Create)
    deliberation.require_resource(body.resource_id)
    interval = interval_of(body.start_time, body.end_time, body.resource_id, deliberation.state.timezone)
    if body.type != "CUSTOMER":
        return _block(order, body, interval, deliberation)

    if order.role is Role.CUSTOMER and body.internal_note is not None:
        return Forbidden("Only staff write internal notes")
    hold = _hold_to_confirm(body, interval, deliberation) if body.hold_id else None
    customer = _customer_of(order, body, hold, deliberation)
    proposal = Proposal(
        action=Action.CREATE,
        role=order.role,
        resource_id=body.resource_id,
        interval=interval,
        existing=existing_of(hold) if hold else None,
        override_reason=body.override_reason,
    )
    verdict = deliberation.judge(proposal, customer)
    if isinstance(verdict, Rejected):
        return verdict

    blank = hold or blank_booking(order, body.resource_id, interval, deliberation)
    booking = deliberation.stage(
        Change(
            event_type="created",
            before=hold,
            after=replace(
                blank,
                status="confirmed",
                user_id=customer.id if customer else None,
                customer_name=customer.name if customer else "",
                visitor=StoredVisitor(id=None, name=body.visitor.name, phone=body.visitor.phone)
                if body.visitor
                else None,
                note=body.note,
                internal_note=body.internal_note,
                expires_at=None,
                judged_by=deliberation.values_judged_by(customer),
            ),
            actor_id=order.principal.user_id,
            waived=verdict.waived,
            override_reason=body.override_reason,
        )
    )
    return order.done(booking, status=201)


def blank_booking(
    order: Order, resource_id: int, interval: Interval, deliberation: Deliberation, *, code: str = ""
) -> StoredBooking:
    """A new booking of nobody yet, with ids of its own, and a code unless one is given."""
    now: Instant = deliberation.now
    return StoredBooking(
        id=new_booking_id(deliberation.clock),
        grid_id=new_grid_id(),
        code=code or new_code(),
        location_id=deliberation.state.id,
        resource_id=resource_id,
        interval=interval,
        status="confirmed",
        created_by=order.principal.user_id,
        created_at=now,
        updated_at=now,
        version=0,
    )


def _block(order: Order, body: Create, interval: Interval, deliberation: Deliberation) -> Decision:
    if order.role is not Role.ADMIN:
        return Forbidden("Only admins create blocks")
    if body.visitor or body.user_id is not None or body.hold_id:
        return Malformed(faults=[Fault("/type", "a block has no customer, visitor or hold")])
    proposal = Proposal(
        action=Action.BLOCK,
        role=order.role,
        resource_id=body.resource_id,
        interval=interval,
        override_reason=body.override_reason,
    )
    verdict = deliberation.judge(proposal, None)
    if isinstance(verdict, Rejected):
        return verdict
    booking = deliberation.stage(
        Change(
            event_type="created",
            before=None,
            after=replace(
                blank_booking(order, body.resource_id, interval, deliberation),
                type=body.type,
                note=body.note,
                reason=body.note,
                internal_note=body.internal_note,
                judged_by=deliberation.values_judged_by(None),
            ),
            actor_id=order.principal.user_id,
            waived=verdict.waived,
            override_reason=body.override_reason,
        )
    )
    return order.done(booking, status=201)


def _customer_of(
    order: Order, body: Create, hold: StoredBooking | None, deliberation: Deliberation
) -> Customer | None:
    if body.visitor and (body.user_id is not None or hold):
        raise Malformed(
            faults=[Fault("/visitor", "a visitor has no account and no hold: send one of them only")]
        )
    if body.visitor:
        if order.role is Role.CUSTOMER:
            raise Forbidden("Only staff book for visitors")
        return None
    default = hold.user_id if hold else order.principal.user_id
    user_id = body.user_id if body.user_id is not None else default
    if hold and user_id != hold.user_id:
        raise Malformed(faults=[Fault("/user_id", "the hold is for another customer")])
    if user_id != order.principal.user_id and order.role is Role.CUSTOMER:
        raise Forbidden("Only staff book for others")
    return deliberation.customer(user_id)


def _hold_to_confirm(body: Create, interval: Interval, deliberation: Deliberation) -> StoredBooking:
    hold = deliberation.booking(str(body.hold_id))
    if hold.status == "expired":
        raise HoldExpired
    if hold.status != "held":
        raise NotActive("The hold was confirmed or released before")
    if (hold.resource_id, hold.interval) != (body.resource_id, interval):
        raise Malformed(
            faults=[
                Fault("/hold_id", "the hold is for another resource or other times: release it or send those")
            ]
        )
    return hold
