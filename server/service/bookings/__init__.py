"""The use cases of bookings: one command a function, from the command to its decision, under the batch's locks.

Belongs here: what each command means. Does not belong here: who may give it (``access``), locks and writing (``writer``).
"""

from collections.abc import Callable

from server.commands import AnyOperation
from server.service.bookings.attendance import confirm, no_show
from server.service.bookings.cancelling import cancel, release
from server.service.bookings.creating import create
from server.service.bookings.holding import hold
from server.service.bookings.moving import reschedule, update
from server.service.bookings.undoing import undo
from server.service.deliberation import Deliberation
from server.service.orders import Decision, Order

DECIDERS: dict[AnyOperation, Callable[[Order, Deliberation], Decision]] = {
    "create": create,
    "reschedule": reschedule,
    "update": update,
    "cancel": cancel,
    "confirm": confirm,
    "no_show": no_show,
    "hold": hold,
    "release": release,
    "undo": undo,
}

__all__ = ["DECIDERS"]
