"""Many operations in one request, for admins."""

import uuid
from typing import Annotated, Any

from pydantic import BaseModel, Field

from server.commands import Operation
from server.edge.endpoint import Answer, Endpoints
from server.edge.fields import Asked
from server.edge.problem_schema import ProblemBody
from server.edge.routes.bookings import BookingBody, HoldBody
from server.errors import IdempotencyMismatch, Refused
from server.principal import Principal
from server.service.access import Action
from server.service.bulk_desk import BulkDesk, BulkRequest

MOST_OPERATIONS = 500


class BulkOperation(Asked):
    """One command, as on the wire: its arguments are the HTTP body and query, with ``booking_id`` or ``hold_id`` for the id in
    the path, and perhaps ``if_version``.
    """

    op: Operation
    args: dict[str, Any] = Field(
        examples=[{"booking_id": "018f0000-0000-7000-8000-000000000000", "reason": "Storm"}]
    )


class BulkBody(Asked):
    """Operations in the order in which they are to be done."""

    operations: Annotated[list[BulkOperation], Field(min_length=1, max_length=MOST_OPERATIONS)]
    atomic: bool = False
    dry_run: bool = False


class BulkResult(BaseModel):
    """What came of one operation: the status that it would have alone, and its booking or hold, or what was wrong."""

    status: int
    booking: HoldBody | BookingBody | None = None
    error: ProblemBody | None = None


class BulkResults(BaseModel):
    """A result for each operation, in their order."""

    results: list[BulkResult]


def bulk_endpoints(bulk: BulkDesk) -> Endpoints:
    """Bulk operations."""
    endpoints = Endpoints("Bookings")

    @endpoints.post(
        "/api/admin/bookings/bulk",
        summary="Do many things at once",
        answer=BulkResults,
        faults=(Refused, IdempotencyMismatch),
        action=Action.ADMINISTER,
        example={
            "operations": [
                {
                    "op": "create",
                    "args": {
                        "resource_id": 1,
                        "start_time": "2027-06-05T14:00:00Z",
                        "end_time": "2027-06-05T15:00:00Z",
                        "visitor": {"name": "Vic"},
                    },
                },
                {"op": "cancel", "args": {"booking_id": str(uuid.UUID(int=0)), "reason": "Storm"}},
            ],
            "atomic": False,
        },
    )
    async def perform(caller: Principal, body: BulkBody, idempotency_key: str | None) -> Answer:
        """In one transaction, in the order given, each on what those before it did, at whatever locations. An operation that
        fails does so alone. With ``atomic`` all stand or fall together: if one fails nothing is done, and the others' results
        are 424 ``not_done``. With ``dry_run`` the answer is the same, and nothing is done.

        The key, if there is one, stands for the whole; a bulk of which nothing was done as a whole is not kept under it.
        Refusals come without suggestions. 409 is for the case that Postgres alone saw a conflict.
        """
        request = BulkRequest(
            operations=[(each.op, each.args) for each in body.operations],
            atomic=body.atomic,
            rehearsal=body.dry_run,
        )
        done = await bulk.perform(caller, request, key=idempotency_key)
        return Answer(body=done.body, status=done.status)

    return endpoints
