"""Who may do what: the one place that decides, and every door asks it (A1, A2, A3).

Belongs here: a pure function of who asks, what they want, and whose and where it is. Does not belong here: the booking
rules (``rules``), which judge what is allowed in principle; rate limits; anything that has to be looked up.

Whether you may is told apart from whether you may know (A3): what you may not see does not exist, and is answered 404;
what you see but may not do is 403. ``_GRANTS`` is the whole table; ``docs`` and tests are drawn from it.
"""

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType

from server.errors import Forbidden, NotFound
from server.principal import Principal


class Action(Enum):
    """What somebody wants to do; the comments say what it is done to."""

    # a location's grid
    READ_GRID = "read_grid"
    """See what is free and what is busy, and the location's resources, hours and blackouts."""
    READ_RECORDS = "read_records"
    """See whose the busy time is: the grid whole, colleagues' drags, internal notes, conflicts by name."""

    # a booking, a hold, or a customer's wish for one
    READ_BOOKING = "read_booking"
    CREATE_BOOKING_FOR = "create_booking_for"
    """Book, or hold, for the owner given; None is a visitor. The object is seen by all who see the grid."""
    CHANGE_BOOKING = "change_booking"
    """Update, move, cancel, release."""
    CHECK_IN = "check_in"
    """Record that they came."""
    MARK_NO_SHOW = "mark_no_show"
    """Record that they did not."""
    OVERRIDE = "override"
    """Waive rules with a reason (R19)."""
    UNDO = "undo"
    """Take back one's own last change (G11)."""
    READ_AUDIT = "read_audit"

    # time taken out of use
    BLOCK = "block"
    """Create, change and remove blocks: any type but CUSTOMER (B1)."""

    # at large
    SEARCH_CUSTOMERS = "search_customers"
    ADMINISTER = "administer"


class Decision(Enum):
    """The answer: yes, a plain no (403), or there is no such thing (404)."""

    ALLOWED = "allowed"
    FORBIDDEN = "forbidden"
    INVISIBLE = "invisible"


class Standing(Enum):
    """What the caller is to the object."""

    ADMIN = "admin"
    OPERATOR = "operator"
    STAFF = "staff"
    """Staff of the very location; at large, staff of any."""
    OWNER = "owner"
    """The customer it is for, whatever their role elsewhere."""
    CUSTOMER = "customer"
    """Anybody signed in who is none of these; staff of other locations, too."""
    KIOSK = "kiosk"
    """The kiosk of the very location."""
    STRANGER = "stranger"
    """A kiosk of another location."""


_A, _F, _I = Decision.ALLOWED, Decision.FORBIDDEN, Decision.INVISIBLE

_COLUMNS = (
    Standing.ADMIN,
    Standing.OPERATOR,
    Standing.STAFF,
    Standing.OWNER,
    Standing.CUSTOMER,
    Standing.KIOSK,
    Standing.STRANGER,
)

_ROWS: Mapping[Action, tuple[Decision, ...]] = {
    #                          admin oper. staff owner cust. kiosk stranger
    Action.READ_GRID:          (_A,  _A,   _A,   _A,   _A,   _A,   _I),
    Action.READ_RECORDS:       (_A,  _A,   _A,   _F,   _F,   _F,   _I),
    Action.READ_BOOKING:       (_A,  _A,   _A,   _A,   _I,   _I,   _I),
    Action.CREATE_BOOKING_FOR: (_A,  _A,   _A,   _A,   _F,   _F,   _I),
    Action.CHANGE_BOOKING:     (_A,  _A,   _A,   _A,   _I,   _I,   _I),
    Action.CHECK_IN:           (_A,  _F,   _A,   _A,   _I,   _A,   _I),
    Action.MARK_NO_SHOW:       (_A,  _F,   _A,   _F,   _I,   _I,   _I),
    Action.OVERRIDE:           (_A,  _F,   _A,   _F,   _I,   _I,   _I),
    Action.UNDO:               (_A,  _F,   _A,   _F,   _I,   _I,   _I),
    Action.READ_AUDIT:         (_A,  _A,   _A,   _F,   _I,   _I,   _I),
    Action.BLOCK:              (_A,  _F,   _F,   _F,   _F,   _F,   _I),
    Action.SEARCH_CUSTOMERS:   (_A,  _A,   _A,   _F,   _F,   _F,   _F),
    Action.ADMINISTER:         (_A,  _F,   _F,   _F,   _F,   _F,   _F),
}  # fmt: skip

GRANTS: Mapping[Action, Mapping[Standing, Decision]] = MappingProxyType(
    {action: MappingProxyType(dict(zip(_COLUMNS, row, strict=True))) for action, row in _ROWS.items()}
)
"""The whole table: action → what the caller is to the object → decision."""


def standing_of(
    principal: Principal, location_id: int | None = None, owner_id: int | None = None
) -> Standing:
    """What the caller is to an object at a location that is for a customer; None where there is no such thing.

    A staff member's own booking at their own location is judged by what they are there, the larger of the two.
    """
    match principal.role:
        case "admin":
            return Standing.ADMIN
        case "operator":
            return Standing.OPERATOR
        case "kiosk":
            known = location_id is None or location_id in principal.location_ids
            return Standing.KIOSK if known else Standing.STRANGER
        case "staff" if location_id in principal.location_ids or (
            location_id is None and principal.location_ids
        ):
            return Standing.STAFF
    own = owner_id is not None and owner_id == principal.user_id
    return Standing.OWNER if own else Standing.CUSTOMER


def decide(
    principal: Principal, action: Action, *, location_id: int | None = None, owner_id: int | None = None
) -> Decision:
    """Whether the principal may do it.

    ``location_id`` is where the object is; left out for what concerns no location in particular. ``owner_id`` is the
    customer the booking is for; None for a visitor's, a block, or where nothing is owned.
    """
    return GRANTS[action][standing_of(principal, location_id, owner_id)]


def require(
    principal: Principal, action: Action, *, location_id: int | None = None, owner_id: int | None = None
) -> None:
    """As ``decide``, for those who go on only if it is allowed.

    Raises:
        NotFound: if the object is not for the principal to know of.
        Forbidden: if it is seen, but this may not be done.
    """
    match decide(principal, action, location_id=location_id, owner_id=owner_id):
        case Decision.INVISIBLE:
            raise NotFound
        case Decision.FORBIDDEN:
            raise Forbidden
        case Decision.ALLOWED:
            return


def allows(
    principal: Principal, action: Action, *, location_id: int | None = None, owner_id: int | None = None
) -> bool:
    """As ``decide``, for those to whom why not is all one."""
    return decide(principal, action, location_id=location_id, owner_id=owner_id) is Decision.ALLOWED
