"""Serving endpoints: from a request to a response, whatever is sent.

Belongs here: the order of the steps (who, may they, how often, what do they ask, do it, render) and the answers for
what no endpoint is declared for. Does not belong here: each step itself.
"""

import secrets
from collections.abc import Awaitable, Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Any, Protocol

import structlog
from pydantic import BaseModel
from pydantic_core import to_json
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from server.edge.endpoint import Answer, Endpoint
from server.edge.observation import observed
from server.edge.parsing import (
    FORM,
    NoQuery,
    check_media_type,
    none_match,
    parse_body,
    parse_form,
    parse_idempotency_key,
    parse_path_id,
    parse_preconditions,
    parse_query,
    read_body,
)
from server.edge.problems import problem_response
from server.errors import (
    Malformed,
    MethodNotAllowed,
    NotFound,
    Problem,
    TooLarge,
    UnsupportedMedia,
)
from server.principal import Principal

_log = structlog.get_logger(__name__)


class Door(Protocol):
    """Who lets callers in; ``edge.authentication.Doorkeeper`` is the one."""

    async def admit(self, request: Request, endpoint: Endpoint) -> Principal | None:
        """The caller, if the endpoint wants one; raises the ``Problem`` that keeps them out."""


def routes_of(endpoints: Iterable[Endpoint], door: Door) -> list[BaseRoute]:
    """Routes that serve the endpoints, and answer 404 for every other path under ``/api``.

    Raises:
        TypeError: if two endpoints are declared for one method and path.
    """
    paths: dict[str, dict[str, Endpoint]] = {}
    for endpoint in endpoints:
        methods = paths.setdefault(endpoint.path, {})
        if methods.setdefault(endpoint.method, endpoint) is not endpoint:
            raise TypeError(f"{endpoint.method} {endpoint.path} is declared twice")
    routes: list[BaseRoute] = [
        Route(path, _Path(path, methods, door), name=path)
        for path, methods in sorted(paths.items(), key=lambda item: _specificity(item[0]))
    ]
    routes.append(Route("/api/{rest:path}", _Nothing(), name="api"))
    return routes


def _specificity(path: str) -> list[tuple[bool, str]]:
    """Sorts ``/bookings/judge`` before ``/bookings/{id}``."""
    return [("{" in part, part) for part in path.split("/")]


class _Nothing:
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with observed("unknown", scope["method"]) as seen:
            response = problem_response(NotFound("There is no such address"))
            seen.status = response.status_code
        await _send(response, scope, receive, send)


class _Path:
    """All methods of one path."""

    def __init__(self, path: str, endpoints: Mapping[str, Endpoint], door: Door) -> None:
        self._path = path
        self._endpoints = endpoints
        self._door = door
        self._allow = ", ".join(sorted({*endpoints, "OPTIONS"} | ({"HEAD"} if "GET" in endpoints else set())))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        method = "GET" if request.method == "HEAD" else request.method
        with observed(self._path, request.method) as seen:
            response = await self._answer(request, method)
            seen.status = response.status_code
        await _send(response, scope, receive, send)

    async def _answer(self, request: Request, method: str) -> Response:
        endpoint = self._endpoints.get(method)
        if endpoint is not None:
            return await _respond(endpoint, self._door, request)
        response = Response(status_code=204) if method == "OPTIONS" else problem_response(MethodNotAllowed())
        response.headers["allow"] = self._allow
        return response


