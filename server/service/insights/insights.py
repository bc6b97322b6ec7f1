"""The use cases of insights: gather, ask, check, keep; and what people decide of them.

Figures are read in one snapshot. No connection is held while Claude is asked, and whatever it fails at is kept as a state
beside the figures (C3). Nothing here changes a booking: Claude proposes, people apply.
"""

import datetime as dt
import hashlib
import json
import uuid
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Protocol

import structlog

from grid_engine.interval import HOUR, Instant
from server.clock import Clock
from server.errors import NotActive, NotFound
from server.integrations.claude import Answered, Question, Unanswered
from server.principal import Principal
from server.service.access import Action, require
from server.service.insights.answers import SHAPES, unfounded
from server.service.insights.figures import Analysis
from server.service.insights.gathering import (
    a_year_before,
    gather_cancellations,
    gather_conflict,
    gather_schedule,
)
from server.service.insights.prompts import PROMPT_VERSION, TASKS
from server.storage.administration import audit
from server.storage.database import Database
from server.storage.insights import (
    Decision,
    InsightFilter,
    StoredInsight,
    Verdict,
    find_answer,
    insert_insight,
    list_insights,
    read_insight,
    write_decision,
)

SAME_ANSWER_SECONDS = HOUR
"""The same question, of the same data, is not paid for twice within an hour."""
OFF = "Claude is not configured: BAYGRID_ANTHROPIC_API_KEY is not set"

_log = structlog.get_logger(__name__)


class Analyst(Protocol):
    """Whoever writes about figures; ``integrations.claude.Claude`` is the one."""

    model: str

    async def ask(self, question: Question) -> Answered | Unanswered:
        """The answer in the shape of ``question.answer``, or why there is none."""


class Counts(Protocol):
    """What is asked of ``service.rate_limits.RateLimits``."""

    async def analyse(self, principal: Principal) -> None:
        """Counts a question; raises ``TooMany``."""


