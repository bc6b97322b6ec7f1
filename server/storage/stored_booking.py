"""A row of ``bookings`` as a value, and its ways to and from the database and the grid."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

from grid_engine.interval import Instant, Interval
from grid_engine.records import Block, BlockType, Booking, BookingStatus, Hold, Record
from server.storage.database import Row

ACTIVE_STATUSES = ("held", "confirmed", "completed")
"""What occupies a resource (G1) and stands on the grid."""


COLUMNS = (
    "id",
    "grid_id",
    "code",
    "location_id",
    "resource_id",
    "user_id",
    "visitor_id",
    "type",
    "status",
    "start_time",
    "end_time",
    "note",
    "internal_note",
    "reason",
    "series_id",
    "occurrence",
    "reschedule_count",
    "attended_at",
    "cancel_reason",
    "created_by",
    "created_at",
    "updated_at",
    "expires_at",
    "judged_by",
    "version",
)
"""What is written of a booking. They are named in SQL, so that a column that a later release adds takes its default."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredVisitor:
    """A walk-in; ``id`` is None until it is written."""

    id: int | None
    name: str
    phone: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredBooking:
    """A booking, hold or block in any status, with all that is kept of it; instants are whole seconds.

    ``customer_name`` comes from the account, and is empty for visitors and blocks.
    """

    id: str
    grid_id: str
    code: str
    location_id: int
    resource_id: int
    interval: Interval
    status: str
    type: str = "CUSTOMER"
    user_id: int | None = None
    customer_name: str = ""
    visitor: StoredVisitor | None = None
    note: str | None = None
    internal_note: str | None = None
    reason: str | None = None
    series_id: str | None = None
    occurrence: int | None = None
    reschedule_count: int = 0
    attended_at: Instant | None = None
    cancel_reason: str | None = None
    created_by: int | None = None
    created_at: Instant
    updated_at: Instant
    expires_at: Instant | None = None
    judged_by: Mapping[str, Any] = field(default_factory=dict)
    version: int

    @property
    def is_active(self) -> bool:
        """Whether it occupies its resource."""
        return self.status in ACTIVE_STATUSES

    @property
    def is_block(self) -> bool:
        """Whether it is time taken out of use rather than booked."""
        return self.type != "CUSTOMER"

    def record(self) -> Record | None:
        """What the grid shows of it; None when it occupies nothing."""
        if not self.is_active:
            return None
        if self.is_block:
            return Block(
                id=self.id,
                grid_id=self.grid_id,
                resource_id=self.resource_id,
                interval=self.interval,
                type=cast("BlockType", self.type),
                status=cast("BookingStatus", self.status),
                reason=self.reason,
                series_id=self.series_id,
                created_by=self.created_by,
            )
        if self.status == "held":
            if self.user_id is None or self.expires_at is None:
                raise ValueError(f"hold {self.id} has no owner or no expiry")
            return Hold(
                id=self.id,
                grid_id=self.grid_id,
                resource_id=self.resource_id,
                interval=self.interval,
                user_id=self.user_id,
                who=self.customer_name,
                expires_at=self.expires_at,
                created_by=self.created_by,
            )
        return Booking(
            id=self.id,
            grid_id=self.grid_id,
            resource_id=self.resource_id,
            interval=self.interval,
            status=cast("BookingStatus", self.status),
            user_id=self.user_id,
            who=self.visitor.name if self.visitor else self.customer_name,
            note=self.note,
            attended_at=self.attended_at,
            reschedule_count=self.reschedule_count,
            created_by=self.created_by,
        )

    def columns(self) -> dict[str, Any]:
        """The row as JSON for ``jsonb_populate_recordset``; instants as epoch-free ISO strings in UTC."""
        return {
            "id": self.id,
            "grid_id": self.grid_id,
            "code": self.code,
            "location_id": self.location_id,
            "resource_id": self.resource_id,
            "user_id": self.user_id,
            "visitor_id": self.visitor.id if self.visitor else None,
            "type": self.type,
            "status": self.status,
            "start_time": to_database(self.interval.start),
            "end_time": to_database(self.interval.end),
            "note": self.note,
            "internal_note": self.internal_note,
            "reason": self.reason,
            "series_id": self.series_id,
            "occurrence": self.occurrence,
            "reschedule_count": self.reschedule_count,
            "attended_at": to_database(self.attended_at),
            "cancel_reason": self.cancel_reason,
            "created_by": self.created_by,
            "created_at": to_database(self.created_at),
            "updated_at": to_database(self.updated_at),
            "expires_at": to_database(self.expires_at),
            "judged_by": dict(self.judged_by),
            "version": self.version,
        }


