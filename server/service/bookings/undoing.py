"""Staff taking back their own last change (G11)."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from grid_engine.interval import Instant, Interval
from rules.model import Action, Proposal
from server.commands import parse_time
from server.errors import Forbidden, NotActive, Stale
from server.service.changes import COMMAND, FOR_A_BLOCK, UNDO_WITHIN, Change
from server.service.circumstances import existing_of
from server.service.deliberation import Deliberation
from server.service.orders import Decision, Order, Rejected
from server.storage.stored_booking import StoredBooking, StoredVisitor


def undo(order: Order, deliberation: Deliberation) -> Decision:
    """The booking as it was before its last change, if the caller made that change within the last half minute."""
    booking = deliberation.booking(order.target)
    last = deliberation.last_event(booking)
    if last is None or last.event_type == "undone":
        return NotActive("There is nothing to undo")
    if last.actor_id != order.principal.user_id:
        return Stale("Somebody else changed it since")
    if deliberation.now > last.created_at + UNDO_WITHIN:
        return NotActive(f"A change can be undone for {UNDO_WITHIN} seconds")
    if last.metadata["cause"] not in (COMMAND, FOR_A_BLOCK):
        return Forbidden("Only a person's own change can be undone")

    before = last.metadata["before"]
    restored = (
        _as_it_was(booking, before, deliberation)
        if before is not None
        else replace(booking, status="cancelled", cancel_reason="undone", expires_at=None)
    )
    if restored.status == "held" and deliberation.holds_another(restored):
        return NotActive("The customer holds another time by now")
    if restored.is_active:
        proposal = Proposal(
            action=Action.RESTORE,
            role=order.role,
            resource_id=restored.resource_id,
            interval=restored.interval,
            existing=existing_of(booking),
            is_block=booking.is_block,
        )
        verdict = deliberation.judge(proposal, None)
        if isinstance(verdict, Rejected):
            return verdict
    undone = deliberation.stage(
        Change(
            event_type="undone",
            before=booking,
            after=restored,
            actor_id=order.principal.user_id,
            cause="undo",
        )
    )
    return order.done(undone)


def _as_it_was(booking: StoredBooking, body: Mapping[str, Any], deliberation: Deliberation) -> StoredBooking:
    """What a command can have changed of a booking, taken from its audit."""
    visitor = body["visitor"]
    customer = deliberation.owner(replace(booking, user_id=body["user_id"]))
    return replace(
        booking,
        resource_id=body["resource_id"],
        interval=Interval(_instant(body["start_time"]), _instant(body["end_time"])),
        status=body["status"],
        type=body["type"],
        user_id=body["user_id"],
        customer_name=customer.name if customer else "",
        visitor=StoredVisitor(id=body["visitor_id"], name=visitor["name"], phone=visitor["phone"])
        if visitor
        else None,
        note=body["note"],
        reason=body["reason"],
        internal_note=body["internal_note"],
        reschedule_count=body["reschedule_count"],
        judged_by=body["judged_by"],
        attended_at=_instant(body["attended_at"]) if body["attended_at"] else None,
        cancel_reason=body["cancel_reason"],
        expires_at=_instant(body["expires_at"]) if body["expires_at"] else None,
    )


def _instant(text: str) -> Instant:
    instant = parse_time(text)
    if not isinstance(instant, int):
        raise TypeError(f"the audit holds a time without an offset: {text}")
    return instant
