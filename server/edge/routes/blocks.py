"""Blocks of many resources, and the series that they make up, for admins."""

import datetime as dt
import uuid
from typing import Annotated, Any, TypeAlias, cast

from pydantic import BaseModel, WithJsonSchema

from grid_engine.records import BlockType
from server.commands import BookingType, Id
from server.edge.endpoint import Answer, Endpoints
from server.edge.fields import Asked, ToldInstant
from server.edge.paging import Page, PageQuery, page_of
from server.edge.problem_schema import SpanBody
from server.errors import Fault, IdempotencyMismatch, Malformed, NotActive, NotFound, Refused
from server.principal import Principal
from server.service.access import Action
from server.service.block_desk import BlockDesk
from server.service.blocks.requests import Block, Reach, SeriesChanges
from server.storage.series import OccurrenceRow, StoredSeries

WallTime: TypeAlias = Annotated[
    dt.datetime, WithJsonSchema({"type": "string", "examples": ["2027-06-07T09:00:00"]})
]
"""What clocks at the location show: no offset, and so no ``date-time`` of JSON Schema."""


class BlockedBody(BaseModel):
    """What came of a request to block.

    ``created`` is the number of blocks made; ``skipped`` the time that was wanted and is not blocked at all, since something
    stays there; ``cancelled`` the ids of the bookings and holds that were cancelled for it.
    """

    series_id: uuid.UUID
    created: int
    skipped: list[SpanBody]
    cancelled: list[uuid.UUID]


class TimesBody(BaseModel):
    """From when until when."""

    start_time: dt.datetime
    end_time: dt.datetime


class CollisionBody(BaseModel):
    """Something that is in the way: a booking, a hold or another block, with its own times."""

    resource_id: int
    start_time: dt.datetime
    end_time: dt.datetime
    booking_id: uuid.UUID
    type: BookingType
    status: str
    who: str


class RehearsalBody(BaseModel):
    """When it would be blocked, and everything that is in the way, by start."""

    occurrences: list[TimesBody]
    collisions: list[CollisionBody]


class EditedBody(BaseModel):
    """What came of editing a series.

    ``created``, ``changed`` and ``removed`` are numbers of blocks; ``skipped`` the time that is wanted by now and is not
    blocked at all; ``cancelled`` the ids of the bookings and holds that were cancelled for it.
    """

    series_id: uuid.UUID
    created: int
    changed: int
    removed: int
    skipped: list[SpanBody]
    cancelled: list[uuid.UUID]


class EndedBody(BaseModel):
    """How many blocks were taken away."""

    series_id: uuid.UUID
    removed: int


class SeriesBody(BaseModel):
    """A series; ``start_time`` and ``end_time`` are what the clocks at the location show for its first occurrence."""

    id: uuid.UUID
    location_id: int
    type: BlockType
    reason: str
    recurrence: str | None
    resource_ids: list[int]
    start_time: WallTime
    end_time: WallTime
    created_by: int | None
    created_at: ToldInstant
    updated_at: ToldInstant


class OccurrenceBody(BaseModel):
    """An occurrence: what it wants, on the clocks at the location, and how many blocks there are for it.

    ``occurrence`` is the id of one of them, by which it can be named; null where it got none.
    """

    occurrence: uuid.UUID | None
    type: BlockType
    reason: str
    resource_ids: list[int]
    start_time: WallTime
    end_time: WallTime
    blocks: int


class WholeSeriesBody(SeriesBody):
    """A series with the occurrences that were not deleted, in order."""

    occurrences: list[OccurrenceBody]


class SeriesQuery(PageQuery):
    """Of one location, or of all."""

    location_id: Id | None = None


class SeriesScope(Asked):
    """Which occurrences are meant, never those that are over; ``occurrence`` is the id of any block of the one."""

    scope: Reach = "all"
    occurrence: uuid.UUID | None = None


