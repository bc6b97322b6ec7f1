"""Who may do what: the one place that decides, and every door asks it (A1, A2, A3).

Belongs here: a pure function of who asks, what they want, and whose and where it is. Does not belong here: the booking
rules (``rules``), which judge what is allowed in principle; rate limits; anything that has to be looked up.

Whether you may is told apart from whether you may know (A3): what you may not see does not exist, and is answered 404;
what you see but may not do is 403. ``_ROWS`` is the whole table; ``docs`` and tests are drawn from it.

Its first column is ``BAYGRID_MODE``: from which mode on an action is switched on at all. What is not is 403, and says which
mode it needs, to those who might do it otherwise. Signing in, one's own account and setting up are on in every mode, so that
a venue is ready before it is opened.
"""

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType

from server.errors import Forbidden, NotFound
from server.principal import Mode, Principal


class Action(Enum):
    """What somebody wants to do; the comments say what it is done to."""

    # a location
    READ_LOCATION = "read_location"
    """See that it is there, and its resources, policy, hours and blackouts."""
    READ_SETUP = "read_setup"
    """See what of it is set up for the eyes of those who run it: tiers and tags of its policy, and why it is closed at times."""
    READ_GRID = "read_grid"
    """See what is free and what is busy."""
    READ_RECORDS = "read_records"
    """See whose the busy time is: the grid whole, colleagues' drags, internal notes, conflicts by name."""
    SHOW_DRAG = "show_drag"
    """Let colleagues see what one is dragging (G9)."""

    # a booking, a hold, or a customer's wish for one
    READ_BOOKING = "read_booking"
    LIST_BOOKINGS = "list_bookings"
    """Ask for a list; which bookings are on it is a matter of who asks."""
    READ_FREE_FOR = "read_free_for"
    """Ask what the owner given could book."""
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
    READ_PATTERNS = "read_patterns"
    """See what customers keep being refused at a location, or at all that are one's own (R22)."""
    READ_MESSAGES = "read_messages"
    """See what was to be said to whom about it, and what became of that (N3, N6)."""
    SEND_MESSAGE = "send_message"
    """Have its confirmation sent again (N1)."""

    # time taken out of use
    READ_SERIES = "read_series"
    """See how blocks recur, for those who set them."""
    BLOCK = "block"
    """Create, change and remove blocks: any type but CUSTOMER (B1)."""

    # at large
    READ_ANALYTICS = "read_analytics"
    """Ask what was booked of the time there was, at a location or at all of one's own (Y1)."""
    KEEP_OWN_ACCOUNT = "keep_own_account"
    """Read and change one's own account: asked of nobody else's."""
    SEARCH_CUSTOMERS = "search_customers"
    READ_CONTEXT = "read_context"
    """Ask about a customer on behalf of a support thread, and read what was asked (X1)."""
    ANALYSE = "analyse"
    """Have customers and schedules analysed, and decide on what Claude proposes (C1)."""
    ADMINISTER = "administer"


class Decision(Enum):
    """The answer: yes, a plain no (403), or there is no such thing (404)."""

    ALLOWED = "allowed"
    FORBIDDEN = "forbidden"
    INVISIBLE = "invisible"
    SWITCHED_OFF = "switched_off"
    """It would be allowed, but for ``BAYGRID_MODE`` (403)."""


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
    """A kiosk of another location, or an API key for others."""


_NOWHERE = 0
"""The id of no location: nobody stands there in particular."""
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

_ROWS: Mapping[Action, tuple[Mode, tuple[Decision, ...]]] = {
    #                          on from        admin oper. staff owner cust. kiosk stranger
    Action.READ_LOCATION:      (Mode.CONTEXT, (_A,  _A,   _A,   _A,   _A,   _A,   _I)),
    Action.READ_SETUP:         (Mode.CONTEXT, (_A,  _A,   _A,   _F,   _F,   _F,   _I)),
    Action.READ_GRID:          (Mode.VIEW,    (_A,  _A,   _A,   _A,   _A,   _A,   _I)),
    Action.READ_RECORDS:       (Mode.VIEW,    (_A,  _A,   _A,   _F,   _F,   _F,   _I)),
    Action.SHOW_DRAG:          (Mode.OPERATE, (_A,  _A,   _A,   _F,   _F,   _F,   _I)),
    Action.READ_BOOKING:       (Mode.VIEW,    (_A,  _A,   _A,   _A,   _I,   _I,   _I)),
    Action.LIST_BOOKINGS:      (Mode.VIEW,    (_A,  _A,   _A,   _A,   _A,   _F,   _F)),
    Action.READ_FREE_FOR:      (Mode.VIEW,    (_A,  _A,   _A,   _A,   _F,   _F,   _I)),
    Action.CREATE_BOOKING_FOR: (Mode.FULL,    (_A,  _A,   _A,   _A,   _F,   _F,   _I)),
    Action.CHANGE_BOOKING:     (Mode.OPERATE, (_A,  _A,   _A,   _A,   _I,   _I,   _I)),
    Action.CHECK_IN:           (Mode.OPERATE, (_A,  _F,   _A,   _A,   _I,   _A,   _I)),
    Action.MARK_NO_SHOW:       (Mode.OPERATE, (_A,  _F,   _A,   _F,   _I,   _I,   _I)),
    Action.OVERRIDE:           (Mode.OPERATE, (_A,  _F,   _A,   _F,   _I,   _I,   _I)),
    Action.UNDO:               (Mode.OPERATE, (_A,  _F,   _A,   _F,   _I,   _I,   _I)),
    Action.READ_AUDIT:         (Mode.VIEW,    (_A,  _A,   _A,   _F,   _I,   _I,   _I)),
    Action.READ_PATTERNS:      (Mode.VIEW,    (_A,  _A,   _A,   _F,   _F,   _F,   _I)),
    Action.READ_MESSAGES:      (Mode.VIEW,    (_A,  _A,   _A,   _F,   _F,   _F,   _I)),
    Action.SEND_MESSAGE:       (Mode.OPERATE, (_A,  _F,   _A,   _F,   _I,   _I,   _I)),
    Action.READ_SERIES:        (Mode.VIEW,    (_A,  _F,   _F,   _F,   _F,   _F,   _F)),
    Action.BLOCK:              (Mode.FULL,    (_A,  _F,   _F,   _F,   _F,   _F,   _I)),
    Action.READ_ANALYTICS:     (Mode.VIEW,    (_A,  _A,   _A,   _F,   _F,   _F,   _I)),
    Action.KEEP_OWN_ACCOUNT:   (Mode.CONTEXT, (_A,  _A,   _A,   _A,   _I,   _I,   _I)),
    Action.SEARCH_CUSTOMERS:   (Mode.CONTEXT, (_A,  _A,   _A,   _F,   _F,   _F,   _F)),
    Action.READ_CONTEXT:       (Mode.CONTEXT, (_A,  _A,   _A,   _F,   _F,   _F,   _F)),
    Action.ANALYSE:            (Mode.VIEW,    (_A,  _F,   _F,   _F,   _F,   _F,   _F)),
    Action.ADMINISTER:         (Mode.CONTEXT, (_A,  _F,   _F,   _F,   _F,   _F,   _F)),
}  # fmt: skip

