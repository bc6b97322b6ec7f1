"""Bookings of an import: what is wrong with their rows, and what each of them comes to.

A booking is known by ``external_id``, which in an export of Baygrid is its id, or else by its resource, times and customer.
What it was imported as is remembered by a digest: a row that says the same as the last time is left alone, whatever people
have done to the booking since.

History may be older than the policy, so of the rules only occupancy is held (G1); a time that is off the grid is a warning.
Belongs here: looking. Does not belong here: writing (``writing``).
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from grid_engine.calendar_day import is_boundary
from grid_engine.interval import DAY, Instant, Interval
from rules.local_time import UnknownTimes, resolve, resolve_times
from rules.model import Violation
from server.commands import format_instant
from server.service.importing.report import Conflict, Place, Report, Row
from server.service.importing.venues import KnownLocation, Venues
from server.storage.database import Connection
from server.storage.origins import read_bookings
from server.storage.staged_bookings import (
    Overlap,
    StagedBooking,
    StagedBookings,
    Verdict,
)
from server.storage.stored_booking import ACTIVE_STATUSES, StoredBooking, StoredVisitor

BATCH = 1_000
RECENT_SECONDS = 2 * DAY
"""Replicas reach back to their today's midnight, which lies less than two days ago everywhere."""

_DIRECT = ("status", "note", "internal_note", "reason", "reschedule_count", "attended_at", "cancel_reason")
"""Fields that a row and a booking have alike."""


