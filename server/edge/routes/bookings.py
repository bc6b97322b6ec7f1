"""Bookings and holds over HTTP."""

import datetime as dt
import uuid
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from server.commands import (
    Body,
    BookingType,
    Cancel,
    Command,
    Create,
    Hold,
    Id,
    Note,
    Nothing,
    Operation,
    Reason,
    Reschedule,
    Text,
    Time,
    Update,
    Visitor,
    format_instant,
)
from server.edge.endpoint import Answer, Endpoints
from server.edge.paging import Page, PageQuery, page_of
from server.edge.parsing import Preconditions
from server.errors import (
    Fault,
    HoldExpired,
    IdempotencyMismatch,
    Malformed,
    NotActive,
    NotFound,
    Refused,
    TooEarly,
)
from server.live.desk import Done
from server.principal import Principal
from server.service.desk import BookingDesk
from server.service.reading import Reading
from server.storage.booking_lists import BookingFilter
from server.storage.bookings import BookingEvent
from server.storage.stored_booking import StoredBooking

Status = Literal["held", "confirmed", "cancelled", "completed", "no_show", "expired"]


class BookingBody(BaseModel):
    """A booking; ``internal_note`` and ``created_by`` are there for staff only."""

    id: uuid.UUID
    code: str
    location_id: int
    resource_id: int
    user_id: int | None
    visitor: Visitor | None
    type: BookingType
    status: Status
    start_time: dt.datetime
    end_time: dt.datetime
    note: str | None
    reason: str | None
    series_id: uuid.UUID | None
    reschedule_count: int
    attended_at: dt.datetime | None
    cancel_reason: str | None
    created_at: dt.datetime
    updated_at: dt.datetime
    version: int
    internal_note: str | None = None
    created_by: int | None = None


class HoldBody(BookingBody):
    """A hold: the booking it will be, and when it lapses."""

    expires_at: dt.datetime


class EventBody(BaseModel):
    """One event of a booking's audit; ``metadata`` holds before, after, cause, waived and override_reason."""

    id: int
    event_type: str
    actor_id: int | None
    metadata: dict[str, Any]
    created_at: dt.datetime


class ViolationBody(BaseModel):
    """A rule's refusal, in words and in values."""

    code: str
    message: str
    params: dict[str, Any]
    overridable: bool


class SuggestionBody(BaseModel):
    """A resource and times that would be accepted."""

    resource_id: int
    start_time: dt.datetime
    end_time: dt.datetime


class VerdictBody(BaseModel):
    """What would come of it."""

    allowed: bool
    overridable: bool
    violations: list[ViolationBody]
    suggestions: list[SuggestionBody]


class JudgeBody(Body):
    """A booking to be judged or, with ``booking_id``, a move."""

    booking_id: uuid.UUID | None = None
    resource_id: Id | None = None
    start_time: Time
    end_time: Time
    type: BookingType = "CUSTOMER"
    user_id: Id | None = None
    visitor: Visitor | None = None
    note: Note | None = None
    internal_note: Note | None = None
    hold_id: uuid.UUID | None = None
    override_reason: Reason | None = None

    def command(self) -> Command:
        """The command that is judged.

        Raises:
            Malformed: if a booking is to be judged and the resource is missing.
        """
        if self.booking_id is not None:
            given = self.model_dump(include={"resource_id", "override_reason"}, exclude_none=True)
            move = Reschedule.model_construct(start_time=self.start_time, end_time=self.end_time, **given)
            return Command(op="reschedule", body=move, target=self.booking_id)
        if self.resource_id is None:
            raise Malformed(faults=[Fault("/resource_id", "is required without a booking_id")])
        return Command(op="create", body=Create.model_construct(**self.__dict__))


class BookingQuery(PageQuery):
    """Bookings that overlap ``[from, to)`` and meet every other condition."""

    location_id: Id | None = None
    resource_id: Id | None = None
    user_id: Id | None = None
    status: Status | None = None
    type: BookingType | None = None
    from_: Annotated[Time | None, Field(alias="from")] = None
    to: Time | None = None
    q: Annotated[Text | None, Field(max_length=100)] = None


