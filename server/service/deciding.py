"""Deciding one order: what every command has in common, whatever it means."""

from collections.abc import Callable, Mapping

from server.commands import AnyOperation
from server.errors import Problem, Stale
from server.live.desk import Done
from server.service import blocks, bookings
from server.service.deliberation import Deliberation, NotYetReadError
from server.service.orders import Decision, Order

_DECIDERS: Mapping[AnyOperation, Callable[[Order, Deliberation], Decision]] = {
    **bookings.DECIDERS,
    **blocks.DECIDERS,
}


def decide(order: Order, deliberation: Deliberation) -> Decision:
    """The order's decision; what it staged stays only if it stands, and makes one version of each location (G6).

    Raises:
        NotYetReadError: if it turns out to be about what nobody has read; nothing is staged then.
    """
    deliberation.turn_to(order.location_id, order.principal.cause)
    savepoint = deliberation.savepoint()
    try:
        if order.command.if_version is not None and order.target:
            present = deliberation.booking(order.target)
            if present.version != order.command.if_version:
                return Stale(f"The booking is at version {present.version}")
        decision = _DECIDERS[order.command.op](order, deliberation)
    except Problem as problem:
        decision = problem
    except NotYetReadError:
        deliberation.rollback(savepoint)
        raise
    if isinstance(decision, Done) and decision.stands:
        deliberation.close_change()
    else:
        deliberation.rollback(savepoint)
    return decision
