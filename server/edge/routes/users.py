"""Accounts and restrictions, as admins keep them, and the search for customers."""

from typing import Annotated, Any, Literal

from pydantic import Field

from server.commands import Id, Name, Phone, Reason, Text
from server.edge.endpoint import Endpoints
from server.edge.fields import Asked, AskedInstant, Changes, Email, Password, Told, ToldInstant, Word, changed
from server.edge.paging import MAX_LIMIT, Page, PageQuery, page_of
from server.edge.routes.accounts import AdministeredUser, Role, Tier, User, administered_user, told_user
from server.errors import Duplicate, Forbidden, InUse, NotFound
from server.principal import Principal
from server.service.access import Action
from server.service.administration.restrictions import Restrictions
from server.service.administration.users import Users, new_account
from server.storage.administration import StoredRestriction

RestrictionType = Literal["BOOKING_BAN", "MAX_ADVANCE_DAYS", "MAX_CONCURRENT", "DENY_LOCATION"]
Locations = Annotated[tuple[Id, ...], Field(max_length=1000)]
Tags = Annotated[tuple[Word, ...], Field(max_length=100)]


class UserPost(Asked):
    """A new account, with an address or a phone at least; without a password it cannot sign in by one."""

    name: Name
    email: Email | None = None
    password: Password | None = None
    phone: Phone | None = None
    role: Role = "customer"
    location_ids: Locations = ()
    tags: Tags = ()
    membership_tier: Tier | None = None
    hubspot_id: Word | None = None


class UserPatch(Changes):
    """What is to change. A new password, and closing the account, sign it out everywhere."""

    name: Name = ""
    email: Email | None = None
    password: Password | None = None
    phone: Phone | None = None
    role: Role = "customer"
    location_ids: Locations = ()
    tags: Tags = ()
    membership_tier: Tier | None = None
    hubspot_id: Word | None = None
    active: bool = True


class UserList(PageQuery):
    """Which accounts: by the beginning of a name, an address or a phone, by role, and whether they are active."""

    q: Annotated[Text, Field(max_length=100)] = ""
    role: Role | None = None
    active: bool | None = None


class CustomerSearch(PageQuery):
    """The beginning of a name (any part of it), an address or a phone."""

    q: Annotated[Text, Field(max_length=100)] = ""
    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT)] = 20


class RestrictionPost(Asked):
    """A new restriction; ``value`` is null for a ban, a limit, or the id of the location to deny."""

    restriction_type: RestrictionType
    value: Id | None = None
    expires_at: AskedInstant | None = None
    reason: Reason


class RestrictionBody(Told):
    """Something that a customer may not do, until it expires or is lifted."""

    id: int
    user_id: int
    restriction_type: RestrictionType
    value: int | None
    expires_at: ToldInstant | None
    reason: str
    created_by: int | None
    created_at: ToldInstant


def told_restriction(restriction: StoredRestriction) -> RestrictionBody:
    """The restriction as it is told."""
    return RestrictionBody(
        id=restriction.id,
        user_id=restriction.user_id,
        restriction_type=restriction.restriction_type,
        value=restriction.value,
        expires_at=restriction.expires_at,
        reason=restriction.reason,
        created_by=restriction.created_by,
        created_at=restriction.created_at,
    )


def user_endpoints(users: Users, restrictions: Restrictions) -> Endpoints:
    """Who has an account, and what they may not do."""
    endpoints = Endpoints("Administration")
    admins: dict[str, Any] = {"action": Action.ADMINISTER}

    @endpoints.get(
        "/api/users",
        summary="Find a customer to book for",
        answer=Page[User],
        faults=(Forbidden,),
        action=Action.SEARCH_CUSTOMERS,
        example={"q": "ada"},
    )
    async def search(caller: Principal, query: CustomerSearch) -> Page[User]:
        """In order of name; for staff and operators. Staff find who ever booked where they work, and
        whoever's whole address or phone they ask for.
        """
        found = await users.customers(caller, query.q, after=query.after(str, int), limit=query.limit + 1)
        return page_of(found, query.limit, told_user, lambda each: (each.name, each.id))

    @endpoints.get(
        "/api/admin/users",
        summary="List the accounts",
        answer=Page[AdministeredUser],
        example={"role": "staff"},
        **admins,
    )
    async def list_users(caller: Principal, query: UserList) -> Page[AdministeredUser]:
        """In order of name, closed ones too unless ``active`` says otherwise."""
        found = await users.listed(
            caller,
            text=query.q,
            role=query.role,
            active=query.active,
            after=query.after(str, int),
            limit=query.limit + 1,
        )
        return page_of(found, query.limit, administered_user, lambda each: (each.name, each.id))

    @endpoints.post(
        "/api/admin/users",
        summary="Open an account",
        answer=AdministeredUser,
        status=201,
        faults=(NotFound, Duplicate),
        example={"name": "Ada Lovelace", "email": "ada@example.com", "role": "staff", "location_ids": [1]},
        **admins,
    )
    async def create(caller: Principal, body: UserPost) -> AdministeredUser:
        fields = {name: value for name, value in dict(body).items() if name != "password"}
        return administered_user(await users.create(caller, new_account(**fields), body.password))

    @endpoints.get("/api/admin/users/{user_id}", summary="An account", answer=AdministeredUser, **admins)
    async def read(caller: Principal, user_id: int) -> AdministeredUser:
        return administered_user(await users.get(caller, user_id))

    @endpoints.patch(
        "/api/admin/users/{user_id}",
        summary="Change an account",
        answer=AdministeredUser,
        faults=(Duplicate, InUse),
        example={"membership_tier": "GOLD", "tags": ["league"]},
        **admins,
    )
    async def change(caller: Principal, user_id: int, body: UserPatch) -> AdministeredUser:
        """Takes effect within seconds, on open sockets too. The last admin stays one."""
        return administered_user(await users.change(caller, user_id, changed(body)))

    @endpoints.delete("/api/admin/users/{user_id}", summary="Close an account", faults=(InUse,), **admins)
    async def close(caller: Principal, user_id: int) -> None:
        """It is signed out everywhere; its bookings and history stay."""
        await users.close(caller, user_id)

    @endpoints.get(
        "/api/admin/users/{user_id}/restrictions",
        summary="List an account's restrictions",
        answer=Page[RestrictionBody],
        **admins,
    )
    async def list_restrictions(caller: Principal, user_id: int, query: PageQuery) -> Page[RestrictionBody]:
        """Those that were not lifted, the oldest first; ``expires_at`` says which have run out."""
        after = query.after(int)
        found = await restrictions.listed(
            caller, user_id, after=after[0] if after else None, limit=query.limit + 1
        )
        return page_of(found, query.limit, told_restriction, lambda each: (each.id,))

    @endpoints.post(
        "/api/admin/users/{user_id}/restrictions",
        summary="Restrict an account",
        answer=RestrictionBody,
        status=201,
        example={"restriction_type": "MAX_CONCURRENT", "value": 1, "reason": "Three no-shows"},
        **admins,
    )
    async def impose(caller: Principal, user_id: int, body: RestrictionPost) -> RestrictionBody:
        """In force at once, for everything that is judged from now on."""
        return told_restriction(await restrictions.impose(caller, user_id, **dict(body)))

    @endpoints.delete(
        "/api/admin/users/{user_id}/restrictions/{restriction_id}", summary="Lift a restriction", **admins
    )
    async def lift(caller: Principal, user_id: int, restriction_id: int) -> None:
        """It is kept in the history."""
        await restrictions.lift(caller, user_id, restriction_id)

    return endpoints
