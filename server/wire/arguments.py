"""The fields of what clients send, read strictly from plain maps.

Belongs here: one reader for each type of message, and the faults it finds. Does not belong here: bytes (``codec``).
"""

import datetime as dt
import json
import re
import uuid
from collections.abc import Callable, Mapping
from typing import Any, Final

from pydantic import ValidationError

from server.commands import BODIES, Command, Operation, parse_time
from server.errors import Fault, Malformed, NotFound, Problem
from server.wire.messages import (
    MAX_WINDOW_DAYS,
    Act,
    Auth,
    ClientMessage,
    Drag,
    Hello,
    Judge,
    MyPresence,
    Ping,
    Since,
    Subscribe,
    Unsubscribe,
)

MAX_FAULTS: Final = 20
"""How many faults of one message are told."""
MAX_DETAIL: Final = 500
"""How long the sentence about them is at most, in characters: names of unknown fields are in it."""

TARGETS: Final[Mapping[Operation, str]] = {
    "reschedule": "booking_id",
    "update": "booking_id",
    "cancel": "booking_id",
    "confirm": "booking_id",
    "no_show": "booking_id",
    "undo": "booking_id",
    "release": "hold_id",
}
"""Where each operation's path's id is found in its arguments; ``create`` and ``hold`` have none."""

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", flags=re.ASCII)
_KEY = re.compile(r"[\x21-\x7e]{1,200}")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", flags=re.ASCII | re.IGNORECASE)
_DRAG = {"resource_id", "start_time", "end_time", "booking_id"}


