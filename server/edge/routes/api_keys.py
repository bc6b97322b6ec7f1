"""API keys, as admins keep them."""

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field

from server.commands import Id, Name
from server.edge.endpoint import Endpoints
from server.edge.fields import Asked, AskedInstant, Changes, Told, ToldInstant, changed
from server.edge.paging import Page, PageQuery, page_of
from server.errors import NotActive, NotFound
from server.principal import Principal
from server.service.access import Action
from server.service.administration.api_keys import ApiKeys
from server.storage.api_keys import StoredApiKey

Scope: TypeAlias = Literal["grid:read", "bookings:read", "bookings:write", "customers:read", "context:read"]
Scopes: TypeAlias = Annotated[tuple[Scope, ...], Field(min_length=1, max_length=50)]
Locations: TypeAlias = Annotated[tuple[Id, ...], Field(min_length=1, max_length=1000)]


class ApiKeyPost(Asked):
    """A new key. Without locations it is for all; without an end it is good until it is revoked."""

    name: Name
    scopes: Scopes
    location_ids: Locations | None = None
    expires_at: AskedInstant | None = None


class ApiKeyPatch(Changes):
    """What is to change; scopes and locations are replaced whole."""

    name: Name = ""
    scopes: Scopes = ("grid:read",)
    location_ids: Locations | None = None
    expires_at: AskedInstant | None = None


class ApiKeyQuery(PageQuery):
    """Which keys: those that were not revoked, or those that were."""

    revoked: bool = False


class ApiKey(Told):
    """A key of a support tool; ``prefix`` is how it begins, for people to know it by."""

    id: int
    name: str
    prefix: str
    scopes: list[str]
    location_ids: list[int] | None
    created_by: int | None
    created_at: ToldInstant
    expires_at: ToldInstant | None
    last_used_at: ToldInstant | None
    revoked_at: ToldInstant | None


class NewApiKey(ApiKey):
    """A key that was just made, with its text: ``key`` is told this once."""

    key: str


def _told(key: StoredApiKey) -> dict[str, Any]:
    return {
        "id": key.id,
        "name": key.name,
        "prefix": key.prefix,
        "scopes": list(key.scopes),
        "location_ids": None if key.location_ids is None else list(key.location_ids),
        "created_by": key.created_by,
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "last_used_at": key.last_used_at,
        "revoked_at": key.revoked_at,
    }


def told_api_key(key: StoredApiKey) -> ApiKey:
    """The key as it is told."""
    return ApiKey(**_told(key))


def api_key_endpoints(api_keys: ApiKeys) -> Endpoints:
    """Keeping the keys of support tools."""
    endpoints = Endpoints("Administration")
    admins: dict[str, Any] = {"action": Action.ADMINISTER}

    @endpoints.get(
        "/api/admin/api-keys",
        summary="List the API keys",
        answer=Page[ApiKey],
        example={"revoked": False},
        **admins,
    )
    async def list_keys(caller: Principal, query: ApiKeyQuery) -> Page[ApiKey]:
        """In order of id; those that were revoked with ``revoked=true``. ``last_used_at`` is exact to the minute."""
        after = query.after(int)
        found = await api_keys.listed(
            caller, revoked=query.revoked, after=after[0] if after else None, limit=query.limit + 1
        )
        return page_of(found, query.limit, told_api_key, lambda each: (each.id,))

    @endpoints.post(
        "/api/admin/api-keys",
        summary="Make an API key",
        answer=NewApiKey,
        status=201,
        faults=(NotFound,),
        example={"name": "Help desk", "scopes": ["context:read", "bookings:read"], "location_ids": [1]},
        **admins,
    )
    async def create(caller: Principal, body: ApiKeyPost) -> NewApiKey:
        """It is sent as `Authorization: Bearer`, and never as a cookie. It may do what operators may, as far as its scopes
        and locations go.
        """
        key, text = await api_keys.create(caller, **dict(body))
        return NewApiKey(**_told(key), key=text)

    @endpoints.get("/api/admin/api-keys/{key_id}", summary="An API key", answer=ApiKey, **admins)
    async def read(caller: Principal, key_id: int) -> ApiKey:
        return told_api_key(await api_keys.get(caller, key_id))

    @endpoints.patch(
        "/api/admin/api-keys/{key_id}",
        summary="Change an API key",
        answer=ApiKey,
        faults=(NotActive,),
        example={"scopes": ["context:read"]},
        **admins,
    )
    async def change(caller: Principal, key_id: int, body: ApiKeyPatch) -> ApiKey:
        """What is left out stays. In force within seconds, on open sockets too."""
        return told_api_key(await api_keys.change(caller, key_id, changed(body)))

    @endpoints.delete("/api/admin/api-keys/{key_id}", summary="Revoke an API key", **admins)
    async def revoke(caller: Principal, key_id: int) -> None:
        """It is good no longer, within seconds, on open sockets too."""
        await api_keys.revoke(caller, key_id)

    return endpoints
