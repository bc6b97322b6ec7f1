"""The grid's snapshot over HTTP, as it is on the wire."""

import datetime as dt
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from grid_engine.audience import Audience
from server.commands import Id
from server.edge.endpoint import Answer, Endpoints
from server.edge.fields import Day
from server.errors import NotFound
from server.live.rooms import Rooms
from server.live.snapshots import take_snapshot
from server.live.store import Store
from server.live.watch import Window
from server.principal import Principal
from server.service.access import Action, allows, require

MOST_DAYS = 31


class GridQuery(BaseModel):
    """A window of local days; ``min_version`` asks a node to catch up first."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    location_id: Id
    from_: Annotated[Day, Field(alias="from")]
    days: Annotated[int, Field(ge=1, le=MOST_DAYS)] = 1
    min_version: Annotated[int | None, Field(ge=0)] = None


class GridBody(BaseModel):
    """The whole state of a window at a version; instants are integers, seconds since 1970 UTC."""

    location: int
    epoch: str
    version: int
    from_: Annotated[dt.date, Field(alias="from")]
    days: int
    timezone: str
    rows: dict[str, list[int]]
    resources: list[dict[str, Any]]
    records: list[dict[str, Any]]
    blackouts: list[dict[str, Any]]
    stale: bool


def grid_endpoints(rooms: Rooms, store: Store) -> Endpoints:
    """The grid."""
    endpoints = Endpoints("Grid")

    @endpoints.get(
        "/api/grid",
        answer=GridBody,
        summary="The grid of some days",
        faults=(NotFound,),
        conditional=True,
        example={"location_id": 1, "from": "2027-06-05", "days": 1},
    )
    async def grid(caller: Principal, query: GridQuery) -> Answer:
        """What the caller's WebSocket would be sent for the window, and whether it may be out of date."""
        require(caller, Action.READ_GRID, location_id=query.location_id)
        room = await rooms.open(query.location_id)
        if query.min_version is not None and room.version < query.min_version:
            await room.catch_up(query.min_version)
        whole = allows(caller, Action.READ_RECORDS, location_id=query.location_id)
        audience = Audience.STAFF if whole else Audience.PUBLIC
        snapshot = await take_snapshot(room, store, Window(query.from_, query.days), audience)
        body = {
            "location": snapshot.location,
            "epoch": snapshot.epoch,
            "version": snapshot.version,
            "from": snapshot.from_,
            "days": snapshot.days,
            "timezone": snapshot.timezone,
            "rows": snapshot.rows,
            "resources": snapshot.resources,
            "records": snapshot.records,
            "blackouts": snapshot.blackouts,
            "stale": rooms.stale,
        }
        # Staleness is part of what is told: a poller must not be answered 304 over it (P2).
        told_as = f"{audience.name.lower()}{'-stale' if rooms.stale else ''}"
        return Answer(body=body, etag=f"{snapshot.epoch}-{snapshot.version}-{told_as}")

    return endpoints
