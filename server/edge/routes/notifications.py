"""Messages to people: the outbox, what was said about a booking, and saying it again."""

import datetime as dt
import uuid
from collections.abc import Sequence
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field

from server.commands import Id, Text
from server.edge.endpoint import Answer, Endpoints
from server.edge.fields import Asked, Told
from server.edge.paging import Page, PageQuery, page_of
from server.edge.parsing import Preconditions
from server.errors import Forbidden, IdempotencyMismatch, NotActive, NotFound
from server.principal import Principal
from server.service.notifications.messages import Messages
from server.service.views import message_body
from server.storage.notifications import MessageFilter, StoredMessage

Status: TypeAlias = Literal["outbox", "queued", "sent", "delivered", "failed"]


class NotificationBody(Told):
    """A message, and what became of it; `outbox` means that nobody is configured to deliver it.

    Nobody delivers it before `due_at`; null is at once.
    """

    id: int
    kind: str
    channel: Literal["sms", "email"]
    recipient: str
    subject: str | None
    body: str
    booking_id: uuid.UUID | None
    user_id: int | None
    location_id: int | None
    status: Status
    provider_id: str | None
    error: str | None
    attempts: int
    due_at: dt.datetime | None
    created_at: dt.datetime
    updated_at: dt.datetime


class NotificationQuery(PageQuery):
    """Messages that meet every condition."""

    status: Status | None = None
    kind: Annotated[Text | None, Field(max_length=100, examples=["confirmation"])] = None
    booking_id: uuid.UUID | None = None
    location_id: Id | None = None


class NotificationPost(Asked):
    """What is to be said again."""

    kind: Literal["confirmation"]


class SentAgain(Told):
    """The messages that were written: none, where whoever it is for cannot be reached."""

    items: list[NotificationBody]


def notification_endpoints(messages: Messages) -> Endpoints:
    """The outbox, and what is said about bookings."""
    endpoints = Endpoints("Notifications")

    @endpoints.get(
        "/api/admin/notifications",
        summary="List the messages",
        answer=Page[NotificationBody],
        faults=(Forbidden,),
        example={"status": "outbox"},
    )
    async def outbox(caller: Principal, query: NotificationQuery) -> Page[Any]:
        """The newest first. Staff see those about bookings at their locations, operators those about all bookings; messages
        about no booking hold codes to sign in with, and are for admins.
        """
        condition = MessageFilter(
            status=query.status,
            kind=query.kind,
            booking_id=None if query.booking_id is None else str(query.booking_id),
            location_id=query.location_id,
        )
        before = query.after(int)
        found = await messages.listed(
            caller, condition, before=before[0] if before else None, limit=query.limit + 1
        )
        return _page(found, query)

    @endpoints.get(
        "/api/bookings/{booking_id}/notifications",
        summary="What was said about a booking",
        answer=Page[NotificationBody],
    )
    async def of_booking(caller: Principal, booking_id: uuid.UUID, query: PageQuery) -> Page[Any]:
        """The newest first, with what became of each; for staff."""
        before = query.after(int)
        found = await messages.of_booking(
            caller, booking_id, before=before[0] if before else None, limit=query.limit + 1
        )
        return _page(found, query)

    @endpoints.post(
        "/api/bookings/{booking_id}/notifications",
        summary="Send a confirmation again",
        answer=SentAgain,
        status=202,
        faults=(NotFound, NotActive, IdempotencyMismatch),
        example={"kind": "confirmation"},
    )
    async def send_again(
        caller: Principal,
        booking_id: uuid.UUID,
        body: NotificationPost,
        idempotency_key: str | None,
        preconditions: Preconditions,
    ) -> Answer:
        """By email and, where the customer agreed to it, by SMS; a visitor is texted at the number they gave. For staff."""
        done = await messages.send_again(
            caller, booking_id, body.kind, if_version=preconditions.version, key=idempotency_key
        )
        return Answer(body=done.body, status=done.status)

    return endpoints


def _page(found: Sequence[StoredMessage], query: PageQuery) -> Page[Any]:
    return page_of(found, query.limit, message_body, lambda stored: (stored.id,))
