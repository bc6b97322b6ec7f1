"""Locations, resources and blackouts, as admins set them up."""

from typing import Annotated, Any, Literal

from pydantic import Field

from server.commands import Id, Name, Reason, Time
from server.edge.endpoint import Endpoints
from server.edge.fields import Asked, Changes, TimeZone, changed
from server.edge.paging import Page, PageQuery, page_of
from server.edge.routes.venues import (
    BlackoutBody,
    LocationBody,
    ResourceBody,
    ResourceQuery,
    told_blackout,
    told_location,
    told_resource,
)
from server.errors import InUse, NotFound, Refused
from server.principal import Principal
from server.service.access import Action
from server.service.administration.blackouts import Blackouts
from server.service.administration.locations import Locations
from server.service.administration.resources import Resources

SlotMinutes = Literal[5, 10, 15, 20, 30, 60]
Position = Annotated[int, Field(ge=0, le=1_000_000)]
PolicyDocument = Annotated[
    dict[str, Any],
    Field(
        description="Keys left out take their defaults; unknown keys are refused.",
        examples=[{"min_duration_minutes": 60, "opening_hours": {"mon": [["09:00", "24:00"]]}}],
    ),
]
ResourceIds = Annotated[list[Id], Field(min_length=1, max_length=1000)]


class LocationPost(Asked):
    """A new location."""

    name: Name
    timezone: TimeZone
    slot_minutes: SlotMinutes = 30
    policy: PolicyDocument = Field(default_factory=dict)
    active: bool = True


class LocationPatch(Changes):
    """What is to change; a policy is replaced whole. ``confirm`` insists on what existing bookings speak against."""

    name: Name = ""
    timezone: TimeZone = ""
    slot_minutes: SlotMinutes = 30
    policy: PolicyDocument = Field(default_factory=dict)
    active: bool = True
    confirm: bool = False


class ResourcePost(Asked):
    """A new resource; without a position it stands last."""

    location_id: Id
    name: Name
    position: Position | None = None
    active: bool = True


class ResourcePatch(Changes):
    """What is to change; a resource stays at its location. ``confirm`` insists on closing it with bookings ahead."""

    location_id: Id = 0
    name: Name = ""
    position: Position = 0
    active: bool = True
    confirm: bool = False


class Closing(Asked):
    """``confirm`` insists on closing what has bookings ahead."""

    confirm: bool = False


class BlackoutPost(Asked):
    """A new blackout: of the whole location, or of some of its resources."""

    location_id: Id
    resource_ids: ResourceIds | None = None
    start_time: Time
    end_time: Time
    reason: Reason


class BlackoutPatch(Changes):
    """What is to change; a blackout stays at its location."""

    location_id: Id = 0
    resource_ids: ResourceIds | None = None
    start_time: Time = 0
    end_time: Time = 0
    reason: Reason = ""


