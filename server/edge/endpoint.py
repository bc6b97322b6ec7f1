"""Declaring an endpoint: what it takes, what it answers, which faults, who may call it. See ``Endpoints``.

Belongs here: the declaration and the checks that it makes sense, made when the server starts. Does not belong here:
serving requests by it (``serving``) or describing it (``openapi``).
"""

import inspect
import re
import uuid
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from types import NoneType, UnionType
from typing import Any, Literal, Protocol, TypeAlias, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, TypeAdapter
from starlette.requests import Request
from starlette.responses import Response

from server.edge.parsing import JSON, Preconditions
from server.errors import (
    Forbidden,
    Malformed,
    NotFound,
    Problem,
    Stale,
    TooLarge,
    TooMany,
    Unauthenticated,
    Unavailable,
    UnsupportedMedia,
)
from server.principal import Principal
from server.service.access import Action

Method: TypeAlias = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
PathId: TypeAlias = type[int] | type[uuid.UUID] | type[str]
Handler = TypeVar("Handler", bound=Callable[..., Awaitable[object]])

_PLACEHOLDER = re.compile(r"\{(\w+)\}")


class Signature(Protocol):
    """How a provider signs what it calls; ``edge.signatures`` has them."""

    headers: Mapping[str, str]
    """The headers that it is in: name → what it holds."""

    def check(self, request: Request, raw: bytes) -> None:
        """Raises ``Forbidden`` unless the provider signed this very request, with the body's bytes as they were sent, and
        ``NotFound`` where the provider is not configured.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a handler returns when the body alone does not say it all.

    ``body`` is a model, plain JSON values, or bytes of ``media_type``; ``status`` and ``media_type`` None mean the
    endpoint's own. With an ``etag`` (no quotes) a GET is answered 304 where ``If-None-Match`` names it.
    """

    body: BaseModel | Mapping[str, Any] | bytes | None = None
    status: int | None = None
    media_type: str | None = None
    etag: str | None = None
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """One method of one path, as declared. Use ``Endpoints`` to make one."""

    method: Method
    path: str
    handler: Callable[..., Awaitable[object]]
    tag: str
    summary: str
    description: str = ""
    answers: Mapping[int, Any]
    """Status → type of its body, None for none."""
    status: int
    """What a handler means that names no status."""
    media_type: str = "application/json"
    also_as: str | None = None
    """Another media type, of text, in which the same may be answered."""
    faults: tuple[type[Problem], ...] = ()
    action: Action | None = None
    """What the caller must be allowed at large, before anything is read; None leaves it to the handler."""
    limited: bool = False
    """Whether calls count towards the caller's rate of writes."""
    conditional: bool = False
    """Whether it is a GET whose answers have an ETag: with ``If-None-Match`` they may be 304."""
    own_origin: bool = False
    """Whether foreign origins are refused even without a cookie (it sets or clears cookies)."""
    example: Mapping[str, Any] | Sequence[Any] | None = None
    signature: Signature | None = None
    """What the body must be signed by before anything is made of it; None is for callers that sign nothing."""
    body: Any = None
    body_media_type: str = JSON
    body_optional: bool = False
    query: type[BaseModel] | None = None
    path_ids: Mapping[str, PathId] = field(default_factory=dict)
    takes: frozenset[str] = frozenset()
    """Names of the handler's parameters among caller, request, preconditions and idempotency_key."""

    @property
    def signed_in(self) -> bool:
        """Whether it is for signed-in callers only."""
        return "caller" in self.takes

    @cached_property
    def body_adapter(self) -> TypeAdapter[Any]:
        """What parses the body."""
        return TypeAdapter(self.body)

    @property
    def all_faults(self) -> list[type[Problem]]:
        """Every fault it can answer, declared or implied, by status and code."""
        implied: list[tuple[bool, type[Problem]]] = [
            (
                self.signed_in
                or self.body is not None
                or self.query is not None
                or bool(self.takes & _HEADERS),
                Malformed,
            ),
            (self.signed_in, Unauthenticated),
            (self.signed_in or self.own_origin, Forbidden),
            (self.signature is not None, Forbidden),
            (bool(self.path_ids) or self.signature is not None, NotFound),
            ("preconditions" in self.takes, Stale),
            (self.body is not None, TooLarge),
            (self.body is not None, UnsupportedMedia),
            (self.limited, TooMany),
            (self.signed_in, Unavailable),
        ]
        faults = {*self.faults, *(fault for applies, fault in implied if applies)}
        return sorted(faults, key=lambda fault: (fault.status, fault.code))


_HEADERS = frozenset({"preconditions", "idempotency_key"})
_GIVEN = {
    "caller": Principal,
    "request": Request,
    "preconditions": Preconditions,
    "idempotency_key": str | None,
}


