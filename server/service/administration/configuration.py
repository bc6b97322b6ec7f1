"""The one way to change a location's configuration: under its lock, with a version, an event and an announcement (G6).

Belongs here: that story. Does not belong here: what is changed (``locations``, ``resources``, ``blackouts``).
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, is_dataclass
from typing import Any, TypeAlias

import structlog

from grid_engine.interval import Instant
from server.clock import Clock
from server.errors import NotFound, Unavailable
from server.principal import Principal
from server.storage.administration import audit
from server.storage.configuration import StoredLocation, commit_reload, lock_location
from server.storage.database import Connection, Database

_log = structlog.get_logger(__name__)


Announce: TypeAlias = Callable[[int], Awaitable[None]]
"""Tells rooms and other nodes, after the commit, that a location has a new version whose operation is a reload. Does not
return before this node's own replica, if there is one, has it, so that the caller reads its own write. What it fails to
tell, the version check heals.
"""


@dataclass(slots=True)
class Change:
    """A change being made, inside its transaction, under the location's lock."""

    connection: Connection
    location: StoredLocation
    now: Instant
    actor: Principal | None
    cause: str = "command"
    recorded: bool = False

    async def record(
        self, subject_type: str, subject_id: int, event_type: str, before: Any, after: Any
    ) -> None:
        """Notes what was changed; a change of which nothing is noted takes no version. Values are dataclasses."""
        self.recorded = True
        await audit(
            self.connection,
            subject_type,
            subject_id,
            event_type,
            actor_id=self.actor.user_id if self.actor else None,
            before=_plain(before),
            after=_plain(after),
            now=self.now,
            cause=self.cause,
        )


class Configuration:
    """Changes of locations, and their announcement."""

    def __init__(self, database: Database, clock: Clock, announce: Announce) -> None:
        self.database = database
        self.clock = clock
        self._announce = announce

    @asynccontextmanager
    async def change(
        self, location_id: int, actor: Principal | None, *, cause: str = "command"
    ) -> AsyncIterator[Change]:
        """Commits what is done inside as one version of the location, and then tells everybody. ``actor`` None is the command
        line; ``cause`` is what the audit says of it.

        Raises:
            NotFound: if there is no such location.
            Unavailable: if Postgres is away; if it went during the commit, whether it was done is not known.
        """
        try:
            async with self.database.transaction() as connection:
                location = await lock_location(connection, location_id)
                if location is None:
                    raise NotFound("There is no such location")
                change = Change(connection, location, self.clock.now(), actor, cause)
                yield change
                if change.recorded:
                    await commit_reload(connection, location_id, change.now)
        except Unavailable:
            # It may have been committed all the same; then this node should know it as soon as it can.
            await self.announce([location_id])
            raise
        if change.recorded:
            await self.announce([location_id])

    async def announce(self, location_ids: Collection[int]) -> None:
        """Tells of versions that were committed."""
        for location_id in location_ids:
            try:
                await self._announce(location_id)
            except Exception:  # noqa: BLE001  # it is committed: what goes wrong now is not the change's failure
                _log.exception("announcement_failed", location_id=location_id)


def _plain(value: Any) -> Mapping[str, Any] | None:
    """A value as the audit keeps it."""
    if value is None or isinstance(value, Mapping):
        return value
    if not is_dataclass(value) or isinstance(value, type):
        raise TypeError(f"cannot keep a {type(value).__name__}")
    return {name: list(each) if isinstance(each, tuple) else each for name, each in asdict(value).items()}