class BookingRows:
    """The rows of ``bookings``, on the connection that stages them."""

    def __init__(
        self,
        connection: Connection,
        venues: Venues,
        report: Report,
        now: Instant,
        *,
        only_new: bool = False,
    ) -> None:
        self.staged = StagedBookings(connection)
        self._connection = connection
        self._venues = venues
        self._report = report
        self._now = now
        self._only_new = only_new
        self._waiting: list[StagedBooking] = []
        self._number = 0

    async def begin(self) -> None:
        """Makes room for rows."""
        await self.staged.create()

    async def take(self, row: Row) -> None:
        """Looks at a row by itself, and stages it."""
        staged = self._understood(row)
        if staged is not None:
            self._waiting.append(staged)
            if len(self._waiting) >= BATCH:
                await self._flush()

    async def check(self) -> None:
        """Looks at all rows together and at what is there, and tells what is wrong and what they come to."""
        await self._flush()
        staged = self.staged
        await staged.match()
        await self._refuse("customer", await staged.without_customer(), "is nobody's address or phone")
        for number, file, line, first, first_line in await staged.repeated():
            message = f"is told before, at {first}:{first_line}; an external_id tells two bookings apart"
            await self._refuse("external_id", [(number, file, line)], message)
        await self._refuse("external_id", await staged.elsewhere(), "is a booking elsewhere, or a hold")
        await self._decide()
        await self._refuse("code", await staged.taken_codes(), "another booking has this code")
        await self.tell_overlaps(await staged.overlaps())
        await self.tell_overlaps(await staged.taken_times(self._now))
        found, counts = await staged.counts(), self._report.counts["bookings"]
        counts.created, counts.unchanged = found.get("create", 0), found.get("same", 0)
        counts.changed = found.get("change", 0) + found.get("move", 0)

    async def settle(self) -> None:
        """To be called once locations, resources and accounts are written: puts their ids in."""
        await self.staged.settle(self._venues.new_ids)
        lost = await self.staged.without_account()
        self._report.counts["bookings"].created -= len(lost)
        await self._refuse("customer", lost, "has no account: see what is wrong with theirs")

    async def tell_overlaps(self, overlaps: Sequence[Overlap]) -> None:
        """Leaves rows out that want time that is taken, and tells of each as a conflict."""
        names = self._venues.names
        for overlap in overlaps:
            place = Place(overlap.file, overlap.line)
            location, resource = names[overlap.resource_id]
            conflict = Conflict(
                location=location,
                resource=resource,
                interval=overlap.interval,
                place=place,
                other_interval=overlap.other_interval,
                other_place=Place(*overlap.other) if overlap.other else None,
                other_booking_id=overlap.other_id,
            )
            self._report.conflicts.add(conflict)
            with_ = str(conflict.other_place or f"booking {overlap.other_id}")
            self._report.refuse(
                place,
                "bookings",
                "start_time",
                f"double booking on {resource} at {location}: {_span(overlap.interval)} overlaps "
                f"{_span(overlap.other_interval)} of {with_}",
            )
        await self.staged.refuse([overlap.number for overlap in overlaps])

    # One row by itself

    def _understood(self, row: Row) -> StagedBooking | None:
        fields = dict(row.fields)
        location = self._venues.location(fields.pop("location"))
        if isinstance(location, str):
            self._wrong(row, "location", location)
            return None
        name: str = fields.pop("resource")
        resource = self._venues.resource(location, name)
        if isinstance(resource, str):
            self._wrong(row, "resource", resource)
            return None
        interval = self._interval(row, location, fields.pop("start_time"), fields.pop("end_time"))
        if interval is None or not self._consistent(row, fields, interval):
            return None
        for field in ("attended_at", "created_at"):
            if isinstance(fields.get(field), datetime):
                known = self._instant(row, location, field, fields[field])
                if known is None:
                    return None
                fields[field] = known
        self._warn_off_grid(row, location, interval)
        external_id = fields.pop("external_id", None)
        told = fields | {"resource": name, "start": interval.start, "end": interval.end}
        if fields.get("status", "confirmed") == "confirmed" and interval.end <= self._now:
            fields["status"] = "completed"  # as the server would, by itself (P4)
        self._number += 1
        return StagedBooking(
            number=self._number,
            file=row.place.file,
            line=row.place.line,
            origin=external_id or _natural(name, interval, fields),
            named=external_id is not None,
            digest=hashlib.sha256(json.dumps(told, sort_keys=True).encode()).digest(),
            location_id=location.id,
            resource_id=resource.id,
            interval=interval,
            active=fields.get("status", "confirmed") in ACTIVE_STATUSES,
            recent=interval.end > self._now - RECENT_SECONDS,
            fields=fields,
        )

    def _interval(
        self, row: Row, location: KnownLocation, start: Instant | datetime, end: Instant | datetime
    ) -> Interval | None:
        times = resolve_times(start, end, location.state.timezone)
        if isinstance(times, UnknownTimes):
            for violation in times.violations:
                for time in violation.params["times"]:
                    self._wrong_time(row, location, time["field"], violation)
            return None
        if times[1] <= times[0]:
            self._wrong(row, "end_time", "must be after start_time")
            return None
        return Interval(*times)

    def _instant(self, row: Row, location: KnownLocation, field: str, local: datetime) -> Instant | None:
        known = resolve(local, location.state.timezone, field)
        if isinstance(known, Violation):
            self._wrong_time(row, location, field, known)
            return None
        return known

    def _wrong_time(self, row: Row, location: KnownLocation, field: str, violation: Violation) -> None:
        [time] = [each for each in violation.params["times"] if each["field"] == field]
        wall = time["wall"]
        if violation.code == "nonexistent_time":
            told = f"{wall} does not exist at {location.state.name}: the clocks skip it; the next is {format_instant(time['next_time'])}"
        else:
            readings = " or ".join(map(format_instant, time["reading_times"]))
            told = (
                f"{wall} occurs twice at {location.state.name}, as the clocks go back: it may be {readings}"
            )
        self._wrong(row, field, f"{violation.code}: {told}")

    def _consistent(self, row: Row, fields: Mapping[str, Any], interval: Interval) -> bool:
        block = fields.get("type", "CUSTOMER") != "CUSTOMER"
        customer, visitor = fields.get("customer"), fields.get("visitor_name")
        status = fields.get("status", "confirmed")
        if block and (customer or visitor):
            self._wrong(row, "type", "a block has no customer or visitor")
        elif not block and bool(customer) == bool(visitor):
            self._wrong(row, "customer", "either a customer or a visitor_name is needed, and not both")
        elif fields.get("visitor_phone") and not visitor:
            self._wrong(row, "visitor_phone", "a phone needs a visitor_name")
        elif status == "completed" and interval.end > self._now:
            self._wrong(row, "status", "what has not ended is not completed")
        elif status == "no_show" and interval.start > self._now:
            self._wrong(row, "status", "what has not begun was not missed")
        else:
            return True
        return False

    def _warn_off_grid(self, row: Row, location: KnownLocation, interval: Interval) -> None:
        state = location.state
        for field, instant in (("start_time", interval.start), ("end_time", interval.end)):
            if not is_boundary(instant, state.timezone, state.slot_minutes):
                told = f"{format_instant(instant)} is not on the grid of {state.slot_minutes} minutes"
                self._report.warn(row.place, "bookings", field, told)

    # All of them together

    async def _decide(self) -> None:
        after = 0
        while batch := await self.staged.matched(after, BATCH):
            bookings = await read_bookings(
                self._connection, [row.booking_id for row in batch if row.booking_id]
            )
            verdicts: dict[int, Verdict] = {}
            for row in batch:
                verdict = self._verdict(row, bookings[row.booking_id or ""])
                if verdict is not None:
                    verdicts[row.number] = verdict
            await self.staged.decide(verdicts)
            await self.staged.refuse([row.number for row in batch if row.number not in verdicts])
            after = batch[-1].number

    def _verdict(self, row: StagedBooking, booking: StoredBooking) -> Verdict | None:
        if self._only_new or row.known_digest == row.digest:
            return "same"
        for field in ("type", "code"):
            if row.fields.get(field) not in (None, getattr(booking, field)):
                self._report.refuse(
                    Place(row.file, row.line), "bookings", field, "of a booking that is there does not change"
                )
                return None
        after = applied(row, booking, booking.customer_name)
        if after == booking:
            return "same"
        return "change" if occupied(after) == occupied(booking) else "move"

    async def _refuse(self, field: str, rows: Sequence[tuple[int, str, int]], message: str) -> None:
        for _, file, line in rows:
            self._report.refuse(Place(file, line), "bookings", field, message)
        await self.staged.refuse([number for number, _, _ in rows])

    def _wrong(self, row: Row, field: str, message: str) -> None:
        self._report.refuse(row.place, "bookings", field, message)

    async def _flush(self) -> None:
        if self._waiting:
            await self.staged.add(self._waiting)
            self._waiting = []


