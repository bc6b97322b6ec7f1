"""Venues: made, changed, closed and listed.

Reads go on from the node's replicas while Postgres is away (P2).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from rules.policy import LocationPolicy, PolicyError
from server.errors import Fault, Malformed, NotFound, Unavailable
from server.principal import Principal
from server.service.access import Action, allows, places_of, require
from server.service.administration.configuration import Configuration
from server.service.administration.consequences import insist_on_location
from server.service.identifiers import new_epoch
from server.storage.administration import audit
from server.storage.configuration import (
    StoredLocation,
    insert_location,
    list_locations,
    read_location,
    update_location,
)
from server.storage.location_state import LocationState


class Locations:
    """The use cases of locations. Changes are for admins: ``Forbidden`` to all others."""

    def __init__(
        self, configuration: Configuration, replicas: Callable[[], Iterable[LocationState]] = tuple
    ) -> None:
        """``replicas`` gives the locations that this node holds in memory."""
        self._configuration = configuration
        self._replicas = replicas

    async def create(
        self,
        actor: Principal,
        *,
        name: str,
        timezone: str,
        slot_minutes: int,
        policy: Mapping[str, Any],
        active: bool,
    ) -> StoredLocation:
        """A new location, with an epoch of its own.

        Raises:
            Malformed: if the policy is none; pointers begin with ``/policy``.
        """
        require(actor, Action.ADMINISTER)
        location = StoredLocation(
            id=0,
            name=name,
            timezone=timezone,
            slot_minutes=slot_minutes,
            policy=policy_of(policy).to_json(),
            active=active,
            version=0,
        )
        now = self._configuration.clock.now()
        async with self._configuration.database.transaction() as connection:
            location = replace(location, id=await insert_location(connection, location, new_epoch(), now))
            await audit(
                connection,
                "location",
                location.id,
                "created",
                actor_id=actor.user_id,
                before=None,
                after=_kept(location),
                now=now,
            )
        return location

    async def change(
        self, actor: Principal, location_id: int, changes: Mapping[str, Any], *, confirmed: bool = False
    ) -> StoredLocation:
        """The location with some of its fields changed; a policy is replaced whole.

        Raises:
            NotFound: if there is no such location.
            Malformed: if the policy is none.
            InUse: if bookings lie ahead that it would break, unless ``confirmed``; see ``insist_on_location``.
        """
        require(actor, Action.ADMINISTER)
        if "policy" in changes:
            changes = {**changes, "policy": policy_of(changes["policy"]).to_json()}
        async with self._configuration.change(location_id, actor) as change:
            before = change.location
            after = replace(before, **changes)
            if after == before:
                return before
            if not confirmed:
                await insist_on_location(change, after)
            await update_location(change.connection, after)
            await change.record("location", location_id, "updated", _kept(before), _kept(after))
        return after

    async def close(self, actor: Principal, location_id: int, *, confirmed: bool = False) -> None:
        """The location is there for admins alone from now on; what was booked is kept. Again changes nothing.

        Raises:
            NotFound: if there is no such location.
            InUse: if bookings lie ahead, unless ``confirmed``.
        """
        await self.change(actor, location_id, {"active": False}, confirmed=confirmed)

    async def get(self, caller: Principal, location_id: int) -> StoredLocation:
        """The location.

        Raises:
            NotFound: if there is none that the caller may see.
            Unavailable: if Postgres is away, and this node does not hold it.
        """
        require(caller, Action.READ_LOCATION, location_id=location_id)
        try:
            async with self._configuration.database.connection() as connection:
                location = await read_location(connection, location_id)
        except Unavailable:
            state = self.replica(location_id)
            if state is None:
                raise
            location = _from_replica(state)
        if location is None or not (location.active or allows(caller, Action.ADMINISTER)):
            raise NotFound("There is no such location")
        return location

    async def listed(
        self, caller: Principal, *, after: tuple[str, int] | None, limit: int
    ) -> tuple[Sequence[StoredLocation], bool]:
        """(up to ``limit`` locations that the caller may see, in order of name and id; whether they are stale).

        Inactive ones are for admins. What is stale comes from replicas, and is all there is of them.
        """
        require(caller, Action.READ_LOCATION)
        inactive = allows(caller, Action.ADMINISTER)
        ids = places_of(caller, Action.READ_LOCATION)
        try:
            async with self._configuration.database.connection() as connection:
                found = await list_locations(connection, after=after, limit=limit, inactive=inactive, ids=ids)
        except Unavailable:
            held = [_from_replica(state) for state in self._replicas()]
            seen = [each for each in held if (each.active or inactive) and (ids is None or each.id in ids)]
            if not seen:
                raise
            return sorted(seen, key=lambda location: (location.name, location.id))[:limit], True
        return found, False

    def replica(self, location_id: int) -> LocationState | None:
        """The location as this node holds it in memory."""
        return next((state for state in self._replicas() if state.id == location_id), None)


def _from_replica(state: LocationState) -> StoredLocation:
    return StoredLocation(
        id=state.id,
        name=state.name,
        timezone=state.timezone,
        slot_minutes=state.slot_minutes,
        policy=state.policy.to_json(),
        active=state.active,
        version=state.config_version,
    )


def policy_of(document: Mapping[str, Any]) -> LocationPolicy:
    """The policy that a body's ``policy`` describes; raises ``Malformed``, pointing at all that is wrong with it."""
    try:
        return LocationPolicy.from_json(dict(document))
    except PolicyError as error:
        raise Malformed(
            f"policy{error.faults[0].pointer}: {error.faults[0].message}",
            [Fault(f"/policy{fault.pointer}", fault.message) for fault in error.faults],
        ) from error


def _kept(location: StoredLocation) -> dict[str, Any]:
    """What the audit keeps: not the version, which it takes after."""
    return {
        "name": location.name,
        "timezone": location.timezone,
        "slot_minutes": location.slot_minutes,
        "policy": location.policy,
        "active": location.active,
    }
