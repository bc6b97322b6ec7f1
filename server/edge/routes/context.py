"""The booking context that support has beside a conversation (X1)."""

import datetime as dt
import re
import uuid
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from server.commands import Id, Text
from server.edge.endpoint import Endpoints
from server.edge.fields import Asked, Email, Told, ToldInstant
from server.edge.paging import Page, PageQuery, page_of
from server.edge.routes.accounts import Tier
from server.errors import Fault, Malformed, NotFound
from server.principal import Principal
from server.service.access import Action
from server.service.context import Context
from server.storage.context import Entry, Lookup, Thread

LOOKUPS: tuple[Lookup, ...] = ("customer_id", "hubspot_id", "email", "phone")

_SEPARATORS = re.compile(r"[\s().\-/]+")
_E164 = re.compile(r"\+[1-9][0-9]{6,14}", flags=re.ASCII)


def _phone(text: str) -> str:
    """A number as people write it, as accounts have it.

    In a query a plus sign that is not escaped is a space: a number without one is taken to be international all the same.
    """
    digits = _SEPARATORS.sub("", text)
    number = digits if digits.startswith("+") else f"+{digits.removeprefix('00')}"
    if not _E164.fullmatch(number):
        raise ValueError("must be an international phone number, like +15551230000")
    return number


AskedPhone = Annotated[Text, Field(max_length=50, examples=["+15551230000"]), AfterValidator(_phone)]
ThreadId = Annotated[
    str,
    Field(
        pattern=r"^[!-\-0-~][!-.0-~]{0,199}$",
        examples=["4711"],
        description="As the helpdesk names it: up to 200 visible ASCII characters, no slash, and no dot to begin with.",
    ),
]


class ContextQuery(Asked):
    """Whom it is about, by exactly one of the first four, and the thread in which it is asked."""

    customer_id: Id | None = None
    hubspot_id: Annotated[Text | None, Field(min_length=1, max_length=100)] = None
    email: Email | None = None
    phone: AskedPhone | None = None
    thread_id: ThreadId | None = None

    def lookup(self) -> tuple[Lookup, int | str]:
        """(what the customer is looked up by, its value); raises ``Malformed`` unless there is exactly one."""
        given = [(name, value) for name in LOOKUPS if (value := getattr(self, name)) is not None]
        if len(given) != 1:
            names = ", ".join(LOOKUPS)
            raise Malformed(
                faults=[Fault(f"query:{name}", f"exactly one of {names} is needed") for name in LOOKUPS]
            )
        return given[0]


class ContextCustomer(Told):
    """The customer; ``active`` false where the account was closed."""

    id: int
    name: str
    email: str | None
    phone: str | None
    hubspot_id: str | None
    language: str
    active: bool
    created_at: dt.datetime


class ContextBooking(Told):
    """A booking as support may tell it; ``note`` is the customer's own."""

    id: uuid.UUID
    code: str
    status: Literal["confirmed", "cancelled", "completed", "no_show"]
    location_id: int
    location_name: str
    timezone: str
    resource_id: int
    resource_name: str
    start_time: dt.datetime
    end_time: dt.datetime
    note: str | None
    reschedule_count: int
    attended_at: dt.datetime | None
    cancel_reason: str | None
    created_at: dt.datetime


class ContextRestriction(Told):
    """A restriction in force; why it was imposed is for admins."""

    restriction_type: Literal["BOOKING_BAN", "MAX_ADVANCE_DAYS", "MAX_CONCURRENT", "DENY_LOCATION"]
    value: int | None
    expires_at: dt.datetime | None


class ContextBody(Told):
    """What there is to tell of a customer.

    ``booking_details`` is the booking that runs or comes next, ``booking_in`` the seconds until it begins (0 while it
    runs); both are null where there is none. ``upcoming`` are it and the nine after it, soonest first; ``history`` the
    last twenty of two years that ended or were cancelled, latest first.
    """

    customer: ContextCustomer
    membership_tier: Tier | None
    tags: list[str]
    has_booking: bool
    booking_in: int | None
    booking_details: ContextBooking | None
    upcoming: list[ContextBooking]
    history: list[ContextBooking]
    restrictions: list[ContextRestriction]
    thread_id: str | None
    asked_at: dt.datetime


class ThreadCustomer(Told):
    """The customer that a thread is about."""

    id: int
    name: str


class ThreadBody(Told):
    """A thread; its customer is the last that was found in it, null if nobody was."""

    thread_id: str
    customer: ThreadCustomer | None
    last_asked_at: ToldInstant


class Asker(Told):
    """Who asked, by the name they had; ``user_id`` null for what has no account."""

    user_id: int | None
    name: str


class EntryBody(Told):
    """A question by ``{lookup: value}``, and its answer: null where there was no such customer."""

    id: int
    asked_at: ToldInstant
    asked_by: Asker
    asked: dict[str, Any]
    customer_id: int | None
    answer: ContextBody | None


def context_endpoints(context: Context) -> Endpoints:
    """Support's questions about customers, and the threads that they were asked in."""
    endpoints = Endpoints("Support")
    supporters: dict[str, Any] = {"action": Action.READ_CONTEXT}

    @endpoints.get(
        "/api/context",
        summary="A customer's booking context",
        answer=ContextBody,
        faults=(NotFound,),
        limited=True,
        example={"email": "ada@example.com", "thread_id": "4711"},
        **supporters,
    )
    async def ask(caller: Principal, query: ContextQuery) -> ContextBody:
        """Whether the customer has a booking, when it begins, and what else a conversation needs, with nothing in it
        that an answer must not show. Addresses are looked up in any case, phone numbers as people write them.

        With ``thread_id`` question and answer are kept in the thread, for 180 days. Staff are told of customers who
        ever booked at their locations, and of their bookings there; to them nobody else exists.
        """
        lookup, value = query.lookup()
        return ContextBody.model_validate(await context.ask(caller, lookup, value, query.thread_id))

    @endpoints.get(
        "/api/context/threads",
        summary="List the threads",
        answer=Page[ThreadBody],
        **supporters,
    )
    async def list_threads(caller: Principal, query: PageQuery) -> Page[ThreadBody]:
        """The last asked in first."""
        found = await context.threads(caller, before=query.after(int, str), limit=query.limit + 1)
        return page_of(found, query.limit, _thread, lambda each: (each.last_asked_at, each.id))

    @endpoints.get(
        "/api/context/threads/{thread_id}",
        summary="What was asked and answered in a thread",
        answer=Page[EntryBody],
        **supporters,
    )
    async def read_thread(caller: Principal, thread_id: str, query: PageQuery) -> Page[EntryBody]:
        """Oldest first, each answer as it was given, but for what the caller may not see."""
        after = query.after(int)
        found = await context.thread(
            caller, thread_id, after=after[0] if after else None, limit=query.limit + 1
        )
        return page_of(found, query.limit, _entry, lambda each: (each.id,))

    return endpoints


def _thread(thread: Thread) -> ThreadBody:
    known = thread.customer_id is not None and thread.customer_name is not None
    return ThreadBody(
        thread_id=thread.id,
        customer=ThreadCustomer(id=thread.customer_id, name=thread.customer_name) if known else None,
        last_asked_at=thread.last_asked_at,
    )


def _entry(entry: Entry) -> EntryBody:
    return EntryBody(
        id=entry.id,
        asked_at=entry.asked_at,
        asked_by=Asker(user_id=entry.asked_by, name=entry.asked_as),
        asked=dict(entry.asked),
        customer_id=entry.customer_id,
        answer=None if entry.answer is None else ContextBody.model_validate(entry.answer),
    )
