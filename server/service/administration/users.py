"""Accounts: made, changed, closed and searched, by admins and in part by their owners.

A name stands on grids beside bookings, and a grid changes with a version only (W1): whoever is renamed makes a version of
every location that shows the name.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any, Protocol, TypeAlias

from grid_engine.interval import DAY, Instant
from server.errors import Duplicate, Fault, InUse, Malformed, NotFound
from server.principal import Principal
from server.service.access import Action, own_account, places_of, require
from server.service.addresses import FIELDS, Address, take_claims
from server.service.administration.configuration import Configuration
from server.service.administration.locations import Locations
from server.service.administration.permissions import permissions_of
from server.service.codes import Proof
from server.service.views import audited_account
from server.storage.accounts import Account, end_all_families
from server.storage.addresses import Field
from server.storage.administration import (
    audit,
    insert_account,
    is_last_admin,
    list_restrictions,
    locations_showing,
    lock_account,
    read_account,
    search_accounts,
    unknown_locations,
    update_account,
    update_password,
)
from server.storage.calendar_feeds import delete_feed
from server.storage.configuration import commit_reload, lock_location
from server.storage.database import Connection

_UNIQUE = {
    "uq_users_email": "email address",
    "uq_users_phone": "phone number",
    "uq_users_hubspot_id": "HubSpot id",
}


Changes: TypeAlias = Callable[[Connection, Account], Awaitable[Mapping[str, Any]]]
"""What is to change of an account, asked in the transaction of the change while the account is locked."""


class Hashes(Protocol):
    """What is asked of ``service.passwords.Passwords``."""

    async def hash(self, password: str) -> str:
        """What to keep of a password."""


class Users:
    """The use cases of accounts. ``forget`` is told of accounts whose tokens may be worth something else from now on."""

    def __init__(
        self,
        configuration: Configuration,
        locations: Locations,
        passwords: Hashes,
        forget: Callable[[int], None],
    ) -> None:
        self._configuration = configuration
        self._database = configuration.database
        self._clock = configuration.clock
        self._locations = locations
        self._passwords = passwords
        self._forget = forget

    async def create(self, actor: Principal | None, account: Account, password: str | None = None) -> Account:
        """A new account; ``id`` and ``created_at`` are not looked at. ``actor`` None is the command line.

        Raises:
            Forbidden: to all but admins.
            Malformed: if it has neither an address nor a phone.
            NotFound: if it names a location that does not exist.
            Duplicate: if another account has its address, phone or HubSpot id.
        """
        if actor is not None:
            require(actor, Action.ADMINISTER)
        account = _tidied(account)
        _check(account)
        kept = None if password is None else await self._passwords.hash(password)
        now = self._clock.now()
        try:
            async with self._database.transaction() as connection:
                await _check_locations(connection, account)
                await take_claims(
                    connection,
                    _known(asdict(account), FIELDS),
                    keeper=None,
                    by=actor.user_id if actor else None,
                    now=now,
                )
                user_id = await insert_account(connection, account, kept, now)
                created = await read_account(connection, user_id)
                if created is None:
                    raise LookupError(user_id)
                await audit(
                    connection,
                    "user",
                    user_id,
                    "created",
                    actor_id=actor.user_id if actor else None,
                    before=None,
                    after=audited_account(created, password="set" if kept else None),
                    now=now,
                )
        except Duplicate as error:
            raise _which(error) from error
        return created

    async def change(
        self, actor: Principal | None, user_id: int, changes: Mapping[str, Any], *, cause: str = "command"
    ) -> Account:
        """The account with some of its fields changed, ``password`` among them. A new password, and closing the account,
        sign it out everywhere. ``actor`` None is the command line.

        Raises:
            Forbidden: to all but admins.
            NotFound: if there is no such account or location.
            Malformed, Duplicate: as ``create``.
            InUse: if nobody would be left to administer.
        """
        if actor is not None:
            require(actor, Action.ADMINISTER)
        return await self._change(actor, user_id, changes, proven=frozenset(FIELDS), cause=cause)

    async def change_own(
        self, caller: Principal, changes: Mapping[str, Any], proof: Proof | None = None
    ) -> Account:
        """The caller's account with name, address, phone, language or consent changed; raises as ``change``.

        A new address or phone is theirs once ``proof`` shows that they read what is sent there. Without it nobody signs
        in or sets a password by it, and whoever proves that it is theirs takes it.

        Raises:
            Unauthenticated: if the proof was used before.
        """
        return await self._change(caller, own_account(caller), changes, proof=proof)

    async def follow(self, user_id: int, changes: Changes, *, cause: str) -> Account | None:
        """The account changed by what an outside system says of it; ``cause`` names the system to the audit. None if there is
        no such account. It is nobody's command, so whoever lets the system in has to be sure of it; and nobody has proven
        an address that came this way.

        Raises:
            Malformed, Duplicate, InUse: as ``change``.
        """
        try:
            return await self._change(None, user_id, changes, cause=cause)
        except NotFound:
            return None

    async def close(self, actor: Principal, user_id: int) -> None:
        """The account is closed and signed out; bookings and history stay. Again changes nothing."""
        await self.change(actor, user_id, {"active": False})

    async def get(self, actor: Principal, user_id: int) -> Account:
        """An account, for admins; raises ``NotFound`` if there is none."""
        require(actor, Action.ADMINISTER)
        return await self._read(user_id)

    async def own(self, caller: Principal) -> Account:
        """The caller's account; raises ``NotFound`` for a kiosk, which has none."""
        return await self._read(own_account(caller))

    async def listed(
        self,
        actor: Principal,
        *,
        text: str,
        role: str | None,
        active: bool | None,
        after: tuple[str, int] | None,
        limit: int,
    ) -> Sequence[Account]:
        """Up to ``limit`` accounts for admins, in order of name and id; see ``storage.administration.search_accounts``."""
        require(actor, Action.ADMINISTER)
        async with self._database.connection() as connection:
            return await search_accounts(
                connection, text=text, role=role, active=active, after=after, limit=limit
            )

    async def customers(
        self, caller: Principal, text: str, *, after: tuple[str, int] | None, limit: int
    ) -> Sequence[Account]:
        """Up to ``limit`` people to book for, by the beginning of a name, an address or a phone, those after (name, id); for
        staff.

        Staff find who ever booked where they work, and whoever told them a whole address or phone: at other locations they
        are as customers, who are told of nobody (A1, A4).
        """
        require(caller, Action.SEARCH_CUSTOMERS)
        known_at = places_of(caller, Action.SEARCH_CUSTOMERS)
        async with self._database.connection() as connection:
            return await search_accounts(
                connection, text=text, role="customer", known_at=known_at, after=after, limit=limit
            )

    async def permissions(
        self, caller: Principal, account: Account, location_id: int | None
    ) -> dict[str, Any]:
        """``can_book, max_advance_days, max_concurrent_bookings, denied_locations``, calculated now (R20).

        Without a location they are what the defaults of a policy give.

        Raises:
            NotFound: if there is no such location.
        """
        location = None if location_id is None else await self._locations.get(caller, location_id)
        async with self._database.connection() as connection:
            kept = await list_restrictions(connection, account.id)
        return permissions_of(account, location, kept, self._clock.now())

    async def _read(self, user_id: int) -> Account:
        async with self._database.connection() as connection:
            account = await read_account(connection, user_id)
        if account is None:
            raise NotFound("There is no such account")
        return account

    async def _change(
        self,
        actor: Principal | None,
        user_id: int,
        changes: Mapping[str, Any] | Changes,
        *,
        proven: frozenset[Field] = frozenset(),
        proof: Proof | None = None,
        cause: str = "command",
    ) -> Account:
        if proof is not None:
            proven = frozenset({proof.address.field})
        given: Mapping[str, Any] = changes if isinstance(changes, Mapping) else {}
        password = given.get("password")
        kept = None if password is None else await self._passwords.hash(password)
        renamed: list[int] = []
        try:
            async with self._database.transaction() as connection:
                now = self._clock.now_precise()
                if proof is not None:
                    await proof.spend(connection)
                await take_claims(
                    connection,
                    _known(given, proven),
                    keeper=user_id,
                    by=actor.user_id if actor else None,
                    now=int(now),
                )
                before = await lock_account(connection, user_id)
                if before is None:
                    raise NotFound("There is no such account")
                if not isinstance(changes, Mapping):
                    given = await changes(connection, before)
                fields = {name: value for name, value in given.items() if name != "password"}
                after = _with_proofs(before, _tidied(replace(before, **fields)), proven & fields.keys())
                if after == before and "password" not in given:
                    return before
                _check(after)
                await _check_locations(connection, after)
                if (
                    _administers(before)
                    and not _administers(after)
                    and await is_last_admin(connection, user_id)
                ):
                    raise InUse("This is the last admin: make another one first")
                await update_account(connection, after)
                if "password" in given:
                    await update_password(connection, user_id, kept)
                if "password" in given or not after.active:
                    await end_all_families(connection, user_id, now)
                if not after.active:
                    await delete_feed(connection, user_id)
                await audit(
                    connection,
                    "user",
                    user_id,
                    "updated",
                    actor_id=actor.user_id if actor else None,
                    before=audited_account(before),
                    after=audited_account(after, password="changed" if "password" in given else None),
                    now=int(now),
                    cause=cause,
                )
                if after.name != before.name:
                    renamed = await self._reload(connection, user_id, int(now))
        except Duplicate as error:
            raise _which(error) from error
        self._forget(user_id)
        await self._configuration.announce(renamed)
        return after

    async def _reload(self, connection: Connection, user_id: int, now: Instant) -> list[int]:
        # Replicas reach back to their today's midnight, which lies less than two days ago everywhere.
        location_ids = await locations_showing(connection, user_id, now - 2 * DAY)
        for location_id in location_ids:
            await lock_location(connection, location_id)
            await commit_reload(connection, location_id, now)
        return location_ids


