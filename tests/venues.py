"""Venues for tests: rows put straight into the tables, so that a test says only what it is about."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import asyncpg

from server.principal import AccountRole, Principal

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Venue:
    """A location with its bays, in column order."""

    id: int
    timezone: str
    bays: tuple[int, ...]


class Town:
    """A database with whatever a test builds in it."""

    def __init__(self, database_url: str) -> None:
        self.url = database_url

    async def fetch(self, statement: str, *values: Any) -> list[asyncpg.Record]:
        """Rows of a statement, on a connection of its own."""
        connection = await asyncpg.connect(self.url)
        try:
            await connection.set_type_codec(
                "jsonb", encoder=json.dumps, decoder=json.loads, schema="pg_catalog"
            )
            return list(await connection.fetch(statement, *values))
        finally:
            await connection.close()

    async def value(self, statement: str, *values: Any) -> Any:
        """The only value of the only row."""
        return (await self.fetch(statement, *values))[0][0]

    async def venue(
        self,
        *,
        bays: int = 4,
        timezone: str = "America/New_York",
        policy: dict[str, Any] | None = None,
        slot_minutes: int = 30,
    ) -> Venue:
        """A location open around the clock, with the policy's defaults unless given."""
        id_ = await self.value(
            """
            INSERT INTO locations (name, timezone, slot_minutes, policy, active, epoch, version, config_version,
                                   created_at, updated_at)
            VALUES ('Fairway', $1, $2, $3, true, 'epoch-1', 0, 0, $4, $4) RETURNING id
            """,
            timezone,
            slot_minutes,
            policy or {},
            LONG_AGO,
        )
        rows = await self.fetch(
            """
            INSERT INTO resources (location_id, name, position, active)
            SELECT $1, 'Bay ' || n, n, true FROM generate_series(1, $2) n ORDER BY n RETURNING id
            """,
            id_,
            bays,
        )
        return Venue(id=id_, timezone=timezone, bays=tuple(row["id"] for row in rows))

    async def person(
        self,
        name: str,
        role: AccountRole = "customer",
        at: Sequence[Venue] = (),
        *,
        tier: str | None = None,
        tags: Sequence[str] = (),
        password_hash: str | None = None,
    ) -> Principal:
        """An account; staff work at the venues given."""
        id_ = await self.value(
            """
            INSERT INTO users (name, email, role, membership_tier, tags, password_hash, language, sms_consent, active,
                               tokens_after, created_at)
            VALUES ($1, $2, $3, $4, $5, $6, 'en', false, true, $7, $7) RETURNING id
            """,
            name,
            f"{name.lower().replace(' ', '.')}@example.com",
            role,
            tier,
            list(tags),
            password_hash,
            LONG_AGO,
        )
        for venue in at:
            await self.fetch(
                "INSERT INTO user_locations (user_id, location_id) VALUES ($1, $2)", id_, venue.id
            )
        return Principal(user_id=id_, role=role, location_ids=frozenset(venue.id for venue in at), name=name)

    async def restrict(self, person: Principal, kind: str, value: int | None = None) -> None:
        """A restriction without end."""
        await self.fetch(
            """
            INSERT INTO booking_restrictions (user_id, restriction_type, value, reason, created_at)
            VALUES ($1, $2, $3, 'because', $4)
            """,
            person.user_id,
            kind,
            value,
            LONG_AGO,
        )

    async def overlaps(self) -> int:
        """How many pairs of active bookings share time on a resource, asked without the constraint's index (G1)."""
        return int(
            await self.value(
                """
                SELECT count(*) FROM bookings a JOIN bookings b ON a.resource_id = b.resource_id AND a.id < b.id
                WHERE a.start_time < b.end_time AND b.start_time < a.end_time
                  AND a.status IN ('held', 'confirmed', 'completed') AND b.status IN ('held', 'confirmed', 'completed')
                """
            )
        )
