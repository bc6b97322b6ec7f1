"""Signing in by password, going on with a session, and signing out."""

from typing import Annotated, Literal

from pydantic import Field
from starlette.requests import Request

from server.commands import Text
from server.edge.authentication import REFRESH_COOKIE, address_of, no_cookies, session_cookies, token_of
from server.edge.endpoint import Answer, Endpoints
from server.edge.fields import Asked, Told
from server.edge.routes.accounts import User, told_user
from server.errors import TooMany, Unauthenticated, Unavailable
from server.service.identity import Identity, SignedIn
from server.service.passwords import MAX_LENGTH
from server.service.rate_limits import RateLimits


class Login(Asked):
    """An address and its password."""

    email: Annotated[Text, Field(max_length=254)]
    password: Annotated[Text, Field(max_length=MAX_LENGTH)]


class Refresh(Asked):
    """A session's refresh token, where it is not in the cookie."""

    refresh_token: Annotated[Text, Field(max_length=500)]


class Session(Told):
    """The tokens of a session. The refresh token can be used once; its answer has the next."""

    access_token: str
    token_type: Literal["Bearer"]
    expires_in: int
    refresh_token: str
    user: User


def sign_in_endpoints(identity: Identity, limits: RateLimits) -> Endpoints:
    """Where sessions begin, go on and end."""
    endpoints = Endpoints("Sign-in")

    @endpoints.post(
        "/api/auth/login",
        summary="Sign in with a password",
        answer=Session,
        faults=(Unauthenticated, TooMany, Unavailable),
        own_origin=True,
        example={"email": "ada@example.com", "password": "correct horse"},
    )
    async def login(request: Request, body: Login) -> Answer:
        """Answers the same, after the same work, for a wrong password and for an address that nobody has."""
        await limits.sign_in(address_of(request), body.email)
        return session_answer(request, await identity.sign_in(body.email.strip(), body.password))

    @endpoints.post(
        "/api/auth/refresh",
        summary="Go on with a session",
        answer=Session,
        faults=(Unauthenticated, Unavailable),
        own_origin=True,
        example={"refresh_token": "mFZ…"},
    )
    async def refresh(request: Request, body: Refresh | None) -> Answer:
        """New tokens for a refresh token, from the body or the cookie. Each can be used once: a second use ends the
        session, so clients that share one take turns.
        """
        token = body.refresh_token if body else request.cookies.get(REFRESH_COOKIE)
        if not token:
            raise Unauthenticated("There is no session to go on with")
        return session_answer(request, await identity.refresh(token))

    @endpoints.post(
        "/api/auth/logout",
        summary="Sign out",
        faults=(Unavailable,),
        own_origin=True,
        example={"refresh_token": "mFZ…"},
    )
    async def logout(request: Request, body: Refresh | None) -> Answer:
        """Ends the session of the refresh token (from the body or the cookie) and of the access token, on every open
        socket too, and makes the browser forget its cookies. No fault if there is none. A device stays paired until an
        admin revokes it.
        """
        access_token, _ = token_of(request)
        await identity.sign_out(
            refresh_token=body.refresh_token if body else request.cookies.get(REFRESH_COOKIE),
            access_token=access_token,
        )
        return Answer(headers=no_cookies(request))

    return endpoints


def session_answer(request: Request, signed_in: SignedIn) -> Answer:
    """The session's tokens, in the body and in cookies."""
    session = Session(
        access_token=signed_in.access_token,
        token_type="Bearer",  # noqa: S106  # no secret
        expires_in=signed_in.expires_in,
        refresh_token=signed_in.refresh_token,
        user=told_user(signed_in.account),
    )
    return Answer(body=session, headers=session_cookies(request, signed_in))
