"""Following HubSpot's contacts: what it tells of them changes the accounts that they are linked to (H1, H3).

An event may come again, late, or before an older one. Of each property it is remembered when it last changed, with the change
and in its transaction, so that what is old or was done before changes nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeAlias

import structlog

from server.errors import Duplicate, Unavailable
from server.service.addresses import Address
from server.service.administration.users import Changes
from server.service.hubspot.ownership import KnownName, PropertyChange, fields_of, may_take
from server.storage.accounts import Account
from server.storage.database import Connection, Database
from server.storage.hubspot import (
    Remembered,
    accounts_of_contacts,
    customer_to_link,
    forget_contact,
    is_address_taken,
    read_remembered,
    remember,
)

CAUSE = "hubspot"
"""What the audit names as the cause; whatever sends changes out leaves these alone, so that nothing is echoed (H3)."""
_LIFE = "hubspot:life"
"""The name under which it is remembered when a contact was last deleted or merged; no property of HubSpot's is named so."""
_ATTEMPTS = 3

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactDeleted:
    """A contact is gone, for reasons of privacy or others."""

    contact_id: str
    occurred_at: int
    digest: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactsMerged:
    """Contacts became one, which may have the id of one of them or a new one. ``primary_id`` is the one that prevailed."""

    contact_id: str
    primary_id: str
    merged_ids: tuple[str, ...]
    occurred_at: int
    digest: bytes


ContactEvent: TypeAlias = PropertyChange | ContactDeleted | ContactsMerged


class ChangesAccounts(Protocol):
    """What is asked of ``administration.users.Users``."""

    async def follow(self, user_id: int, changes: Changes, *, cause: str) -> Account | None:
        """See there."""


