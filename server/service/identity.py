"""Who somebody is: signing in and out, and what a token is worth at this moment.

Belongs here: sessions from beginning to end. Does not belong here: what the person may then do (``access``), headers and
cookies (``edge.authentication``).

Devices and API keys have no session, but one token that is good until it is revoked. A session is a token family: a chain of refresh tokens, each used once, and the access tokens that came with them. Whoever
presents a refresh token for a second time, or one that was replaced, ends the family for all: one of the two is a thief,
and no telling which (RFC 9700, 4.14.2). A refresh token
carries its family's id, so that even one long forgotten is known for an old one; who knows only the id, which is in access
tokens too, can end the session with it and no more. No grace is given for an answer that got lost: the person signs in again.
"""

import asyncio
import base64
import hashlib
import math
import secrets
import uuid
from dataclasses import dataclass, replace
from typing import cast

import structlog

from grid_engine.interval import DAY
from server.clock import Clock
from server.errors import Unauthenticated, Unavailable
from server.principal import AccountRole, Credential, HolderKind, Mode, Principal
from server.service.account_watch import FRESH_SECONDS, AccountWatch
from server.service.lasting_tokens import credential_of
from server.service.passwords import MAX_LENGTH, Passwords
from server.service.tokens import ACCESS_SECONDS, LEEWAY_SECONDS, REFRESH_SECONDS, Claims, SigningKeys
from server.storage.accounts import Account, Accounts, Rotation
from server.storage.standings import Standing

