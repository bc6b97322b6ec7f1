"""Reading what locations are and were: their configuration, and the audit of its changes.

Belongs here: queries. Does not belong here: what follows from it (``server.service.analytics``), or replicas (``locations``).
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from grid_engine.interval import Instant
from grid_engine.records import Blackout
from server.storage.database import Connection
from server.storage.locations import blackout_of
from server.storage.stored_booking import to_instant


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigurationEvent:
    """A change of a location or resource as the audit keeps it; ``before`` is None where it was made."""

    at: Instant
    before: Mapping[str, Any] | None
    after: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfiguredResource:
    """A resource as it is, and its changes, oldest first."""

    id: int
    name: str
    active: bool
    events: tuple[ConfigurationEvent, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfiguredLocation:
    """A location as it is, its changes, oldest first, and all its resources in column order."""

    id: int
    name: str
    timezone: str
    policy: Mapping[str, Any]
    active: bool
    config_version: int
    events: tuple[ConfigurationEvent, ...]
    resources: tuple[ConfiguredResource, ...]
    blackouts: tuple[Blackout, ...]


async def read_configured(
    connection: Connection, location_ids: Collection[int] | None
) -> list[ConfiguredLocation]:
    """The locations, or all, in order of name and id; unknown ids are left out."""
    ids = None if location_ids is None else list(location_ids)
    locations = await connection.fetch(
        """
        SELECT id, name, timezone, policy, active, config_version FROM locations
        WHERE $1::bigint[] IS NULL OR id = ANY($1) ORDER BY name, id
        """,
        ids,
    )
    found = [row["id"] for row in locations]
    resources = await connection.fetch(
        """
        SELECT id, location_id, name, active FROM resources WHERE location_id = ANY($1::bigint[])
        ORDER BY location_id, position, id
        """,
        found,
    )
    blackouts = await connection.fetch(
        """
        SELECT id, location_id, resource_ids, start_time, end_time, reason FROM blackouts
        WHERE location_id = ANY($1::bigint[]) ORDER BY id
        """,
        found,
    )
    events = await _read_events(
        connection,
        {"location": found, "resource": [row["id"] for row in resources]},
    )
    located: dict[int, list[ConfiguredResource]] = {id_: [] for id_ in found}
    for row in resources:
        changes = tuple(events.get(("resource", row["id"]), ()))
        located[row["location_id"]].append(
            ConfiguredResource(id=row["id"], name=row["name"], active=row["active"], events=changes)
        )
    closed: dict[int, list[Blackout]] = {id_: [] for id_ in found}
    for row in blackouts:
        closed[row["location_id"]].append(blackout_of(row))
    return [
        ConfiguredLocation(
            id=row["id"],
            name=row["name"],
            timezone=row["timezone"],
            policy=row["policy"],
            active=row["active"],
            config_version=row["config_version"],
            events=tuple(events.get(("location", row["id"]), ())),
            resources=tuple(located[row["id"]]),
            blackouts=tuple(closed[row["id"]]),
        )
        for row in locations
    ]


async def _read_events(
    connection: Connection, subjects: Mapping[str, Collection[int]]
) -> dict[tuple[str, int], list[ConfigurationEvent]]:
    rows = await connection.fetch(
        """
        SELECT e.subject_type, e.subject_id::int AS subject_id, e.created_at, e.metadata->'before' AS before,
               e.metadata->'after' AS after
        FROM unnest($1::text[], $2::text[]) AS s(subject_type, subject_id)
        JOIN audit_events e USING (subject_type, subject_id)
        WHERE e.event_type IN ('created', 'updated')
        ORDER BY e.id
        """,
        [kind for kind, ids in subjects.items() for _ in ids],
        [str(id_) for ids in subjects.values() for id_ in ids],
    )
    events: dict[tuple[str, int], list[ConfigurationEvent]] = {}
    for row in rows:
        event = ConfigurationEvent(at=to_instant(row["created_at"]), before=row["before"], after=row["after"])
        events.setdefault((row["subject_type"], row["subject_id"]), []).append(event)
    return events
