"""The columns of the four lists: what each may hold, and how it is checked.

Belongs here: one row by itself, as text or plain values. Does not belong here: names that have to be looked up, and times
that depend on a place (``service.importing``).
"""

import difflib
import json
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, TypeAlias, get_args

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError

from server.commands import BookingType, Name, Note, Phone, Text, Time
from server.edge.fields import Asked, AskedInstant, Email, TimeZone, Word
from server.edge.routes.accounts import Role, Tier
from server.edge.routes.venues_administration import Position, SlotMinutes
from server.service.importing import Fault, Noun, Place, Row

NOUNS: Final[tuple[Noun, ...]] = get_args(Noun)
"""In the order in which they build on each other."""

SEPARATOR: Final = ";"
"""Between several values in one cell."""


def _number(value: object) -> object:
    return int(value) if isinstance(value, str) and value.strip().isdecimal() else value


def _document(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        raise ValueError("must be a JSON object") from None


def _several(value: object) -> object:
    return (
        [each.strip() for each in value.split(SEPARATOR) if each.strip()] if isinstance(value, str) else value
    )


def _not_ours(text: str) -> str:
    if text.startswith("="):
        raise ValueError("must not begin with =")
    return text


Flag: TypeAlias = bool
Count: TypeAlias = Annotated[int, Field(ge=0, le=1_000_000)]
Names: TypeAlias = Annotated[tuple[Name, ...], BeforeValidator(_several), Field(max_length=1000)]
Tags: TypeAlias = Annotated[tuple[Word, ...], BeforeValidator(_several), Field(max_length=100)]
Language: TypeAlias = Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$", max_length=35)]
ExternalId: TypeAlias = Annotated[Text, Field(min_length=1, max_length=200), AfterValidator(_not_ours)]
Code: TypeAlias = Annotated[str, Field(pattern=r"^[0-9A-Z]{3,12}$")]
KeptStatus: TypeAlias = Literal["confirmed", "cancelled", "completed", "no_show"]


class LocationColumns(Asked):
    """A location, known by its name. A new one needs its time zone."""

    name: Name
    timezone: TimeZone | None = None
    slot_minutes: Annotated[SlotMinutes | None, BeforeValidator(_number)] = None
    policy: Annotated[dict[str, Any] | None, BeforeValidator(_document)] = None
    active: Flag | None = None


class ResourceColumns(Asked):
    """A resource, known by its location's name and its own. Without a position a new one stands last."""

    location: Name
    name: Name
    position: Position | None = None
    active: Flag | None = None


class UserColumns(Asked):
    """An account, known by its address, or by its phone where the row gives no address. A new one needs a name."""

    email: Email | None = None
    phone: Phone | None = None
    name: Name | None = None
    role: Role | None = None
    locations: Names | None = None
    tags: Tags | None = None
    membership_tier: Tier | None = None
    hubspot_id: Word | None = None
    language: Language | None = None
    sms_consent: Flag | None = None
    active: Flag | None = None
    email_proven: Flag | None = None
    phone_proven: Flag | None = None
    created_at: AskedInstant | None = None


class BookingColumns(Asked):
    """A booking of a customer or a visitor, or a block; times without an offset are wall time at the location (T3)."""

    external_id: ExternalId | None = None
    location: Name
    resource: Name
    start_time: Time
    end_time: Time
    customer: Annotated[Text | None, Field(max_length=254)] = None
    visitor_name: Name | None = None
    visitor_phone: Phone | None = None
    type: BookingType | None = None
    status: KeptStatus | None = None
    code: Code | None = None
    note: Note | None = None
    internal_note: Note | None = None
    reason: Note | None = None
    reschedule_count: Count | None = None
    attended_at: Time | None = None
    cancel_reason: Note | None = None
    created_at: Time | None = None


COLUMNS: Final[Mapping[Noun, type[Asked]]] = {
    "locations": LocationColumns,
    "resources": ResourceColumns,
    "users": UserColumns,
    "bookings": BookingColumns,
}

CLEARABLE: Final = frozenset(
    {"membership_tier", "note", "internal_note", "reason", "attended_at", "cancel_reason"}
)
"""What is taken away by a row that gives it empty. Of all others an empty value is as good as none."""

DOCUMENTS: Final = frozenset({"policy"})
"""What holds values inside of it that are no text."""


def names_of(noun: Noun) -> list[str]:
    """The list's columns, in the order in which they are written."""
    return list(COLUMNS[noun].model_fields)


def required_of(noun: Noun) -> list[str]:
    """Those without which no row of the list makes sense."""
    return [name for name, field in COLUMNS[noun].model_fields.items() if field.is_required()]


def unknown_column(noun: Noun, name: str) -> str:
    """What to say of a column that the list does not have."""
    near = difflib.get_close_matches(name, names_of(noun), n=1)
    return f"{noun} have no column {name!r}" + (f": is it {near[0]!r}?" if near else "")


def checked(
    noun: Noun, place: Place, cells: Mapping[str, object], lines: Mapping[str, int]
) -> Row | list[Fault]:
    """The row, or what is wrong with it. ``lines`` tells on which line of the file a cell is, where that is another."""
    given = {name: value for name, value in cells.items() if value is not None or name in CLEARABLE}
    try:
        fields = COLUMNS[noun].model_validate(given)
    except ValidationError as error:
        return [_fault(noun, place, lines, each) for each in error.errors(include_url=False)]
    return Row(noun, place, {name: getattr(fields, name) for name in given})


def _fault(noun: Noun, place: Place, lines: Mapping[str, int], error: Any) -> Fault:
    field = str(error["loc"][0])
    match error["type"]:
        case "missing":
            message = "is required"
        case "extra_forbidden":
            message = unknown_column(noun, field)
        case "value_error":
            message = str(error["msg"]).removeprefix("Value error, ")
        case _:
            message = str(error["msg"])
    return Fault(Place(place.file, lines.get(field, place.line)), noun, field, message)
