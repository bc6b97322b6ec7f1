"""Whether the guest came (P4, K3)."""

from dataclasses import replace

from grid_engine.interval import HOUR, MINUTE
from server.commands import format_instant
from server.errors import NotActive, TooEarly
from server.service.changes import Change
from server.service.deliberation import Deliberation
from server.service.orders import Decision, Order
from server.storage.stored_booking import StoredBooking

CHECK_IN_BEFORE = 30 * MINUTE
"""How long before its start a guest can check in (K3)."""
NO_SHOW_WITHIN = 24 * HOUR
"""How long after its end a completed booking can still be marked (P4)."""


def confirm(order: Order, deliberation: Deliberation) -> Decision:
    """Attendance stamped, from half an hour before the start until the end; a second time changes nothing."""
    booking = deliberation.booking(order.target)
    if booking.status != "confirmed" or booking.is_block or deliberation.now >= booking.interval.end:
        return NotActive("Only a booking that has not ended can be checked in")
    banned = deliberation.ban(order.role, booking, deliberation.owner(booking))
    if banned is not None:
        return banned
    opens = booking.interval.start - CHECK_IN_BEFORE
    if deliberation.now < opens:
        return TooEarly(f"Check-in opens at {format_instant(opens)}")
    if booking.attended_at is not None:
        return order.done(booking)
    return _staged(order, deliberation, "attended", booking, replace(booking, attended_at=deliberation.now))


def no_show(order: Order, deliberation: Deliberation) -> Decision:
    """The guest did not come: from the start, and up to a day after the end; what is left of the time is free."""
    booking = deliberation.booking(order.target)
    if booking.status == "no_show":
        return order.done(booking)
    recent = deliberation.now < booking.interval.end + NO_SHOW_WITHIN
    if booking.is_block or not (booking.status == "confirmed" or (booking.status == "completed" and recent)):
        return NotActive(f"A booking that is {booking.status} cannot become a no-show")
    if deliberation.now < booking.interval.start:
        return TooEarly("It has not begun")
    return _staged(order, deliberation, "no_show", booking, replace(booking, status="no_show"))


def _staged(
    order: Order, deliberation: Deliberation, event_type: str, before: StoredBooking, after: StoredBooking
) -> Decision:
    return order.done(
        deliberation.stage(
            Change(event_type=event_type, before=before, after=after, actor_id=order.principal.user_id)
        ),
    )
