"""Snapshots of a window: from the replica where it reaches back far enough, otherwise from Postgres.

Belongs here: making them consistent with the room's version. Does not belong here: sending them, and following what comes after.
"""

import datetime as dt
from collections.abc import Iterable
from typing import Any, Final

from grid_engine.audience import Audience
from grid_engine.calendar_day import calendar_day, days_after, window_of
from grid_engine.diff import Put, Remove
from grid_engine.interval import Interval
from grid_engine.records import Blackout, Record, Resource
from grid_engine.snapshot import project_records
from server.errors import Malformed, NotFound, Unavailable
from server.live.room import Room
from server.live.store import Store
from server.live.watch import Window
from server.wire.messages import Snapshot

ATTEMPTS: Final = 5
"""How often an older window is read before giving up on a location that changes faster than it can be read."""


async def take_snapshot(room: Room, store: Store, window: Window, audience: Audience) -> Snapshot:
    """The window as the audience is shown it, at exactly the room's version when this returns.

    Waits for Postgres only where the window begins before the replica does (today's midnight).

    Raises:
        Malformed: if the window lies outside the calendar.
        Unavailable: if Postgres is needed and away.
        NotFound: if the location is gone.
    """
    interval = _interval(room, window)
    if interval.start >= room.horizon:
        return _snapshot(room, window, audience, room.grid.overlapping(interval))
    for _ in range(ATTEMPTS):
        records = await _read(room, store, interval)
        # The room may have been reloaded with another time zone meanwhile.
        if records is not None and _interval(room, window) == interval:
            return _snapshot(room, window, audience, records)
        interval = _interval(room, window)
    raise Unavailable("The location changes too fast to be read")


def snapshot_from_replica(room: Room, window: Window, audience: Audience) -> Snapshot | None:
    """As ``take_snapshot``, at once; None if the replica does not reach back so far."""
    interval = _interval(room, window)
    if interval.start < room.horizon:
        return None
    return _snapshot(room, window, audience, room.grid.overlapping(interval))


async def _read(room: Room, store: Store, interval: Interval) -> Iterable[Record] | None:
    """The interval's records from Postgres, brought to the room's version; None if the two cannot be reconciled now."""
    try:
        epoch, version, records = await store.window(room.id, interval)
    except LookupError:
        raise NotFound from None
    if version > room.version or epoch != room.epoch:
        await room.catch_up(None if epoch != room.epoch else version)
    later = room.since(version) if epoch == room.epoch else None
    if later is None:
        return None
    # What was read may be older than the room, whose next diffs the reader will get: bring it forward (W1).
    by_id = {record.id: record for record in records}
    for diff in later:
        for op in diff.ops:
            if isinstance(op, Put) and op.record.interval.overlaps(interval):
                by_id[op.record.id] = op.record
            elif isinstance(op, Put):
                by_id.pop(op.record.id, None)
            elif isinstance(op, Remove):
                by_id.pop(op.id, None)
    return by_id.values()


def _interval(room: Room, window: Window) -> Interval:
    try:
        return window_of(window.first, window.days, room.state.timezone)
    except (ValueError, OverflowError) as error:
        raise Malformed("The window lies outside the calendar") from error


def _snapshot(room: Room, window: Window, audience: Audience, records: Iterable[Record]) -> Snapshot:
    state, interval = room.state, _interval(room, window)
    return Snapshot(
        location=room.id,
        epoch=room.epoch,
        version=room.version,
        from_=window.first.isoformat(),
        days=window.days,
        timezone=state.timezone,
        rows={
            date.isoformat(): calendar_day(date, state.timezone, state.slot_minutes).rows
            for date in _dates(window)
        },
        resources=[_resource(resource) for resource in state.active_resources],
        records=project_records(records, audience),
        blackouts=[
            _blackout(blackout, audience)
            for blackout in state.blackouts
            if blackout.interval.overlaps(interval)
        ],
    )


def _dates(window: Window) -> list[dt.date]:
    """The window's dates; those past the end of the calendar are left out."""
    return sorted({days_after(window.first, offset) for offset in range(window.days)})


def _resource(resource: Resource) -> dict[str, Any]:
    return {
        "id": resource.id,
        "name": resource.name,
        "position": resource.position,
        "active": resource.active,
    }


def _blackout(blackout: Blackout, audience: Audience) -> dict[str, Any]:
    """Why it is closed is what staff wrote for each other: it may name people."""
    return {
        "id": blackout.id,
        "start": blackout.interval.start,
        "end": blackout.interval.end,
        "resource_ids": None if blackout.resource_ids is None else sorted(blackout.resource_ids),
        "reason": blackout.reason if audience is Audience.STAFF else None,
    }
