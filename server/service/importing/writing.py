"""Writing the bookings of an import, batch by batch, each under its location's lock and with a version of it (G6).

A batch is short, so that people who book meanwhile wait little, and whole: whoever stops an import in the middle stops it
between two batches. What somebody took since it was looked at is told as a conflict, and left out.

What a batch changes on the grid is told by puts and removes, as for any command. Past days are many and seldom looked at:
batches of them say ``reload``, and whoever has such a day open takes it afresh. Belongs here: that. Does not belong here: what
a row comes to (``bookings``).
"""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import replace

from grid_engine.diff import Diff, Operation, Put, Reload, Remove
from grid_engine.interval import Instant
from server.clock import Clock
from server.errors import Unavailable
from server.service.changes import Change, audit_entry
from server.service.identifiers import new_booking_id, new_code, new_grid_id
from server.service.importing.bookings import RECENT_SECONDS, BookingRows, applied
from server.service.importing.report import Progress, Report
from server.service.importing.venues import CAUSE
from server.storage.batch import lock_locations, read_targets, write, write_visitors
from server.storage.database import Connection, translated
from server.storage.origins import codes_in_use, read_bookings, read_names, write_origins
from server.storage.staged_bookings import StagedBooking, Verdict
from server.storage.stored_booking import StoredBooking

RECENT_BATCH = 500
PAST_BATCH = 2_000
MOST_MOVED = 1_000_000
_V7 = 7


class BookingWriter:
    """Writes the rows that ``BookingRows`` found good, on the connection that holds them."""

    def __init__(self, connection: Connection, rows: BookingRows, report: Report, clock: Clock) -> None:
        self._connection = connection
        self._rows = rows
        self._staged = rows.staged
        self._report = report
        self._clock = clock

    async def write(self, progress: Progress) -> None:
        """Writes them all, location by location."""
        for location_id in await self._staged.locations():
            # Those that move go first, and together: some may take the place of others.
            await self._batches(location_id, ["move"], None, MOST_MOVED, progress)
            for recent, size in ((True, RECENT_BATCH), (False, PAST_BATCH)):
                await self._batches(location_id, ["change", "create"], recent, size, progress)

    async def _batches(
        self,
        location_id: int,
        verdicts: Sequence[Verdict],
        recent: bool | None,  # noqa: FBT001  # a filter as the query has it
        size: int,
        progress: Progress,
    ) -> None:
        after = 0
        while rows := await self._staged.to_write(
            location_id, verdicts, recent=recent, after=after, limit=size
        ):
            with translated():
                async with self._connection.transaction():
                    await self._write(location_id, rows)
            progress.advance(len(rows))
            after = rows[-1].number

    async def _write(self, location_id: int, rows: Sequence[StagedBooking]) -> None:
        connection = self._connection
        locked = (await lock_locations(connection, [location_id])).get(location_id)
        if locked is None:
            raise Unavailable("The location is being restored")
        now = self._clock.now()
        rows = await self._still_free(rows, now)
        overdue = await read_targets(connection, [location_id], [], now)
        version = locked.version + 1
        changes = [_expired(hold, version) for hold in overdue.values()]
        changes += await self._changes(rows, now, version)
        if not changes:
            return
        changes = await self._with_visitors(location_id, changes, now)
        await write(
            connection,
            inserted=[change.after for change in changes if change.before is None],
            updated=[change.after for change in changes if change.before is not None],
            vacated=[change.after.id for change in changes if change.before is not None],
            audit=[audit_entry(change) for change in changes],
            diffs={location_id: Diff(locked.version, version, _operations(changes, version, now))},
            answers=[],
            now=now,
        )
        ids = [change.after.id for change in changes[len(overdue) :]]
        await write_origins(
            connection,
            location_id,
            [(row.origin, id_, row.digest) for row, id_ in zip(rows, ids, strict=True)],
        )

    async def _still_free(self, rows: Sequence[StagedBooking], now: Instant) -> Sequence[StagedBooking]:
        taken = await self._staged.taken_times(now, [row.number for row in rows])
        await self._rows.tell_overlaps(taken)
        late = {overlap.number for overlap in taken}
        counts = self._report.counts["bookings"]
        for row in rows:
            if row.number in late and row.booking_id is None:
                counts.created -= 1
            elif row.number in late:
                counts.changed -= 1
        return [row for row in rows if row.number not in late]

    async def _changes(self, rows: Sequence[StagedBooking], now: Instant, version: int) -> list[Change]:
        known = await read_bookings(self._connection, [row.booking_id for row in rows if row.booking_id])
        names = await read_names(self._connection, {row.user_id for row in rows if row.user_id is not None})
        codes = iter(await self._codes(sum(row.booking_id is None for row in rows)))
        changes = []
        for row in rows:
            before = known.get(row.booking_id or "")
            blank = before or self._blank(row, now, next(codes))
            after = applied(row, blank, names.get(row.user_id or 0, ""))
            changes.append(
                Change(
                    event_type="created" if before is None else "updated",
                    before=before,
                    after=replace(after, updated_at=now, version=version),
                    actor_id=None,
                    cause=CAUSE,
                )
            )
        return changes

    def _blank(self, row: StagedBooking, now: Instant, code: str) -> StoredBooking:
        return StoredBooking(
            id=row.origin if row.named and _is_own_id(row.origin) else new_booking_id(self._clock),
            grid_id=new_grid_id(),
            code=row.fields.get("code") or code,
            location_id=row.location_id,
            resource_id=row.resource_id,
            interval=row.interval,
            status="confirmed",
            type=row.fields.get("type", "CUSTOMER"),
            created_at=row.fields.get("created_at", now),
            updated_at=now,
            version=0,
        )

    async def _codes(self, count: int) -> list[str]:
        """So many codes that no booking still to come has."""
        codes: set[str] = set()
        while len(codes) < count:
            fresh = {new_code() for _ in range(count - len(codes))}
            codes |= fresh - await codes_in_use(self._connection, fresh)
        return list(codes)

    async def _with_visitors(self, location_id: int, changes: Sequence[Change], now: Instant) -> list[Change]:
        new = [each.after.visitor for each in changes if each.after.visitor and each.after.visitor.id is None]
        given = iter(
            await write_visitors(
                self._connection, [(location_id, visitor.name, visitor.phone) for visitor in new], now
            )
        )
        return [
            replace(change, after=replace(change.after, visitor=replace(visitor, id=next(given))))
            if (visitor := change.after.visitor) is not None and visitor.id is None
            else change
            for change in changes
        ]


def _expired(hold: StoredBooking, version: int) -> Change:
    """An overdue hold never refuses anybody (G5): the constraint has to know, too."""
    after = replace(hold, status="expired", expires_at=None, version=version)
    return Change(event_type="expired", before=hold, after=after, actor_id=None, cause="expiry")


def _operations(changes: Collection[Change], version: int, now: Instant) -> tuple[Operation, ...]:
    operations: list[Operation] = []
    reload = False
    for change in changes:
        after = change.after
        record = after.record()
        if record is None:
            if change.before is not None and change.before.is_active:
                operations.append(Remove(version, after.id, after.grid_id, change.before.user_id))
        elif change.before is not None or after.interval.end > now - RECENT_SECONDS:
            operations.append(Put(version, record))
        else:
            reload = True
    return (*operations, *([Reload(version)] if reload else []))


def _is_own_id(text: str) -> bool:
    """Whether the name is an id as Baygrid makes them, to be kept."""
    try:
        return str(uuid.UUID(text)) == text and uuid.UUID(text).version == _V7
    except ValueError:
        return False
