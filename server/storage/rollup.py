"""What is rolled up of bookings by local day: figures of each resource, and of each hour of the wall clock (Y1).

Belongs here: the one statement that measures bookings, which rolls up and answers alike, and the reading of what was rolled
up. Does not belong here: which days are due (``rollup_marks``), or what is open (``server.service.analytics``).

What is measured, all of it in seconds and cut at the edges of the days asked about:

- ``booked``: of bookings that are confirmed or completed, and ``no_show``, which is part of it: of those to which nobody came,
  as far as nothing else took the time that they had given up;
- ``blocked``: of blocks, as far as they lie where the resource is open; ``block`` wherever they lie;
- by the day and hour in which they begin: how many bookings there are, no-shows, bookings to which somebody came, and
  cancellations, of those the late ones and the customers' own; ``lead``, from making a booking to its start, the walk-in's 0.
"""

import datetime as dt
import itertools
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, TypeAlias

from grid_engine.interval import Instant, Interval
from server.storage.database import Connection, Row
from server.storage.stored_booking import moment, overlapping

Grouping: TypeAlias = Literal["day", "weekday", "hour", "resource", "location"]
Key: TypeAlias = dt.date | int
"""A day, 0 to 6 from Monday on, 0 to 23, or the id of a resource or location."""

LATE = "24 hours"
"""A cancellation that comes later before the start leaves little time to book what it frees."""

_FIGURES = (
    "booked_seconds",
    "no_show_seconds",
    "blocked_seconds",
    "block_seconds",
    "bookings",
    "no_shows",
    "attended",
    "cancellations",
    "late_cancellations",
    "own_cancellations",
    "lead_seconds",
)
_DIGITS = 12
_WIDTHS = dict.fromkeys(_FIGURES, _DIGITS) | {"lead_seconds": 20}
"""How many digits a figure has where several stand in one number: enough for its sum over whatever is ever asked for."""