SESSION_SECONDS = 30 * DAY
"""A session ends when it was not refreshed for so long."""
SOCKET_FRESH_SECONDS = 0.5
"""Open sockets ask every few seconds, and want to know it nearly as it is."""
MOST_VERIFIED = 10_000
"""So many tokens are remembered with what they say, to spare the arithmetic."""
_WRONG_PASSWORD = "The address or the password is wrong"  # noqa: S105  # no secret
_SECRET_BYTES = 32
_ROUNDING = 0.001
"""Tokens tell the time of their issue in milliseconds."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """The tokens of a session, given out once; ``expires_in`` seconds of the access token."""

    access_token: str
    expires_in: int
    refresh_token: str
    account: Account


class Identity:
    """Signs people in and says who is behind a token. One per process."""

    def __init__(
        self,
        *,
        accounts: Accounts,
        keys: SigningKeys,
        passwords: Passwords,
        clock: Clock,
        mode: Mode = Mode.FULL,
    ) -> None:
        """``mode`` is how much is switched on for whoever is let in."""
        self._accounts = accounts
        self._keys = keys
        self._passwords = passwords
        self._clock = clock
        self._mode = mode
        self._watch = AccountWatch(accounts, clock)
        self._verified: dict[str, Claims] = {}

    async def run(self) -> None:
        """Keeps the signing keys up to date until cancelled; the first thing it does is to load them."""
        while True:
            wait = REFRESH_SECONDS
            try:
                await self._keys.load()
            except Unavailable:
                wait = 5.0
            await asyncio.sleep(wait)

    async def sign_in(self, email: str, password: str) -> SignedIn:
        """A new session for an address and its password.

        Raises:
            Unauthenticated: whichever of the two is wrong, after the same work (A7).
        """
        found = await self._accounts.by_email(email)
        if found is not None and (found[0].email or "").lower() != email.lower():
            # Postgres folds more letters together than the counting of attempts (``rate_limits``) does: of several spellings
            # of an account, each would be tried as often as it may be.
            found = None
        account, kept, tokens_after = found or (None, None, 0.0)
        if not await self._passwords.matches(password[:MAX_LENGTH], kept) or account is None:
            raise Unauthenticated(_WRONG_PASSWORD)
        try:
            return await self.begin(account, proven_as_of=tokens_after)
        except Unauthenticated:
            raise Unauthenticated(_WRONG_PASSWORD) from None

    async def begin(self, account: Account, *, proven_as_of: float | None = None) -> SignedIn:
        """A new session for somebody who has proved to be the account's owner.

        ``proven_as_of`` is the account's ``tokens_after`` at that proof, where a password set meanwhile makes it worthless.

        Raises:
            Unauthenticated: if the account was closed meanwhile, or signed out everywhere since the proof.
        """
        family_id = uuid.uuid4()
        refresh_token = _new_refresh_token(family_id)
        begun_at = await self._accounts.begin_family(
            account.id,
            family_id,
            _hashed(refresh_token),
            now=self._clock.now_precise(),
            lasts=SESSION_SECONDS,
            proven_as_of=proven_as_of,
        )
        if begun_at is None:
            raise Unauthenticated("The account was closed or signed out meanwhile: sign in again")
        return await self._signed_in(account, family_id, refresh_token, begun_at)

    async def refresh(self, refresh_token: str) -> SignedIn:
        """The session's next tokens, in exchange for its refresh token.

        Raises:
            Unauthenticated: if it is not the session's newest, or the session or the account has ended.
        """
        family_id = _family_of(refresh_token)
        replacement = _new_refresh_token(family_id)
        now = self._clock.now_precise()
        outcome, user_id = await self._accounts.rotate(
            family_id, _hashed(refresh_token), _hashed(replacement), now=now, expires_at=now + SESSION_SECONDS
        )
        if outcome is Rotation.REUSED and user_id is not None:
            self._watch.forget("user", user_id)
            _log.warning("refresh_token_reused", user_id=user_id, family_id=str(family_id))
        account = await self._accounts.account(user_id) if outcome is Rotation.REPLACED and user_id else None
        if account is None or not account.active:
            raise Unauthenticated("The session has ended: sign in again")
        return await self._signed_in(account, family_id, replacement, now)

    async def sign_out(self, *, refresh_token: str | None = None, access_token: str | None = None) -> None:
        """Ends the session that the tokens belong to; tokens that are no good are no fault here."""
        if refresh_token is not None:
            try:
                await self._end(_family_of(refresh_token))
            except Unauthenticated:
                pass
        if access_token is not None:
            try:
                claims = await self._claims(access_token)
            except Unauthenticated:
                return
            await self._end(claims.family_id, claims.user_id)

    async def authenticate(self, token: str) -> Principal:
        """Who is behind an access token, as of a second or two ago (A5); from memory while Postgres is away (P2).

        Raises:
            Unauthenticated: if it has ended or was revoked, or the account is closed.
            Unavailable: if that cannot be known.
        """
        credential, issued_at, ends_at = credential_of(token), math.inf, None
        if credential is None:
            claims = await self._claims(token)
            credential, issued_at = Credential("user", str(claims.family_id)), claims.issued_at
            ends_at = claims.expires_at + LEEWAY_SECONDS
        standing = await self._watch.standing(credential, fresh_seconds=FRESH_SECONDS)
        if standing is None or not standing.alive or issued_at + _ROUNDING < standing.tokens_after:
            raise Unauthenticated("The session has ended: sign in again")
        return replace(self._principal(standing, credential), expires_at=ends_at)

    async def still_valid(self, principal: Principal) -> Principal | None:
        """The principal as it is now (role, locations and name may have changed); None once it was revoked (A5).

        Raises:
            Unavailable: if it cannot be known.
        """
        credential = principal.credential
        standing = await self._watch.standing(credential, fresh_seconds=SOCKET_FRESH_SECONDS)
        return self._principal(standing, credential) if standing is not None and standing.alive else None

    def forget(self, holder_id: int, holder: HolderKind = "user") -> None:
        """To be called when this node changed the account or device: what is remembered of it is no longer true."""
        self._watch.forget(holder, holder_id)

    async def _claims(self, token: str) -> Claims:
        known = self._verified.get(token)
        if known is not None:
            self._keys.check_time(known)
            return known
        claims = await self._keys.verify(token)
        if len(self._verified) >= MOST_VERIFIED:
            self._verified.clear()
        self._verified[token] = claims
        return claims

    def _principal(self, standing: Standing, credential: Credential) -> Principal:
        return Principal(
            user_id=standing.holder_id if standing.holder == "user" else None,
            device_id=standing.holder_id if standing.holder == "device" else None,
            api_key_id=standing.holder_id if standing.holder == "api_key" else None,
            scopes=standing.scopes,
            role=cast("AccountRole", standing.role),
            location_ids=standing.location_ids,
            name=standing.name,
            session_id=credential.name,
            mode=self._mode,
        )

    async def _end(self, family_id: uuid.UUID, user_id: int | None = None) -> None:
        await self._accounts.end_family(family_id, self._clock.now_precise())
        if user_id is not None:
            self._watch.forget("user", user_id)

    async def _signed_in(
        self, account: Account, family_id: uuid.UUID, refresh_token: str, now: float
    ) -> SignedIn:
        expires_at = int(now) + ACCESS_SECONDS
        access_token = await self._keys.sign(
            Claims(user_id=account.id, family_id=family_id, issued_at=now, expires_at=expires_at)
        )
        return SignedIn(
            access_token=access_token, expires_in=ACCESS_SECONDS, refresh_token=refresh_token, account=account
        )


def _new_refresh_token(family_id: uuid.UUID) -> str:
    """The family's id, so that an old token is known for what it is, and a secret."""
    return base64.urlsafe_b64encode(family_id.bytes + secrets.token_bytes(_SECRET_BYTES)).decode()


def _family_of(refresh_token: str) -> uuid.UUID:
    try:
        raw = base64.b64decode(refresh_token.encode("ascii"), altchars=b"-_", validate=True)
    except ValueError:
        raw = b""
    if len(raw) != 16 + _SECRET_BYTES:
        raise Unauthenticated("The session has ended: sign in again")
    return uuid.UUID(bytes=raw[:16])


def _hashed(refresh_token: str) -> bytes:
    """What is kept: 256 random bits need no salt and no slow hash."""
    return hashlib.sha256(refresh_token.encode()).digest()