def _tidied(account: Account) -> Account:
    """Each location and tag once; tags as they were first given."""
    return replace(
        account,
        location_ids=tuple(sorted(set(account.location_ids))),
        tags=tuple(dict.fromkeys(account.tags)),
    )


def _check(account: Account) -> None:
    if account.email is None and account.phone is None:
        raise Malformed(faults=[Fault("/email", "or a phone number is required")])


def _with_proofs(before: Account, after: Account, proven: Collection[str]) -> Account:
    """The changed account, its addresses proven if they were before and are the same, or if they are now."""
    proofs: dict[str, Any] = {
        f"{field}_proven": field in proven
        or (
            _same(field, getattr(before, field), getattr(after, field)) and getattr(before, f"{field}_proven")
        )
        for field in FIELDS
    }
    return replace(after, **proofs)


def _same(field: Field, one: str | None, other: str | None) -> bool:
    return one == other or bool(one and other and Address(field, one).key == Address(field, other).key)


def _known(account: Mapping[str, Any], proven: Collection[str]) -> list[Address]:
    """The addresses among the fields of an account that are known to be its owner's."""
    return [Address(field, account[field]) for field in FIELDS if field in proven and account.get(field)]


async def _check_locations(connection: Connection, account: Account) -> None:
    if await unknown_locations(connection, account.location_ids):
        raise NotFound("There is no such location")


def _administers(account: Account) -> bool:
    return account.role == "admin" and account.active


def _which(error: Duplicate) -> Duplicate:
    for constraint, name in _UNIQUE.items():
        if constraint in error.detail:
            return Duplicate(f"Another account has this {name}")
    return error


def new_account(
    *,
    name: str,
    email: str | None = None,
    phone: str | None = None,
    role: str = "customer",
    location_ids: Sequence[int] = (),
    tags: Sequence[str] = (),
    membership_tier: str | None = None,
    hubspot_id: str | None = None,
) -> Account:
    """An account that is still to be made."""
    return Account(
        id=0,
        name=name,
        email=email,
        phone=phone,
        role=role,
        location_ids=tuple(location_ids),
        tags=tuple(tags),
        membership_tier=membership_tier,
        hubspot_id=hubspot_id,
        language="en",
        sms_consent=False,
        active=True,
        created_at=datetime.fromtimestamp(0, UTC),
    )
