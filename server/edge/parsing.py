"""Reading what strangers send: bodies, queries, ids in paths and preconditions, strictly and within bounds.

Belongs here: bytes and strings in, validated values or a ``Problem`` out. Does not belong here: which models an endpoint
takes (``endpoint``). Nothing that can be sent makes any of this raise anything but a ``Problem``.
"""

import json
import math
import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, TypeVar
from urllib.parse import parse_qsl

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from starlette.requests import Request

from server.errors import Fault, Malformed, NotFound, Stale, TooLarge, UnsupportedMedia

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"

MAX_BODY_BYTES = 1024 * 1024
MAX_QUERY_FIELDS = 100
"""Of a query, or of a form."""
MAX_ROW_ID = 2**31 - 1
"""The largest id of a location, resource or user; what is larger names nothing."""

_ROW_ID = re.compile(r"[1-9][0-9]{0,9}", flags=re.ASCII)
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", flags=re.ASCII | re.IGNORECASE)
_ETAGS = re.compile(r'\s*(?:(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"\s*(?:,\s*|$))+')
_ETAG = re.compile(r'(W/)?"([\x21\x23-\x7e\x80-\xff]*)"')
_IDEMPOTENCY_KEY = re.compile(r"[\x21-\x7e]{1,200}")

Parsed = TypeVar("Parsed")
Query = TypeVar("Query", bound=BaseModel)


async def read_body(request: Request) -> bytes:
    """The body; empty when none was sent. Stops reading at the limit.

    Raises:
        TooLarge: if it is longer than ``MAX_BODY_BYTES``, or says that it will be.
    """
    announced = request.headers.get("content-length", "")
    if announced.isascii() and announced.isdigit() and int(announced[:20]) > MAX_BODY_BYTES:
        raise TooLarge(f"A body has at most {MAX_BODY_BYTES} bytes")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise TooLarge(f"A body has at most {MAX_BODY_BYTES} bytes")
    return bytes(body)


def check_media_type(request: Request, expected: str = JSON) -> None:
    """Raises ``UnsupportedMedia`` unless the body is said to be of the type expected, in UTF-8."""
    media_type, *parameters = request.headers.get("content-type", "").split(";")
    charsets = [
        value.strip().strip('"').lower()
        for name, _, value in (parameter.partition("=") for parameter in parameters)
        if name.strip().lower() == "charset"
    ]
    if media_type.strip().lower() != expected or any(charset != "utf-8" for charset in charsets):
        raise UnsupportedMedia(f"Send the body as {expected} in UTF-8")


def parse_body(raw: bytes, adapter: TypeAdapter[Parsed]) -> Parsed:
    """The body as the adapter's type; unknown fields, wrong types and what cannot be stored are refused.

    Raises:
        Malformed: ``invalid_json`` or ``invalid_request``, the latter with a pointer to each field that is wrong.
    """
    document = _parse_json(raw)
    if b"\\u" in raw and (faults := [*_unstorable(document, "")]):
        raise _malformed(faults)
    try:
        return adapter.validate_json(raw, strict=True)
    except ValidationError as error:
        if any(fault["type"] == "json_invalid" for fault in error.errors(include_url=False)):
            raise Malformed("The body is not JSON this server reads", code="invalid_json") from None
        raise _malformed(list(_faults(error))) from None


def _parse_json(raw: bytes) -> Any:
    try:
        return json.loads(
            raw.decode("utf-8"),
            parse_constant=_refuse_constant,
            parse_float=_finite,
            object_pairs_hook=_unique,
        )
    except RecursionError:
        raise Malformed("The body is nested too deeply", code="invalid_json") from None
    except UnicodeDecodeError:
        raise Malformed("The body is not UTF-8", code="invalid_json") from None
    except ValueError as error:
        raise Malformed(f"The body is not JSON: {error}", code="invalid_json") from None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number is out of range")
    return number


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a name occurs twice in one object")
    return members


def _unstorable(value: Any, pointer: str) -> Iterator[Fault]:
    """Strings with NUL or lone surrogates, which escapes can spell and no table can hold."""
    match value:
        case str() if "\x00" in value or any("\ud800" <= character <= "\udfff" for character in value):
            yield Fault(pointer, "holds characters that cannot be stored")
        case dict():
            for name, member in value.items():
                yield from _unstorable(name, pointer)
                yield from _unstorable(member, f"{pointer}/{_escaped(name)}")
        case list():
            for index, member in enumerate(value):
                yield from _unstorable(member, f"{pointer}/{index}")


def parse_form(raw: bytes, adapter: TypeAdapter[Parsed]) -> Parsed:
    """A form's body as the adapter's type, whose fields are all read from text.

    Raises:
        Malformed: if it cannot be read, or a field is given twice or wrong; pointers are as in JSON.
    """
    try:
        return adapter.validate_strings(_fields(raw, "/", "The form cannot be read"))
    except ValidationError as error:
        raise _malformed(list(_faults(error))) from None


class NoQuery(BaseModel):
    """Of what takes no query: every name in it is unknown."""

    model_config = ConfigDict(extra="forbid")


