"""Bookings and messages as callers see them, in answers and in acks alike; bookings and accounts as their audit keeps them."""

from dataclasses import asdict
from typing import Any

from server.commands import format_instant
from server.storage.accounts import Account
from server.storage.notifications import StoredMessage
from server.storage.stored_booking import StoredBooking


def booking_body(booking: StoredBooking, *, for_staff: bool) -> dict[str, Any]:
    """The booking as JSON; ``internal_note`` and ``created_by`` are for staff only."""
    body: dict[str, Any] = {
        "id": booking.id,
        "code": booking.code,
        "location_id": booking.location_id,
        "resource_id": booking.resource_id,
        "user_id": booking.user_id,
        "visitor": {"name": booking.visitor.name, "phone": booking.visitor.phone}
        if booking.visitor
        else None,
        "type": booking.type,
        "status": booking.status,
        "start_time": format_instant(booking.interval.start),
        "end_time": format_instant(booking.interval.end),
        "note": booking.note,
        "reason": booking.reason,
        "series_id": booking.series_id,
        "reschedule_count": booking.reschedule_count,
        "attended_at": _optional(booking.attended_at),
        "cancel_reason": booking.cancel_reason,
        "created_at": format_instant(booking.created_at),
        "updated_at": format_instant(booking.updated_at),
        "version": booking.version,
    }
    if for_staff:
        body["internal_note"] = booking.internal_note
        body["created_by"] = booking.created_by
    return body


def attendance_body(booking: StoredBooking) -> dict[str, Any]:
    """What a kiosk is told of a booking that it checked in: where and when it is, and nothing of whose (A4, K3)."""
    return {
        "location_id": booking.location_id,
        "resource_id": booking.resource_id,
        "start_time": format_instant(booking.interval.start),
        "end_time": format_instant(booking.interval.end),
        "status": booking.status,
        "attended_at": _optional(booking.attended_at),
        "version": booking.version,
    }


def hold_body(hold: StoredBooking) -> dict[str, Any]:
    """The hold as its owner sees it: a booking to be, and when it lapses (G5)."""
    return booking_body(hold, for_staff=False) | {"expires_at": _optional(hold.expires_at)}


def audit_body(booking: StoredBooking | None) -> dict[str, Any] | None:
    """The booking as its audit keeps it: all of it (A8)."""
    if booking is None:
        return None
    return booking_body(booking, for_staff=True) | {
        "visitor_id": booking.visitor.id if booking.visitor else None,
        "expires_at": _optional(booking.expires_at),
        "judged_by": dict(booking.judged_by),
    }


def audited_account(account: Account, *, password: str | None = None) -> dict[str, Any]:
    """The account as its audit keeps it: of a password only that there is one, or another one (A8)."""
    kept = asdict(account)
    del kept["id"], kept["created_at"]
    kept |= {name: list(value) for name, value in kept.items() if isinstance(value, tuple)}
    return kept | ({} if password is None else {"password": password})


def message_body(stored: StoredMessage) -> dict[str, Any]:
    """The message and what became of it as JSON."""
    message = stored.message
    return {
        "id": stored.id,
        "kind": message.kind,
        "channel": message.channel,
        "recipient": message.recipient,
        "subject": message.subject,
        "body": message.body,
        "booking_id": message.booking_id,
        "user_id": message.user_id,
        "location_id": message.location_id,
        "status": stored.status,
        "provider_id": stored.provider_id,
        "error": stored.error,
        "attempts": stored.attempts,
        "due_at": _optional(message.due_at),
        "created_at": format_instant(stored.created_at),
        "updated_at": format_instant(stored.updated_at),
    }


def _optional(instant: int | None) -> str | None:
    return None if instant is None else format_instant(instant)
