"""What the rules refused, kept by the day, and the patterns that are counted from it (R22).

Belongs here: queries. Does not belong here: what a refusal is (``server.service.refusals``), or who may read of whose.

A row is one wish of one day, however often it was refused on it: whoever asks for the same thing all day long costs one
row. Days are of UTC, so that a window of 30 days is one of 30 x 24 hours to within a day.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date, timedelta
from typing import Any, TypeAlias

from grid_engine.interval import Instant, Interval
from rules.learning import HOUR_MINUTES, REMEMBERED_DAYS, REPEATED
from server.storage.database import Connection, Row
from server.storage.stored_booking import moment, to_database, to_instant

MOST_FAVOURITES = 8
"""Nobody has more wishes that count (R22)."""

MOST_IN_A_STATEMENT = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What was asked for and refused, and by which rules; ``subject`` is customer, visitor or nobody (a block's)."""

    location_id: int
    user_id: int | None
    subject: str
    resource_id: int
    interval: Interval
    minute_of_week: int
    action: str
    role: str
    codes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusals:
    """How often a wish was refused on one day, when first and last, and the ``context`` of the last time (JSON values)."""

    wish: Wish
    times: int = 1
    first_at: Instant
    last_at: Instant
    context: Mapping[str, Any] = field(default_factory=dict)

    @property
    def day(self) -> date:
        """The day that it counts on."""
        return _day(self.first_at)

    def joined(self, other: "Refusals") -> "Refusals":
        """Both, of the same wish and day, as one."""
        last = max(self, other, key=lambda each: each.last_at)
        return replace(last, times=self.times + other.times, first_at=min(self.first_at, other.first_at))


PatternKey: TypeAlias = tuple[int, int, int, str, str, int, int]
"""How patterns are ordered: frequency (the highest first), location, user (0 for none), subject, code, resource, hour."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """What one customer (or visitors, or nobody) is refused by one rule at one hour of the week on one resource.

    ``frequency`` counts the last 30 days; ``context`` is that of the last time, with ``action``, ``role`` and ``interval``.
    """

    location_id: int
    user_id: int | None
    subject: str
    code: str
    resource_id: int
    hour_of_week: int
    frequency: int
    first_at: Instant
    last_at: Instant
    action: str
    role: str
    interval: Interval
    context: Mapping[str, Any]

    @property
    def key(self) -> PatternKey:
        """Its place in the order."""
        return (
            self.frequency,
            self.location_id,
            self.user_id or 0,
            self.subject,
            self.code,
            self.resource_id,
            self.hour_of_week,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PatternFilter:
    """Which patterns: all that meet every condition that is not None."""

    location_ids: Collection[int] | None = None
    user_id: int | None = None
    code: str | None = None


async def write_refusals(connection: Connection, refusals: Sequence[Refusals]) -> None:
    """Adds to what is kept, each wish and day named once; in one order, so that nodes do not wait for each other in a ring."""
    rows = [_columns(each) for each in sorted(refusals, key=_order)]
    for first in range(0, len(rows), MOST_IN_A_STATEMENT):
        await connection.execute(_WRITE, rows[first : first + MOST_IN_A_STATEMENT])


async def read_favourites(
    connection: Connection, user_ids: Collection[int], now: Instant
) -> dict[int, tuple[tuple[int, int], ...]]:
    """For each customer with any: (resource id, minute of the week) of what they keep asking for, most wanted first."""
    found: dict[int, list[tuple[int, int]]] = {}
    if user_ids:
        rows = await connection.fetch(_FAVOURITES, list(user_ids), _since(now), REPEATED)
        for row in rows:
            found.setdefault(row["user_id"], []).append((row["resource_id"], row["minute_of_week"]))
    return {user_id: tuple(wishes[:MOST_FAVOURITES]) for user_id, wishes in found.items()}


async def list_patterns(
    connection: Connection, condition: PatternFilter, now: Instant, *, after: PatternKey | None, limit: int
) -> list[Pattern]:
    """At most ``limit`` patterns of the last 30 days behind ``after``, the most frequent first.

    Counted as asked: some 50 ms for the 30,000 rows of a month of 50 busy locations.
    """
    frequency, *rest = after or (0, 0, 0, "", "", 0, 0)
    rows = await connection.fetch(
        _PATTERNS,
        _since(now),
        None if condition.location_ids is None else list(condition.location_ids),
        condition.user_id,
        condition.code,
        after is None,
        -frequency,
        *rest,
        limit,
    )
    return [_pattern(row) for row in rows]


async def list_refusals(
    connection: Connection, location_id: int, period: Interval, *, actions: Collection[str], limit: int
) -> list[Refusals]:
    """At most ``limit`` of what the location's rules refused for the last time within the period, in that order."""
    rows = await connection.fetch(
        """
        SELECT * FROM refusals
        WHERE location_id = $1 AND day BETWEEN $2 AND $3 AND last_refused_at >= $4 AND last_refused_at < $5
          AND action = ANY($6::text[])
        ORDER BY last_refused_at, id LIMIT $7
        """,
        location_id,
        _day(period.start),
        _day(period.end),
        moment(period.start),
        moment(period.end),
        list(actions),
        limit,
    )
    return [_refusals(row) for row in rows]


