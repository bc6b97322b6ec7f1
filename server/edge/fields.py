"""Types of fields that several bodies and queries share.

Belongs here: what a value must look like, and how it is told. Does not belong here: the fields of commands
(``commands``), which sockets take too.
"""

import functools
import re
import zoneinfo
from datetime import date, datetime
from typing import Annotated, Any, TypeAlias, cast

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    WithJsonSchema,
)
from pydantic.config import JsonDict

from grid_engine.interval import Instant
from server.commands import Text, format_instant, parse_time
from server.service.passwords import MAX_LENGTH, MIN_LENGTH

_EMAIL = re.compile(r"[^@\s\"(),:;<>\[\]\\]+@[^@\s\"(),:;<>\[\]\\.]+(\.[^@\s\"(),:;<>\[\]\\.]+)*")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", flags=re.ASCII)


class Asked(BaseModel):
    """A body or a query: unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _without_defaults(schema: JsonDict) -> None:
    for member in cast("dict[str, JsonDict]", schema.get("properties", {})).values():
        member.pop("default", None)


class Changes(Asked):
    """The body of a PATCH: what is left out stays as it is, so that its fields' defaults mean nothing (``changed``)."""

    model_config = ConfigDict(json_schema_extra=_without_defaults)


class Told(BaseModel):
    """An answer's body. Fields that are not set are left out of it."""

    model_config = ConfigDict(frozen=True)


def _email(text: str) -> str:
    text = text.strip()
    if not _EMAIL.fullmatch(text):
        raise ValueError("must be an email address")
    return text


def _date(value: object) -> date:
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        raise ValueError("must be a date like 2027-06-05")
    return date.fromisoformat(value)


def _instant(value: object) -> Instant:
    time = parse_time(value)
    if isinstance(time, datetime):
        raise ValueError("must say its offset from UTC, like 2027-06-05T14:00:00Z")  # noqa: TRY004  # pydantic's way
    return time


@functools.cache
def timezones() -> frozenset[str]:
    """Names of the time zones that a location can be in."""
    return frozenset(zoneinfo.available_timezones()) - {"localtime", "Factory"}


def _timezone(text: str) -> str:
    if text not in timezones():
        raise ValueError("must be the name of a time zone, like America/New_York")
    return text


def _comma_separated(value: object) -> object:
    return tuple(value.split(",")) if isinstance(value, str) else value


Email: TypeAlias = Annotated[
    Text, Field(max_length=254, examples=["ada@example.com"]), AfterValidator(_email)
]
"""An address as it is written; case is kept, and ignored when compared."""
Password: TypeAlias = Annotated[
    Text, Field(min_length=MIN_LENGTH, max_length=MAX_LENGTH, examples=["correct horse"])
]
"""A new password: long enough, and no rule of what it is made of."""
Code: TypeAlias = Annotated[str, Field(pattern=r"^[0-9]{6}$", examples=["042137"])]
"""A one-time code: six digits of ASCII."""
Word: TypeAlias = Annotated[Text, Field(min_length=1, max_length=100)]
Day: TypeAlias = Annotated[
    date,
    PlainValidator(_date),
    WithJsonSchema({"type": "string", "format": "date", "examples": ["2027-06-05"]}),
]
"""A date of the calendar."""
_DATE_TIME = WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2027-06-05T14:00:00Z"]})

AskedInstant: TypeAlias = Annotated[Instant, PlainValidator(_instant), _DATE_TIME]
"""An instant that comes in, and says its offset."""
ToldInstant: TypeAlias = Annotated[Instant, PlainSerializer(format_instant, return_type=str), _DATE_TIME]
"""An instant that goes out, in UTC."""
TimeZone: TypeAlias = Annotated[str, AfterValidator(_timezone), Field(examples=["America/New_York"])]
COMMA_SEPARATED = BeforeValidator(_comma_separated)
"""For ``Annotated`` fields of queries that are tuples: ``?status=held,confirmed``."""


def changed(body: Changes) -> dict[str, Any]:
    """The fields that were sent, by name, as parsed: what a PATCH changes. See ``Changes``."""
    return {name: getattr(body, name) for name in body.model_fields_set}
