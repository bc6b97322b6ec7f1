"""The past of a location, as its audit and its bookings tell it: for trying a policy on it (R23).

Belongs here: queries. Does not belong here: what follows from it (``server.service.simulation``).
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from grid_engine.interval import Instant, Interval
from grid_engine.records import Record
from rules.policy import Restriction, RestrictionKind, Tier
from rules.simulate import Engagement, Moment
from server.principal import AccountRole
from server.storage.database import Connection, Row
from server.storage.stored_booking import StoredBooking, moment, to_instant, to_instant_or_none

EventKey: TypeAlias = tuple[datetime, int]
"""When an event was written, to the last digit, and its id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PastEvent:
    """A change of a booking; ``before`` and ``after`` have what the audit keeps, and no ``grid_id``."""

    id: int
    event_type: str
    actor_id: int | None
    cause: str
    override_reason: str | None
    written_at: datetime
    before: StoredBooking | None
    after: StoredBooking

    @property
    def key(self) -> EventKey:
        """Its place among the events of its location."""
        return self.written_at, self.id

    @property
    def at(self) -> Instant:
        """When it was."""
        return to_instant(self.written_at)

    @property
    def moment(self) -> Moment:
        """Its place among all that happened."""
        return self.at, self.id


@dataclass(frozen=True, slots=True, kw_only=True)
class PastRestriction:
    """A restriction, and when it was there to be in force."""

    restriction: Restriction
    since: Instant
    until: Instant | None

    def was_there(self, instant: Instant) -> bool:
        """Whether it had been imposed, and not lifted."""
        return self.since <= instant and (self.until is None or instant < self.until)


@dataclass(frozen=True, slots=True, kw_only=True)
class PastCustomer:
    """An account, with tier, tags, role and locations as they are by now, and the rest as it was."""

    id: int
    role: AccountRole
    location_ids: frozenset[int]
    tier: Tier | None
    tags: tuple[str, ...]
    restrictions: tuple[PastRestriction, ...]
    engagements: tuple[Engagement, ...]


async def read_records_at(connection: Connection, location_id: int, instant: Instant) -> list[Record]:
    """What occupied the location at the instant, and had not ended.

    What was not touched since is as it was; of the rest the audit tells how it was.
    """
    rows = await connection.fetch(
        """
        SELECT DISTINCT ON (b.id) e.metadata -> 'after' AS body, e.created_at
        FROM bookings b JOIN booking_events e ON e.booking_id = b.id AND e.created_at < $2
        WHERE b.location_id = $1 AND b.created_at < $2 AND (b.end_time > $2 OR b.updated_at >= $2)
        ORDER BY b.id, e.id DESC
        """,
        location_id,
        moment(instant),
    )
    bookings = (_booking(row["body"], to_instant(row["created_at"])) for row in rows)
    found = (booking.record() for booking in bookings if booking.interval.end > instant)
    return [record for record in found if record is not None]


async def read_events(
    connection: Connection,
    location_id: int,
    period: Interval,
    *,
    after: EventKey | None,
    limit: int,
) -> list[PastEvent]:
    """At most ``limit`` events of the location's bookings within the period, behind ``after``, in the order they were made."""
    since, last = after or (moment(period.start), -1)
    rows = await connection.fetch(
        """
        SELECT id, event_type, actor_id, metadata, created_at FROM booking_events
        WHERE location_id = $1 AND (created_at, id) > ($2, $3) AND created_at < $4
        ORDER BY created_at, id LIMIT $5
        """,
        location_id,
        since,
        last,
        moment(period.end),
        limit,
    )
    return [_event(row) for row in rows]


