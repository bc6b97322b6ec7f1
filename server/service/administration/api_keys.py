"""API keys for support tools: made by admins, for some scopes and perhaps some locations, and revoked.

Belongs here: a key's life. Does not belong here: what it is worth at this moment (``identity``), or what a scope allows
(``access``).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from grid_engine.interval import Instant
from server.clock import Clock
from server.errors import Fault, Malformed, NotActive, NotFound
from server.principal import Principal
from server.service.access import Action, require
from server.service.lasting_tokens import SHOWN_LENGTH, hash_of, new_token
from server.storage.administration import audit, unknown_locations
from server.storage.api_keys import (
    StoredApiKey,
    insert_api_key,
    list_api_keys,
    lock_api_key,
    read_api_key,
    update_api_key,
)
from server.storage.database import Connection, Database


class ApiKeys:
    """The use cases of API keys, all for admins: ``Forbidden`` to others.

    ``changed`` is told of keys that may be worth something else from now on.
    """

    def __init__(self, database: Database, clock: Clock, changed: Callable[[int], None]) -> None:
        self._database = database
        self._clock = clock
        self._changed = changed

    async def create(
        self,
        actor: Principal,
        *,
        name: str,
        scopes: Sequence[str],
        location_ids: Sequence[int] | None,
        expires_at: Instant | None,
    ) -> tuple[StoredApiKey, str]:
        """A new key, and its text, which is told this once. ``location_ids`` None is for all locations.

        Raises:
            NotFound: if there is no such location.
            Malformed: if it would have expired already.
        """
        require(actor, Action.ADMINISTER)
        text, now = new_token("api_key"), self._clock.now()
        key = _tidied(
            StoredApiKey(
                id=0,
                name=name,
                prefix=text[:SHOWN_LENGTH],
                scopes=tuple(scopes),
                location_ids=None if location_ids is None else tuple(location_ids),
                created_by=actor.user_id,
                created_at=now,
                expires_at=expires_at,
            )
        )
        _check_expiry(key, now)
        async with self._database.transaction() as connection:
            await _check_locations(connection, key)
            key = replace(key, id=await insert_api_key(connection, key, hash_of(text)))
            await _record(connection, "created", actor, None, key, now)
        return key, text

    async def change(self, actor: Principal, key_id: int, changes: Mapping[str, Any]) -> StoredApiKey:
        """The key with another name, scopes, locations or end; in force within seconds, on open sockets too (A5).

        Raises:
            NotFound: if there is no such key or location.
            NotActive: if it was revoked.
            Malformed: if it would have expired already.
        """
        require(actor, Action.ADMINISTER)
        async with self._database.transaction() as connection:
            before, now = await _locked(connection, key_id), self._clock.now()
            if before.revoked_at is not None:
                raise NotActive("The key was revoked: make a new one")
            after = _tidied(replace(before, **changes))
            if after == before:
                return before
            if after.expires_at != before.expires_at:
                _check_expiry(after, now)
            if after.location_ids != before.location_ids:
                await _check_locations(connection, after)
            await update_api_key(connection, after)
            await _record(connection, "updated", actor, before, after, now)
        self._changed(key_id)
        return after

    async def revoke(self, actor: Principal, key_id: int) -> None:
        """It is good no longer, on open sockets within seconds (A5). Again changes nothing.

        Raises:
            NotFound: if there is no such key.
        """
        require(actor, Action.ADMINISTER)
        async with self._database.transaction() as connection:
            before, now = await _locked(connection, key_id), self._clock.now()
            if before.revoked_at is not None:
                return
            after = replace(before, revoked_at=now)
            await update_api_key(connection, after)
            await _record(connection, "revoked", actor, before, after, now)
        self._changed(key_id)

    async def get(self, actor: Principal, key_id: int) -> StoredApiKey:
        """The key, revoked or not; raises ``NotFound`` if there is none."""
        require(actor, Action.ADMINISTER)
        async with self._database.connection() as connection:
            key = await read_api_key(connection, key_id)
        if key is None:
            raise NotFound("There is no such API key")
        return key

    async def listed(
        self, actor: Principal, *, revoked: bool, after: int | None, limit: int
    ) -> Sequence[StoredApiKey]:
        """Up to ``limit`` keys in order of id: those that were not revoked, or those that were."""
        require(actor, Action.ADMINISTER)
        async with self._database.connection() as connection:
            return await list_api_keys(connection, revoked=revoked, after=after, limit=limit)


def _tidied(key: StoredApiKey) -> StoredApiKey:
    """Each scope and location once, in order."""
    return replace(
        key,
        scopes=tuple(sorted(set(key.scopes))),
        location_ids=None if key.location_ids is None else tuple(sorted(set(key.location_ids))),
    )


def _check_expiry(key: StoredApiKey, now: Instant) -> None:
    if key.expires_at is not None and key.expires_at <= now:
        raise Malformed(faults=[Fault("/expires_at", "must lie in the future")])


async def _check_locations(connection: Connection, key: StoredApiKey) -> None:
    if key.location_ids is not None and await unknown_locations(connection, key.location_ids):
        raise NotFound("There is no such location")


async def _locked(connection: Connection, key_id: int) -> StoredApiKey:
    key = await lock_api_key(connection, key_id)
    if key is None:
        raise NotFound("There is no such API key")
    return key


async def _record(
    connection: Connection,
    event_type: str,
    actor: Principal,
    before: StoredApiKey | None,
    after: StoredApiKey,
    now: Instant,
) -> None:
    await audit(
        connection,
        "api_key",
        after.id,
        event_type,
        actor_id=actor.user_id,
        before=None if before is None else asdict(before),
        after=asdict(after),
        now=now,
    )
