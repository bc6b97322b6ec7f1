"""How accounts are told: the user of the contract, and what admins see besides."""

from typing import Literal, TypeAlias

from server.edge.fields import Told, ToldInstant
from server.storage.accounts import Account

Role: TypeAlias = Literal["admin", "operator", "staff", "customer"]
Tier: TypeAlias = Literal["BRONZE", "SILVER", "GOLD", "PLATINUM"]


class User(Told):
    """A person with an account."""

    id: int
    name: str
    email: str | None
    phone: str | None
    role: Role
    location_ids: list[int]
    tags: list[str]
    membership_tier: Tier | None
    hubspot_id: str | None
    created_at: ToldInstant


class AdministeredUser(User):
    """An account as admins see it. What is not proven is its owner's word alone, and may be somebody else's."""

    language: str
    sms_consent: bool
    active: bool
    email_proven: bool
    phone_proven: bool


def told_user(account: Account) -> User:
    """The account as its owner and staff are told of it."""
    return User.model_validate(_fields(account))


def administered_user(account: Account) -> AdministeredUser:
    """The account as admins are told of it."""
    return AdministeredUser.model_validate(
        {
            **_fields(account),
            "language": account.language,
            "sms_consent": account.sms_consent,
            "active": account.active,
            "email_proven": account.email_proven,
            "phone_proven": account.phone_proven,
        }
    )


def _fields(account: Account) -> dict[str, object]:
    return {
        "id": account.id,
        "name": account.name,
        "email": account.email,
        "phone": account.phone,
        "role": account.role,
        "location_ids": list(account.location_ids),
        "tags": list(account.tags),
        "membership_tier": account.membership_tier,
        "hubspot_id": account.hubspot_id,
        "created_at": int(account.created_at.timestamp()),
    }