def applied(row: StagedBooking, booking: StoredBooking, customer_name: str) -> StoredBooking:
    """The booking as the row has it; what the row does not tell stays. ``customer_name`` is the row's customer's."""
    fields = row.fields
    after = replace(
        booking,
        resource_id=row.resource_id,
        interval=row.interval,
        **{name: fields[name] for name in _DIRECT if name in fields},
    )
    if row.user_id is not None and row.user_id != booking.user_id:
        after = replace(after, user_id=row.user_id, customer_name=customer_name, visitor=None)
    if (name := fields.get("visitor_name")) is not None:
        visitor = StoredVisitor(
            id=booking.visitor.id if booking.visitor else None,
            name=name,
            phone=fields.get("visitor_phone"),
        )
        if visitor != booking.visitor:
            visitor = replace(
                visitor, id=None
            )  # another one, or better known: the earlier row is left as it was
            after = replace(after, user_id=None, customer_name="", visitor=visitor)
    return after


def occupied(booking: StoredBooking) -> tuple[int, Interval] | None:
    """What the booking takes of a resource's time; None if nothing."""
    return (booking.resource_id, booking.interval) if booking.is_active else None


def _natural(resource: str, interval: Interval, fields: Mapping[str, Any]) -> str:
    """What a booking goes by that has no name; nobody else's names begin so (``external_id`` may not)."""
    who = fields.get("customer") or fields.get("visitor_name") or fields.get("type")
    return f"={interval.start}/{interval.end}/{resource}/{who}".lower()


def _span(interval: Interval) -> str:
    return f"{format_instant(interval.start)}–{format_instant(interval.end)}"
