"""Violation patterns over HTTP (R22)."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from rules.evaluate import RULES
from rules.model import Violation
from server.commands import Id
from server.edge.endpoint import Endpoints
from server.edge.fields import Told, ToldInstant
from server.edge.paging import Page, PageQuery, page_of
from server.edge.problem_schema import ViolationBody
from server.edge.problems import describe_violations
from server.errors import Forbidden
from server.principal import Principal
from server.service.access import Action
from server.service.learning import Learning
from server.storage.refusals import Pattern

_RULE_OF = {rule.code: rule.id for rule in RULES}


def _known(code: str) -> str:
    if code not in _RULE_OF:
        raise ValueError(f"must be the code of a rule: {', '.join(_RULE_OF)}")
    return code


RuleCode = Annotated[str, Field(json_schema_extra={"enum": list(_RULE_OF)}), AfterValidator(_known)]


class PatternQuery(PageQuery):
    """Which patterns: of one location, one customer, one rule; all that the caller sees without."""

    location_id: Id | None = None
    user_id: Id | None = None
    code: RuleCode | None = None


class LastContext(Told):
    """What was asked for the last time: ``role`` is that of whoever asked, ``booking_id`` names what was to be changed."""

    action: Literal["create", "move", "cancel", "block", "restore"]
    role: Literal["customer", "operator", "staff", "admin"]
    resource_id: int
    start_time: ToldInstant
    end_time: ToldInstant
    booking_id: str | None
    violations: list[ViolationBody]


class PatternBody(Told):
    """What somebody keeps being refused by one rule, at one hour of the location's week, on one resource.

    ``subject`` is ``customer`` (then ``user_id`` is set), ``visitor``, or ``nobody`` for blocks and what was to be undone.
    ``hour_of_week`` counts the hours that clocks at the location show, from 0, Monday's first, to 167. ``frequency`` is of the
    last 30 days, and so are ``first_seen_at`` and ``last_seen_at``.
    """

    type: Literal["BOOKING_RULE_VIOLATION"]
    user_id: int | None
    subject: Literal["customer", "visitor", "nobody"]
    rule: str
    code: str
    location_id: int
    resource_id: int
    hour_of_week: int
    frequency: int
    first_seen_at: ToldInstant
    last_seen_at: ToldInstant
    last_context: LastContext


def told_pattern(pattern: Pattern) -> PatternBody:
    """The pattern as it is told."""
    violations = [Violation(**each) for each in pattern.context["violations"]]
    existing = pattern.context["existing"]
    return PatternBody(
        type="BOOKING_RULE_VIOLATION",
        user_id=pattern.user_id,
        subject=pattern.subject,
        rule=_RULE_OF.get(pattern.code, ""),
        code=pattern.code,
        location_id=pattern.location_id,
        resource_id=pattern.resource_id,
        hour_of_week=pattern.hour_of_week,
        frequency=pattern.frequency,
        first_seen_at=pattern.first_at,
        last_seen_at=pattern.last_at,
        last_context=LastContext(
            action=pattern.action,
            role=pattern.role,
            resource_id=pattern.resource_id,
            start_time=pattern.interval.start,
            end_time=pattern.interval.end,
            booking_id=existing["id"] if existing else None,
            violations=[ViolationBody(**each) for each in describe_violations(violations)],
        ),
    )


def pattern_endpoints(learning: Learning) -> Endpoints:
    """What is learned from refusals."""
    endpoints = Endpoints("Administration")

    @endpoints.get(
        "/api/admin/patterns",
        summary="What customers keep being refused",
        answer=Page[PatternBody],
        faults=(Forbidden,),
        action=Action.READ_PATTERNS,
        example={"location_id": 1, "code": "conflict"},
    )
    async def patterns(caller: Principal, query: PatternQuery) -> Page[PatternBody]:
        """The most frequent first. Staff see those of where they work. A refusal is counted some seconds after it was told."""
        found = await learning.patterns(
            caller,
            location_id=query.location_id,
            user_id=query.user_id,
            code=query.code,
            after=query.after(int, int, int, str, str, int, int),
            limit=query.limit + 1,
        )
        return page_of(found, query.limit, told_pattern, lambda each: each.key)

    return endpoints
