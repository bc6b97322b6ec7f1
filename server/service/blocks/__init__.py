"""Time taken out of use by admins: many resources at once, again and again, edited and ended as a series (B1, B2, B3, B6).

Belongs here: what a block request means, from its recurrence to the rows that it changes. Does not belong here: locks and
writing (``server.service.attempt``), SQL (``server.storage``). One block made as a booking of its type is in
``bookings.creating``.
"""

from collections.abc import Callable

from server.commands import AnyOperation
from server.service.blocks.blocking import block
from server.service.blocks.editing import edit_series, end_series
from server.service.deliberation import Deliberation
from server.service.orders import Decision, Order

DECIDERS: dict[AnyOperation, Callable[[Order, Deliberation], Decision]] = {
    "block": block,
    "edit_series": edit_series,
    "end_series": end_series,
}

__all__ = ["DECIDERS"]