class WrongArgument(Exception):
    """A field is not as it has to be."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.problem = problem


def readable_ids(message: Mapping[str, Any]) -> tuple[str | None, int | None]:
    """The ``id`` and the ``location`` of a message that is wrong, as far as they can be answered to."""
    id_, location = message.get("id"), message.get("location")
    is_key = isinstance(id_, str) and _KEY.fullmatch(id_) is not None
    is_location = isinstance(location, int) and not isinstance(location, bool)
    return id_ if is_key else None, location if is_location else None


def _fault(pointer: str, expected: str) -> WrongArgument:
    return WrongArgument(Malformed(f"{pointer}: {expected}", [Fault(f"/{pointer}", expected)]))


def _integer(message: Mapping[str, Any], name: str, least: int = -(2**63), most: int = 2**63 - 1) -> int:
    value = message.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        limits = f" from {least} to {most}" if least > -(2**63) else ""
        raise _fault(name, f"must be an integer{limits}")
    return value


def _text(message: Mapping[str, Any], name: str) -> str:
    value = message.get(name)
    if not isinstance(value, str) or not value or "\x00" in value:
        raise _fault(name, "must be a string that is not empty")
    return value


def _hello(message: Mapping[str, Any]) -> Hello:
    token = None if message.get("token") is None else _text(message, "token")
    return Hello(_integer(message, "proto"), token)


def _subscribe(message: Mapping[str, Any]) -> Subscribe:
    location = _integer(message, "location")
    written = message.get("from")
    if not isinstance(written, str) or not _DATE.fullmatch(written):
        raise _fault("from", "must be a date like 2027-06-05")
    try:
        first = dt.date.fromisoformat(written)
    except ValueError:
        raise _fault("from", "is no date of the calendar") from None
    days = _integer(message, "days", 1, MAX_WINDOW_DAYS)
    since = message.get("since")
    if since is None:
        return Subscribe(location, first, days)
    if not isinstance(since, dict):
        raise _fault("since", "must be a map of epoch and version")
    return Subscribe(location, first, days, Since(_text(since, "epoch"), _integer(since, "version", 0)))


def _unsubscribe(message: Mapping[str, Any]) -> Unsubscribe:
    return Unsubscribe(_integer(message, "location"))


def _act(message: Mapping[str, Any]) -> Act:
    id_, command = _command(message)
    return Act(id_, command)


def _judge(message: Mapping[str, Any]) -> Judge:
    id_, command = _command(message)
    return Judge(id_, command)


def _command(message: Mapping[str, Any]) -> tuple[str, Command]:
    id_ = message.get("id")
    if not isinstance(id_, str) or not _KEY.fullmatch(id_):
        raise _fault("id", "must be 1 to 200 printable ASCII characters without spaces")
    op: Any = message.get("op")
    if not isinstance(op, str) or op not in BODIES:
        raise _fault("op", f"must be one of {', '.join(BODIES)}")
    args = message.get("args")
    if not isinstance(args, dict):
        raise _fault("args", "must be a map")
    return id_, read_command(op, args, key=id_)


def read_command(op: Operation, args: Mapping[str, Any], *, key: str | None = None) -> Command:
    """The command that an operation's arguments make: the same here and in bulk.

    Raises:
        WrongArgument: if they are not what the operation takes.
    """
    rest = dict(args)
    if_version = None
    if rest.get("if_version") is not None:
        if_version = _integer(rest, "if_version", 0)
    rest.pop("if_version", None)
    target = None
    if op in TARGETS:
        name = TARGETS[op]
        if name not in rest:
            raise _fault(f"args/{name}", "is missing")
        written = rest.pop(name)
        if not isinstance(written, str) or not _UUID.fullmatch(written):
            raise WrongArgument(NotFound())
        target = uuid.UUID(written)
    try:
        # By way of JSON, so that all doors read a body alike and a repeated key means the same at any.
        body = BODIES[op].model_validate_json(json.dumps(rest), strict=True)
    except ValidationError as error:
        raise WrongArgument(_malformed(error)) from None
    return Command(op=op, body=body, target=target, if_version=if_version, key=key)


def _malformed(error: ValidationError) -> Malformed:
    told = error.errors(include_url=False, include_input=False, include_context=False)[:MAX_FAULTS]
    faults = [
        Fault("/".join(("/args", *map(str, fault["loc"]))), fault["msg"].removeprefix("Value error, "))
        for fault in told
    ]
    return Malformed("; ".join(f"{fault.pointer}: {fault.message}" for fault in faults)[:MAX_DETAIL], faults)


def _presence(message: Mapping[str, Any]) -> MyPresence:
    location = _integer(message, "location")
    drag = message.get("drag")
    if drag is None:
        return MyPresence(location)
    if not isinstance(drag, dict) or not drag.keys() <= _DRAG:
        raise _fault("drag", "must be a map of resource_id, start_time, end_time and perhaps booking_id")
    if _instant(drag, "start_time") >= _instant(drag, "end_time"):
        raise _fault("drag/end_time", "must be after start_time")
    booking_id = drag.get("booking_id")
    if booking_id is not None and not (isinstance(booking_id, str) and _UUID.fullmatch(booking_id)):
        raise _fault("drag/booking_id", "must be the id of a booking")
    return MyPresence(
        location, Drag(_integer(drag, "resource_id"), drag["start_time"], drag["end_time"], booking_id)
    )


def _instant(drag: Mapping[str, Any], name: str) -> int:
    try:
        instant = parse_time(drag.get(name))
    except ValueError as error:
        raise _fault(f"drag/{name}", str(error)) from None
    if not isinstance(instant, int):
        raise _fault(f"drag/{name}", "must say its offset")
    return instant


def _auth(message: Mapping[str, Any]) -> Auth:
    return Auth(_text(message, "token"))


def _ping(message: Mapping[str, Any]) -> Ping:
    return Ping(_integer(message, "n"))


PARSERS: Final[Mapping[str, Callable[[Mapping[str, Any]], ClientMessage]]] = {
    "hello": _hello,
    "subscribe": _subscribe,
    "unsubscribe": _unsubscribe,
    "command": _act,
    "judge": _judge,
    "presence": _presence,
    "auth": _auth,
    "ping": _ping,
}
