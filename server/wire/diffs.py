"""A diff as bytes: how it is kept in Postgres and sent between nodes, whole and for no audience in particular.

The form is private to one release of the server; a node that cannot read one reads the location afresh.
"""

from typing import Any

import msgpack

from grid_engine.diff import Diff, Operation, Put, Reload, Remove
from grid_engine.interval import Interval
from grid_engine.records import Block, Booking, Hold, Record

_BOOKING = ("status", "user_id", "who", "note", "attended_at", "reschedule_count", "created_by")
_HOLD = ("user_id", "who", "expires_at", "created_by")
_BLOCK = ("type", "status", "reason", "series_id", "created_by")


def _pack_record(record: Record) -> list[Any]:
    common = [record.id, record.grid_id, record.resource_id, record.interval.start, record.interval.end]
    match record:
        case Booking():
            return ["booking", *common, *(getattr(record, name) for name in _BOOKING)]
        case Hold():
            return ["hold", *common, *(getattr(record, name) for name in _HOLD)]
        case Block():
            return ["block", *common, *(getattr(record, name) for name in _BLOCK)]


def _unpack_record(packed: list[Any]) -> Record:
    kind, id_, grid_id, resource_id, start, end, *rest = packed
    common: dict[str, Any] = {
        "id": id_,
        "grid_id": grid_id,
        "resource_id": resource_id,
        "interval": Interval(start, end),
    }
    match kind:
        case "booking":
            return Booking(**common, **dict(zip(_BOOKING, rest, strict=True)))
        case "hold":
            return Hold(**common, **dict(zip(_HOLD, rest, strict=True)))
        case "block":
            return Block(**common, **dict(zip(_BLOCK, rest, strict=True)))
        case _:
            raise ValueError(f"unknown kind of record: {kind!r}")


def pack_ops(ops: tuple[Operation, ...]) -> bytes:
    """Operations as msgpack, each with its version."""
    packed: list[list[Any]] = []
    for op in ops:
        match op:
            case Put(version, record):
                packed.append([version, "put", _pack_record(record)])
            case Remove(version, id_, grid_id, user_id):
                packed.append([version, "remove", id_, grid_id, user_id])
            case Reload(version):
                packed.append([version, "reload"])
    return bytes(msgpack.packb(packed))


def unpack_ops(packed: bytes) -> tuple[Operation, ...]:
    """The operations that ``pack_ops`` packed.

    Raises:
        ValueError: if the bytes are not of this release's form.
    """
    ops: list[Operation] = []
    for version, kind, *rest in msgpack.unpackb(packed):
        match kind:
            case "put":
                ops.append(Put(version, _unpack_record(rest[0])))
            case "remove":
                ops.append(Remove(version, *rest))
            case "reload":
                ops.append(Reload(version))
            case _:
                raise ValueError(f"unknown operation: {kind!r}")
    return tuple(ops)


def pack_diff(epoch: str, location_id: int, diff: Diff) -> bytes:
    """What is published on the bus for one committed diff."""
    return bytes(msgpack.packb([epoch, location_id, diff.base, diff.version, pack_ops(diff.ops)]))


def unpack_diff(packed: bytes) -> tuple[str, int, Diff]:
    """``(epoch, location id, diff)`` as ``pack_diff`` packed them."""
    epoch, location_id, base, version, ops = msgpack.unpackb(packed)
    return epoch, location_id, Diff(base, version, unpack_ops(ops))