def block_endpoints(blocks: BlockDesk) -> Endpoints:
    """Taking time out of use."""
    endpoints = Endpoints("Blocks")
    admins: dict[str, Any] = {"action": Action.BLOCK}

    @endpoints.post(
        "/api/admin/bookings/block",
        summary="Block resources, once or again and again",
        answer=BlockedBody,
        status=201,
        also={200: RehearsalBody},
        faults=(Refused, IdempotencyMismatch, NotFound),
        example={
            "location_id": 1,
            "resource_ids": [1, 2],
            "type": "MAINTENANCE",
            "reason": "New turf",
            "start_time": "2027-06-07T09:00:00",
            "end_time": "2027-06-07T12:00:00",
            "recurrence": "FREQ=WEEKLY;BYDAY=MO;COUNT=10",
            "on_conflict": "book_around",
        },
        **admins,
    )
    async def block(caller: Principal, body: Block, idempotency_key: str | None) -> Answer:
        """One change, whatever it makes. Each occurrence keeps its times on the clocks at the location; one that they leave
        out moves to the next time that there is, and of times that they show twice the first is meant.

        ``on_conflict`` says what becomes of a block where something is: ``fail`` refuses all of it with 409 and lists what is
        in the way in ``conflicts``; ``skip`` leaves that block out; ``book_around`` blocks what is free round it; ``cancel``
        cancels the bookings and holds there, tells their customers, and blocks what is free round other blocks and what is
        over. With ``dry_run`` nothing is written, and all that is in the way is told with 200. Blocks are judged by R4 and
        R14 alone; ``override_reason`` sets R4 aside.
        """
        done = await blocks.block(caller, body, key=idempotency_key)
        return Answer(body=done.body, status=done.status)

    @endpoints.get(
        "/api/admin/series",
        summary="List series of blocks",
        answer=Page[SeriesBody],
        example={"location_id": 1},
        action=Action.READ_SERIES,
    )
    async def list_series(caller: Principal, query: SeriesQuery) -> Page[SeriesBody]:
        """By what the clocks showed at their first start, and id."""
        found = await blocks.listed(caller, query.location_id, after=_after(query), limit=query.limit + 1)
        return page_of(found, query.limit, _told, lambda series: (series.start_wall.isoformat(), series.id))

    @endpoints.get(
        "/api/admin/series/{series_id}",
        summary="A series of blocks",
        answer=WholeSeriesBody,
        action=Action.READ_SERIES,
    )
    async def read_series(caller: Principal, series_id: uuid.UUID) -> WholeSeriesBody:
        """With its occurrences, over or not, as far as they were not deleted."""
        series, occurrences = await blocks.series(caller, series_id)
        return WholeSeriesBody(**dict(_told(series)), occurrences=list(map(_told_occurrence, occurrences)))

    @endpoints.patch(
        "/api/admin/series/{series_id}",
        summary="Change a series of blocks",
        answer=EditedBody,
        faults=(Refused, IdempotencyMismatch, NotActive),
        example={"reason": "New turf, second coat", "end_time": "2027-06-14T13:00:00"},
        **admins,
    )
    async def edit_series(
        caller: Principal,
        series_id: uuid.UUID,
        query: SeriesScope,
        body: SeriesChanges,
        idempotency_key: str | None,
    ) -> Answer:
        """All of it that is not over, with ``scope=from`` what is from one occurrence on, with ``scope=one`` that one alone.
        ``occurrence`` is the id of any block of it. One change, whatever it comes to.

        ``start_time`` and ``end_time`` are for that occurrence or, with none named, the first that is not over; the others are
        put off by as much on the clocks. Blocks that move or are new are placed as ``on_conflict`` says: with ``skip`` those
        that there is no room for are taken away.
        """
        done = await blocks.edit(
            caller, series_id, body, scope=query.scope, occurrence=query.occurrence, key=idempotency_key
        )
        return Answer(body=done.body, status=done.status)

    @endpoints.delete(
        "/api/admin/series/{series_id}",
        summary="Delete a series of blocks",
        answer=EndedBody,
        faults=(IdempotencyMismatch, NotActive),
        **admins,
    )
    async def end_series(
        caller: Principal, series_id: uuid.UUID, query: SeriesScope, idempotency_key: str | None
    ) -> Answer:
        """All of it that is not over, or with ``scope`` as for changing it; what is gone already is no fault."""
        done = await blocks.end(
            caller, series_id, scope=query.scope, occurrence=query.occurrence, key=idempotency_key
        )
        return Answer(body=done.body, status=done.status)

    return endpoints


def _after(query: SeriesQuery) -> tuple[dt.datetime, uuid.UUID] | None:
    after = query.after(str, str)
    if after is None:
        return None
    try:
        start = dt.datetime.fromisoformat(after[0])
        if start.tzinfo is not None:
            raise ValueError("the clocks on a wall show no zone")
        return start, uuid.UUID(after[1])
    except ValueError:
        raise Malformed(faults=[Fault("query:cursor", "is not a cursor of this list")]) from None


def _told(series: StoredSeries) -> SeriesBody:
    return SeriesBody(
        id=uuid.UUID(series.id),
        location_id=series.location_id,
        type=cast("BlockType", series.type),
        reason=series.reason,
        recurrence=series.recurrence,
        resource_ids=list(series.resource_ids),
        start_time=series.start_wall,
        end_time=series.end_wall,
        created_by=series.created_by,
        created_at=series.created_at,
        updated_at=series.updated_at,
    )


def _told_occurrence(row: OccurrenceRow) -> OccurrenceBody:
    occurrence = row.occurrence
    return OccurrenceBody(
        occurrence=uuid.UUID(row.block_id) if row.block_id else None,
        type=cast("BlockType", occurrence.type),
        reason=occurrence.reason,
        resource_ids=list(occurrence.resource_ids),
        start_time=occurrence.start_wall,
        end_time=occurrence.end_wall,
        blocks=row.blocks,
    )
