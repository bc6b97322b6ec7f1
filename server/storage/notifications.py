"""Messages to people, as they are kept until somebody delivers them.

Belongs here: queries. Does not belong here: what a message says, or when one is due (``service.notifications``).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from grid_engine.interval import Instant
from server.storage.database import Connection, Row
from server.storage.sms_choices import LAST_CHOICE
from server.storage.stored_booking import moment, to_database, to_instant, to_instant_or_none

Channel: TypeAlias = Literal["sms", "email"]
Status: TypeAlias = Literal["outbox", "queued", "sent", "delivered", "failed"]
"""``outbox`` is kept for people to read, because nobody is configured who would deliver it (N6)."""


OPTED_OUT = "The number has opted out of texts"
"""What is said of a text that is not sent for that reason."""
_RANK = "CASE {status} WHEN 'outbox' THEN 0 WHEN 'queued' THEN 1 WHEN 'sent' THEN 2 ELSE 3 END"


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What is to be said to whom. Of a booking, ``state`` names the state that it tells of: at most one message is kept
    for each booking, kind, channel and state (N2).
    """

    kind: str
    channel: Channel
    recipient: str
    """An email address, or a phone number as E.164."""
    subject: str | None = None
    """Of an email."""
    body: str
    booking_id: str | None = None
    user_id: int | None = None
    location_id: int | None = None
    state: str = ""
    due_at: Instant | None = None
    """Nobody delivers it before; None is at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredMessage:
    """A message, and what became of it."""

    id: int
    message: Message
    status: Status
    provider_id: str | None
    error: str | None
    attempts: int
    created_at: Instant
    updated_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """Where an account can be reached, whether it is open or not."""

    user_id: int
    email: str | None
    phone: str | None
    sms_consent: bool


async def insert_messages(
    connection: Connection, messages: Sequence[Message], now: Instant, *, status: Status = "outbox"
) -> list[int]:
    """Keeps the messages, in the transaction of the change that they follow, and gives the ids of those that are new:
    one that a booking's state has already is left as it is (N2). A text to a number that opted out has failed before it is
    sent (N4).
    """
    if not messages:
        return []
    rows = await connection.fetch(
        f"""
        INSERT INTO notifications (kind, channel, recipient, subject, body, booking_id, user_id, location_id, state, due_at,
                                   status, error, attempts, created_at, updated_at)
        SELECT m.kind, m.channel, m.recipient, m.subject, m.body, m.booking_id, m.user_id, m.location_id, m.state, m.due_at,
               CASE WHEN m.unwanted THEN 'failed' ELSE $2 END, CASE WHEN m.unwanted THEN $4 END, 0, $3, $3
        FROM (
            SELECT *, r.channel = 'sms' AND {LAST_CHOICE.format(phone="r.recipient")} IS NOT DISTINCT FROM 'stop' AS unwanted
            FROM ROWS FROM (
                jsonb_to_recordset($1::jsonb)
                AS (kind text, channel text, recipient text, subject text, body text, booking_id uuid, user_id int,
                    location_id int, state text, due_at timestamptz)
            ) WITH ORDINALITY
                AS r(kind, channel, recipient, subject, body, booking_id, user_id, location_id, state, due_at, place)
        ) m
        ORDER BY m.place
        ON CONFLICT (booking_id, kind, channel, state) WHERE booking_id IS NOT NULL DO NOTHING
        RETURNING id
        """,  # noqa: S608 -- of constants alone
        [_columns(message) for message in messages],
        status,
        moment(now),
        OPTED_OUT,
    )
    return [row["id"] for row in rows]


async def take_back(connection: Connection, booking_ids: Collection[str], now: Instant) -> None:
    """Forgets what is still to be said of the bookings: the change that it tells of was undone (G11)."""
    await connection.execute(
        "DELETE FROM notifications WHERE booking_id = ANY($1::uuid[]) AND due_at >= $2",
        list(booking_ids),
        moment(now),
    )


async def record_delivery(
    connection: Connection, provider_id: str, status: Status, error: str | None, now: Instant
) -> None:
    """Writes what became of the message that its provider names so, unless more is known of it already (N5): ``delivered`` and
    ``failed`` are the end.
    """
    await connection.execute(
        f"UPDATE notifications SET status = $2, error = $3, updated_at = $4 "  # noqa: S608 -- of constants alone
        f"WHERE provider_id = $1 AND {_RANK.format(status='status')} < {_RANK.format(status='$2::text')}",
        provider_id,
        status,
        error,
        moment(now),
    )


async def read_contacts(connection: Connection, user_ids: Collection[int]) -> Mapping[int, Contact]:
    """The accounts' contacts by id; unknown ids are left out."""
    rows = await connection.fetch(
        "SELECT id, email, phone, sms_consent FROM users WHERE id = ANY($1::bigint[])", list(user_ids)
    )
    return {
        row["id"]: Contact(
            user_id=row["id"], email=row["email"], phone=row["phone"], sms_consent=row["sms_consent"]
        )
        for row in rows
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageFilter:
    """Which messages are listed: all that meet every condition that is not None.

    ``visible_at`` limits what is about bookings to those at some locations (None means all); ``codes`` says whether
    messages about no booking, which hold codes, are listed.
    """

    status: Status | None = None
    kind: str | None = None
    booking_id: str | None = None
    location_id: int | None = None
    visible_at: Collection[int] | None = None
    codes: bool = False


async def read_messages(connection: Connection, ids: Collection[int]) -> list[StoredMessage]:
    """The messages, in order of their ids."""
    rows = await connection.fetch(
        "SELECT * FROM notifications WHERE id = ANY($1::bigint[]) ORDER BY id", list(ids)
    )
    return [_stored(row) for row in rows]


async def page_of_messages(
    connection: Connection, condition: MessageFilter, *, before: int | None, limit: int
) -> list[StoredMessage]:
    """At most ``limit`` messages, the newest first, beginning behind the id ``before``."""
    rows = await connection.fetch(
        """
        SELECT * FROM notifications
        WHERE ($1::text IS NULL OR status = $1) AND ($2::text IS NULL OR kind = $2)
          AND ($3::uuid IS NULL OR booking_id = $3) AND ($4::bigint IS NULL OR location_id = $4)
          AND CASE WHEN location_id IS NULL THEN $6::boolean
                   ELSE $5::bigint[] IS NULL OR location_id = ANY($5) END
          AND ($7::bigint IS NULL OR id < $7)
        ORDER BY id DESC LIMIT $8
        """,
        condition.status,
        condition.kind,
        condition.booking_id,
        condition.location_id,
        None if condition.visible_at is None else list(condition.visible_at),
        condition.codes,
        before,
        limit,
    )
    return [_stored(row) for row in rows]


def _columns(message: Message) -> dict[str, str | int | None]:
    return {
        "kind": message.kind,
        "channel": message.channel,
        "recipient": message.recipient,
        "subject": message.subject,
        "body": message.body,
        "booking_id": message.booking_id,
        "user_id": message.user_id,
        "location_id": message.location_id,
        "state": message.state,
        "due_at": to_database(message.due_at),
    }


def _stored(row: Row) -> StoredMessage:
    return StoredMessage(
        id=row["id"],
        message=Message(
            kind=row["kind"],
            channel=row["channel"],
            recipient=row["recipient"],
            subject=row["subject"],
            body=row["body"],
            booking_id=str(row["booking_id"]) if row["booking_id"] else None,
            user_id=row["user_id"],
            location_id=row["location_id"],
            state=row["state"],
            due_at=to_instant_or_none(row["due_at"]),
        ),
        status=row["status"],
        provider_id=row["provider_id"],
        error=row["error"],
        attempts=row["attempts"],
        created_at=to_instant(row["created_at"]),
        updated_at=to_instant(row["updated_at"]),
    )
