"""What a command needs its giver to be allowed, before it is judged or decided (A1, A2, A3)."""

from collections.abc import Mapping

from server.commands import AnyOperation, Create, Hold
from server.errors import Fault, Forbidden, Malformed, NotFound
from server.live.desk import Wish
from server.principal import Principal
from server.service.access import Action, Decision, decide, require

_NEEDED: Mapping[AnyOperation, Action] = {
    "reschedule": Action.CHANGE_BOOKING,
    "update": Action.CHANGE_BOOKING,
    "cancel": Action.CHANGE_BOOKING,
    "release": Action.CHANGE_BOOKING,
    "confirm": Action.CHECK_IN,
    "no_show": Action.MARK_NO_SHOW,
    "undo": Action.UNDO,
}
"""What a command on a booking needs; ``create`` and ``hold`` need CREATE_BOOKING_FOR."""

_WISHES: Mapping[Wish, Action] = {
    "watch": Action.READ_GRID,
    "see_records": Action.READ_RECORDS,
    "drag": Action.SHOW_DRAG,
}


def admit(principal: Principal, wish: Wish, location_id: int) -> None:
    """Raises ``NotFound`` or ``Forbidden`` unless the principal may have that of the location's grid."""
    require(principal, _WISHES[wish], location_id=location_id)


def require_creation(principal: Principal, body: Create | Hold, location_id: int) -> None:
    """Raises ``NotFound`` or ``Forbidden`` unless the principal may book, hold or block this there."""
    if isinstance(body, Create) and body.type != "CUSTOMER":
        return require(principal, Action.BLOCK, location_id=location_id)
    owner_id = customer_of(principal, body)
    require(principal, Action.CREATE_BOOKING_FOR, location_id=location_id, owner_id=owner_id)
    if isinstance(body, Hold) and owner_id is None:
        raise Forbidden("A hold is an account's own")
    if isinstance(body, Create) and owner_id is None and body.visitor is None and body.hold_id is None:
        raise Malformed(
            faults=[Fault("/user_id", "or a visitor is required: there is no account to book for")]
        )
    return None


def customer_of(principal: Principal, body: Create | Hold) -> int | None:
    """The account that a new booking or hold is for; None for a visitor's and for a block."""
    if isinstance(body, Hold):
        return principal.user_id
    if body.visitor is not None or body.type != "CUSTOMER":
        return None
    return principal.user_id if body.user_id is None else body.user_id


def require_check_in(principal: Principal) -> None:
    """Raises ``Forbidden`` unless the principal takes guests' codes anywhere; where, is asked once a code is known (K3)."""
    if decide(principal, Action.CHECK_IN) is Decision.INVISIBLE:
        raise Forbidden("Codes are taken at kiosks and desks")
    require(principal, Action.CHECK_IN)


def require_change(
    principal: Principal, op: AnyOperation, *, location_id: int, owner_id: int | None, is_block: bool
) -> None:
    """Raises ``NotFound`` or ``Forbidden`` unless the principal may do this to such a booking."""
    seen = decide(principal, Action.READ_BOOKING, location_id=location_id, owner_id=owner_id)
    if seen is Decision.INVISIBLE:
        raise NotFound
    needed = Action.BLOCK if is_block else _NEEDED[op]
    require(principal, needed, location_id=location_id, owner_id=owner_id)