class Contacts:
    """The use case. Who may call it is for the door to say: it has checked HubSpot's signature."""

    def __init__(self, database: Database, users: ChangesAccounts) -> None:
        self._database = database
        self._users = users

    async def take(self, events: Iterable[ContactEvent]) -> None:
        """Does what the events tell, in the order in which they happened, one contact after another. Contacts that no account
        is linked to are passed over, but for one whose address is that of a customer who is linked to none yet.

        Each contact is a transaction of its own: told again after a fault, what was done is not done again.

        Raises:
            Unavailable: if Postgres is away; HubSpot then tells it all again.
        """
        by_contact: dict[str, list[PropertyChange | ContactDeleted]] = {}
        merges: list[ContactsMerged] = []
        for event in sorted(events, key=lambda event: event.occurred_at):
            if isinstance(event, ContactsMerged):
                merges.append(event)
            else:
                by_contact.setdefault(event.contact_id, []).append(event)
        for merge in merges:
            await self._merge(merge)
        linked = await self._linked(by_contact)
        for contact_id, told in by_contact.items():
            user_id = linked.get(contact_id) or await self._link(contact_id, told)
            if user_id is not None:
                await self._follow(user_id, contact_id, told)

    async def _linked(self, contact_ids: Iterable[str]) -> dict[str, int]:
        async with self._database.connection() as connection:
            return await accounts_of_contacts(connection, list(contact_ids))

    async def _link(self, contact_id: str, told: Sequence[PropertyChange | ContactDeleted]) -> int | None:
        """Links a contact to the customer whose address it has; the account keeps all that it has. The address has to be
        proven: whoever but claims another's would have the other's tier.
        """
        found = [event for event in told if isinstance(event, PropertyChange) and event.property == "email"]
        if not found or isinstance(told[-1], ContactDeleted) or not isinstance(found[-1].value, str):
            return None
        email = found[-1].value
        async with self._database.connection() as connection:
            user_id = await customer_to_link(connection, email)
        if user_id is None:
            return None

        async def link(connection: Connection, account: Account) -> Mapping[str, Any]:
            known = await read_remembered(connection, contact_id)
            if (
                account.hubspot_id is not None
                or not Address("email", email).is_proven_of(account)
                or not _is_news(known, _LIFE, found[-1])
            ):
                return {}
            return {"hubspot_id": contact_id}

        account = await self._change(user_id, link)
        return user_id if account is not None and account.hubspot_id == contact_id else None

    async def _follow(
        self, user_id: int, contact_id: str, told: Sequence[PropertyChange | ContactDeleted]
    ) -> None:
        async def follow(connection: Connection, account: Account) -> Mapping[str, Any]:
            if account.hubspot_id != contact_id:
                return {}  # linked anew since it was looked up
            known = await read_remembered(connection, contact_id)
            news: dict[str, Remembered] = {}
            fields: dict[str, Any] = {}
            for event in told:
                if isinstance(event, ContactDeleted):
                    if _is_news(known, _LIFE, event):
                        await forget_contact(connection, contact_id)
                        await remember(connection, contact_id, {_LIFE: _remembered(event)})
                        return {"hubspot_id": None}
                    continue
                if not may_take(account, event) or not all(
                    _is_news(known, name, event) for name in (event.property, _LIFE)
                ):
                    continue
                changed = fields_of(replace(account, **fields), event, _known_name(known))
                if await is_address_taken(
                    connection, account.id, email=changed.get("email"), phone=changed.get("phone")
                ):
                    _log.warning("hubspot_address_taken", user_id=account.id, property=event.property)
                    continue
                fields |= changed
                known[event.property] = news[event.property] = _remembered(event)
            await remember(connection, contact_id, news)
            return fields

        await self._change(user_id, follow)

    async def _merge(self, merge: ContactsMerged) -> None:
        """Whoever was linked to the contact that prevailed, else to one that did not, is linked to the one that is left; others
        to none. In this order, so that told again it ends the same.
        """
        linked = await self._linked({merge.contact_id, merge.primary_id, *merge.merged_ids})
        others = [merge.primary_id, *merge.merged_ids]
        if merge.contact_id not in linked:
            heir = next((each for each in others if each in linked), None)
            if heir is not None:
                await self._relink(linked.pop(heir), heir, merge, to=merge.contact_id)
        for contact_id in others:
            if contact_id != merge.contact_id and contact_id in linked:
                await self._relink(linked.pop(contact_id), contact_id, merge, to=None)

    async def _relink(self, user_id: int, contact_id: str, merge: ContactsMerged, *, to: str | None) -> None:
        async def relink(connection: Connection, account: Account) -> Mapping[str, Any]:
            known = await read_remembered(connection, contact_id)
            if account.hubspot_id != contact_id or not _is_news(known, _LIFE, merge):
                return {}
            await forget_contact(connection, contact_id)
            await remember(connection, contact_id, {_LIFE: _remembered(merge)})
            return {"hubspot_id": to}

        await self._change(user_id, relink)

    async def _change(self, user_id: int, changes: Changes) -> Account | None:
        for _ in range(_ATTEMPTS):
            try:
                return await self._users.follow(user_id, changes, cause=CAUSE)
            except Duplicate:
                continue  # somebody took the address, or linked the contact, a moment ago: now it shows
        raise Unavailable


def _is_news(known: Mapping[str, Remembered], name: str, event: ContactEvent) -> bool:
    before = known.get(name)
    if before is None or event.occurred_at > before.occurred_at:
        return True
    return event.occurred_at == before.occurred_at and event.digest != before.digest


def _remembered(event: ContactEvent) -> Remembered:
    named = isinstance(event, PropertyChange) and event.property in ("first_name", "last_name")
    value = (
        event.value if isinstance(event, PropertyChange) and named and isinstance(event.value, str) else None
    )
    return Remembered(occurred_at=event.occurred_at, digest=event.digest, value=value)


def _known_name(known: Mapping[str, Remembered]) -> KnownName:
    first, last = known.get("first_name"), known.get("last_name")
    return KnownName(None if first is None else first.value, None if last is None else last.value)
