"""Insights: figures about customers, schedules and conflicts, with what Claude says of them, and what people decide."""

import datetime as dt
import uuid
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from server.commands import Id, Note
from server.edge.endpoint import Answer, Endpoints
from server.edge.fields import Asked, AskedInstant, Day, Told, ToldInstant
from server.edge.paging import Page, PageQuery, page_of
from server.errors import Malformed, NotActive, NotFound, TooMany, Unavailable
from server.principal import Principal
from server.service.access import Action
from server.service.insights.answers import CancellationAnswer, ConflictAnswer, Kind, ScheduleAnswer
from server.service.insights.insights import Insights
from server.service.insights.tokens import restored
from server.storage.insights import InsightFilter, State, StoredInsight, Verdict

MOST_DAYS = 92
MOST_CLAIMS = 6


class CancellationPost(Asked):
    """Whose cancellations, perhaps of one location, and of bookings that were to begin in [from, to); by default the last year's
    and all to come.
    """

    user_id: Id
    location_id: Id | None = None
    from_: Annotated[AskedInstant | None, Field(alias="from")] = None
    to: AskedInstant | None = None

    @model_validator(mode="after")
    def _is_a_period(self) -> Self:
        if self.from_ is not None and self.to is not None and self.to <= self.from_:
            raise ValueError("to must be later than from")
        return self


class SchedulePost(Asked):
    """Which location's schedule, from the first to the last of the days; by default the four weeks before today."""

    location_id: Id
    from_: Annotated[Day | None, Field(alias="from")] = None
    to: Day | None = None

    @model_validator(mode="after")
    def _is_a_period(self) -> Self:
        if (self.from_ is None) != (self.to is None):
            raise ValueError("from and to go together")
        if (
            self.from_ is not None
            and self.to is not None
            and not 0 <= (self.to - self.from_).days < MOST_DAYS
        ):
            raise ValueError(f"a period has one day at least and {MOST_DAYS} at most")
        if self.to == dt.date.max:
            raise ValueError("to lies at the end of the calendar")  # no day comes after it
        return self

    def days(self) -> tuple[dt.date, dt.date] | None:
        """First and last."""
        return None if self.from_ is None or self.to is None else (self.from_, self.to)


class ConflictPost(Asked):
    """The bookings by which a time is claimed, and customers who claim it without one that was kept."""

    booking_ids: Annotated[tuple[uuid.UUID, ...], Field(min_length=1, max_length=MOST_CLAIMS)]
    user_ids: Annotated[tuple[Id, ...], Field(max_length=MOST_CLAIMS)] = ()


class DecisionPost(Asked):
    """What somebody makes of an insight. It does nothing else."""

    decision: Verdict
    note: Note | None = None


class InsightList(PageQuery):
    """Which insights; ``decision`` open are those that nobody decided on."""

    kind: Kind | None = None
    state: State | None = None
    location_id: Id | None = None
    user_id: Id | None = None
    decision: Literal["accepted", "dismissed", "open"] | None = None


class CostBody(Told):
    """What it cost to ask: tokens in and out, and list price in US dollars, null where it is not known."""

    input_tokens: int
    output_tokens: int
    usd: float | None


class DecisionBody(Told):
    """What was decided, by whom."""

    decision: Verdict
    note: str | None
    decided_by: int | None
    decided_at: ToldInstant


class InsightBody(Told):
    """An insight. ``state`` says whether there is an ``answer``, and ``detail`` why not; the ``figures`` are there whatever it is.

    Claims cite figures by their paths (``by_weekday.fri.cancelled``) and bookings by their ids. ``tokens`` says what Claude was
    given in place of people and their words; in the answer they are put back.
    """

    id: int
    kind: Kind
    state: State
    detail: str | None
    location_id: int | None
    user_id: int | None
    subject: dict[str, Any]
    figures: dict[str, Any]
    tokens: dict[str, str]
    answer: CancellationAnswer | ScheduleAnswer | ConflictAnswer | None
    model: str | None
    prompt_version: str
    input_digest: str
    cost: CostBody | None
    decision: DecisionBody | None
    created_by: int | None
    created_at: ToldInstant


def told_insight(insight: StoredInsight) -> InsightBody:
    """The insight as admins are told of it."""
    decision, answer = insight.decision, insight.answer
    return InsightBody.model_validate(
        {
            "id": insight.id,
            "kind": insight.kind,
            "state": insight.state,
            "detail": insight.detail,
            "location_id": insight.location_id,
            "user_id": insight.user_id,
            "subject": dict(insight.subject),
            "figures": dict(insight.figures),
            "tokens": dict(insight.meanings),
            "answer": None if answer is None else _put_back(answer, insight.meanings),
            "model": insight.model,
            "prompt_version": insight.prompt_version,
            "input_digest": insight.input_digest,
            "cost": None
            if insight.input_tokens is None
            else {
                "input_tokens": insight.input_tokens,
                "output_tokens": insight.output_tokens,
                "usd": None if insight.cost_millionths is None else insight.cost_millionths / 1e6,
            },
            "decision": None
            if decision is None
            else {
                "decision": decision.decision,
                "note": decision.note,
                "decided_by": decision.decided_by,
                "decided_at": decision.decided_at,
            },
            "created_by": insight.created_by,
            "created_at": insight.created_at,
        }
    )


