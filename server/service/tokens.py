"""Access tokens: short-lived JWTs signed with Ed25519, by a set of keys that rotates.

Belongs here: keys, signing and checking. Does not belong here: whether the account behind a token is still good
(``identity``), or refresh tokens, which are random and kept in the database.

The set is given (``BAYGRID_SECRET_KEYS``), or made once and kept in the table ``signing_keys``: then the newest key signs
until it is a month old; an older one is accepted until what it may have signed has ended, and then forgotten.
"""

import asyncio
import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from grid_engine.interval import DAY, MINUTE
from server.clock import Clock
from server.errors import ConfigurationError, Unauthenticated, Unavailable

ALGORITHM: Final = "Ed25519"
ISSUER = "baygrid"
ACCESS_SECONDS = 15 * MINUTE
LEEWAY_SECONDS = 60
"""Clocks of nodes and clients may differ by this much (T7)."""
ROTATE_SECONDS = 30 * DAY
RETIRED_SECONDS = DAY
"""How long a retired key is accepted: nodes that have not heard of its retirement sign with it for an hour at most."""
REFRESH_SECONDS = 3600.0
"""How often the kept keys are read again."""
ASK_AGAIN_SECONDS = 5.0
"""A token of an unknown key makes a node read the keys, but no more often than this."""
MAX_TOKEN_LENGTH = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """What an access token says: whose, of which family, and from when until when (seconds; issued with fraction)."""

    user_id: int
    family_id: uuid.UUID
    issued_at: float
    expires_at: int


class KeyStore(Protocol):
    """Where keys are kept that nobody configured; ``storage.accounts.Accounts`` is the one."""

    async def signing_keys(
        self, fresh: dict[str, Any], *, now: float, rotate_before: float, forget_before: float
    ) -> Sequence[dict[str, Any]]:
        """The private JWKs, newest first, after keeping ``fresh`` if there is none made since ``rotate_before``,
        and forgetting those retired before ``forget_before``. One node at a time.
        """


class SigningKeys:
    """The keys in force. ``load`` before use, and again from time to time (``run``)."""

    def __init__(self, store: KeyStore, clock: Clock, configured: str | None = None) -> None:
        self._store = store
        self._clock = clock
        self._configured = None if configured is None else _configured_keys(configured)
        self._keys: dict[str, OKPKey] = {}
        self._asked_at = -ASK_AGAIN_SECONDS
        self._failed_at = float("-inf")
        self._asking = asyncio.Lock()

    async def load(self) -> None:
        """Reads the keys, rotating them if it is time.

        Raises:
            Unavailable: if they are kept in a database that is away.
        """
        async with self._asking:
            await self._read()

    async def _read(self) -> None:
        self._asked_at = asyncio.get_running_loop().time()
        if self._configured is not None:
            self._keys = self._configured
            return
        now = self._clock.now_precise()
        fresh = OKPKey.generate_key(ALGORITHM, auto_kid=True).as_dict(private=True)
        try:
            kept = await self._store.signing_keys(
                dict(fresh), now=now, rotate_before=now - ROTATE_SECONDS, forget_before=now - RETIRED_SECONDS
            )
        except Unavailable:
            self._failed_at = asyncio.get_running_loop().time()
            raise
        self._keys = {str(key["kid"]): OKPKey.import_key(key) for key in kept}

    async def sign(self, claims: Claims) -> str:
        """The claims as a token, signed with the newest key.

        Raises:
            Unavailable: if there are no keys yet and the database is away.
        """
        if not self._keys:
            await self.load()
        kid, key = next(iter(self._keys.items()))
        return jwt.encode(
            {"alg": ALGORITHM, "kid": kid, "typ": "at+jwt"},
            {
                "iss": ISSUER,
                "sub": str(claims.user_id),
                "sid": str(claims.family_id),
                "iat": round(claims.issued_at, 3),
                "exp": claims.expires_at,
            },
            key,
            algorithms=[ALGORITHM],
        )

    async def verify(self, token: str) -> Claims:
        """What the token says, if one of the keys signed it and it has not ended. About 0.2 ms.

        Raises:
            Unauthenticated: otherwise.
            Unavailable: if there are no keys yet and the database is away: the token may well be good.
        """
        if len(token) > MAX_TOKEN_LENGTH:
            raise Unauthenticated
        try:
            try:
                return self._decoded(token)
            except _UnknownKeyError:
                await self._ask_again()
                return self._decoded(token)
        except (JoseError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise Unauthenticated("The token is not valid") from error

    def _decoded(self, token: str) -> Claims:
        decoded = jwt.decode(token, self._key_of, algorithms=[ALGORITHM])
        says = decoded.claims
        if decoded.header.get("typ") != "at+jwt" or says["iss"] != ISSUER:
            raise ValueError("not an access token")
        claims = Claims(
            user_id=int(says["sub"]),
            family_id=uuid.UUID(says["sid"]),
            issued_at=float(says["iat"]),
            expires_at=int(says["exp"]),
        )
        self.check_time(claims)
        return claims

    def check_time(self, claims: Claims) -> None:
        """Raises ``Unauthenticated`` if the token has ended, or comes from the future."""
        now = self._clock.now_precise()
        if not claims.issued_at - LEEWAY_SECONDS <= now < claims.expires_at + LEEWAY_SECONDS:
            raise Unauthenticated("The token has ended: sign in again")

    def _key_of(self, signed: Any) -> OKPKey:
        kid = signed.headers().get("kid")
        if kid not in self._keys:
            raise _UnknownKeyError
        return self._keys[kid]

    async def _ask_again(self) -> None:
        now = asyncio.get_running_loop().time
        asked_at = now()
        async with self._asking:  # also for as long as a node that has just started reads its first keys
            if self._keys and now() - self._asked_at < ASK_AGAIN_SECONDS:
                return
            if self._failed_at >= asked_at:
                raise Unavailable("It cannot be checked who you are")
            await self._read()


class _UnknownKeyError(ValueError):
    """The token names a key that this node does not know (yet)."""


def _configured_keys(document: str) -> dict[str, OKPKey]:
    try:
        imported = [OKPKey.import_key(member) for member in json.loads(document)["keys"]]
        keys = {str(key.kid or key.thumbprint()): key for key in imported}
        sound = all(key.is_private and key.curve_name == ALGORITHM for key in imported)
    except (JoseError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigurationError(
            'BAYGRID_SECRET_KEYS must be a JSON Web Key Set of private Ed25519 keys: {"keys": [{"kty": "OKP", ...}]}'
        ) from error
    if not keys or not sound:
        raise ConfigurationError("BAYGRID_SECRET_KEYS must hold private keys of Ed25519, one at least")
    return keys