class Endpoints:
    """The endpoints of one noun: a collection that its ``get``, ``post``, ``patch`` and ``delete`` decorators fill.

    A handler is an async function whose parameters say what it takes, by name:

    ========================  ==================================================================================
    ``caller: Principal``     the signed-in caller; without it the endpoint is open to all
    ``body: Model``           the body; ``Model | None`` where it may be left out; any type pydantic knows
    ``query: Model``          the query's parameters, one field each
    ``idempotency_key``       ``str | None``, from ``Idempotency-Key``
    ``preconditions``         ``Preconditions``, from ``If-Match``
    ``request: Request``      for what none of these gives
    any name in the path      ``int`` (a row's id), ``uuid.UUID`` or ``str``; what cannot be one is 404
    ========================  ==================================================================================

    It returns a model, plain JSON values, None, an ``Answer`` or a response, and raises ``Problem``s::

        def booking_endpoints(bookings: Bookings) -> Endpoints:
            endpoints = Endpoints("Bookings")

            @endpoints.post("/api/bookings", answer=BookingBody, status=201, summary="Book a resource", faults=(Refused,))
            async def create(caller: Principal, body: Create, idempotency_key: str | None) -> Answer:
                done = await bookings.create(caller, body, key=idempotency_key)
                return Answer(body=done.body, etag=str(done.version))

            return endpoints

    A declaration that does not add up is a ``TypeError`` at once.
    """

    def __init__(self, tag: str) -> None:
        self.tag = tag
        self._declared: list[Endpoint] = []

    def __iter__(self) -> Iterator[Endpoint]:
        return iter(self._declared)

    def get(self, path: str, **declared: Any) -> Callable[[Handler], Handler]:
        """Declares a GET, which answers HEAD as well; see ``declare`` for what can be said of it."""
        return self.declare("GET", path, **declared)

    def post(self, path: str, **declared: Any) -> Callable[[Handler], Handler]:
        """Declares a POST; see ``declare``."""
        return self.declare("POST", path, **declared)

    def patch(self, path: str, **declared: Any) -> Callable[[Handler], Handler]:
        """Declares a PATCH; see ``declare``."""
        return self.declare("PATCH", path, **declared)

    def delete(self, path: str, **declared: Any) -> Callable[[Handler], Handler]:
        """Declares a DELETE; see ``declare``."""
        return self.declare("DELETE", path, **declared)

    def declare(
        self,
        method: Method,
        path: str,
        *,
        summary: str,
        answer: Any = None,
        status: int | None = None,
        also: Mapping[int, Any] | None = None,
        faults: tuple[type[Problem], ...] = (),
        action: Action | None = None,
        limited: bool | None = None,
        own_origin: bool = False,
        conditional: bool = False,
        example: Mapping[str, Any] | Sequence[Any] | None = None,
        media_type: str = "application/json",
        also_as: str | None = None,
        signature: Signature | None = None,
        body_media_type: str = JSON,
    ) -> Callable[[Handler], Handler]:
        """Declares one endpoint; the handler's docstring describes it to callers.

        ``answer`` is the type of the body at ``status`` (200, or 204 where there is no body), ``also`` further
        successful answers by status. ``faults`` are those it can answer besides the implied ones. ``limited`` says
        whether calls count as writes; where it is not said, signed-in calls that are no GETs do. ``conditional`` says that
        answers have an ETag, and may be 304. ``also_as`` is another media type, of text, that the caller may ask for.
        ``example`` is a body, or for a GET a query. ``signature`` is asked before the body is parsed; ``body_media_type`` is ``JSON`` or
        ``FORM``.
        """

        def declare(handler: Handler) -> Handler:
            taken = _parameters(handler, path)
            success = status or (200 if answer is not None else 204)
            endpoint = Endpoint(
                method=method,
                path=path,
                handler=handler,
                tag=self.tag,
                summary=summary,
                description=inspect.getdoc(handler) or "",
                answers={success: answer, **(also or {})},
                status=success,
                media_type=media_type,
                also_as=also_as,
                faults=faults,
                action=action,
                limited=("caller" in taken["takes"] and method != "GET") if limited is None else limited,
                own_origin=own_origin,
                conditional=conditional,
                example=example,
                signature=signature,
                body_media_type=body_media_type,
                **taken,
            )
            if signature is not None and (endpoint.body is None or endpoint.body_optional):
                raise TypeError(f"{method} {path}: what is signed is a body")
            if (action is not None or endpoint.limited) and not endpoint.signed_in:
                raise TypeError(f"{method} {path}: what depends on the caller needs a caller")
            self._declared.append(endpoint)
            return handler

        return declare


def _parameters(handler: Callable[..., Any], path: str) -> dict[str, Any]:
    """What the handler's signature asks for, as fields of ``Endpoint``."""
    if not inspect.iscoroutinefunction(handler):
        raise TypeError(f"{path}: a handler is an async function")
    in_path = _PLACEHOLDER.findall(path)
    taken: dict[str, Any] = {"path_ids": {}}
    takes: set[str] = set()
    for name, parameter in inspect.signature(handler, eval_str=True).parameters.items():
        kind = parameter.annotation
        if name in in_path:
            if kind not in (int, uuid.UUID, str):
                raise TypeError(f"{path}: {name} must be an int, a UUID or a str")
            taken["path_ids"][name] = kind
        elif name == "body":
            alternatives = get_args(kind) if get_origin(kind) in (UnionType, Union) else ()
            taken["body"] = kind
            taken["body_optional"] = NoneType in alternatives
        elif name == "query":
            if not (isinstance(kind, type) and issubclass(kind, BaseModel)):
                raise TypeError(f"{path}: query must be a model")
            taken["query"] = kind
        elif name in _GIVEN:
            if kind != _GIVEN[name]:
                raise TypeError(f"{path}: {name} must be declared as {_GIVEN[name]}")
            takes.add(name)
        else:
            raise TypeError(f"{path}: {name} is neither in the path nor anything an endpoint takes")
    if missing := set(in_path) - set(taken["path_ids"]):
        raise TypeError(f"{path}: the handler does not take {', '.join(sorted(missing))}")
    return taken | {"takes": frozenset(takes)}


Returned: TypeAlias = BaseModel | Mapping[str, Any] | Answer | Response | None
"""What a handler may return."""
