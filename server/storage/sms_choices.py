"""Which numbers want no texts, and who said so (N4).

The last choice of a number is in force. Choices are only ever added. Belongs here: queries. Does not belong here: which words
are a choice (``service.notifications.callbacks``).
"""

from typing import Literal, TypeAlias

from grid_engine.interval import Instant
from server.storage.database import Connection
from server.storage.stored_booking import moment

Choice: TypeAlias = Literal["stop", "start"]

LAST_CHOICE = "(SELECT c.choice FROM sms_choices c WHERE c.phone = {phone} ORDER BY c.id DESC LIMIT 1)"
"""For statements about numbers: the choice in force, null for want of one."""

_LOCK = "SELECT pg_advisory_xact_lock(hashtext('baygrid sms ' || $1))"


async def choose(
    connection: Connection, phone: str, choice: Choice, message_id: str, now: Instant
) -> Choice | None:
    """Keeps the choice that a number made by a message, and gives the one before that it replaces; None if nothing is changed by
    it, because it was in force, or came by the very message before. One at a time for a number.

    What changes nothing is kept too: the message may come again when it would.
    """
    await connection.execute(_LOCK, phone)
    before: Choice = (
        await connection.fetchval(f"SELECT {LAST_CHOICE.format(phone='$1::text')}", phone) or "start"
    )
    kept = await connection.fetchval(
        "INSERT INTO sms_choices (phone, choice, message_id, created_at) VALUES ($1, $2, $3, $4) "
        "ON CONFLICT (message_id) DO NOTHING RETURNING id",
        phone,
        choice,
        message_id,
        moment(now),
    )
    return None if kept is None or before == choice else before