def parse_query(request: Request, model: type[Query]) -> Query:
    """The query as the model.

    Raises:
        Malformed: if a parameter is unknown, given twice, or wrong; pointers are ``query:name``.
    """
    values = _fields(request.scope["query_string"], "query:", "The query cannot be read")
    try:
        return model.model_validate_strings(values)
    except ValidationError as error:
        raise _malformed(
            [Fault(f"query:{fault.pointer.removeprefix('/')}", fault.message) for fault in _faults(error)]
        ) from None


def _fields(raw: bytes, place: str, unreadable: str) -> dict[str, str]:
    """What is encoded as a query or form: each name once."""
    try:
        pairs = parse_qsl(
            raw.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MAX_QUERY_FIELDS
        )
    except ValueError:
        raise Malformed(unreadable) from None
    values: dict[str, str] = {}
    faults: list[Fault] = []
    for name, value in pairs:
        if name in values:
            faults.append(Fault(f"{place}{name}", "is given more than once"))
        elif "\x00" in name + value:
            faults.append(Fault(f"{place}{name}", "holds characters that cannot be stored"))
        values[name] = value
    if faults:
        raise _malformed(faults)
    return values


def parse_path_id(text: str, kind: type[int] | type[uuid.UUID] | type[str]) -> int | uuid.UUID | str:
    """An id in a path.

    Raises:
        NotFound: if nothing can have such an id.
    """
    if kind is int:
        if not _ROW_ID.fullmatch(text) or int(text) > MAX_ROW_ID:
            raise NotFound
        return int(text)
    if kind is uuid.UUID:
        if not _UUID.fullmatch(text):
            raise NotFound
        return uuid.UUID(text)
    if not text.isprintable():
        raise NotFound
    return text


def parse_idempotency_key(request: Request) -> str | None:
    """The ``Idempotency-Key``, if one is given.

    Raises:
        Malformed: unless it is 1 to 200 visible ASCII characters.
    """
    key = request.headers.get("idempotency-key")
    if key is not None and not _IDEMPOTENCY_KEY.fullmatch(key):
        raise Malformed(faults=[Fault("header:Idempotency-Key", "must be 1 to 200 visible ASCII characters")])
    return key


@dataclass(frozen=True, slots=True)
class Preconditions:
    """``If-Match``: the entity tags the caller would accept, without quotes; None where anything is accepted."""

    if_match: tuple[str, ...] | None = None

    def check(self, etag: str) -> None:
        """Raises ``Stale`` unless the present tag is accepted."""
        if self.if_match is not None and etag not in self.if_match:
            raise Stale

    @property
    def version(self) -> int | None:
        """The version that ``If-Match`` demands, where tags are versions (``version_etag``).

        Of several the newest: versions only grow, so no older one that the caller has seen can be the present one.

        Raises:
            Stale: if no tag is a version, so that none can match.
        """
        if self.if_match is None:
            return None
        versions = [int(tag) for tag in self.if_match if re.fullmatch(r"[0-9]{1,18}", tag, flags=re.ASCII)]
        if not versions:
            raise Stale
        return max(versions)


def parse_preconditions(request: Request) -> Preconditions:
    """What ``If-Match`` demands. Weak tags never match here, as RFC 9110 has it.

    Raises:
        Malformed: if it is no list of entity tags.
    """
    header = ", ".join(request.headers.getlist("if-match")).strip()
    if "if-match" not in request.headers or header == "*":
        return Preconditions()
    if not _ETAGS.fullmatch(header):
        raise Malformed(faults=[Fault("header:If-Match", 'must be * or entity tags such as "42"')])
    return Preconditions(tuple(tag for weak, tag in _ETAG.findall(header) if not weak))


def none_match(request: Request, etag: str) -> bool:
    """Whether ``If-None-Match`` lets the caller keep what it has, which is then 304; malformed ones are ignored."""
    header = ", ".join(request.headers.getlist("if-none-match")).strip()
    return header == "*" or etag in [tag for _, tag in _ETAG.findall(header)]


def _malformed(found: Sequence[Fault]) -> Malformed:
    faults = [Fault(_printable(fault.pointer), fault.message) for fault in found]
    first, *others = faults
    more = f" (and {len(others)} more)" if others else ""
    return Malformed(f"{first.pointer or 'the body'}: {first.message}{more}", faults)


def _faults(error: ValidationError) -> Iterator[Fault]:
    for fault in error.errors(include_url=False, include_input=False, include_context=False):
        pointer = "".join(f"/{_escaped(str(part))}" for part in fault["loc"])
        yield Fault(pointer, _message(fault))


def _message(fault: Mapping[str, Any]) -> str:
    match fault["type"]:
        case "missing":
            return "is required"
        case "extra_forbidden":
            return "is not a known field"
        case "value_error":
            return str(fault["msg"]).removeprefix("Value error, ")
        case _:
            return str(fault["msg"]).replace("Input should", "should", 1)


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def _printable(text: str) -> str:
    """Safe to answer with: names of fields come from the caller."""
    return text.encode("utf-8", "replace").decode()[:200]
