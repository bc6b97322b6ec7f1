"""What each audience is shown of a record, and of a change (A4, and the messages of ``wire.md``).

Belongs here: every decision about which field of a record goes to whom, in the wire's names and order. Does not belong
here: who is in which audience (the server's access control), or the bytes.
"""

from collections.abc import Mapping
from enum import Enum
from typing import Any, Final, Protocol, TypeAlias

from grid_engine.diff import Diff, Put, Reload
from grid_engine.records import Booking, Hold, Record

WireRecord: TypeAlias = dict[str, Any]
"""A record as JSON or msgpack takes it; the order of the keys is part of it."""
WireOperation: TypeAlias = list[Any]
"""``[version, "put", record]``, ``[version, "remove", record_id]`` or ``[version, "reload"]``."""

_UNTOLD: Final[Mapping[str, None]] = {
    "type": None,
    "user_id": None,
    "who": None,
    "note": None,
    "series_id": None,
    "attended_at": None,
    "reschedule_count": None,
    "reason": None,
    "created_by": None,
}


class Audience(Enum):
    """Those who are sent the same bytes. Customers and kiosks are shown no more than that time is taken."""

    STAFF = "staff"
    PUBLIC = "public"


class Known(Protocol):
    """What projecting a diff may ask of the grid as it was before it."""

    def get(self, record_id: str) -> Record | None:
        """The record of this id."""


def project_record(record: Record, audience: Audience) -> WireRecord:
    """The record as the audience is shown it. O(1)."""
    if audience is Audience.PUBLIC:
        return {
            "id": record.grid_id,
            "resource_id": record.resource_id,
            "start": record.interval.start,
            "end": record.interval.end,
            "kind": "booking",
            "status": "busy",
        }
    kind: str
    status: str
    told: WireRecord
    match record:
        case Booking():
            kind, status = "booking", record.status
            told = {
                "type": "CUSTOMER",
                "user_id": record.user_id,
                "who": record.who,
                "note": record.note,
                "attended_at": record.attended_at,
                "reschedule_count": record.reschedule_count,
            }
        case Hold():
            kind, status = "hold", "held"
            told = {"type": "CUSTOMER", "user_id": record.user_id, "who": record.who}
        case _:
            kind, status = "block", record.status
            told = {"type": record.type, "series_id": record.series_id, "reason": record.reason}
    return {
        "id": record.id,
        "resource_id": record.resource_id,
        "start": record.interval.start,
        "end": record.interval.end,
        "kind": kind,
        "status": status,
        **_UNTOLD,
        **told,
        "created_by": record.created_by,
    }


def own_record(record: Record) -> WireRecord:
    """The record as its own customer is shown it (``own``): whole but for who made it, and with its ``grid_id``."""
    whole = project_record(record, Audience.STAFF)
    del whole["created_by"]
    whole["grid_id"] = record.grid_id
    return whole


def project_diff(diff: Diff, audience: Audience, before: Known | None = None) -> list[WireOperation]:
    """The diff's operations as the audience is sent them, in order. O(operations).

    Every audience is sent every version, but nothing of a change that it may not see: given the grid as it is
    ``before`` the diff, a put that changes nothing of what the public is shown (a note, a check-in) is left out for
    it. Without ``before`` such a put repeats what the public has already.
    """
    shown: dict[str, WireRecord | None] = {}
    operations: list[WireOperation] = []
    for operation in diff.ops:
        if isinstance(operation, Reload):
            operations.append([operation.version, "reload"])
        elif isinstance(operation, Put):
            record = project_record(operation.record, audience)
            if audience is Audience.PUBLIC and record == _shown(operation.record.id, shown, before):
                continue
            shown[operation.record.id] = record
            operations.append([operation.version, "put", record])
        else:
            shown[operation.id] = None
            public = audience is Audience.PUBLIC
            operations.append([operation.version, "remove", operation.grid_id if public else operation.id])
    return operations


def _shown(record_id: str, shown: Mapping[str, WireRecord | None], before: Known | None) -> WireRecord | None:
    """What the public was last shown of the record; None if nothing, or if that is not known."""
    if record_id in shown:
        return shown[record_id]
    known = before.get(record_id) if before is not None else None
    return project_record(known, Audience.PUBLIC) if known is not None else None
