"""What callers may ask to be done to bookings: one set of bodies for HTTP, WebSocket and bulk operations.

Belongs here: the shape of each command and how it is told from any other (idempotency). Does not belong here: whether it
is allowed, and what it does.
"""

import hashlib
import json
import re
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, TypeAlias, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    WithJsonSchema,
)
from pydantic.config import JsonDict

from grid_engine.interval import Instant

MAX_NOTE = 2_000
MAX_NAME = 200

_RFC3339 = re.compile(
    r"(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}(?::\d{2})?)(?:\.0+)?([Zz]|[+-]\d{2}:\d{2})?", flags=re.ASCII
)


def parse_time(value: object) -> Instant | datetime:
    """An RFC 3339 date-time as an instant; without an offset, as naive local wall time (T3). Whole seconds only.

    Raises:
        ValueError: if it is no such string, or names no date of the calendar.
    """
    if not isinstance(value, str) or not (match := _RFC3339.fullmatch(value)):
        raise ValueError("must be an RFC 3339 date-time in whole seconds, like 2027-06-05T14:00:00Z")
    date, time, offset = match.groups()
    try:
        moment = datetime.fromisoformat(f"{date}T{time}{(offset or '').upper()}")
        return moment if offset is None else int(moment.astimezone(UTC).timestamp())
    except OverflowError as error:
        raise ValueError("lies outside the calendar") from error


def format_instant(instant: Instant) -> str:
    """RFC 3339 in UTC: ``2027-06-05T14:00:00Z``."""
    # strftime would leave out the zeroes of a year before 1000.
    return datetime.fromtimestamp(instant, UTC).isoformat().replace("+00:00", "Z")


def _serialise_time(value: Instant | datetime) -> str:
    return format_instant(value) if isinstance(value, int) else value.isoformat()


def _storable(text: str) -> str:
    if "\x00" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("holds characters that cannot be stored")
    return text


def _filled(text: str) -> str:
    if not text.strip():
        raise ValueError("must not be blank")
    return text


_IS_FILLED: JsonDict = {"pattern": r"\S"}
"""How a document says what ``_filled`` checks, which words it better."""

Time: TypeAlias = Annotated[
    Instant | datetime,
    PlainValidator(parse_time),
    PlainSerializer(_serialise_time, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2027-06-05T14:00:00Z"]}),
]
"""An instant, or a naive datetime that is wall time at the location (T3)."""

Text: TypeAlias = Annotated[str, AfterValidator(_storable)]
Note: TypeAlias = Annotated[Text, Field(max_length=MAX_NOTE)]
Name: TypeAlias = Annotated[
    Text, Field(max_length=MAX_NAME, json_schema_extra=_IS_FILLED), AfterValidator(_filled)
]
Reason: TypeAlias = Annotated[
    Text, Field(max_length=MAX_NOTE, json_schema_extra=_IS_FILLED), AfterValidator(_filled)
]
Phone: TypeAlias = Annotated[str, Field(pattern=r"^\+[1-9][0-9]{6,14}$", examples=["+15551230000"])]
Id: TypeAlias = Annotated[int, Field(strict=True, ge=-(2**63), lt=2**63)]
BookingType: TypeAlias = Literal["CUSTOMER", "MAINTENANCE", "TRAINING", "PRIVATE_EVENT", "BLOCKED"]


class Body(BaseModel):
    """The parsed body of a command; unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Visitor(Body):
    """A walk-in without an account."""

    name: Name
    phone: Phone | None = None


class Create(Body):
    """Book a resource, or confirm a hold, or (admins) block it."""

    resource_id: Id
    start_time: Time
    end_time: Time
    type: BookingType = "CUSTOMER"
    user_id: Id | None = None
    visitor: Visitor | None = None
    note: Note | None = None
    internal_note: Note | None = None
    hold_id: uuid.UUID | None = None
    override_reason: Reason | None = None


class Reschedule(Body):
    """Move a booking in time, and perhaps to another resource of the location."""

    start_time: Time
    end_time: Time
    resource_id: Id | None = None
    override_reason: Reason | None = None


class Update(Body):
    """Change some of a booking; a field left out stays as it is."""

    note: Note | None = None
    internal_note: Note | None = None
    user_id: Id | None = None
    resource_id: Id | None = None
    start_time: Time | None = None
    end_time: Time | None = None
    override_reason: Reason | None = None


class Cancel(Body):
    """Cancel a booking."""

    reason: Note | None = None
    override_reason: Reason | None = None


class Hold(Body):
    """Claim an interval for a short while (G5)."""

    resource_id: Id
    start_time: Time
    end_time: Time


class Nothing(Body):
    """Commands that say all by their name: confirm, no_show, release, undo."""


Operation: TypeAlias = Literal[
    "create", "reschedule", "update", "cancel", "confirm", "no_show", "hold", "release", "undo"
]

SeriesOperation: TypeAlias = Literal["block", "edit_series", "end_series"]
"""What admins do to many blocks at once: over HTTP alone, with bodies of ``service.blocks.requests``."""
SERIES_OPERATIONS = frozenset(get_args(SeriesOperation))

AnyOperation: TypeAlias = Operation | SeriesOperation

BODIES: dict[Operation, type[Body]] = {
    "create": Create,
    "reschedule": Reschedule,
    "update": Update,
    "cancel": Cancel,
    "confirm": Nothing,
    "no_show": Nothing,
    "hold": Hold,
    "release": Nothing,
    "undo": Nothing,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One thing to be done. ``target`` is the booking, hold or series it is done to; None for what makes a new one.

    ``key`` is the idempotency key (G7); ``if_version`` the version of the booking that the caller saw.
    """

    op: AnyOperation
    body: Body
    target: uuid.UUID | None = None
    if_version: int | None = None
    key: str | None = None

    @property
    def fingerprint(self) -> bytes:
        """Tells whether a repeated key stands for the same request: operation, target and parsed body (G7)."""
        told: dict[str, Any] = {
            "op": self.op,
            "target": str(self.target),
            "body": self.body.model_dump(mode="json", exclude_unset=True),
        }
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).digest()
