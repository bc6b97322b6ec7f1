"""The caller's own account."""

from typing import Annotated

from pydantic import Field
from starlette.requests import Request

from server.commands import Id, Name, Phone
from server.edge.authentication import address_of
from server.edge.endpoint import Endpoints
from server.edge.fields import Asked, Changes, Code, Email, Told, changed
from server.edge.routes.accounts import User, told_user
from server.errors import Duplicate, Fault, Malformed, NotFound, Unauthenticated
from server.principal import Mode, Principal
from server.service.addresses import Address
from server.service.administration.users import Users
from server.service.codes import Codes
from server.service.rate_limits import RateLimits
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
    code: Code = ""
    """Sent to the new address or phone by `POST /api/auth/code`; it proves that it is the caller's."""


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
    email_proven: bool
    phone_proven: bool
    """Whether it is known to be the caller's: by a code, or by an admin. By no other do they sign in with a code."""
    mode: Mode
    """How much is switched on here: ``BAYGRID_MODE``."""


def me_endpoints(users: Users, codes: Codes, limits: RateLimits) -> Endpoints:
    """The caller's own account."""
    endpoints = Endpoints("Sign-in")

    async def me(caller: Principal, account: Account, location_id: int | None) -> Me:
        return Me(
            user=told_user(account),
            permissions=Permissions(**await users.permissions(caller, account, location_id)),
            language=account.language,
            sms_consent=account.sms_consent,
            email_proven=account.email_proven,
            phone_proven=account.phone_proven,
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
    async def change(request: Request, caller: Principal, body: MePatch) -> Me:
        """What is left out stays as it is. A new address or phone is taken at the caller's word; with the `code` that
        was sent to it, it is known to be theirs. Until then nobody signs in or sets a password by a code to it, and whoever
        proves that it is theirs takes it.
        """
        fields = changed(body)
        code = fields.pop("code", None)
        if fields.keys() & {"email", "phone"}:
            await limits.change_address(caller)
        if code is None:
            return await me(caller, await users.change_own(caller, fields), None)
        address = _proven_address(body)
        await limits.check_code(address_of(request), address.key)
        try:
            proof = await codes.check("sign_in", address, code)
            return await me(caller, await users.change_own(caller, fields, proof), None)
        except Unauthenticated as error:
            # The caller is signed in: it is the code that is no good.
            raise Malformed(faults=[Fault("/code", error.detail)]) from error

    return endpoints


def _proven_address(body: MePatch) -> Address:
    given: list[Address] = []
    if "email" in body.model_fields_set:
        given.append(Address("email", body.email))
    if "phone" in body.model_fields_set and body.phone is not None:
        given.append(Address("phone", body.phone))
    if len(given) != 1:
        raise Malformed(faults=[Fault("/code", "proves one address or phone, which must be sent with it")])
    return given[0]