def select_booking(source: str = "bookings") -> str:
    """What ``from_row`` reads, of the table or of rows of it in parentheses; ``b``, ``u`` and ``v`` can be told conditions."""
    return f"""
    SELECT b.*, u.name AS customer_name, v.name AS visitor_name, v.phone AS visitor_phone
    FROM {source} b
    LEFT JOIN users u ON u.id = b.user_id
    LEFT JOIN visitors v ON v.id = b.visitor_id
    """  # noqa: S608 -- of constants alone


SELECT_BOOKING = select_booking()


def overlapping(condition: str, start: str, end: str | None, *, first: str = "") -> str:
    """The rows of ``bookings`` that meet a condition on ``b`` and share time with ``[start, end)``, in parentheses.

    All are SQL; ``first`` orders and limits, and is then to be said of the whole again. Nearly everything is at most a day
    long, so that an index by start is read from a day before on, not from the beginning; what is longer has an index of its
    own. Postgres would choose neither if it were told both in one condition.
    """
    before = "" if end is None else f"AND b.start_time < {end}"
    recent = f"b.start_time > {start}::timestamptz - interval '1 day'"
    older = f"b.start_time <= {start}::timestamptz - interval '1 day' AND {LONG}"
    halves = (
        f"(SELECT * FROM bookings b WHERE {condition} AND b.end_time > {start} {before} AND {which} {first})"  # noqa: S608 -- of constants alone
        for which in (recent, older)
    )
    return f"({' UNION ALL '.join(halves)})"


LONG = "b.end_time - b.start_time > interval '1 day'"
"""The condition of ``ix_bookings_long``."""


def from_row(row: Row) -> StoredBooking:
    """The value of a row of ``SELECT_BOOKING``."""
    return StoredBooking(
        id=str(row["id"]),
        grid_id=row["grid_id"],
        code=row["code"],
        location_id=row["location_id"],
        resource_id=row["resource_id"],
        interval=Interval(to_instant(row["start_time"]), to_instant(row["end_time"])),
        status=row["status"],
        type=row["type"],
        user_id=row["user_id"],
        customer_name=row["customer_name"] or "",
        visitor=_visitor(row),
        note=row["note"],
        internal_note=row["internal_note"],
        reason=row["reason"],
        series_id=str(row["series_id"]) if row["series_id"] else None,
        occurrence=row["occurrence"],
        reschedule_count=row["reschedule_count"],
        attended_at=to_instant_or_none(row["attended_at"]),
        cancel_reason=row["cancel_reason"],
        created_by=row["created_by"],
        created_at=to_instant(row["created_at"]),
        updated_at=to_instant(row["updated_at"]),
        expires_at=to_instant_or_none(row["expires_at"]),
        judged_by=row["judged_by"],
        version=row["version"],
    )


async def from_many_rows(rows: Sequence[Row]) -> list[StoredBooking]:
    """As ``from_row`` of each, in order, where there may be thousands: nobody else waits for them."""
    return await asyncio.to_thread(lambda: [from_row(row) for row in rows])


def _visitor(row: Row) -> StoredVisitor | None:
    if row["visitor_id"] is None:
        return None
    return StoredVisitor(id=row["visitor_id"], name=row["visitor_name"], phone=row["visitor_phone"])


def moment(instant: Instant | float) -> datetime:
    """The instant, or a finer time, as an aware UTC datetime, for query parameters."""
    return datetime.fromtimestamp(instant, UTC)


def to_database(instant: Instant | None) -> str | None:
    """The instant as ISO text with its offset, for JSON parameters."""
    return None if instant is None else moment(instant).isoformat()


def to_instant(value: datetime) -> Instant:
    """The instant of an aware datetime, cut to whole seconds."""
    return int(value.timestamp())


def to_instant_or_none(value: datetime | None) -> Instant | None:
    """As ``to_instant``, for columns that may be null."""
    return None if value is None else to_instant(value)
