"""Guests who come: checked in by the code of their booking, at a kiosk or a desk."""

import datetime as dt
from typing import Annotated

from pydantic import Field

from server.commands import Text
from server.edge.endpoint import Answer, Endpoints
from server.edge.fields import Asked, Told
from server.edge.routes.bookings import BookingBody, Status
from server.errors import IdempotencyMismatch, NotActive, NotFound, Refused, TooEarly
from server.principal import Principal
from server.service.desk import BookingDesk
from server.service.rate_limits import RateLimits


class CheckIn(Asked):
    """A booking's code, as a guest reads it out or a QR code holds it: in any case, with spaces or dashes."""

    code: Annotated[Text, Field(min_length=1, max_length=50)]


class Attendance(Told):
    """What a kiosk is told: where and when the guest is expected, and since when they are there."""

    location_id: int
    resource_id: int
    start_time: dt.datetime
    end_time: dt.datetime
    status: Status
    attended_at: dt.datetime | None
    version: int


def check_in_endpoints(desk: BookingDesk, limits: RateLimits) -> Endpoints:
    """Attendance by code."""
    endpoints = Endpoints("Bookings")

    @endpoints.post(
        "/api/check-in",
        answer=BookingBody | Attendance,
        summary="Check a guest in by their code",
        faults=(NotFound, NotActive, TooEarly, Refused, IdempotencyMismatch),
        example={"code": "7K2M9P"},
    )
    async def check_in(caller: Principal, body: CheckIn, idempotency_key: str | None) -> Answer:
        """From half an hour before the start until the end, at the booking's own location; again is the same answer. Staff
        are told the whole booking, a kiosk where and when it is. How many codes may be shown is limited.
        """
        await limits.check_in(caller)
        done = await desk.check_in(caller, body.code, key=idempotency_key)
        return Answer(body=done.body, status=done.status, etag=str(done.body["version"]))

    return endpoints
