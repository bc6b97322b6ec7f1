"""The blocks of a series as rows: made, changed and ended by one order.

Belongs here: what becomes of each row, and its line of the audit. Does not belong here: which pieces there are to be
(``placing``), or which occurrences are meant (``blocking``, ``editing``).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from grid_engine.interval import Interval
from grid_engine.records import BlockType, Record
from rules.model import Violation
from server.service.blocks.placing import Wanted
from server.service.bookings.creating import blank_booking
from server.service.changes import FOR_A_BLOCK, Change
from server.service.deliberation import Deliberation
from server.service.identifiers import BLOCK_CODE_LENGTH, new_code
from server.service.orders import Order
from server.storage.stored_booking import StoredBooking

TOLD_TO_CUSTOMERS = "The venue needs this time"
"""Why a booking was cancelled for a block: more is not for them to know (A4)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """What is written on a block."""

    type: BlockType
    reason: str


class Pieces:
    """The rows of one series in the hands of one order. ``waived`` are the violations set aside, by interval (R19).

    No block records values of a policy: it was judged by none (R20).
    """

    def __init__(
        self,
        order: Order,
        deliberation: Deliberation,
        series_id: str,
        *,
        waived: Mapping[Interval, Violation],
        override_reason: str | None,
    ) -> None:
        self._order = order
        self._deliberation = deliberation
        self._series_id = series_id
        self._waived = waived
        self._override_reason = override_reason
        self.created = 0
        self.changed = 0
        self.removed = 0

    def create(self, wanted: Wanted, label: Label) -> None:
        """A new block."""
        blank = blank_booking(
            self._order,
            wanted.resource_id,
            wanted.interval,
            self._deliberation,
            code=new_code(BLOCK_CODE_LENGTH),
        )
        made = replace(
            blank,
            type=label.type,
            reason=label.reason,
            series_id=self._series_id,
            occurrence=wanted.occurrence,
        )
        self.created += 1
        self._stage("created", None, made)

    def change(self, block: StoredBooking, interval: Interval, label: Label) -> None:
        """The block at another time or with another label; nothing, if neither differs."""
        after = replace(block, interval=interval, type=label.type, reason=label.reason)
        if after == block:
            return
        self.changed += 1
        if interval == block.interval:
            self._stage("updated", block, after)
        else:
            self._stage("rescheduled", block, after)

    def end(self, block: StoredBooking) -> None:
        """The block taken away."""
        self.removed += 1
        self._stage("cancelled", block, replace(block, status="cancelled"))

    def cancel(self, records: Sequence[Record]) -> list[StoredBooking]:
        """The bookings and holds behind the records cancelled, to make room for blocks.

        Raises:
            NotYetReadError: if any of them has not been read yet.
        """
        return [
            self._deliberation.stage(
                Change(
                    event_type="cancelled",
                    before=booking,
                    after=replace(
                        booking, status="cancelled", cancel_reason=TOLD_TO_CUSTOMERS, expires_at=None
                    ),
                    actor_id=self._order.principal.user_id,
                    cause=FOR_A_BLOCK,
                )
            )
            for booking in self._deliberation.bookings_behind(records)
        ]

    def _stage(self, event_type: str, before: StoredBooking | None, after: StoredBooking) -> None:
        waived = self._waived.get(after.interval) if after.is_active else None
        self._deliberation.stage(
            Change(
                event_type=event_type,
                before=before,
                after=after,
                actor_id=self._order.principal.user_id,
                waived=() if waived is None else (waived,),
                override_reason=self._override_reason,
            )
        )