async def _send(response: Response, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["method"] == "HEAD":
        # The headers of the answer to GET, its content-length included, and nothing after them.
        response.body = b""
    await response(scope, receive, send)


async def _respond(endpoint: Endpoint, door: Door, request: Request) -> Response:
    try:
        return _rendered(endpoint, request, await _call(endpoint, door, request))
    except Problem as problem:
        return problem_response(problem)
    except ClientDisconnect:
        return Response(status_code=400)
    except Exception:  # noqa: BLE001  # whatever it is, the caller learns no more than that it happened
        return unexpected(request)


def unexpected(request: Request) -> Response:
    """Logs the exception being handled under a trace id, and answers 500 with nothing but that id."""
    trace_id = secrets.token_hex(8)
    path = request.url.path
    if "token" in request.path_params:
        path = path.replace(request.path_params["token"], "…")  # a link's secret is nothing for logs
    _log.exception("unexpected", trace_id=trace_id, method=request.method, path=path)
    return problem_response(
        Problem("Something went wrong on our side; the trace id names what we logged of it"),
        {"trace_id": trace_id},
    )


async def _call(endpoint: Endpoint, door: Door, request: Request) -> object:
    caller = await door.admit(request, endpoint)
    arguments: dict[str, Any] = {
        name: parse_path_id(request.path_params[name], kind) for name, kind in endpoint.path_ids.items()
    }
    if endpoint.signed_in:
        arguments["caller"] = caller
    if "request" in endpoint.takes:
        arguments["request"] = request
    if "preconditions" in endpoint.takes:
        arguments["preconditions"] = parse_preconditions(request)
    if "idempotency_key" in endpoint.takes:
        arguments["idempotency_key"] = parse_idempotency_key(request)
    if endpoint.query is not None:
        arguments["query"] = parse_query(request, endpoint.query)
    elif endpoint.signed_in:
        parse_query(request, NoQuery)
    if endpoint.body is not None:
        arguments["body"] = await _body(endpoint, request)
    return await endpoint.handler(**arguments)


async def _body(endpoint: Endpoint, request: Request) -> Any:
    media_type = endpoint.body_media_type
    if "content-type" in request.headers:
        check_media_type(request, media_type)
    raw = await read_body(request)
    if endpoint.signature is not None:
        endpoint.signature.check(request, raw)
    if not raw and endpoint.body_optional:
        return None
    if media_type == FORM:
        check_media_type(request, FORM)
        return parse_form(raw, endpoint.body_adapter)
    if not raw:
        raise Malformed("A JSON body is expected", code="invalid_json")
    check_media_type(request)
    return parse_body(raw, endpoint.body_adapter)


def _rendered(endpoint: Endpoint, request: Request, returned: object) -> Response:
    if isinstance(returned, Response):
        return returned
    answer = returned if isinstance(returned, Answer) else Answer(body=returned)  # type: ignore[arg-type]  # the declaration's word
    status = answer.status or endpoint.status
    if request.method in ("GET", "HEAD") and answer.etag is not None and none_match(request, answer.etag):
        response = Response(status_code=304)
    elif answer.body is None:
        response = Response(status_code=status)
    else:
        content = answer.body if isinstance(answer.body, bytes) else _json(answer.body)
        response = Response(content, status_code=status, media_type=answer.media_type or endpoint.media_type)
    if answer.etag is not None:
        response.headers["etag"] = f'"{answer.etag}"'
        if endpoint.signed_in:
            response.headers["vary"] = (
                "authorization, cookie"  # the same tag may stand for what others are shown
            )
    response.headers["cache-control"] = "private, no-cache" if answer.etag is not None else "no-store"
    for name, value in answer.headers:
        response.headers.append(name, value)
    return response


def _json(body: BaseModel | Mapping[str, Any]) -> bytes:
    # Fields that an answer leaves out on purpose (staff's, for customers) are unset, not null.
    return body.model_dump_json(exclude_unset=True).encode() if isinstance(body, BaseModel) else to_json(body)


async def _told(request: Request, error: Exception) -> Response:
    match error:
        case Problem():
            return problem_response(error)
        case HTTPException():
            response = problem_response(_of_status(error.status_code))
            response.headers.update(error.headers or {})
            return response
        case _:
            return unexpected(request)


EXCEPTION_HANDLERS: Mapping[Any, Callable[[Request, Exception], Awaitable[Response]]] = {
    Problem: _told,
    HTTPException: _told,
    Exception: _told,
}
"""For the whole app: what Starlette or another part refuses or fails at is answered as a problem too."""


def _of_status(status: int) -> Problem:
    for kind in (NotFound, MethodNotAllowed, TooLarge, UnsupportedMedia):
        if kind.status == status:
            return kind()
    problem = Problem(HTTPStatus(status).phrase)
    problem.status, problem.code, problem.title = status, "invalid_request", HTTPStatus(status).phrase
    return problem
