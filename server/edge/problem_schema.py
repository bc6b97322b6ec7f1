"""A problem as the OpenAPI document describes it, and an example of each.

Belongs here: the model of the body and made-up problems. Does not belong here: rendering real ones (``problems``).
"""

import uuid
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from grid_engine.interval import Interval
from rules.model import Suggestion, Violation
from server.edge.fields import ToldInstant
from server.edge.problems import describe
from server.errors import Broken, Fault, InUse, Malformed, Problem, Refused, TooMany, Unavailable


class FaultBody(BaseModel):
    """One thing wrong with a request: a JSON pointer into the body, or ``query:name`` or ``header:name``."""

    pointer: str
    message: str


class ViolationBody(BaseModel):
    """A rule's refusal, in words and in values; ``overridable`` is for the caller, who would have to give a reason."""

    code: str
    message: str
    params: dict[str, Any]
    overridable: bool


class SpanBody(BaseModel):
    """Time on a resource."""

    resource_id: int
    start_time: ToldInstant
    end_time: ToldInstant


class ConflictBody(SpanBody):
    """Time that is taken; of a change of configuration, a booking that it would break, and in what."""

    booking_id: uuid.UUID | None = None
    codes: list[str] = Field(default_factory=list)


class ProblemBody(BaseModel):
    """What went wrong (RFC 9457). ``errors`` comes with 400, ``trace_id`` with 500; ``ahead`` and ``broken`` where a change
    of configuration would break bookings: how many lie ahead, and how many it would break.
    """

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    code: str
    detail: str
    violations: list[ViolationBody]
    suggestions: list[SpanBody]
    conflicts: list[ConflictBody]
    errors: list[FaultBody] = Field(default_factory=list)
    ahead: int | None = None
    broken: int | None = None


_FIVE = Interval(1_812_225_600, 1_812_229_200)
_SIX = Interval(1_812_229_200, 1_812_232_800)


def name_of(fault: type[Problem]) -> str:
    """What the document calls a fault."""
    return fault.__name__


def example_of(fault: type[Problem]) -> dict[str, Any]:
    """A problem of the kind, as it would be answered."""
    if issubclass(fault, Refused):
        conflict = Violation(
            code="conflict", params={"busy": [{"start_time": _FIVE.start, "end_time": _FIVE.end}]}
        )
        return describe(fault([conflict], [Suggestion(resource_id=3, interval=_SIX)], [(3, _FIVE)]))
    if issubclass(fault, Malformed):
        return describe(fault("/start_time: is required", [Fault("/start_time", "is required")]))
    if issubclass(fault, InUse):
        broken = Broken(
            booking_id="01a30e5c-7e80-7000-8000-000000000000",
            resource_id=3,
            interval=_FIVE,
            codes=("off_grid",),
        )
        return describe(
            fault(
                "4 bookings lie ahead: 1 would be off the grid. Say confirm: true to change it all the same",
                broken=[broken],
                ahead=4,
            )
        )
    if issubclass(fault, TooMany | Unavailable):
        return describe(fault(retry_after=2))
    return describe(fault())