@dataclass(slots=True)
class Figures:
    """Sums of what is measured; see the module."""

    booked_seconds: int = 0
    no_show_seconds: int = 0
    blocked_seconds: int = 0
    block_seconds: int = 0
    bookings: int = 0
    no_shows: int = 0
    attended: int = 0
    cancellations: int = 0
    late_cancellations: int = 0
    own_cancellations: int = 0
    lead_seconds: int = 0

    def add(self, other: "Figures") -> None:
        """Adds the other's."""
        for name in _FIGURES:
            setattr(self, name, getattr(self, name) + getattr(other, name))


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Days of a location, and all resources that it ever had, to be measured. ``pieces`` are (start, end, day, hour, whether it is open), each within an hour of
    UTC; ``shut`` are times at which a resource is closed where the location is open, disjoint for each resource.
    """

    location_id: int
    resource_ids: Collection[int]
    interval: Interval
    pieces: Sequence[tuple[Instant, Instant, dt.date, int, bool]]
    shut: Sequence[tuple[int, Interval]]


_HOUR = "date_bin('1 hour', {}, timestamptz 'epoch')"
_SECONDS = "extract(epoch FROM least({0}.ends_at, {1}.ends_at) - greatest({0}.starts_at, {1}.starts_at))::int"

_FOUND = overlapping(
    "b.location_id = $1 AND b.status IN ('confirmed', 'completed', 'no_show', 'cancelled')",
    "$2::timestamptz",
    "$3::timestamptz",
)

_CELLS = f"""
WITH piece AS MATERIALIZED (
    SELECT starts_at, ends_at, day, hour, open, {_HOUR.format("starts_at")} AS bucket
    FROM unnest($4::timestamptz[], $5::timestamptz[], $6::date[], $7::int[], $8::bool[])
        AS p(starts_at, ends_at, day, hour, open)
), shut AS MATERIALIZED (
    SELECT * FROM unnest($9::int[], $10::timestamptz[], $11::timestamptz[]) AS s(resource_id, starts_at, ends_at)
), found AS MATERIALIZED (
    SELECT * FROM {_FOUND} f
), missed AS (
    SELECT n.resource_id, tstzmultirange(tstzrange(n.start_time, n.end_time))
           - coalesce(range_agg(tstzrange(o.start_time, o.end_time)) FILTER (WHERE o.id IS NOT NULL), '{{}}') AS spans
    FROM found n LEFT JOIN found o
        ON o.resource_id = n.resource_id AND o.start_time < n.end_time AND o.end_time > n.start_time
        AND (o.status IN ('confirmed', 'completed') OR (o.status = 'no_show' AND o.id < n.id))
    WHERE n.status = 'no_show' GROUP BY n.id, n.resource_id, n.start_time, n.end_time
), taken AS (
    SELECT resource_id, CASE WHEN type = 'CUSTOMER' THEN 'booked' ELSE 'blocked' END AS how, start_time AS starts_at,
           end_time AS ends_at
    FROM found WHERE status IN ('confirmed', 'completed')
    UNION ALL
    SELECT resource_id, 'no_show', lower(span), upper(span) FROM missed CROSS JOIN LATERAL unnest(spans) span
), cut AS (
    SELECT p.day, p.hour, t.resource_id, t.how, {_SECONDS.format("t", "p")} AS seconds,
           CASE WHEN t.how <> 'blocked' OR NOT p.open THEN 0 ELSE {_SECONDS.format("t", "p")} - coalesce((
               SELECT sum(extract(epoch FROM least(s.ends_at, t.ends_at, p.ends_at)
                                             - greatest(s.starts_at, t.starts_at, p.starts_at)))::int
               FROM shut s WHERE s.resource_id = t.resource_id AND s.starts_at < least(t.ends_at, p.ends_at)
                   AND s.ends_at > greatest(t.starts_at, p.starts_at)
           ), 0) END AS blocked
    FROM taken t
    CROSS JOIN LATERAL generate_series(
        {_HOUR.format("greatest(t.starts_at, $2)")}, least(t.ends_at, $3) - interval '1 microsecond', interval '1 hour'
    ) AS bucket
    JOIN piece p USING (bucket)
    WHERE p.starts_at < t.ends_at AND p.ends_at > t.starts_at
), begun AS (
    SELECT p.day, p.hour, f.*
    FROM found f JOIN piece p
        ON p.bucket = {_HOUR.format("f.start_time")} AND f.start_time >= p.starts_at AND f.start_time < p.ends_at
    WHERE f.type = 'CUSTOMER'
), called_off AS (
    SELECT b.day, b.hour, b.resource_id, b.updated_at > b.start_time - interval '{LATE}' AS late,
           coalesce(e.actor_id = b.user_id, false) AS own
    FROM begun b LEFT JOIN LATERAL (
        SELECT actor_id, metadata->'before'->>'status' AS status FROM booking_events
        WHERE booking_id = b.id AND event_type IN ('cancelled', 'released') ORDER BY id DESC LIMIT 1
    ) e ON true
    -- A hold that was given back is no booking that was called off.
    WHERE b.status = 'cancelled' AND e.status IS DISTINCT FROM 'held'
), cells AS (
    SELECT day, hour, resource_id,
           sum(seconds) FILTER (WHERE how <> 'blocked') AS booked_seconds,
           sum(seconds) FILTER (WHERE how = 'no_show') AS no_show_seconds,
           sum(blocked) AS blocked_seconds,
           sum(seconds) FILTER (WHERE how = 'blocked') AS block_seconds,
           0 AS bookings, 0 AS no_shows, 0 AS attended, 0 AS cancellations, 0 AS late_cancellations,
           0 AS own_cancellations, 0::bigint AS lead_seconds
    FROM cut GROUP BY day, hour, resource_id
    UNION ALL
    SELECT day, hour, resource_id, 0, 0, 0, 0, count(*), count(*) FILTER (WHERE status = 'no_show'),
           count(*) FILTER (WHERE status <> 'no_show' AND attended_at IS NOT NULL), 0, 0, 0,
           sum(greatest(0, extract(epoch FROM start_time - created_at)::bigint))
    FROM begun WHERE status <> 'cancelled' GROUP BY day, hour, resource_id
    UNION ALL
    SELECT day, hour, resource_id, 0, 0, 0, 0, 0, 0, 0, count(*), count(*) FILTER (WHERE late),
           count(*) FILTER (WHERE own), 0
    FROM called_off GROUP BY day, hour, resource_id
)
"""  # noqa: S608 -- of constants alone

_SUMS = ", ".join(f"coalesce(sum({name}), 0)::bigint AS {name}" for name in _FIGURES)

_KEYS: Mapping[Grouping, str] = {
    "day": "day",
    "weekday": "extract(isodow FROM day)::int - 1",
    "hour": "hour",
    "resource": "resource_id",
    "location": "{location}",
}

_PACKED = " || ".join(
    f"lpad(coalesce(sum({name}), 0)::text, {width}, '0')" for name, width in _WIDTHS.items()
)


def _in_one_number(part: str, parts: str) -> str:
    """(day, the figures of all parts of it, their digits one behind the other), of what ``cells`` has of the days."""
    return f"""
    SELECT day, string_agg(digits, '' ORDER BY place)::numeric AS figures FROM (
        SELECT d.day, p.place, {_PACKED} AS digits
        FROM (SELECT DISTINCT day FROM cells) d CROSS JOIN {parts} WITH ORDINALITY AS p(part, place)
        LEFT JOIN cells c ON c.day = d.day AND c.{part} = p.part GROUP BY d.day, p.place
    ) part GROUP BY day
    """  # noqa: S608 -- of constants alone


_ROLL_UP = f"""
{_CELLS}, by_resource AS ({_in_one_number("resource_id", "unnest($12::int[])")}), resources AS (
    INSERT INTO analytics_resource_days (location_id, day, resource_ids, by_resource)
    SELECT $1, day, $12, figures FROM by_resource
), by_hour AS ({_in_one_number("hour", "generate_series(0, 23)")})
INSERT INTO analytics_days (location_id, day, by_hour, {", ".join(_FIGURES)})
SELECT $1, day, figures, {", ".join(_FIGURES)}
FROM (SELECT day, {_SUMS} FROM cells GROUP BY day) d JOIN by_hour USING (day)
"""  # noqa: S608 -- of constants alone


async def roll_up(connection: Connection, measured: Measured, days: Collection[dt.date]) -> None:
    """Replaces what was rolled up of these days, which are all that ``measured`` has pieces of."""
    for table in ("analytics_days", "analytics_resource_days"):
        await connection.execute(
            f"DELETE FROM {table} WHERE location_id = $1 AND day = ANY($2::date[])",  # noqa: S608 -- of constants alone
            measured.location_id,
            list(days),
        )
    await connection.execute(_ROLL_UP, *_values(measured), list(measured.resource_ids))


async def forget_rolled_up(connection: Connection, location_id: int) -> None:
    """Takes away all that was rolled up of the location."""
    await connection.execute("DELETE FROM analytics_days WHERE location_id = $1", location_id)
    await connection.execute("DELETE FROM analytics_resource_days WHERE location_id = $1", location_id)


async def measure(connection: Connection, measured: Measured, grouping: Grouping) -> dict[Key, Figures]:
    """The figures of the days by what they are grouped by, from bookings themselves."""
    key = _KEYS[grouping].format(location="$1::int")
    rows = await connection.fetch(
        f"{_CELLS} SELECT {key} AS key, {_SUMS} FROM cells GROUP BY 1",  # noqa: S608 -- of constants alone
        *_values(measured),
    )
    return _by_key(rows)


async def read_rolled_up(
    connection: Connection,
    location_ids: Collection[int],
    first: dt.date,
    end: dt.date,
    grouping: Grouping,
    *,
    without: Iterable[tuple[int, dt.date]],
) -> dict[Key, Figures]:
    """The figures of the days from ``first`` up to ``end`` as they were rolled up, but for some (location, day)."""
    without = list(without)
    parameters = [
        list(location_ids),
        first,
        end,
        [location_id for location_id, _ in without],
        [day for _, day in without],
    ]
    # Said only where there are any: it keeps Postgres from reading with several processes.
    known = (
        "AND NOT EXISTS (SELECT FROM unnest($4::int[], $5::date[]) w(l, d) WHERE w.l = location_id AND w.d = day)"
        if without
        else "AND cardinality($4::int[]) = 0 AND cardinality($5::date[]) = 0"
    )
    where = f"location_id = ANY($1::int[]) AND day >= $2 AND day < $3 {known}"
    match grouping:
        case "hour":
            total = await connection.fetchval(
                f"SELECT sum(by_hour) FROM analytics_days WHERE {where}",  # noqa: S608 -- of constants alone
                *parameters,
            )
            return _unpacked(total, range(24))
        case "resource":
            rows = await connection.fetch(
                f"""
                SELECT resource_ids, sum(by_resource) AS total FROM analytics_resource_days WHERE {where}
                GROUP BY location_id, resource_ids
                """,  # noqa: S608 -- of constants alone
                *parameters,
            )
            found: dict[Key, Figures] = {}
            for row in rows:
                for resource_id, figures in _unpacked(row["total"], row["resource_ids"]).items():
                    found.setdefault(resource_id, Figures()).add(figures)
            return found
        case _:
            key = _KEYS[grouping].format(location="location_id")
            rows = await connection.fetch(
                f"SELECT {key} AS key, {_SUMS} FROM analytics_days WHERE {where} GROUP BY 1",  # noqa: S608 -- of constants alone
                *parameters,
            )
            return _by_key(rows)


async def blocked_days(connection: Connection, location_id: int) -> list[dt.date]:
    """The days of the location of which a block was rolled up."""
    rows = await connection.fetch(
        "SELECT day FROM analytics_days WHERE location_id = $1 AND block_seconds > 0", location_id
    )
    return [row["day"] for row in rows]


def _unpacked(total: Decimal | None, parts: Sequence[int]) -> dict[Key, Figures]:
    """The figures of each part from a sum of such numbers: its digits, cut where those of one figure end."""
    digits = f"{int(total or 0):0{len(parts) * sum(_WIDTHS.values())}}"
    ends = itertools.accumulate(width for _ in parts for width in _WIDTHS.values())
    numbers = [int(digits[start:end]) for start, end in itertools.pairwise([0, *ends])]
    size = len(_WIDTHS)
    return {part: Figures(*numbers[place * size : (place + 1) * size]) for place, part in enumerate(parts)}


def _by_key(rows: Iterable[Row]) -> dict[Key, Figures]:
    return {row["key"]: Figures(**{name: row[name] for name in _FIGURES}) for row in rows}


def _values(measured: Measured) -> list[object]:
    starts, ends, days, hours, opens = (
        zip(*measured.pieces, strict=True) if measured.pieces else ((), (), (), (), ())
    )
    return [
        measured.location_id,
        moment(measured.interval.start),
        moment(measured.interval.end),
        list(map(moment, starts)),
        list(map(moment, ends)),
        list(days),
        list(hours),
        list(opens),
        [resource_id for resource_id, _ in measured.shut],
        [moment(span.start) for _, span in measured.shut],
        [moment(span.end) for _, span in measured.shut],
    ]