def booking_endpoints(desk: BookingDesk, reading: Reading) -> Endpoints:
    """All that is done to bookings."""
    endpoints = Endpoints("Bookings")
    refusals = (Refused, IdempotencyMismatch, NotActive)

    async def perform(
        caller: Principal,
        op: Operation,
        body: Any,
        *,
        target: uuid.UUID | None = None,
        key: str | None = None,
        preconditions: Preconditions | None = None,
    ) -> Answer:
        version = preconditions.version if preconditions else None
        done: Done = await desk.perform(
            caller, Command(op=op, body=body, target=target, if_version=version, key=key)
        )
        return Answer(body=done.body, status=done.status, etag=str(done.body["version"]))

    @endpoints.post(
        "/api/bookings",
        answer=BookingBody,
        status=201,
        summary="Book a resource",
        faults=(*refusals, HoldExpired, NotFound),
        example={"resource_id": 1, "start_time": "2027-06-05T14:00:00Z", "end_time": "2027-06-05T15:00:00Z"},
    )
    async def create(caller: Principal, body: Create, idempotency_key: str | None) -> Answer:
        """Books for the caller, or, for staff, for another customer or a walk-in visitor."""
        return await perform(caller, "create", body, key=idempotency_key)

    @endpoints.get(
        "/api/bookings", answer=Page[BookingBody], summary="List bookings", example={"location_id": 1}
    )
    async def bookings(caller: Principal, query: BookingQuery) -> Page[Any]:
        """Those that the caller may see, in order of start and id."""
        after = query.after(int, str)
        rows = await reading.bookings(
            caller,
            BookingFilter(
                location_id=query.location_id,
                resource_id=query.resource_id,
                user_id=query.user_id,
                status=query.status,
                type=query.type,
                ends_after=_instant(query.from_, "from"),
                starts_before=_instant(query.to, "to"),
                search=query.q or None,
            ),
            after=(after[0], _uuid(after[1])) if after else None,
            limit=query.limit + 1,
        )
        return page_of(
            rows, query.limit, lambda row: reading.body(caller, row), lambda row: (row.interval.start, row.id)
        )

    @endpoints.get("/api/bookings/{booking_id}", answer=BookingBody, summary="One booking", conditional=True)
    async def booking(caller: Principal, booking_id: uuid.UUID) -> Answer:
        """The booking, in whatever status."""
        found: StoredBooking = await reading.booking(caller, booking_id)
        return Answer(body=reading.body(caller, found), etag=str(found.version))

    @endpoints.get("/api/bookings/{booking_id}/events", answer=Page[EventBody], summary="A booking's audit")
    async def events(caller: Principal, booking_id: uuid.UUID, query: PageQuery) -> Page[dict[str, Any]]:
        """What was done to it, by whom and why, oldest first; for staff."""
        after = query.after(int)
        found = await reading.events(
            caller, booking_id, after=after[0] if after else None, limit=query.limit + 1
        )
        return page_of(found, query.limit, _event, lambda each: (each.id,))

    @endpoints.patch(
        "/api/bookings/{booking_id}",
        answer=BookingBody,
        summary="Change a booking",
        faults=refusals,
        example={"note": "Left-handed clubs, please"},
    )
    async def update(
        caller: Principal,
        booking_id: uuid.UUID,
        body: Update,
        idempotency_key: str | None,
        preconditions: Preconditions,
    ) -> Answer:
        """A field left out stays as it is; another time or resource is a reschedule."""
        return await perform(
            caller, "update", body, target=booking_id, key=idempotency_key, preconditions=preconditions
        )

    @endpoints.delete(
        "/api/bookings/{booking_id}",
        answer=BookingBody,
        summary="Cancel a booking",
        faults=refusals,
    )
    async def cancel(
        caller: Principal,
        booking_id: uuid.UUID,
        query: Cancel,
        idempotency_key: str | None,
        preconditions: Preconditions,
    ) -> Answer:
        """Cancels it; again, it is the same answer."""
        return await perform(
            caller, "cancel", query, target=booking_id, key=idempotency_key, preconditions=preconditions
        )

    @endpoints.post(
        "/api/bookings/{booking_id}/reschedule",
        answer=BookingBody,
        summary="Move a booking",
        faults=refusals,
        example={"start_time": "2027-06-05T16:00:00Z", "end_time": "2027-06-05T17:00:00Z"},
    )
    async def reschedule(
        caller: Principal,
        booking_id: uuid.UUID,
        body: Reschedule,
        idempotency_key: str | None,
        preconditions: Preconditions,
    ) -> Answer:
        """To another time, and perhaps another resource of the same location."""
        return await perform(
            caller, "reschedule", body, target=booking_id, key=idempotency_key, preconditions=preconditions
        )

    def plain(path: str, op: Operation, summary: str, *faults: Any) -> None:
        @endpoints.post(
            f"/api/bookings/{{booking_id}}/{path}",
            answer=BookingBody,
            summary=summary,
            faults=(IdempotencyMismatch, NotActive, *faults),
        )
        async def act(
            caller: Principal,
            booking_id: uuid.UUID,
            body: Nothing | None,
            idempotency_key: str | None,
            preconditions: Preconditions,
        ) -> Answer:
            return await perform(
                caller,
                op,
                body or Nothing(),
                target=booking_id,
                key=idempotency_key,
                preconditions=preconditions,
            )

    plain("confirm", "confirm", "Record that the guest came", TooEarly)
    plain("no-show", "no_show", "Record that the guest did not come", TooEarly)
    plain("undo", "undo", "Take back one's own last change", Refused)

    @endpoints.post(
        "/api/bookings/judge",
        answer=VerdictBody,
        summary="Judge without booking",
        faults=(NotActive, NotFound),
        limited=False,
        example={"resource_id": 1, "start_time": "2027-06-05T14:00:00Z", "end_time": "2027-06-05T15:00:00Z"},
    )
    async def judge(caller: Principal, body: JudgeBody) -> dict[str, Any]:
        """What the rules say to a booking, or with ``booking_id`` to a move, were it sent now."""
        verdict = await desk.judge(caller, body.command())
        return {
            "allowed": verdict.allowed,
            "overridable": verdict.overridable,
            "violations": list(verdict.violations),
            "suggestions": list(verdict.suggestions),
        }

    @endpoints.post(
        "/api/holds",
        answer=HoldBody,
        status=201,
        summary="Hold an interval",
        faults=(Refused, IdempotencyMismatch, NotFound),
        example={"resource_id": 1, "start_time": "2027-06-05T14:00:00Z", "end_time": "2027-06-05T15:00:00Z"},
    )
    async def hold(caller: Principal, body: Hold, idempotency_key: str | None) -> Answer:
        """Claims it for the caller for a short while; it replaces the hold that the caller has."""
        return await perform(caller, "hold", body, key=idempotency_key)

    @endpoints.delete(
        "/api/holds/{hold_id}",
        answer=BookingBody,
        summary="Give a hold back",
        faults=(IdempotencyMismatch, NotActive),
    )
    async def release(caller: Principal, hold_id: uuid.UUID, idempotency_key: str | None) -> Answer:
        """Frees what was held."""
        return await perform(caller, "release", Nothing(), target=hold_id, key=idempotency_key)

    return endpoints


def _instant(time: Any, name: str) -> int | None:
    if isinstance(time, dt.datetime):
        raise Malformed(faults=[Fault(f"query:{name}", "needs an offset, such as Z")])
    return time if isinstance(time, int) else None


def _uuid(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        raise Malformed(faults=[Fault("query:cursor", "is not a cursor of this list")]) from None


def _event(event: BookingEvent) -> dict[str, Any]:
    return {
        "id": event.id,
        "event_type": event.event_type,
        "actor_id": event.actor_id,
        "metadata": dict(event.metadata),
        "created_at": format_instant(event.created_at),
    }
