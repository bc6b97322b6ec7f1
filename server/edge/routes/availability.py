"""What is free, over HTTP."""

import datetime as dt
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from server.commands import Id, format_instant
from server.edge.endpoint import Endpoints
from server.edge.fields import Day
from server.edge.problems import describe_violations
from server.edge.routes.bookings import ViolationBody
from server.errors import NotFound
from server.principal import Principal
from server.service.reading import Reading

MOST_MINUTES = 7 * 24 * 60


class AvailabilityQuery(BaseModel):
    """A location's day; ``user_id`` is for staff who ask on a customer's behalf."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    location_id: Id
    date: Day
    duration: Annotated[int, Field(ge=1, le=MOST_MINUTES)]
    """Minutes that elapse (T4)."""
    resource_id: Id | None = None
    user_id: Id | None = None
    explain: bool = False
    min_version: Annotated[int | None, Field(ge=0)] = None


class SlotBody(BaseModel):
    """A resource and times that can be booked."""

    resource_id: int
    start_time: dt.datetime
    end_time: dt.datetime


class RefusedBody(SlotBody):
    """A resource and times that cannot be booked, and why."""

    violations: list[ViolationBody]


class AvailabilityBody(BaseModel):
    """What is free; ``refused`` is there with ``explain``, ``stale`` while the database is away."""

    location_id: int
    date: dt.date
    timezone: str
    duration: int
    slots: list[SlotBody]
    refused: list[RefusedBody] | None = None
    stale: bool = False


def availability_endpoints(reading: Reading) -> Endpoints:
    """What can be booked."""
    endpoints = Endpoints("Availability")

    @endpoints.get(
        "/api/availability",
        answer=AvailabilityBody,
        summary="What is free on a day",
        faults=(NotFound,),
        example={"location_id": 1, "date": "2027-06-05", "duration": 60},
    )
    async def available(caller: Principal, query: AvailabilityQuery) -> dict[str, Any]:
        """Every slot that would be accepted if it were posted now, by start and then as columns stand."""
        listing = await reading.available(
            caller,
            query.location_id,
            query.date,
            query.duration,
            resource_id=query.resource_id,
            user_id=query.user_id,
            explain=query.explain,
            min_version=query.min_version,
        )
        body: dict[str, Any] = {
            "location_id": query.location_id,
            "date": query.date.isoformat(),
            "timezone": listing.timezone,
            "duration": query.duration,
            "slots": [
                _slot(slot.resource_id, slot.interval.start, slot.interval.end)
                for slot in listing.found.slots
            ],
            "stale": listing.stale,
        }
        if query.explain:
            body["refused"] = [
                _slot(each.resource_id, each.interval.start, each.interval.end)
                | {"violations": describe_violations(each.violations)}
                for each in listing.found.refused
            ]
        return body

    return endpoints


def _slot(resource_id: int, start: int, end: int) -> dict[str, Any]:
    return {
        "resource_id": resource_id,
        "start_time": format_instant(start),
        "end_time": format_instant(end),
    }
