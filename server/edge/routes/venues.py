"""Locations, resources and blackouts, as everybody reads them."""

from typing import Any

from pydantic import Field

from server.commands import Id, Time
from server.edge.endpoint import Endpoints
from server.edge.fields import Told, ToldInstant
from server.edge.paging import Page, PageQuery, page_of
from server.errors import NotFound, Refused
from server.principal import Principal
from server.service.access import Action, allows
from server.service.administration.blackouts import Blackouts
from server.service.administration.locations import Locations
from server.service.administration.resources import Resources
from server.storage.configuration import StoredBlackout, StoredLocation, StoredResource


class LocationBody(Told):
    """A venue. ``policy`` has ``tiers`` and ``tags`` for staff only; ``active`` is for admins."""

    id: int
    name: str
    timezone: str
    slot_minutes: int
    policy: dict[str, Any]
    active: bool = Field(default=True)


class ResourceBody(Told):
    """A bay, court or room; columns stand in order of position, then id."""

    id: int
    location_id: int
    name: str
    position: int
    active: bool


class BlackoutBody(Told):
    """A period closed to customers; ``resource_ids`` null is the whole location."""

    id: int
    location_id: int
    resource_ids: list[int] | None
    start_time: ToldInstant
    end_time: ToldInstant
    reason: str


class ResourceQuery(PageQuery):
    """Whose resources."""

    location_id: Id


class BlackoutQuery(PageQuery):
    """Blackouts of a location that overlap [from, to)."""

    location_id: Id
    from_time: Time | None = Field(default=None, alias="from")
    to_time: Time | None = Field(default=None, alias="to")


def told_location(location: StoredLocation, caller: Principal) -> LocationBody:
    """The location as the caller may see it."""
    policy = dict(location.policy)
    if not allows(caller, Action.READ_SETUP, location_id=location.id):
        # How other people are treated, and what they are tagged with, is no customer's business.
        policy = {key: value for key, value in policy.items() if key not in ("tiers", "tags")}
    fields: dict[str, Any] = {
        "id": location.id,
        "name": location.name,
        "timezone": location.timezone,
        "slot_minutes": location.slot_minutes,
        "policy": policy,
    }
    if allows(caller, Action.ADMINISTER):
        fields["active"] = location.active
    return LocationBody(**fields)


def told_resource(resource: StoredResource) -> ResourceBody:
    """The resource as it is told."""
    return ResourceBody(
        id=resource.id,
        location_id=resource.location_id,
        name=resource.name,
        position=resource.position,
        active=resource.active,
    )


def told_blackout(blackout: StoredBlackout, caller: Principal) -> BlackoutBody:
    """The blackout as it is told; why it is closed is what staff wrote for each other, and may name people (A4)."""
    for_staff = allows(caller, Action.READ_SETUP, location_id=blackout.location_id)
    return BlackoutBody(
        id=blackout.id,
        location_id=blackout.location_id,
        resource_ids=None if blackout.resource_ids is None else list(blackout.resource_ids),
        start_time=blackout.start_time,
        end_time=blackout.end_time,
        reason=blackout.reason if for_staff else "",
    )


def venue_endpoints(locations: Locations, resources: Resources, blackouts: Blackouts) -> Endpoints:
    """What there is to book, and when it is closed."""
    endpoints = Endpoints("What is free")

    @endpoints.get("/api/locations", summary="List the locations", answer=Page[LocationBody])
    async def list_locations(caller: Principal, query: PageQuery) -> Page[LocationBody]:
        """In order of name. Inactive ones are for admins; a kiosk sees its own."""
        found, stale = await locations.listed(caller, after=query.after(str, int), limit=query.limit + 1)
        return page_of(
            found,
            query.limit,
            lambda each: told_location(each, caller),
            lambda each: (each.name, each.id),
            stale=stale,
        )

    @endpoints.get(
        "/api/resources",
        summary="List the resources of a location",
        answer=Page[ResourceBody],
        faults=(NotFound,),
        example={"location_id": 1},
    )
    async def list_resources(caller: Principal, query: ResourceQuery) -> Page[ResourceBody]:
        """In the order of the grid's columns. Inactive ones are for admins."""
        found, stale = await resources.listed(
            caller, query.location_id, after=query.after(int, int), limit=query.limit + 1
        )
        return page_of(found, query.limit, told_resource, lambda each: (each.position, each.id), stale=stale)

    @endpoints.get(
        "/api/blackouts",
        summary="List the blackouts of a location",
        answer=Page[BlackoutBody],
        faults=(NotFound, Refused),
        example={"location_id": 1, "from": "2027-06-05T00:00:00Z"},
    )
    async def list_blackouts(caller: Principal, query: BlackoutQuery) -> Page[BlackoutBody]:
        """Those that overlap [from, to), in order of start; times without an offset are wall time at the location."""
        found = await blackouts.listed(
            caller,
            query.location_id,
            from_time=query.from_time,
            to_time=query.to_time,
            after=query.after(int, int),
            limit=query.limit + 1,
        )
        return page_of(
            found,
            query.limit,
            lambda each: told_blackout(each, caller),
            lambda each: (each.start_time, each.id),
        )

    return endpoints
