"""Bays, courts and rooms of a location: made, changed, closed and listed."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from server.errors import Fault, Malformed, NotFound, Unavailable
from server.principal import Principal
from server.service.access import Action, allows, require
from server.service.administration.configuration import Configuration
from server.service.administration.consequences import insist_on_closing
from server.service.administration.locations import Locations
from server.storage.configuration import (
    StoredResource,
    insert_resource,
    list_resources,
    read_resource,
    update_resource,
)


class Resources:
    """The use cases of resources. Changes are for admins: ``Forbidden`` to all others."""

    def __init__(self, configuration: Configuration, locations: Locations) -> None:
        self._configuration = configuration
        self._locations = locations

    async def create(
        self, actor: Principal, *, location_id: int, name: str, position: int | None, active: bool
    ) -> StoredResource:
        """A new resource; without a position it stands last.

        Raises:
            NotFound: if there is no such location.
        """
        require(actor, Action.ADMINISTER)
        async with self._configuration.change(location_id, actor) as change:
            if position is None:
                others = await list_resources(change.connection, location_id, inactive=True)
                position = others[-1].position + 1 if others else 0
            resource = StoredResource(
                id=0, location_id=location_id, name=name, position=position, active=active
            )
            resource = replace(resource, id=await insert_resource(change.connection, resource))
            await change.record("resource", resource.id, "created", None, resource)
        return resource

    async def change(
        self, actor: Principal, resource_id: int, changes: Mapping[str, Any], *, confirmed: bool = False
    ) -> StoredResource:
        """The resource with some of its fields changed.

        Raises:
            NotFound: if there is no such resource.
            Malformed: if it would move to another location.
            InUse: if it would be closed with bookings ahead, unless ``confirmed``.
        """
        require(actor, Action.ADMINISTER)
        location_id = (await self._read(resource_id)).location_id
        async with self._configuration.change(location_id, actor) as change:
            before = await read_resource(change.connection, resource_id)
            if before is None:
                raise NotFound("There is no such resource")
            after = replace(before, **changes)
            if after.location_id != before.location_id:
                raise Malformed(faults=[Fault("/location_id", "a resource stays at its location")])
            if before.active and not after.active and not confirmed:
                await insist_on_closing(change, resource_id)
            if after != before:
                await update_resource(change.connection, after)
                await change.record("resource", resource_id, "updated", before, after)
        return after

    async def close(self, actor: Principal, resource_id: int, *, confirmed: bool = False) -> None:
        """The resource can no longer be booked, and is there for admins alone; what was booked is kept.

        Raises:
            NotFound: if there is no such resource.
            InUse: if bookings lie ahead, unless ``confirmed``.
        """
        await self.change(actor, resource_id, {"active": False}, confirmed=confirmed)

    async def get(self, caller: Principal, resource_id: int) -> StoredResource:
        """The resource, for admins; raises ``NotFound`` if there is none."""
        require(caller, Action.ADMINISTER)
        return await self._read(resource_id)

    async def listed(
        self, caller: Principal, location_id: int, *, after: tuple[int, int] | None, limit: int
    ) -> tuple[Sequence[StoredResource], bool]:
        """(up to ``limit`` of a location's resources in column order, whether they are stale); inactive ones for admins.

        Raises:
            NotFound: if there is no location that the caller may see.
            Unavailable: if Postgres is away, and this node does not hold the location.
        """
        await self._locations.get(caller, location_id)
        inactive = allows(caller, Action.ADMINISTER)
        try:
            async with self._configuration.database.connection() as connection:
                found = await list_resources(
                    connection, location_id, after=after, limit=limit, inactive=inactive
                )
        except Unavailable:
            state = self._locations.replica(location_id)
            if state is None:
                raise
            held = [
                StoredResource(
                    id=each.id,
                    location_id=location_id,
                    name=each.name,
                    position=each.position,
                    active=each.active,
                )
                for each in state.resources
                if (each.active or inactive) and (after is None or (each.position, each.id) > after)
            ]
            return held[:limit], True
        return found, False

    async def _read(self, resource_id: int) -> StoredResource:
        async with self._configuration.database.connection() as connection:
            resource = await read_resource(connection, resource_id)
        if resource is None:
            raise NotFound("There is no such resource")
        return resource
