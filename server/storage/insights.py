"""Insights as they are kept: what was reckoned, what Claude said of it, what it cost, and what somebody decided (C2).

Belongs here: queries on that table. Does not belong here: the rows that insights are about (``histories``).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from grid_engine.interval import Instant
from server.storage.database import Connection, Row
from server.storage.stored_booking import moment, to_instant, to_instant_or_none

State: TypeAlias = Literal[
    "answered", "off", "timed_out", "overloaded", "unavailable", "refused", "malformed"
]
"""Whether there is prose, and if not, why: ``off`` is for want of a key, ``malformed`` also for what rests on nothing."""
Verdict: TypeAlias = Literal["accepted", "dismissed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What somebody made of it."""

    decision: Verdict
    note: str | None
    decided_by: int | None
    decided_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredInsight:
    """An insight; ``meanings`` says what tokens in ``figures`` and ``answer`` stand for, and never leaves the house."""

    id: int
    kind: str
    state: State
    detail: str | None
    location_id: int | None
    user_id: int | None
    subject: Mapping[str, Any]
    figures: Mapping[str, Any]
    meanings: Mapping[str, str]
    answer: Mapping[str, Any] | None
    model: str | None
    prompt_version: str
    input_digest: str
    input_tokens: int | None
    output_tokens: int | None
    cost_millionths: int | None
    decision: Decision | None
    created_by: int | None
    created_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class InsightFilter:
    """Which insights are listed: all that meet every condition that is not None. ``decision`` "open" is of those undecided."""

    kind: str | None = None
    state: str | None = None
    location_id: int | None = None
    user_id: int | None = None
    decision: str | None = None


_COLUMNS = """
id, kind, state, detail, location_id, user_id, subject, figures, meanings, answer, model, prompt_version, input_digest,
input_tokens, output_tokens, cost_millionths, decision, decision_note, decided_by, decided_at, created_by, created_at
"""


async def insert_insight(connection: Connection, insight: StoredInsight) -> int:
    """Keeps a new insight, and gives its id; ``id`` and ``decision`` are not looked at."""
    insight_id: int = await connection.fetchval(
        "INSERT INTO insights (kind, state, detail, location_id, user_id, subject, figures, meanings, answer, model, "
        "prompt_version, input_digest, input_tokens, output_tokens, cost_millionths, created_by, created_at) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17) RETURNING id",
        insight.kind,
        insight.state,
        insight.detail,
        insight.location_id,
        insight.user_id,
        dict(insight.subject),
        dict(insight.figures),
        dict(insight.meanings),
        None if insight.answer is None else dict(insight.answer),
        insight.model,
        insight.prompt_version,
        insight.input_digest,
        insight.input_tokens,
        insight.output_tokens,
        insight.cost_millionths,
        insight.created_by,
        moment(insight.created_at),
    )
    return insight_id


async def read_insight(
    connection: Connection, insight_id: int, *, lock: bool = False
) -> StoredInsight | None:
    """The insight; with ``lock`` its row stays locked until the transaction ends."""
    row = await connection.fetchrow(
        f"SELECT {_COLUMNS} FROM insights WHERE id = $1::bigint {'FOR UPDATE' if lock else ''}",  # noqa: S608 -- of constants alone
        insight_id,
    )
    return None if row is None else _insight(row)


async def find_answer(
    connection: Connection, input_digest: str, *, model: str, prompt_version: str, since: Instant
) -> StoredInsight | None:
    """The newest answer to the same question, if one was given since."""
    row = await connection.fetchrow(
        f"SELECT {_COLUMNS} FROM insights WHERE input_digest = $1 AND state = 'answered' AND model = $2 "  # noqa: S608 -- of constants alone
        "AND prompt_version = $3 AND created_at >= $4 ORDER BY id DESC LIMIT 1",
        input_digest,
        model,
        prompt_version,
        moment(since),
    )
    return None if row is None else _insight(row)


async def list_insights(
    connection: Connection, condition: InsightFilter, *, before: int | None, limit: int
) -> Sequence[StoredInsight]:
    """Up to ``limit`` insights with smaller ids than ``before``, the newest first."""
    rows = await connection.fetch(
        f"SELECT {_COLUMNS} FROM insights WHERE ($1::text IS NULL OR kind = $1) AND ($2::text IS NULL OR state = $2) "  # noqa: S608 -- of constants alone
        "AND ($3::bigint IS NULL OR location_id = $3) AND ($4::bigint IS NULL OR user_id = $4) "
        "AND ($5::text IS NULL OR coalesce(decision, 'open') = $5) AND ($6::bigint IS NULL OR id < $6) "
        "ORDER BY id DESC LIMIT $7",
        condition.kind,
        condition.state,
        condition.location_id,
        condition.user_id,
        condition.decision,
        before,
        limit,
    )
    return [_insight(row) for row in rows]


async def write_decision(connection: Connection, insight_id: int, decision: Decision) -> None:
    """Keeps what was decided of a locked insight."""
    await connection.execute(
        "UPDATE insights SET decision = $2, decision_note = $3, decided_by = $4, decided_at = $5 WHERE id = $1",
        insight_id,
        decision.decision,
        decision.note,
        decision.decided_by,
        moment(decision.decided_at),
    )


def _insight(row: Row) -> StoredInsight:
    decided_at = to_instant_or_none(row["decided_at"])
    return StoredInsight(
        id=row["id"],
        kind=row["kind"],
        state=row["state"],
        detail=row["detail"],
        location_id=row["location_id"],
        user_id=row["user_id"],
        subject=row["subject"],
        figures=row["figures"],
        meanings=row["meanings"],
        answer=row["answer"],
        model=row["model"],
        prompt_version=row["prompt_version"],
        input_digest=row["input_digest"],
        input_tokens=row["input_tokens"],
        output_tokens=row["output_tokens"],
        cost_millionths=row["cost_millionths"],
        decision=None
        if decided_at is None
        else Decision(
            decision=row["decision"],
            note=row["decision_note"],
            decided_by=row["decided_by"],
            decided_at=decided_at,
        ),
        created_by=row["created_by"],
        created_at=to_instant(row["created_at"]),
    )