def _since(now: Instant) -> date:
    """The first day that counts."""
    return _day(now) - timedelta(days=REMEMBERED_DAYS - 1)


def _day(instant: Instant) -> date:
    return moment(instant).date()


def _order(refusals: Refusals) -> tuple[Any, ...]:
    wish = refusals.wish
    place = (wish.location_id, refusals.day, wish.user_id or 0, wish.subject, wish.resource_id)
    return (*place, wish.interval, wish.action, wish.role, wish.codes)


def _columns(refusals: Refusals) -> dict[str, Any]:
    wish = asdict(refusals.wish)
    del wish["interval"]
    return wish | {
        "day": refusals.day.isoformat(),
        "start_time": to_database(refusals.wish.interval.start),
        "end_time": to_database(refusals.wish.interval.end),
        "codes": list(refusals.wish.codes),
        "times": refusals.times,
        "context": dict(refusals.context),
        "first_refused_at": to_database(refusals.first_at),
        "last_refused_at": to_database(refusals.last_at),
    }


def _refusals(row: Row) -> Refusals:
    return Refusals(
        wish=Wish(
            location_id=row["location_id"],
            user_id=row["user_id"],
            subject=row["subject"],
            resource_id=row["resource_id"],
            interval=Interval(to_instant(row["start_time"]), to_instant(row["end_time"])),
            minute_of_week=row["minute_of_week"],
            action=row["action"],
            role=row["role"],
            codes=tuple(row["codes"]),
        ),
        times=row["times"],
        first_at=to_instant(row["first_refused_at"]),
        last_at=to_instant(row["last_refused_at"]),
        context=row["context"],
    )


def _pattern(row: Row) -> Pattern:
    return Pattern(
        location_id=row["location_id"],
        user_id=row["user_id"],
        subject=row["subject"],
        code=row["code"],
        resource_id=row["resource_id"],
        hour_of_week=row["hour_of_week"],
        frequency=row["frequency"],
        first_at=to_instant(row["first_refused_at"]),
        last_at=to_instant(row["last_refused_at"]),
        action=row["action"],
        role=row["role"],
        interval=Interval(to_instant(row["start_time"]), to_instant(row["end_time"])),
        context=row["context"],
    )


_ASKED = "location_id, day, user_id, subject, resource_id, start_time, end_time, action, role, codes"

_WRITE = f"""
INSERT INTO refusals AS kept ({_ASKED}, minute_of_week, times, context, first_refused_at, last_refused_at)
SELECT {_ASKED}, minute_of_week, times, context, first_refused_at, last_refused_at
FROM jsonb_populate_recordset(NULL::refusals, $1::jsonb)
ON CONFLICT ({_ASKED}) DO UPDATE SET
    times = kept.times + excluded.times,
    context = CASE WHEN excluded.last_refused_at < kept.last_refused_at THEN kept.context ELSE excluded.context END,
    first_refused_at = least(kept.first_refused_at, excluded.first_refused_at),
    last_refused_at = greatest(kept.last_refused_at, excluded.last_refused_at)
"""  # noqa: S608 -- of constants alone

_FAVOURITES = """
SELECT user_id, resource_id, minute_of_week FROM refusals
WHERE user_id = ANY($1::bigint[]) AND day >= $2::date AND action IN ('create', 'move')
GROUP BY user_id, resource_id, minute_of_week HAVING sum(times) >= $3::int
ORDER BY user_id, sum(times) DESC, max(last_refused_at) DESC, resource_id, minute_of_week
"""

_PATTERNS = f"""
WITH page AS (
    SELECT location_id, user_id, subject, code, resource_id, minute_of_week / {HOUR_MINUTES} AS hour_of_week,
           sum(times)::bigint AS frequency, min(first_refused_at) AS first_at, max(last_refused_at) AS last_at,
           (array_agg(id ORDER BY last_refused_at DESC, id DESC))[1] AS last_id
    FROM refusals CROSS JOIN LATERAL unnest(codes) AS code
    WHERE day >= $1::date AND ($2::bigint[] IS NULL OR location_id = ANY($2::bigint[]))
      AND ($3::bigint IS NULL OR user_id = $3::bigint) AND ($4::text IS NULL OR code = $4::text)
    GROUP BY location_id, user_id, subject, code, resource_id, minute_of_week / {HOUR_MINUTES}
    HAVING $5::bool OR (-sum(times)::bigint, location_id::bigint, coalesce(user_id, 0)::bigint, subject, code,
                        resource_id::bigint, minute_of_week / {HOUR_MINUTES})
                       > ($6::bigint, $7::bigint, $8::bigint, $9::text, $10::text, $11::bigint, $12::int)
    ORDER BY frequency DESC, location_id, coalesce(user_id, 0), subject, code, resource_id, hour_of_week
    LIMIT $13::int
)
SELECT page.location_id, page.user_id, page.subject, page.code, page.resource_id, page.hour_of_week, page.frequency,
       page.first_at AS first_refused_at, page.last_at AS last_refused_at,
       last.action, last.role, last.start_time, last.end_time, last.context
FROM page JOIN refusals AS last ON last.id = page.last_id
ORDER BY page.frequency DESC, page.location_id, coalesce(page.user_id, 0), page.subject, page.code, page.resource_id,
         page.hour_of_week
"""  # noqa: S608 -- of constants alone
