"""Deciding orders, one or many that are answered together: what every command has in common, whatever it means."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from rules.model import Role
from server.commands import AnyOperation
from server.errors import NotDone, NotFound, Problem, Refused, Stale
from server.live.desk import Done
from server.service import blocks, bookings
from server.service.deliberation import Deliberation, NotYetReadError
from server.service.orders import Bulk, Decision, Describe, Order, Rejected

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
        _check_owner(order, deliberation)
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


def _check_owner(order: Order, deliberation: Deliberation) -> None:
    """Raises ``NotFound`` if the booking, which is its giver's to change as its owner, was passed on since the order was let
    in: what it says of the new owner, and what becomes of it, is nothing to the former one (A2, A3).
    """
    user_id = order.principal.user_id
    if order.target is None or order.role is not Role.CUSTOMER or user_id is None:
        return
    if deliberation.booking(order.target).user_id != user_id:
        raise NotFound


def decide_bulk(bulk: Bulk, deliberation: Deliberation, describe: Describe) -> Done:
    """A result for each entry, in their order (B5). Refusals are told without suggestions: what would be free depends on the
    operations beside them.
    """
    savepoint = deliberation.savepoint()
    decisions: list[Decision] = [
        each if isinstance(each, Problem) else decide(each, deliberation) for each in bulk.entries
    ]
    failed = bulk.atomic and not all(isinstance(each, Done) for each in decisions)
    stands = not (failed or bulk.rehearsal)
    if not stands:
        deliberation.rollback(savepoint)
    if not bulk.rehearsal:
        deliberation.refused += [each for each in decisions if isinstance(each, Rejected)]
    return Done(status=200, body=bulk_body(decisions, describe, failed=failed), stands=stands)


def bulk_body(decisions: Iterable[Decision], describe: Describe, *, failed: bool) -> dict[str, Any]:
    """The results as they are told; where the bulk failed as a whole, none of them was done."""
    return {"results": [_result(each, describe, failed=failed) for each in decisions]}


def _result(decision: Decision, describe: Describe, *, failed: bool) -> dict[str, Any]:
    match decision:
        case Done() if failed:
            problem: Problem = NotDone()
        case Done():
            return {"status": decision.status, "booking": dict(decision.body)}
        case Rejected():
            conflicts = [(record.resource_id, record.interval) for record in decision.verdict.conflicts]
            problem = Refused(decision.verdict.violations, conflicts=conflicts)
        case _:
            problem = decision
    return {"status": problem.status, "error": describe(problem)}