def _put_back(value: Any, meanings: Any) -> Any:
    match value:
        case dict():
            return {
                name: restored(member, meanings) if name == "text" else _put_back(member, meanings)
                for name, member in value.items()
            }
        case list():
            return [_put_back(member, meanings) for member in value]
        case _:
            return value


def insight_endpoints(insights: Insights) -> Endpoints:
    """The three analyses, what came of them, and what was decided."""
    endpoints = Endpoints("Insights")
    admins: dict[str, Any] = {"action": Action.ANALYSE}
    analysis: dict[str, Any] = {
        "answer": InsightBody,
        "status": 201,
        "also": {200: InsightBody},
        "faults": (Malformed, NotFound, TooMany, Unavailable),
        **admins,
    }

    def answered(concluded: tuple[StoredInsight, bool]) -> Answer:
        insight, new = concluded
        return Answer(body=told_insight(insight), status=201 if new else 200)

    @endpoints.post(
        "/api/admin/insights/cancellation-pattern",
        summary="Analyse how a customer cancels",
        example={"user_id": 5},
        **analysis,
    )
    async def cancellation_pattern(caller: Principal, body: CancellationPost) -> Answer:
        """Figures, and what Claude makes of them: what to say, what policy to adjust, what to improve. It takes as long as Claude
        does; 200 with the answer of before where the same was asked of the same data within the hour. Without Claude, or
        where it fails, ``state`` says so and the figures are there. Changes no booking.
        """
        return answered(
            await insights.cancellation_pattern(
                caller,
                user_id=body.user_id,
                location_id=body.location_id,
                since=body.from_,
                until=body.to,
            )
        )

    @endpoints.post(
        "/api/admin/insights/optimize-schedule",
        summary="Analyse a location's schedule",
        example={"location_id": 1, "from": "2027-05-01", "to": "2027-05-28"},
        **analysis,
    )
    async def optimize_schedule(caller: Principal, body: SchedulePost) -> Answer:
        """Utilisation, peaks and quiet times, and what Claude would improve; otherwise as the analysis of cancellations."""
        return answered(
            await insights.optimise_schedule(caller, location_id=body.location_id, days=body.days())
        )

    @endpoints.post(
        "/api/admin/insights/resolve-conflict",
        summary="Ask who should have a time that is claimed twice",
        example={"booking_ids": ["018f0000-0000-7000-8000-000000000000"], "user_ids": [5]},
        **analysis,
    )
    async def resolve_conflict(caller: Principal, body: ConflictPost) -> Answer:
        """How those who claim it kept to earlier bookings, and what Claude thinks fair; otherwise as the analysis of cancellations.
        The bookings, in whatever status, are of one location and overlap.
        """
        return answered(
            await insights.resolve_conflict(caller, booking_ids=body.booking_ids, user_ids=body.user_ids)
        )

    @endpoints.get(
        "/api/admin/insights",
        summary="List the insights",
        answer=Page[InsightBody],
        example={"kind": "cancellation_pattern"},
        **admins,
    )
    async def list_insights(caller: Principal, query: InsightList) -> Page[InsightBody]:
        """The newest first."""
        before = query.after(int)
        found = await insights.listed(
            caller,
            InsightFilter(
                kind=query.kind,
                state=query.state,
                location_id=query.location_id,
                user_id=query.user_id,
                decision=query.decision,
            ),
            before=before[0] if before else None,
            limit=query.limit + 1,
        )
        return page_of(found, query.limit, told_insight, lambda each: (each.id,))

    @endpoints.get("/api/admin/insights/{insight_id}", summary="An insight", answer=InsightBody, **admins)
    async def read(caller: Principal, insight_id: int) -> InsightBody:
        return told_insight(await insights.get(caller, insight_id))

    @endpoints.post(
        "/api/admin/insights/{insight_id}/decision",
        summary="Accept or dismiss an insight",
        answer=InsightBody,
        faults=(NotActive,),
        example={"decision": "accepted", "note": "Cutoff raised to three hours"},
        **admins,
    )
    async def decide(caller: Principal, insight_id: int, body: DecisionPost) -> InsightBody:
        """It is kept, with who decided and when, and changes nothing else: whoever accepts a proposal carries it out. A later
        decision replaces it. 409 where there is no answer to decide on.
        """
        return told_insight(await insights.decide(caller, insight_id, body.decision, body.note))

    return endpoints