GRANTS: Mapping[Action, Mapping[Standing, Decision]] = MappingProxyType(
    {action: MappingProxyType(dict(zip(_COLUMNS, row, strict=True))) for action, (_, row) in _ROWS.items()}
)
"""The whole table: action → what the caller is to the object → decision, where everything is switched on."""

_SEEING = frozenset({Action.READ_LOCATION, Action.READ_GRID})
_READING = _SEEING | {
    Action.READ_SETUP,
    Action.READ_RECORDS,
    Action.READ_BOOKING,
    Action.LIST_BOOKINGS,
    Action.READ_FREE_FOR,
    Action.READ_AUDIT,
}

SCOPES: Mapping[str, frozenset[Action]] = MappingProxyType(
    {
        "grid:read": _SEEING,
        "bookings:read": _READING,
        "bookings:write": _READING | {Action.CREATE_BOOKING_FOR, Action.CHANGE_BOOKING},
        "customers:read": frozenset({Action.SEARCH_CUSTOMERS}),
        "context:read": frozenset({Action.READ_CONTEXT}),
    }
)
"""What an API key may be given → what it then may do, of what operators may. Whoever changes what they see, reads it too."""

SWITCHED_ON_FROM: Mapping[Action, Mode] = MappingProxyType(
    {action: mode for action, (mode, _) in _ROWS.items()}
)
"""Action → the first mode in which it may be done at all."""


def standing_of(
    principal: Principal, location_id: int | None = None, owner_id: int | None = None
) -> Standing:
    """What the caller is to an object at a location that is for a customer; None where there is no such thing.

    A staff member's own booking at their own location is judged by what they are there, the larger of the two.
    """
    if principal.is_confined and location_id is not None and location_id not in principal.location_ids:
        return Standing.STRANGER
    match principal.role:
        case "admin":
            return Standing.ADMIN
        case "operator":
            return Standing.OPERATOR
        case "kiosk":
            return Standing.KIOSK
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
    decision = GRANTS[action][standing_of(principal, location_id, owner_id)]
    if decision is Decision.ALLOWED and not _in_scope(principal, action):
        return Decision.FORBIDDEN
    if decision is Decision.ALLOWED and not principal.mode.includes(SWITCHED_ON_FROM[action]):
        return Decision.SWITCHED_OFF
    return decision


def require(
    principal: Principal, action: Action, *, location_id: int | None = None, owner_id: int | None = None
) -> None:
    """As ``decide``, for those who go on only if it is allowed.

    Raises:
        NotFound: if the object is not for the principal to know of.
        Forbidden: if it is seen, but this may not be done, or not yet.
    """
    match decide(principal, action, location_id=location_id, owner_id=owner_id):
        case Decision.INVISIBLE:
            raise NotFound
        case Decision.FORBIDDEN:
            raise Forbidden("" if _in_scope(principal, action) else "This API key has no scope for it")
        case Decision.SWITCHED_OFF:
            raise Forbidden(
                f"This is not switched on here: BAYGRID_MODE is {principal.mode}, and this needs {SWITCHED_ON_FROM[action]}"
            )
        case Decision.ALLOWED:
            return


def allows(
    principal: Principal, action: Action, *, location_id: int | None = None, owner_id: int | None = None
) -> bool:
    """As ``decide``, for those to whom why not is all one."""
    return decide(principal, action, location_id=location_id, owner_id=owner_id) is Decision.ALLOWED


def places_of(principal: Principal, action: Action) -> frozenset[int] | None:
    """Where the principal may do it to what is anybody's: None is everywhere."""
    if allows(principal, action, location_id=_NOWHERE):
        return None
    return frozenset(id_ for id_ in principal.location_ids if allows(principal, action, location_id=id_))


def _in_scope(principal: Principal, action: Action) -> bool:
    return principal.scopes is None or any(action in SCOPES.get(scope, ()) for scope in principal.scopes)


def own_account(principal: Principal) -> int:
    """The id of the caller's own account, for what is theirs to keep.

    Raises:
        NotFound: for what has none, such as a kiosk.
    """
    require(principal, Action.KEEP_OWN_ACCOUNT, owner_id=principal.user_id)
    if principal.user_id is None:
        raise NotFound("There is no account")
    return principal.user_id
