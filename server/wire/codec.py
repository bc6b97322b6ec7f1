"""Messages to bytes and back: msgpack maps whose first key is ``t``.

Belongs here: encoding, and reading what strangers send, strictly. Does not belong here: what a message means, or the
frames that carry it. Nothing that can be sent makes ``decode_client`` raise anything but ``Undecodable``.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import fields, is_dataclass
from functools import lru_cache
from typing import Any, Final, NoReturn

import msgpack

from server.wire.arguments import PARSERS, WrongArgument, readable_ids
from server.wire.messages import BadArguments, ClientMessage, ServerMessage

MAX_DEPTH: Final = 12
"""How deep maps and lists may be nested; no message needs more than four."""


class Undecodable(ValueError):
    """The bytes are no message: the other side speaks something else (close code 4400)."""


# To the client


def encode(message: ServerMessage) -> bytes:
    """The message as bytes. Fields keep their order; those that are None by default and in fact are left out."""
    return bytes(msgpack.packb(to_plain(message)))


def to_plain(message: ServerMessage) -> dict[str, Any]:
    """The message as a map that JSON could hold, ``t`` first."""
    return {"t": message.t, **_plain(message)}


def encode_diff(
    location: int, epoch: str, base: int, version: int, packed: Sequence[tuple[int, bytes]]
) -> bytes:
    """A ``diff`` from operations that are packed already: ``packed`` has (how many, their bytes) for each version in order."""
    packer = msgpack.Packer(autoreset=False)
    packer.pack_map_header(6)
    for part in ("t", "diff", "location", location, "epoch", epoch, "base", base, "version", version, "ops"):
        packer.pack(part)
    packer.pack_array_header(sum(count for count, _ in packed))
    return b"".join([packer.bytes(), *(operations for _, operations in packed)])


@lru_cache(maxsize=64)
def _fields_of(kind: Any) -> tuple[tuple[str, str, bool], ...]:
    """(attribute, name on the wire, whether None is left out) of each field."""
    return tuple((field.name, field.name.rstrip("_"), field.default is None) for field in fields(kind))


def _plain(value: Any) -> Any:
    if not is_dataclass(value):
        return value
    kind: Any = type(value)
    return {
        wire_name: _plain(part)
        for name, wire_name, optional in _fields_of(kind)
        if (part := getattr(value, name)) is not None or not optional
    }


# To the server


def decode_client(data: bytes) -> ClientMessage:
    """The message in the bytes; ``BadArguments`` if its type is known and its fields are not as they have to be.

    Keys that the protocol does not have are ignored in a message, so that a newer client can be understood, and refused
    in ``args`` and ``drag``, as they are over HTTP.

    Raises:
        Undecodable: if they are no msgpack map of plain values with ``t`` first, or ``t`` is unknown.
    """
    message = _unpack(data)
    kind = message["t"]
    parse = PARSERS.get(kind) if isinstance(kind, str) else None
    if parse is None:
        raise Undecodable("unknown type of message")
    try:
        return parse(message)
    except WrongArgument as wrong:
        id_, location = readable_ids(message)
        return BadArguments(kind, wrong.problem, id=id_, location=location)


def _unpack(data: bytes) -> dict[str, Any]:
    try:
        message = msgpack.unpackb(data, object_pairs_hook=_unique, ext_hook=_no_extension)
    except (ValueError, TypeError, OverflowError, RecursionError, msgpack.UnpackException) as error:
        raise Undecodable("not msgpack that can be read") from error
    if not isinstance(message, dict) or next(iter(message), None) != "t":
        raise Undecodable("not a map with the type first")
    _check_plain(message)
    return message


def _unique(pairs: Iterable[tuple[Any, Any]]) -> dict[str, Any]:
    unique: dict[str, Any] = {}
    for key, value in pairs:
        if not isinstance(key, str) or key in unique:
            raise ValueError("keys are strings, each once")
        unique[key] = value
    return unique


def _no_extension(*_: object) -> NoReturn:
    raise ValueError("extension types mean nothing here")


def _check_plain(message: Any) -> None:
    """Level by level rather than recursively: the depth is what strangers choose."""
    level = [message]
    for _ in range(MAX_DEPTH):
        inner: list[Any] = []
        for value in level:
            match value:
                case dict():
                    inner.extend(value.values())
                case list():
                    inner.extend(value)
                case float() if not math.isfinite(value):
                    raise Undecodable("numbers are finite")
                case None | bool() | int() | float() | str():
                    pass
                case _:
                    raise Undecodable("a value that JSON has no form for")
        if not inner:
            return
        level = inner
    raise Undecodable("nested too deeply")
