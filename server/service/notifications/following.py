"""Messages that follow a change of bookings, written in its transaction (N2).

Belongs here: which changes are told of, and to whom. Does not belong here: what is said (``wording``), or how it leaves
(``outbox``). So far these are cancellations that customers did not ask for: a block took their time (B3).
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from grid_engine.interval import Instant
from server.service.changes import FOR_A_BLOCK, UNDO_WITHIN, Change
from server.service.notifications.addressing import messages_about, occasion_of
from server.service.notifications.outbox import Deliverer
from server.service.notifications.wording import cancellation
from server.storage.database import Connection
from server.storage.location_state import LocationState
from server.storage.notifications import read_contacts, take_back

WHY = "the venue needs the time"
"""More is not for them to know: what a block is for is redacted (A4)."""


async def tell_customers(
    connection: Connection,
    changes: Sequence[Change],
    states: Mapping[int, LocationState],
    deliverer: Deliverer,
    now: Instant,
) -> None:
    """Has each customer told once of each booking that was cancelled for a block; ``states`` by the location's id.

    What staff change is told when they can no longer undo it, and not at all if they do (G11).
    """
    undone = [change.after.id for change in changes if change.event_type == "undone"]
    if undone:
        await take_back(connection, undone, now)
    cancelled = [
        change.after
        for change in changes
        if change.cause == FOR_A_BLOCK and change.before is not None and change.before.status == "confirmed"
    ]
    if not cancelled:
        return
    contacts = await read_contacts(
        connection, {booking.user_id for booking in cancelled if booking.user_id is not None}
    )
    messages = [
        replace(message, due_at=now + UNDO_WITHIN)
        for booking in cancelled
        for message in messages_about(
            booking,
            contacts.get(booking.user_id) if booking.user_id is not None else None,
            "cancelled",
            cancellation(occasion_of(booking, states[booking.location_id]), reason=WHY),
        )
    ]
    await deliverer.take(connection, messages, now)
