"""Everything that an import takes, as it is: venues, accounts and bookings, as of one instant (``baygrid export``).

Holds are left out, and what became of them: they are nobody's records. So are passwords, sessions and keys. Belongs here: what
each row tells. Does not belong here: files (``server.interchange``), SQL (``storage.export``).
"""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from typing import Any, TypeAlias

from server.commands import format_instant
from server.service.importing import Noun, Progress
from server.storage import Database
from server.storage.database import Connection, Row
from server.storage.export import bookings, locations, resources, users
from server.storage.stored_booking import to_instant

Rows: TypeAlias = AsyncGenerator[tuple[Noun, Mapping[str, Any]], None]
_Source: TypeAlias = tuple[
    Noun, Callable[[Connection], AsyncIterator[Row]], Callable[[Row], Mapping[str, Any]]
]
TELL_EVERY = 100


async def exported(database: Database, progress: Progress) -> Rows:
    """Each row as (list, column → plain value or None), list by list in the order in which they build on each other.

    Takes the same memory for any number of rows. Raises ``Unavailable`` if Postgres goes away.
    """
    number = 0
    async with database.snapshot() as connection:
        for noun, rows, told in _SOURCES:
            async for row in rows(connection):
                yield noun, told(row)
                number += 1
                if number % TELL_EVERY == 0:
                    progress.advance(TELL_EVERY)


def _location(row: Row) -> dict[str, Any]:
    return {
        "name": row["name"],
        "timezone": row["timezone"],
        "slot_minutes": row["slot_minutes"],
        "policy": row["policy"],
        "active": row["active"],
    }


def _resource(row: Row) -> dict[str, Any]:
    return {
        "location": row["location"],
        "name": row["name"],
        "position": row["position"],
        "active": row["active"],
    }


def _user(row: Row) -> dict[str, Any]:
    return {
        "email": row["email"],
        "phone": row["phone"],
        "name": row["name"],
        "role": row["role"],
        "locations": row["locations"] or None,
        "tags": row["tags"] or None,
        "membership_tier": row["membership_tier"],
        "hubspot_id": row["hubspot_id"],
        "language": row["language"],
        "sms_consent": row["sms_consent"],
        "active": row["active"],
        "email_proven": None if row["email_proven"] else False,
        "phone_proven": None if row["phone_proven"] else False,
        "created_at": _instant(row["created_at"]),
    }


def _booking(row: Row) -> dict[str, Any]:
    visitor = row["visitor_name"]
    if row["customer"] is None and visitor is None and row["type"] == "CUSTOMER":
        visitor = (
            row["customer_name"] or "Unknown"
        )  # an account with neither address nor phone cannot be named
    return {
        "external_id": row["external_id"],
        "location": row["location"],
        "resource": row["resource"],
        "start_time": _instant(row["start_time"]),
        "end_time": _instant(row["end_time"]),
        "customer": row["customer"],
        "visitor_name": visitor,
        "visitor_phone": row["visitor_phone"],
        "type": row["type"],
        "status": row["status"],
        "code": row["code"],
        "note": row["note"] or None,
        "internal_note": row["internal_note"] or None,
        "reason": row["reason"] or None,
        "reschedule_count": row["reschedule_count"],
        "attended_at": _instant(row["attended_at"]),
        "cancel_reason": row["cancel_reason"] or None,
        "created_at": _instant(row["created_at"]),
    }


def _instant(value: Any) -> str | None:
    return None if value is None else format_instant(to_instant(value))


_SOURCES: tuple[_Source, ...] = (
    ("locations", locations, _location),
    ("resources", resources, _resource),
    ("users", users, _user),
    ("bookings", bookings, _booking),
)