async def read_past_customers(
    connection: Connection, user_ids: Collection[int], period: Interval
) -> dict[int, PastCustomer]:
    """The accounts with all that they had booked or been denied within the period, at whatever location."""
    ids = list(user_ids)
    accounts = await connection.fetch(
        """
        SELECT id, role, membership_tier, tags,
               ARRAY(SELECT location_id FROM user_locations WHERE user_id = u.id) AS location_ids
        FROM users u WHERE id = ANY($1::bigint[])
        """,
        ids,
    )
    restrictions: dict[int, list[PastRestriction]] = {id_: [] for id_ in ids}
    for row in await connection.fetch(
        "SELECT * FROM booking_restrictions WHERE user_id = ANY($1::bigint[]) AND created_at < $2 ORDER BY id",
        ids,
        moment(period.end),
    ):
        restrictions[row["user_id"]].append(_restriction(row))
    engagements: dict[int, list[Engagement]] = {id_: [] for id_ in ids}
    for row in await connection.fetch(_ENGAGEMENTS, ids, moment(period.start), moment(period.end)):
        if row["user_id"] in engagements:
            engagements[row["user_id"]].append(_engagement(row))
    return {
        row["id"]: PastCustomer(
            id=row["id"],
            role=row["role"],
            location_ids=frozenset(row["location_ids"]),
            tier=Tier(row["membership_tier"]) if row["membership_tier"] else None,
            tags=tuple(row["tags"]),
            restrictions=tuple(restrictions[row["id"]]),
            engagements=tuple(engagements[row["id"]]),
        )
        for row in accounts
    }


_ENGAGEMENTS = """
SELECT * FROM (
    SELECT e.booking_id::text AS booking_id, e.id, extract(epoch FROM e.created_at)::bigint AS at,
           (e.metadata #>> '{after,user_id}')::int AS user_id, e.metadata #>> '{after,status}' AS status,
           extract(epoch FROM coalesce(e.metadata #>> '{after,expires_at}', e.metadata #>> '{after,end_time}')::timestamptz)
               ::bigint AS ends,
           lead(e.id) OVER own AS next_id, extract(epoch FROM lead(e.created_at) OVER own)::bigint AS next_at
    FROM booking_events e JOIN bookings b ON b.id = e.booking_id
    WHERE b.user_id = ANY($1::bigint[]) AND e.created_at < $3 AND (b.end_time > $2 OR b.updated_at >= $2)
    WINDOW own AS (PARTITION BY e.booking_id ORDER BY e.id)
) AS state WHERE status IN ('held', 'confirmed') AND user_id IS NOT NULL
"""


def _engagement(row: Row) -> Engagement:
    until: Moment = (row["ends"], 0)
    if row["next_id"] is not None:
        until = min(until, (row["next_at"], row["next_id"]))
    return Engagement(booking_id=row["booking_id"], since=(row["at"], row["id"]), until=until)


def _restriction(row: Row) -> PastRestriction:
    return PastRestriction(
        restriction=Restriction(
            kind=RestrictionKind(row["restriction_type"]),
            value=row["value"],
            expires_at=to_instant_or_none(row["expires_at"]),
        ),
        since=to_instant(row["created_at"]),
        until=to_instant_or_none(row["lifted_at"]),
    )


def _event(row: Row) -> PastEvent:
    told, at = row["metadata"], to_instant(row["created_at"])
    return PastEvent(
        id=row["id"],
        event_type=row["event_type"],
        actor_id=row["actor_id"],
        cause=told["cause"],
        override_reason=told["override_reason"],
        written_at=row["created_at"],
        before=_booking(told["before"], at) if told["before"] else None,
        after=_booking(told["after"], at),
    )


def _booking(body: Mapping[str, Any], at: Instant) -> StoredBooking:
    """What rules need of a booking as its audit kept it at an instant."""
    return StoredBooking(
        id=body["id"],
        grid_id="",
        code=body["code"],
        location_id=body["location_id"],
        resource_id=body["resource_id"],
        interval=Interval(_instant(body["start_time"]), _instant(body["end_time"])),
        status=body["status"],
        type=body["type"],
        user_id=body["user_id"],
        reschedule_count=body["reschedule_count"],
        expires_at=_instant(body["expires_at"]) if body["expires_at"] else None,
        created_at=at,
        updated_at=at,
        version=body["version"],
    )


def _instant(text: str) -> Instant:
    return to_instant(datetime.fromisoformat(text))
