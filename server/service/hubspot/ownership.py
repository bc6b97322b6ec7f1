"""Which side owns which field of an account (H3), and what a contact's new value makes of the account.

    field               owner                                       taken from HubSpot
    tags, tier          HubSpot                                     whatever changed them there
    name, email, phone  both: who changed it last                   of customers, if a person changed it in HubSpot
    everything else     Baygrid                                     never

A form on a website writes into the contact whose address was typed into it, whoever typed; so what forms, and other programs,
write of a person is not taken. An address is what somebody signs in by: one that another account has is never taken, and one that
is taken is not proven by that.

Belongs here: that table, as pure functions. Does not belong here: reading and writing accounts (``contacts``).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, cast

from server.storage.accounts import Account

Property: TypeAlias = Literal["tags", "tier", "first_name", "last_name", "email", "phone"]

BY_PEOPLE = frozenset({"CRM", "CRM_UI", "CRM_UI_BULK_ACTION", "IMPORT", "MOBILE_IOS", "MOBILE_ANDROID"})
"""HubSpot's ``changeSource`` where somebody with an account there made the change."""
_ANYBODY: frozenset[Property] = frozenset({"tags", "tier"})


@dataclass(frozen=True, slots=True, kw_only=True)
class PropertyChange:
    """A contact's property has a new value; None is none. ``value`` is what an account may hold: a tuple of tags, a tier,
    a text, an address.
    """

    contact_id: str
    property: Property
    value: str | tuple[str, ...] | None
    source: str
    occurred_at: int
    """In milliseconds: two changes often lie in one second."""
    digest: bytes
    """Tells a repeat of this event from another one of the same millisecond."""


@dataclass(frozen=True, slots=True)
class KnownName:
    """The halves of a contact's name as HubSpot last told them; None for what it did not tell."""

    first: str | None = None
    last: str | None = None


def may_take(account: Account, change: PropertyChange) -> bool:
    """Whether the change is HubSpot's to make of this account."""
    return change.property in _ANYBODY or (account.role == "customer" and change.source in BY_PEOPLE)


def fields_of(account: Account, change: PropertyChange, name: KnownName) -> Mapping[str, Any]:
    """What becomes of the account by a change that may be taken; empty where it makes nothing that an account can hold."""
    value = change.value
    match change.property:
        case "tags":
            return {"tags": value or ()}
        case "tier":
            return {"membership_tier": value}
        case "email":
            return {} if value is None else {"email": value}
        case "phone":
            return {} if value is None and account.email is None else {"phone": value}
        case "first_name" | "last_name":
            full = _renamed(account.name, change.property, cast("str | None", value), name)
            return {"name": full} if full else {}


def _renamed(
    present: str, half: Literal["first_name", "last_name"], value: str | None, known: KnownName
) -> str:
    """The account's name with one half of it replaced. An account has one name, a contact two: a half that HubSpot told, and
    the account still has, says where to split it, else its first space does.
    """
    first, _, last = present.partition(" ")
    if known.first and f"{present} ".startswith(f"{known.first} "):
        first, last = known.first, present.removeprefix(known.first).strip()
    elif known.last and present.endswith(f" {known.last}"):
        first, last = present.removesuffix(known.last).strip(), known.last
    return _joined(value, last) if half == "first_name" else _joined(first, value)


def _joined(first: str | None, last: str | None) -> str:
    return " ".join(part for part in (first, last) if part)
