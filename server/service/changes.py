"""A change of one booking, on its way into the tables and the audit."""

from dataclasses import dataclass

from rules.model import Violation
from server.service.views import audit_body
from server.storage.batch import AuditEntry
from server.storage.stored_booking import StoredBooking

COMMAND = "command"
"""The cause of what a person did; what a device did says which (``Principal.cause``)."""
FOR_A_BLOCK = "block"
"""A booking is cancelled because somebody blocks its time (B3)."""
UNDO_WITHIN = 30
"""Seconds in which a change can be taken back, and its messages wait (G11)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What one command does to one booking; ``before`` is None for a new one.

    ``cause`` None is the command itself, by whoever gave it: what the audit says then is known when it is staged.
    """

    event_type: str
    before: StoredBooking | None
    after: StoredBooking
    actor_id: int | None
    cause: str | None = None
    waived: tuple[Violation, ...] = ()
    override_reason: str | None = None


def is_commanded(cause: str) -> bool:
    """Whether an event of that cause was somebody's command: a person's, a device's or a key's."""
    return cause == COMMAND or ":" in cause


def audit_entry(change: Change) -> AuditEntry:
    """The event that is written with the change."""
    return AuditEntry(
        booking_id=change.after.id,
        location_id=change.after.location_id,
        event_type=change.event_type,
        actor_id=change.actor_id,
        metadata={
            "before": audit_body(change.before),
            "after": audit_body(change.after),
            "cause": change.cause or COMMAND,
            "waived": [{"code": each.code, "params": dict(each.params)} for each in change.waived],
            "override_reason": change.override_reason if change.waived else None,
        },
    )
