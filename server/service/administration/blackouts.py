"""Periods in which a location, or some of its resources, is closed to customers (B4)."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeAlias

from grid_engine.interval import Instant
from rules.local_time import UnknownTimes, resolve, resolve_times
from rules.model import Suggestion, Violation
from server.errors import Fault, Malformed, NotFound, Refused
from server.principal import Principal
from server.service.access import Action, require
from server.service.administration.configuration import Change, Configuration
from server.service.administration.locations import Locations
from server.storage.configuration import (
    StoredBlackout,
    delete_blackout,
    insert_blackout,
    list_blackouts,
    list_resources,
    read_blackout,
    update_blackout,
)

Time: TypeAlias = Instant | datetime
"""An instant, or wall time at the location (T3)."""


class Blackouts:
    """The use cases of blackouts. Changes are for admins: ``Forbidden`` to all others."""

    def __init__(self, configuration: Configuration, locations: Locations) -> None:
        self._configuration = configuration
        self._locations = locations

    async def create(
        self,
        actor: Principal,
        *,
        location_id: int,
        resource_ids: Sequence[int] | None,
        start_time: Time,
        end_time: Time,
        reason: str,
    ) -> StoredBlackout:
        """A new blackout; ``resource_ids`` None closes the whole location.

        Raises:
            NotFound: if there is no such location, or no such resource at it.
            Refused: if a wall time does not exist there or occurs twice (T3).
            Malformed: if it would not end after it starts.
        """
        require(actor, Action.ADMINISTER)
        async with self._configuration.change(location_id, actor) as change:
            chosen = await _chosen(change, resource_ids)
            start, end = await _interval(change, start_time, end_time, chosen)
            blackout = StoredBlackout(
                id=0,
                location_id=location_id,
                resource_ids=chosen,
                start_time=start,
                end_time=end,
                reason=reason,
            )
            blackout = replace(blackout, id=await insert_blackout(change.connection, blackout))
            await change.record("blackout", blackout.id, "created", None, blackout)
        return blackout

    async def change(self, actor: Principal, blackout_id: int, changes: Mapping[str, Any]) -> StoredBlackout:
        """The blackout with some of its fields changed; raises as ``create``, and ``NotFound`` if there is none."""
        require(actor, Action.ADMINISTER)
        location_id = (await self._read(blackout_id)).location_id
        if changes.get("location_id", location_id) != location_id:
            raise Malformed(faults=[Fault("/location_id", "a blackout stays at its location")])
        async with self._configuration.change(location_id, actor) as change:
            before = await read_blackout(change.connection, blackout_id)
            if before is None:
                raise NotFound("There is no such blackout")
            chosen = before.resource_ids
            if "resource_ids" in changes:
                chosen = await _chosen(change, changes["resource_ids"])
            start, end = await _interval(
                change,
                changes.get("start_time", before.start_time),
                changes.get("end_time", before.end_time),
                chosen,
            )
            after = replace(
                before,
                resource_ids=chosen,
                start_time=start,
                end_time=end,
                reason=changes.get("reason", before.reason),
            )
            if after != before:
                await update_blackout(change.connection, after)
                await change.record("blackout", blackout_id, "updated", before, after)
        return after

    async def delete(self, actor: Principal, blackout_id: int) -> None:
        """The blackout is gone; the audit keeps what it was. Raises ``NotFound`` if there is none."""
        require(actor, Action.ADMINISTER)
        location_id = (await self._read(blackout_id)).location_id
        async with self._configuration.change(location_id, actor) as change:
            before = await read_blackout(change.connection, blackout_id)
            if before is None:
                raise NotFound("There is no such blackout")
            await delete_blackout(change.connection, blackout_id)
            await change.record("blackout", blackout_id, "deleted", before, None)

    async def get(self, caller: Principal, blackout_id: int) -> StoredBlackout:
        """The blackout, for admins; raises ``NotFound`` if there is none."""
        require(caller, Action.ADMINISTER)
        return await self._read(blackout_id)

    async def listed(
        self,
        caller: Principal,
        location_id: int,
        *,
        from_time: Time | None,
        to_time: Time | None,
        after: tuple[Instant, int] | None,
        limit: int,
    ) -> Sequence[StoredBlackout]:
        """Up to ``limit`` blackouts of the location that overlap [from, to), in order of start and id.

        Raises:
            NotFound: if there is no location that the caller may see.
            Refused: if a wall time does not exist there or occurs twice.
        """
        location = await self._locations.get(caller, location_id)
        async with self._configuration.database.connection() as connection:
            return await list_blackouts(
                connection,
                location_id,
                ends_after=_instant(from_time, location.timezone, "from"),
                starts_before=_instant(to_time, location.timezone, "to"),
                after=after,
                limit=limit,
            )

    async def _read(self, blackout_id: int) -> StoredBlackout:
        async with self._configuration.database.connection() as connection:
            blackout = await read_blackout(connection, blackout_id)
        if blackout is None:
            raise NotFound("There is no such blackout")
        return blackout


async def _chosen(change: Change, resource_ids: Sequence[int] | None) -> tuple[int, ...] | None:
    if resource_ids is None:
        return None
    known = {
        resource.id for resource in await list_resources(change.connection, change.location.id, inactive=True)
    }
    if not known.issuperset(resource_ids):
        raise NotFound("There is no such resource at this location")
    return tuple(sorted(set(resource_ids)))


async def _interval(
    change: Change, start: Time, end: Time, chosen: Sequence[int] | None
) -> tuple[Instant, Instant]:
    times = resolve_times(start, end, change.location.timezone)
    if isinstance(times, UnknownTimes):
        # A suggestion names a resource: the first that the blackout is for.
        columns = chosen or [
            each.id for each in await list_resources(change.connection, change.location.id, limit=1)
        ]
        raise Refused(
            times.violations,
            [Suggestion(resource_id=columns[0], interval=reading) for reading in times.readings if columns],
        )
    if times[1] <= times[0]:
        raise Malformed(faults=[Fault("/end_time", "must be after start_time")])
    return times


def _instant(time: Time | None, timezone: str, field: str) -> Instant | None:
    if not isinstance(time, datetime):
        return time
    resolved = resolve(time, timezone, field)
    if isinstance(resolved, Violation):
        raise Refused([resolved])
    return resolved