def venue_administration_endpoints(
    locations: Locations, resources: Resources, blackouts: Blackouts
) -> Endpoints:
    """Setting up what there is to book."""
    endpoints = Endpoints("Administration")
    admins: dict[str, Any] = {"action": Action.ADMINISTER}

    @endpoints.get("/api/admin/locations", summary="List all locations", answer=Page[LocationBody], **admins)
    async def list_locations(caller: Principal, query: PageQuery) -> Page[LocationBody]:
        """Inactive ones too, in order of name."""
        found, stale = await locations.listed(caller, after=query.after(str, int), limit=query.limit + 1)
        return page_of(
            found,
            query.limit,
            lambda each: told_location(each, caller),
            lambda each: (each.name, each.id),
            stale=stale,
        )

    @endpoints.post(
        "/api/admin/locations",
        summary="Open a location",
        answer=LocationBody,
        status=201,
        example={"name": "Riverside", "timezone": "America/New_York", "policy": {"advance_days": 30}},
        **admins,
    )
    async def create_location(caller: Principal, body: LocationPost) -> LocationBody:
        return told_location(await locations.create(caller, **dict(body)), caller)

    @endpoints.get("/api/admin/locations/{location_id}", summary="A location", answer=LocationBody, **admins)
    async def read_location(caller: Principal, location_id: int) -> LocationBody:
        return told_location(await locations.get(caller, location_id), caller)

    @endpoints.patch(
        "/api/admin/locations/{location_id}",
        summary="Change a location",
        answer=LocationBody,
        faults=(InUse,),
        example={"policy": {"cutoff_minutes": 60}},
        **admins,
    )
    async def change_location(caller: Principal, location_id: int, body: LocationPatch) -> LocationBody:
        """What is left out stays; a policy is replaced whole, and its keys left out take their defaults. What would break
        bookings ahead is 409 unless ``confirm`` is true: another time zone or slot whenever there are any, shorter opening
        hours and closing the location where any would be left outside. The answer says which, and in what.
        """
        changes = changed(body)
        changes.pop("confirm", None)
        return told_location(
            await locations.change(caller, location_id, changes, confirmed=body.confirm), caller
        )

    @endpoints.delete(
        "/api/admin/locations/{location_id}", summary="Close a location", faults=(InUse,), **admins
    )
    async def close_location(caller: Principal, location_id: int, query: Closing) -> None:
        """It becomes inactive: what was booked there is kept, which is 409 with bookings ahead unless ``confirm`` is true."""
        await locations.close(caller, location_id, confirmed=query.confirm)

    @endpoints.get(
        "/api/admin/resources",
        summary="List the resources of a location",
        answer=Page[ResourceBody],
        faults=(NotFound,),
        example={"location_id": 1},
        **admins,
    )
    async def list_resources(caller: Principal, query: ResourceQuery) -> Page[ResourceBody]:
        """Inactive ones too, in the order of the grid's columns."""
        found, stale = await resources.listed(
            caller, query.location_id, after=query.after(int, int), limit=query.limit + 1
        )
        return page_of(found, query.limit, told_resource, lambda each: (each.position, each.id), stale=stale)

    @endpoints.post(
        "/api/admin/resources",
        summary="Add a resource",
        answer=ResourceBody,
        status=201,
        faults=(NotFound,),
        example={"location_id": 1, "name": "Bay 1"},
        **admins,
    )
    async def create_resource(caller: Principal, body: ResourcePost) -> ResourceBody:
        return told_resource(await resources.create(caller, **dict(body)))

    @endpoints.get("/api/admin/resources/{resource_id}", summary="A resource", answer=ResourceBody, **admins)
    async def read_resource(caller: Principal, resource_id: int) -> ResourceBody:
        return told_resource(await resources.get(caller, resource_id))

    @endpoints.patch(
        "/api/admin/resources/{resource_id}",
        summary="Change a resource",
        answer=ResourceBody,
        faults=(InUse,),
        example={"name": "Bay 1 (left-handed)"},
        **admins,
    )
    async def change_resource(caller: Principal, resource_id: int, body: ResourcePatch) -> ResourceBody:
        """What is left out stays. Closing it with bookings ahead is 409 unless ``confirm`` is true."""
        changes = changed(body)
        changes.pop("confirm", None)
        return told_resource(await resources.change(caller, resource_id, changes, confirmed=body.confirm))

    @endpoints.delete(
        "/api/admin/resources/{resource_id}", summary="Close a resource", faults=(InUse,), **admins
    )
    async def close_resource(caller: Principal, resource_id: int, query: Closing) -> None:
        """It becomes inactive: what was booked on it is kept, which is 409 with bookings ahead unless ``confirm`` is true."""
        await resources.close(caller, resource_id, confirmed=query.confirm)

    @endpoints.post(
        "/api/admin/blackouts",
        summary="Close a location for a while",
        answer=BlackoutBody,
        status=201,
        faults=(NotFound, Refused),
        example={
            "location_id": 1,
            "start_time": "2027-06-05T14:00:00Z",
            "end_time": "2027-06-05T18:00:00Z",
            "reason": "Cup final",
        },
        **admins,
    )
    async def create_blackout(caller: Principal, body: BlackoutPost) -> BlackoutBody:
        """For all its resources, or for those named. Customers cannot book then; staff can, with a reason."""
        return told_blackout(await blackouts.create(caller, **dict(body)), caller)

    @endpoints.get("/api/admin/blackouts/{blackout_id}", summary="A blackout", answer=BlackoutBody, **admins)
    async def read_blackout(caller: Principal, blackout_id: int) -> BlackoutBody:
        return told_blackout(await blackouts.get(caller, blackout_id), caller)

    @endpoints.patch(
        "/api/admin/blackouts/{blackout_id}",
        summary="Change a blackout",
        answer=BlackoutBody,
        faults=(Refused,),
        example={"reason": "Cup final, extra time", "end_time": "2027-06-05T19:00:00Z"},
        **admins,
    )
    async def change_blackout(caller: Principal, blackout_id: int, body: BlackoutPatch) -> BlackoutBody:
        return told_blackout(await blackouts.change(caller, blackout_id, changed(body)), caller)

    @endpoints.delete("/api/admin/blackouts/{blackout_id}", summary="Open again", **admins)
    async def delete_blackout(caller: Principal, blackout_id: int) -> None:
        """The blackout is gone."""
        await blackouts.delete(caller, blackout_id)

    return endpoints
