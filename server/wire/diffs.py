"""A diff as bytes: how it is kept in Postgres and sent between nodes, whole and for no audience in particular.

The form is private to one release of the server; a node that cannot read one reads the location afresh.
"""

from typing import Any

import msgpack

from grid_engine.diff import Diff, Operation, Put, Reload, Remove
from grid_engine.interval import Interval
from grid_engine.records import Block, Booking, Hold, Record


def _pack_record(record: Record) -> list[Any]:
    common = [record.id, record.grid_id, record.resource_id, record.interval.start, record.interval.end]
    match record:
        case Booking():
            return [
                "booking",
                *common,
                record.status,
                record.user_id,
                record.who,
                record.note,
                record.attended_at,
                record.reschedule_count,
                record.created_by,
            ]
        case Hold():
            return ["hold", *common, record.user_id, record.who, record.expires_at, record.created_by]
        case Block():
            return ["block", *common, record.type, record.status, record.reason, record.series_id, record.created_by]


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
            names = ("status", "user_id", "who", "note", "attended_at", "reschedule_count", "created_by")
            return Booking(**common, **dict(zip(names, rest, strict=True)))
        case "hold":
            return Hold(**common, **dict(zip(("user_id", "who", "expires_at", "created_by"), rest, strict=True)))
        case "block":
            names = ("type", "status", "reason", "series_id", "created_by")
            return Block(**common, **dict(zip(names, rest, strict=True)))
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
