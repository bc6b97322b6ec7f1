"""Blocks of many resources, and the series that they make up, for admins."""

import datetime as dt
import uuid
from typing import Any

from pydantic import BaseModel

from server.commands import BookingType
from server.edge.endpoint import Answer, Endpoints
from server.edge.problem_schema import SpanBody
from server.errors import IdempotencyMismatch, NotFound, Refused
from server.principal import Principal
from server.service.access import Action
from server.service.block_desk import BlockDesk
from server.service.blocks.requests import Block


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

    return endpoints
