"""Ending a booking before its time, and giving a hold back."""

from dataclasses import replace

from rules.model import Action, Proposal, Violation
from server.commands import Cancel
from server.errors import NotActive
from server.service.changes import Change
from server.service.circumstances import existing_of
from server.service.deliberation import Deliberation
from server.service.orders import Decision, Order, Rejected


def cancel(order: Order, deliberation: Deliberation) -> Decision:
    """The booking cancelled; one that is cancelled already is the answer again, and nothing changes."""
    body = order.body(Cancel)
    booking = deliberation.booking(order.target)
    if booking.status == "cancelled":
        return order.done(booking)
    if booking.status not in ("held", "confirmed"):
        return NotActive(f"A booking that is {booking.status} cannot be cancelled")
    proposal = Proposal(
        action=Action.CANCEL,
        role=order.role,
        resource_id=booking.resource_id,
        interval=booking.interval,
        existing=existing_of(booking),
        override_reason=body.override_reason,
    )
    if booking.is_block:
        waived: tuple[Violation, ...] = ()
    else:
        verdict = deliberation.judge(proposal, deliberation.owner(booking))
        if isinstance(verdict, Rejected):
            return verdict
        waived = verdict.waived
    cancelled = deliberation.stage(
        Change(
            event_type="cancelled",
            before=booking,
            after=replace(booking, status="cancelled", cancel_reason=body.reason, expires_at=None),
            actor_id=order.principal.user_id,
            waived=waived,
            override_reason=body.override_reason,
        )
    )
    return order.done(cancelled)


def release(order: Order, deliberation: Deliberation) -> Decision:
    """The hold given back; one that is over already is the answer again."""
    hold = deliberation.booking(order.target)
    if hold.status in ("cancelled", "expired"):
        return order.done(hold)
    if hold.status != "held":
        return NotActive("The hold was confirmed: cancel the booking instead")
    released = deliberation.stage(
        Change(
            event_type="released",
            before=hold,
            after=replace(hold, status="cancelled", expires_at=None),
            actor_id=order.principal.user_id,
        )
    )
    return order.done(released)
