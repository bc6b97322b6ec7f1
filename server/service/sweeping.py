"""What the passing of time does to bookings: holds lapse, and what has ended is completed (G5, P4)."""

from dataclasses import dataclass, replace

from server.service.changes import Change
from server.service.deliberation import Deliberation
from server.storage.stored_booking import StoredBooking

MOST_COMPLETED = 500
"""Bookings completed in one sweep; the next sweep takes the rest."""


@dataclass(frozen=True, slots=True)
class Sweep:
    """A location's turn to be swept, queued among its orders."""

    location_id: int


def expire_overdue(deliberation: Deliberation) -> None:
    """Frees what is held beyond its time, as one change, so that an overdue hold never refuses anybody (G5)."""
    for hold in deliberation.overdue_holds():
        deliberation.stage(
            Change(
                event_type="expired",
                before=hold,
                after=replace(hold, status="expired", expires_at=None),
                actor_id=None,
                cause="expiry",
            )
        )
    deliberation.close_change()


def complete_ended(deliberation: Deliberation, ended: list[StoredBooking]) -> None:
    """Completes what has ended, as one change."""
    for booking in filter(deliberation.is_unchanged, ended):
        deliberation.stage(
            Change(
                event_type="completed",
                before=booking,
                after=replace(booking, status="completed"),
                actor_id=None,
                cause="completion",
            )
        )
    deliberation.close_change()