class Insights:
    """The use cases; all for admins, ``Forbidden`` to others. ``analyst`` None is switched off.

    An analysis raises ``TooMany`` where the caller has Claude asked too often; what costs nothing is not counted.
    """

    def __init__(self, database: Database, clock: Clock, analyst: Analyst | None, limits: Counts) -> None:
        self._database = database
        self._clock = clock
        self._analyst = analyst
        self._limits = limits

    async def cancellation_pattern(
        self,
        caller: Principal,
        *,
        user_id: int,
        location_id: int | None,
        since: Instant | None,
        until: Instant | None,
    ) -> tuple[StoredInsight, bool]:
        """How a customer cancels: (the insight, whether it is new). The period is of bookings' starts; without ``since`` it begins
        a year ago.

        Raises:
            NotFound: if there is no such account or location.
        """
        require(caller, Action.ANALYSE)
        now = self._clock.now()
        since = a_year_before(now) if since is None else since
        async with self._database.snapshot() as connection:
            analysis = await gather_cancellations(
                connection, user_id=user_id, location_id=location_id, since=since, until=until, now=now
            )
        return await self._conclude(caller, analysis)

    async def optimise_schedule(
        self, caller: Principal, *, location_id: int, days: tuple[dt.date, dt.date] | None
    ) -> tuple[StoredInsight, bool]:
        """How a location's time is used from the first to the last of the days, and what could be better: (the insight, whether it
        is new). Without days it is the four weeks before today.

        Raises:
            NotFound: if there is no such location.
        """
        require(caller, Action.ANALYSE)
        async with self._database.snapshot() as connection:
            analysis = await gather_schedule(
                connection, location_id=location_id, days=days, now=self._clock.now()
            )
        return await self._conclude(caller, analysis)

    async def resolve_conflict(
        self, caller: Principal, *, booking_ids: Collection[uuid.UUID], user_ids: Collection[int]
    ) -> tuple[StoredInsight, bool]:
        """Who should have a time that is claimed by bookings, and perhaps by customers whose bookings were never kept: (the
        insight, whether it is new).

        Raises:
            NotFound: if there is no such booking or account.
            Malformed: if there are fewer than two claims, or the bookings are not of one location and one time.
        """
        require(caller, Action.ANALYSE)
        async with self._database.snapshot() as connection:
            analysis = await gather_conflict(
                connection, booking_ids=booking_ids, user_ids=user_ids, now=self._clock.now()
            )
        return await self._conclude(caller, analysis)

    async def get(self, caller: Principal, insight_id: int) -> StoredInsight:
        """An insight; raises ``NotFound`` if there is none."""
        require(caller, Action.ANALYSE)
        async with self._database.connection() as connection:
            return _found(await read_insight(connection, insight_id))

    async def listed(
        self, caller: Principal, condition: InsightFilter, *, before: int | None, limit: int
    ) -> Sequence[StoredInsight]:
        """Up to ``limit`` insights, the newest first."""
        require(caller, Action.ANALYSE)
        async with self._database.connection() as connection:
            return await list_insights(connection, condition, before=before, limit=limit)

    async def decide(
        self, caller: Principal, insight_id: int, verdict: Verdict, note: str | None
    ) -> StoredInsight:
        """What somebody made of the insight is kept; it does nothing else. A later decision replaces it, and the audit keeps both.

        Raises:
            NotFound: if there is no such insight.
            NotActive: if there is nothing to decide on, for want of an answer.
        """
        require(caller, Action.ANALYSE)
        now = self._clock.now()
        async with self._database.transaction() as connection:
            insight = _found(await read_insight(connection, insight_id, lock=True))
            if insight.state != "answered":
                raise NotActive("There is no answer to decide on")
            before = insight.decision
            if before is not None and (before.decision, before.note) == (verdict, note):
                return insight
            decision = Decision(decision=verdict, note=note, decided_by=caller.user_id, decided_at=now)
            await write_decision(connection, insight_id, decision)
            await audit(
                connection,
                "insight",
                insight_id,
                "decided",
                actor_id=caller.user_id,
                before=None if before is None else {"decision": before.decision, "note": before.note},
                after={"decision": verdict, "note": note},
                now=now,
            )
        return replace(insight, decision=decision)

    async def _conclude(self, caller: Principal, analysis: Analysis) -> tuple[StoredInsight, bool]:
        """Asks, checks and keeps."""
        given = json.dumps({"figures": analysis.figures, "bookings": analysis.bookings}, sort_keys=True)
        digest = hashlib.sha256(f"{analysis.kind}\n{given}".encode()).hexdigest()
        now = self._clock.now()
        insight = StoredInsight(
            id=0,
            kind=analysis.kind,
            state="off",
            detail=OFF,
            location_id=analysis.location_id,
            user_id=analysis.user_id,
            subject=analysis.subject,
            figures=analysis.figures,
            meanings=analysis.tokens.meanings,
            answer=None,
            model=None,
            prompt_version=PROMPT_VERSION,
            input_digest=digest,
            input_tokens=None,
            output_tokens=None,
            cost_millionths=None,
            decision=None,
            created_by=caller.user_id,
            created_at=now,
        )
        if self._analyst is not None:
            async with self._database.connection() as connection:
                known = await find_answer(
                    connection,
                    digest,
                    model=self._analyst.model,
                    prompt_version=PROMPT_VERSION,
                    since=now - SAME_ANSWER_SECONDS,
                )
            if known is not None:
                return known, False
            await self._limits.analyse(caller)
            insight = await _written(self._analyst, analysis, given, insight)
        async with self._database.transaction() as connection:
            insight = replace(insight, id=await insert_insight(connection, insight))
            await audit(
                connection,
                "insight",
                insight.id,
                "created",
                actor_id=caller.user_id,
                before=None,
                after={"kind": insight.kind, "state": insight.state, "subject": dict(insight.subject)},
                now=now,
            )
        return insight, True


async def _written(analyst: Analyst, analysis: Analysis, given: str, insight: StoredInsight) -> StoredInsight:
    """The insight with the answer, or with why there is none."""
    shape = SHAPES[analysis.kind]
    told = await analyst.ask(Question(task=TASKS[analysis.kind], given=given, answer=shape))
    insight = replace(insight, model=analyst.model)
    if told.cost is not None:
        insight = replace(
            insight,
            input_tokens=told.cost.input_tokens,
            output_tokens=told.cost.output_tokens,
            cost_millionths=told.cost.millionths,
        )
    if isinstance(told, Unanswered):
        _log.warning("insight_unanswered", kind=analysis.kind, state=told.failure, detail=told.detail)
        return replace(insight, state=told.failure, detail=told.detail)
    answer = shape.model_validate(told.answer)
    ids = [str(booking["id"]) for booking in analysis.bookings]
    fault = unfounded(answer, analysis.figures, ids, analysis.claims)
    if fault is not None:
        _log.warning("insight_unfounded", kind=analysis.kind)
        return replace(insight, state="malformed", detail=f"Claude's answer was thrown away: {fault}")
    return replace(insight, state="answered", detail=None, answer=answer.model_dump(mode="json"))


def _found(insight: StoredInsight | None) -> StoredInsight:
    if insight is None:
        raise NotFound("There is no such insight")
    return insight
