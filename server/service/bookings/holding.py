"""Claiming an interval for a short while (G5)."""

from dataclasses import replace

from rules.model import Action, Proposal
from server.commands import Hold
from server.live.desk import Done
from server.service.bookings.creating import blank_booking
from server.service.bookings.times import interval_of
from server.service.changes import Change
from server.service.deliberation import Deliberation
from server.service.orders import Decision, Order, Rejected
from server.service.views import hold_body


def hold(order: Order, deliberation: Deliberation) -> Decision:
    """A hold for the caller, judged as the booking it will become; it replaces the one the caller has."""
    body = order.body(Hold)
    deliberation.require_resource(body.resource_id)
    interval = interval_of(body.start_time, body.end_time, body.resource_id, deliberation.state.timezone)
    customer = deliberation.customer(order.principal.user_id)
    if customer is None:
        raise TypeError("a hold has an owner")

    replaced = deliberation.active_hold_of(customer.id)
    if replaced is not None:
        deliberation.stage(
            Change(
                event_type="released",
                before=replaced,
                after=replace(replaced, status="cancelled", expires_at=None),
                actor_id=order.principal.user_id,
                cause="replaced",
            )
        )
    proposal = Proposal(
        action=Action.CREATE, role=order.role, resource_id=body.resource_id, interval=interval
    )
    verdict = deliberation.judge(proposal, deliberation.customer(customer.id))
    if isinstance(verdict, Rejected):
        return verdict
    placed = deliberation.stage(
        Change(
            event_type="held",
            before=None,
            after=replace(
                blank_booking(order, body.resource_id, interval, deliberation),
                status="held",
                user_id=customer.id,
                customer_name=customer.name,
                expires_at=deliberation.now + deliberation.policy_for(customer).hold_seconds,
                judged_by=deliberation.values_judged_by(customer),
            ),
            actor_id=order.principal.user_id,
        )
    )
    return Done(status=201, body=hold_body(placed), version=placed.version)
