"""What is learned from refusals, as staff may read it (R22).

Belongs here: who may read which patterns. Does not belong here: keeping refusals (``refusals``), or counting them
(``server.storage.refusals``).
"""

from collections.abc import Sequence

from server.clock import Clock
from server.principal import Principal
from server.service.access import Action, places_of, require
from server.storage.database import Database
from server.storage.refusals import Pattern, PatternFilter, PatternKey, list_patterns


class Learning:
    """The reads of patterns."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def patterns(
        self,
        principal: Principal,
        *,
        location_id: int | None,
        user_id: int | None,
        code: str | None,
        after: PatternKey | None,
        limit: int,
    ) -> Sequence[Pattern]:
        """At most ``limit`` patterns of the last 30 days, the most frequent first: of the location, or of all that the
        caller sees.

        Raises:
            Forbidden: to customers, and to staff for a location where they do not work.
            Unavailable: if Postgres is away.
        """
        require(principal, Action.READ_PATTERNS, location_id=location_id)
        seen = places_of(principal, Action.READ_PATTERNS)
        condition = PatternFilter(
            location_ids=seen if location_id is None else (location_id,), user_id=user_id, code=code
        )
        async with self._database.connection() as connection:
            return await list_patterns(connection, condition, self._clock.now(), after=after, limit=limit)
