"""What a customer may not do, until it expires or is lifted."""

from collections.abc import Sequence
from dataclasses import asdict, replace

from grid_engine.interval import Instant
from rules.policy import RestrictionKind
from server.clock import Clock
from server.errors import Fault, Malformed, NotFound
from server.principal import Principal
from server.service.access import Action, require
from server.storage.administration import (
    StoredRestriction,
    audit,
    insert_restriction,
    lift_restriction,
    list_restrictions,
    lock_account,
    read_account,
    read_restriction,
    unknown_locations,
)
from server.storage.database import Database

LARGEST = 1_000_000
"""No limit is larger, as in policies."""


class Restrictions:
    """The use cases of restrictions; all for admins, ``Forbidden`` to others."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def impose(
        self,
        actor: Principal,
        user_id: int,
        *,
        restriction_type: str,
        value: int | None,
        expires_at: Instant | None,
        reason: str,
    ) -> StoredRestriction:
        """A new restriction, in force at once for everything that is judged from now on.

        Raises:
            NotFound: if there is no such account, or no such location to deny.
            Malformed: if the value does not fit the type, or it would have expired already.
        """
        require(actor, Action.ADMINISTER)
        _check_value(RestrictionKind(restriction_type), value)
        now = self._clock.now()
        if expires_at is not None and expires_at <= now:
            raise Malformed(faults=[Fault("/expires_at", "must lie in the future")])
        async with self._database.transaction() as connection:
            # What the customer is booking at this moment is judged before it or after it, never half.
            if await lock_account(connection, user_id) is None:
                raise NotFound("There is no such account")
            if restriction_type == "DENY_LOCATION" and await unknown_locations(connection, [value or 0]):
                raise NotFound("There is no such location")
            restriction = StoredRestriction(
                id=0,
                user_id=user_id,
                restriction_type=restriction_type,
                value=value,
                expires_at=expires_at,
                reason=reason,
                created_by=actor.user_id,
                created_at=now,
            )
            restriction = replace(restriction, id=await insert_restriction(connection, restriction))
            await audit(
                connection,
                "restriction",
                restriction.id,
                "created",
                actor_id=actor.user_id,
                before=None,
                after=asdict(restriction),
                now=now,
            )
        return restriction

    async def lift(self, actor: Principal, user_id: int, restriction_id: int) -> None:
        """The restriction is over; raises ``NotFound`` if the account has none of this id, or it was lifted before."""
        require(actor, Action.ADMINISTER)
        now = self._clock.now()
        async with self._database.transaction() as connection:
            await lock_account(connection, user_id)
            restriction = await read_restriction(connection, user_id, restriction_id)
            if restriction is None:
                raise NotFound("There is no such restriction")
            await lift_restriction(connection, restriction_id, now)
            await audit(
                connection,
                "restriction",
                restriction_id,
                "lifted",
                actor_id=actor.user_id,
                before=asdict(restriction),
                after=None,
                now=now,
            )

    async def listed(
        self, actor: Principal, user_id: int, *, after: int | None, limit: int
    ) -> Sequence[StoredRestriction]:
        """Up to ``limit`` of an account's restrictions that were not lifted, expired ones included, oldest first.

        Raises:
            NotFound: if there is no such account.
        """
        require(actor, Action.ADMINISTER)
        async with self._database.connection() as connection:
            if await read_account(connection, user_id) is None:
                raise NotFound("There is no such account")
            return await list_restrictions(connection, user_id, after=after, limit=limit)


def _check_value(kind: RestrictionKind, value: int | None) -> None:
    match kind:
        case RestrictionKind.BOOKING_BAN if value is not None:
            raise Malformed(faults=[Fault("/value", "a ban has no value")])
        case RestrictionKind.DENY_LOCATION if value is None:
            raise Malformed(faults=[Fault("/value", "is the id of the location to deny")])
        case RestrictionKind.MAX_ADVANCE_DAYS | RestrictionKind.MAX_CONCURRENT if (
            value is None or not 0 <= value <= LARGEST
        ):
            raise Malformed(faults=[Fault("/value", f"must be an integer from 0 to {LARGEST}")])
