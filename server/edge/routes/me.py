"""The caller's own account."""

from typing import Annotated

from pydantic import Field

from server.commands import Id, Name, Phone
from server.edge.endpoint import Endpoints
from server.edge.fields import Asked, Changes, Email, Told, changed
from server.edge.routes.accounts import User, told_user
from server.errors import Duplicate, NotFound
from server.principal import Mode, Principal
from server.service.administration.users import Users
from server.storage.accounts import Account


class MeQuery(Asked):
    """Where the permissions are wanted for."""

    location_id: Id | None = None


class MePatch(Changes):
    """What people may change of their own account; what is left out stays."""

    name: Name = ""
    email: Email = ""
    phone: Phone | None = None
    language: Annotated[
        str, Field(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$", max_length=35, examples=["en"])
    ] = ""
    sms_consent: bool = False


class Permissions(Told):
    """What the caller may book, as calculated now from policy, tier, tags and restrictions (R20)."""

    can_book: bool
    max_advance_days: int
    max_concurrent_bookings: int
    denied_locations: list[int]


class Me(Told):
    """The caller. Without a location the permissions are those of a policy's defaults."""

    user: User
    permissions: Permissions
    language: str
    sms_consent: bool
    mode: Mode
    """How much is switched on here: ``BAYGRID_MODE``."""


def me_endpoints(users: Users) -> Endpoints:
    """The caller's own account."""
    endpoints = Endpoints("Sign-in")

    async def me(caller: Principal, account: Account, location_id: int | None) -> Me:
        return Me(
            user=told_user(account),
            permissions=Permissions(**await users.permissions(caller, account, location_id)),
            language=account.language,
            sms_consent=account.sms_consent,
            mode=caller.mode,
        )

    @endpoints.get(
        "/api/me",
        summary="Who I am, and what I may book",
        answer=Me,
        faults=(NotFound,),
        example={"location_id": 1},
    )
    async def read(caller: Principal, query: MeQuery) -> Me:
        """Permissions are calculated for the location given, and for the policies' defaults without one."""
        return await me(caller, await users.own(caller), query.location_id)

    @endpoints.patch(
        "/api/me",
        summary="Change my account",
        answer=Me,
        faults=(NotFound, Duplicate),
        example={"name": "Ada Lovelace", "phone": "+15551230000", "language": "en", "sms_consent": True},
    )
    async def change(caller: Principal, body: MePatch) -> Me:
        """What is left out stays as it is."""
        return await me(caller, await users.change_own(caller, changed(body)), None)

    return endpoints
