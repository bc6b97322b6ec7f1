"""Who is at the door: tokens in headers and cookies, foreign origins, and the rate of writes.

Belongs here: reading what a request says about its sender, and the cookies that sign-in sets. Does not belong here: what
a token is worth (``service.identity``) and what its owner may do (``service.access``).
"""

from collections.abc import Collection
from typing import Protocol
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection, Request

from grid_engine.interval import DAY
from server.edge.endpoint import Endpoint
from server.errors import Forbidden, Unauthenticated
from server.principal import Principal
from server.service.access import require
from server.service.identity import SESSION_SECONDS, SignedIn
from server.service.lasting_tokens import PREFIXES

ACCESS_COOKIE = "baygrid_access"
REFRESH_COOKIE = "baygrid_refresh"
SIGN_IN_PATH = "/api/auth"
"""The refresh token goes nowhere else."""
DEVICE_COOKIE_SECONDS = 400 * DAY
"""As long as browsers keep a cookie at all (RFC 6265bis, 5.6.2); the token itself does not end."""

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_DEFAULT_PORTS = {"http": 80, "https": 443}


class Authenticates(Protocol):
    """What is asked of ``service.identity.Identity``."""

    async def authenticate(self, token: str) -> Principal:
        """Who is behind the token; raises ``Unauthenticated``."""


class Counts(Protocol):
    """What is asked of ``service.rate_limits.RateLimits``."""

    async def write(self, principal: Principal) -> None:
        """Counts a change; raises ``TooMany``."""


class Doorkeeper:
    """Lets callers in to endpoints; the ``Door`` of ``edge.serving``."""

    def __init__(
        self, identity: Authenticates, limits: Counts, allowed_origins: Collection[str] = ()
    ) -> None:
        self._identity = identity
        self._limits = limits
        self._allowed_origins = frozenset(allowed_origins)

    async def admit(self, request: Request, endpoint: Endpoint) -> Principal | None:
        """The caller, where the endpoint is for signed-in callers.

        Raises:
            Unauthenticated: without a token that is good.
            Forbidden: from a foreign origin (A6), or to whom the endpoint is closed (A1).
            TooMany: to whom writes too often.
        """
        if endpoint.own_origin:
            self.refuse_foreign(request)
        if not endpoint.signed_in:
            return None
        token, by_cookie = token_of(request)
        if token is None:
            raise Unauthenticated
        if by_cookie and (endpoint.limited or request.method not in _SAFE):
            self.refuse_foreign(request)  # what counts as a write is one, be it asked for by GET
        principal = await self._identity.authenticate(token)
        if endpoint.action is not None:
            require(principal, endpoint.action)
        if endpoint.limited:
            await self._limits.write(principal)
        return principal

    def refuse_foreign(self, connection: HTTPConnection) -> None:
        """Raises ``Forbidden`` if a page of another site sent it (A6)."""
        if not is_own_origin(connection, self._allowed_origins):
            raise Forbidden("This may not be done from another site's pages")


def token_of(connection: HTTPConnection) -> tuple[str | None, bool]:
    """(the access token, whether it came by cookie); a header goes before a cookie."""
    header = connection.headers.get("authorization")
    if header is not None:
        scheme, _, token = header.partition(" ")
        return (token.strip() if scheme.lower() == "bearer" else None), False
    cookie = connection.cookies.get(ACCESS_COOKIE)
    if cookie and cookie.startswith(PREFIXES["api_key"]):
        return None, True  # a key is a program's, which sets headers; browsers keep none
    return cookie or None, cookie is not None


def is_own_origin(connection: HTTPConnection, allowed: Collection[str]) -> bool:
    """Whether the page behind a request or a socket's upgrade is ours or allowed (A6).

    What tells no origin at all comes from no page: browsers tell it with every write and upgrade. Behind a proxy that
    ends TLS we are asked by http for pages that came by https; the other way round is foreign.
    """
    origin = connection.headers.get("origin")
    if origin is None:
        return connection.headers.get("sec-fetch-site", "none") in ("none", "same-origin")
    if origin in allowed:
        return True
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    scheme = {"ws": "http", "wss": "https"}.get(connection.url.scheme, connection.url.scheme)
    if parts.scheme not in (scheme, "https") or not parts.netloc:
        return False
    return _place(parts.netloc, parts.scheme) == _place(connection.headers.get("host", ""), parts.scheme)


def _place(netloc: str, scheme: str) -> tuple[str | None, int | None]:
    try:
        parts = urlsplit(f"//{netloc}")
        return parts.hostname, parts.port or _DEFAULT_PORTS.get(scheme)
    except ValueError:
        return None, None


def address_of(connection: HTTPConnection) -> str:
    """The caller's address; uvicorn has put in what trusted proxies say."""
    return connection.client.host if connection.client else "unknown"


def session_cookies(connection: HTTPConnection, signed_in: SignedIn) -> tuple[tuple[str, str], ...]:
    """Headers that keep a session in the browser, out of reach of any script."""
    return (
        _cookie(connection, ACCESS_COOKIE, signed_in.access_token, "/", signed_in.expires_in),
        _cookie(connection, REFRESH_COOKIE, signed_in.refresh_token, SIGN_IN_PATH, SESSION_SECONDS),
    )


def device_cookies(connection: HTTPConnection, token: str) -> tuple[tuple[str, str], ...]:
    """Headers that keep a kiosk's token in its browser; whoever was signed in there is not any more."""
    return (
        _cookie(connection, ACCESS_COOKIE, token, "/", DEVICE_COOKIE_SECONDS),
        _cookie(connection, REFRESH_COOKIE, "", SIGN_IN_PATH, 0),
    )


def no_cookies(connection: HTTPConnection) -> tuple[tuple[str, str], ...]:
    """Headers that make the browser forget a session."""
    return (
        _cookie(connection, ACCESS_COOKIE, "", "/", 0),
        _cookie(connection, REFRESH_COOKIE, "", SIGN_IN_PATH, 0),
    )


def _cookie(connection: HTTPConnection, name: str, value: str, path: str, seconds: int) -> tuple[str, str]:
    secure = "; Secure" if connection.url.scheme in ("https", "wss") else ""
    return "set-cookie", f"{name}={value}; Path={path}; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}"
