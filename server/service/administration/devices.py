"""Kiosks: registered by admins, paired by whoever reads the code off to them, and revoked (K1).

Belongs here: a device's life. Does not belong here: what its token is worth at this moment (``identity``), or what a
kiosk may do (``access``).
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from grid_engine.interval import MINUTE
from server.clock import Clock
from server.errors import Duplicate, NotActive, NotFound, Unauthenticated, Unavailable
from server.principal import Principal
from server.service.access import Action, require
from server.service.identifiers import hash_of_code, new_code, tidied_code
from server.service.lasting_tokens import hash_of, new_token
from server.storage.administration import audit, unknown_locations
from server.storage.database import Connection, Database
from server.storage.devices import (
    StoredDevice,
    await_pairing,
    insert_device,
    list_devices,
    lock_device,
    lock_waiting,
    pair,
    read_device,
    revoke,
    update_device,
)

CODE_SECONDS = 10 * MINUTE
"""How long a pairing code lives (K1)."""
_ATTEMPTS = 5
"""A new code may be that of another device that waits; twice in a row is not to be expected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """A device, and the code that pairs it where one was just made: it is told this once."""

    device: StoredDevice
    pairing_code: str | None = None


class Devices:
    """The use cases of devices. ``changed`` is told of those whose token may be worth something else from now on."""

    def __init__(self, database: Database, clock: Clock, changed: Callable[[int], None]) -> None:
        self._database = database
        self._clock = clock
        self._changed = changed

    async def register(self, actor: Principal, location_id: int, name: str) -> Offered:
        """A new kiosk at the location, and the code that pairs it.

        Raises:
            Forbidden: to all but admins, as all but ``pair``.
            NotFound: if there is no such location.
        """
        require(actor, Action.ADMINISTER)

        async def made(connection: Connection, code: str) -> Offered:
            now = self._clock.now()
            await _check_location(connection, location_id)
            wanted = StoredDevice(
                id=0,
                location_id=location_id,
                name=name,
                pairing_expires_at=now + CODE_SECONDS,
                created_by=actor.user_id,
                created_at=now,
            )
            device = replace(wanted, id=await insert_device(connection, wanted, hash_of_code(code)))
            await self._record(connection, device.id, "created", None, device, actor_id=actor.user_id)
            return Offered(device=device, pairing_code=code)

        return await self._with_new_code(made)

    async def change(
        self, actor: Principal, device_id: int, changes: Mapping[str, Any], *, pair_again: bool = False
    ) -> Offered:
        """The device with another name or at another location; with ``pair_again``, and a new code.

        Whatever it is paired with goes on until the code is used, so that a screen can be replaced without a gap.

        Raises:
            NotFound: if there is no such device or location.
            NotActive: if it was revoked.
        """
        require(actor, Action.ADMINISTER)

        async def made(connection: Connection, code: str) -> Offered:
            before = await _locked(connection, device_id)
            if before.revoked_at is not None:
                raise NotActive("The device was revoked: register a new one")
            after = replace(before, **changes)
            if after.location_id != before.location_id:
                await _check_location(connection, after.location_id)
            if after != before:
                await update_device(connection, after)
            if pair_again:
                after = replace(after, pairing_expires_at=self._clock.now() + CODE_SECONDS)
                await await_pairing(connection, device_id, hash_of_code(code), after.pairing_expires_at or 0)
            if pair_again or after != before:
                await self._record(connection, device_id, "updated", before, after, actor_id=actor.user_id)
            return Offered(device=after, pairing_code=code if pair_again else None)

        offered = await self._with_new_code(made)
        self._changed(device_id)
        return offered

    async def revoke(self, actor: Principal, device_id: int) -> None:
        """Its token and its code are good no longer, on open sockets within seconds (A5). Again changes nothing.

        Raises:
            NotFound: if there is no such device.
        """
        require(actor, Action.ADMINISTER)
        async with self._database.transaction() as connection:
            before = await _locked(connection, device_id)
            if before.revoked_at is not None:
                return
            now = self._clock.now()
            await revoke(connection, device_id, now)
            after = replace(before, revoked_at=now, pairing_expires_at=None)
            await self._record(connection, device_id, "revoked", before, after, actor_id=actor.user_id)
        self._changed(device_id)

    async def get(self, actor: Principal, device_id: int) -> StoredDevice:
        """The device, revoked or not; raises ``NotFound`` if there is none."""
        require(actor, Action.ADMINISTER)
        async with self._database.connection() as connection:
            device = await read_device(connection, device_id)
        if device is None:
            raise NotFound("There is no such device")
        return device

    async def listed(
        self, actor: Principal, *, location_id: int | None, revoked: bool, after: int | None, limit: int
    ) -> Sequence[StoredDevice]:
        """Up to ``limit`` devices, of a location or of all, in order of id: those in use, or those that were revoked."""
        require(actor, Action.ADMINISTER)
        async with self._database.connection() as connection:
            return await list_devices(
                connection, location_id=location_id, revoked=revoked, after=after, limit=limit
            )

    async def pair(self, pairing_code: str) -> tuple[StoredDevice, str]:
        """The device that waits under the code, and its token, which is told this once; the one before it ends.

        Raises:
            Unauthenticated: if none waits under it, for whatever reason (A7).
        """
        token = new_token("device")
        code = tidied_code(pairing_code)
        async with self._database.transaction() as connection:
            now = self._clock.now()
            before = await lock_waiting(connection, hash_of_code(code), now)
            if before is None:
                raise Unauthenticated("The code is wrong, or its ten minutes are over")
            await pair(connection, before.id, hash_of(token), now)
            device = replace(before, pairing_expires_at=None, paired_at=now)
            await self._record(
                connection, device.id, "paired", before, device, actor_id=None, cause="pairing"
            )
        self._changed(device.id)
        return device, token

    async def _with_new_code(self, made: Callable[[Connection, str], Awaitable[Offered]]) -> Offered:
        for _ in range(_ATTEMPTS):
            try:
                async with self._database.transaction() as connection:
                    return await made(connection, new_code())
            except Duplicate:
                continue
        raise Unavailable("No pairing code is free at this moment")

    async def _record(
        self,
        connection: Connection,
        device_id: int,
        event_type: str,
        before: StoredDevice | None,
        after: StoredDevice,
        *,
        actor_id: int | None,
        cause: str = "command",
    ) -> None:
        await audit(
            connection,
            "device",
            device_id,
            event_type,
            actor_id=actor_id,
            before=None if before is None else asdict(before),
            after=asdict(after),
            now=self._clock.now(),
            cause=cause,
        )


async def _locked(connection: Connection, device_id: int) -> StoredDevice:
    device = await lock_device(connection, device_id)
    if device is None:
        raise NotFound("There is no such device")
    return device


async def _check_location(connection: Connection, location_id: int) -> None:
    if await unknown_locations(connection, [location_id]):
        raise NotFound("There is no such location")
