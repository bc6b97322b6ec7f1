"""Tokens that are good until they are revoked: those of devices, and API keys.

Belongs here: their form. Does not belong here: whether one is good (``identity``), or tokens that end by themselves
(``tokens``). A token is a prefix that tells what it is, and 256 random bits: kept as a hash, which needs no salt and no
slow function (decision 13).
"""

import hashlib
import re
import secrets
from collections.abc import Mapping

from server.principal import Credential, HolderKind

PREFIXES: Mapping[HolderKind, str] = {"device": "bgd_", "api_key": "bgk_"}
SHOWN_LENGTH = 12
"""So much of an API key is kept as it is, for people to know it by: 48 of its bits."""
_SECRET_BYTES = 32
_HOLDERS: Mapping[str, HolderKind] = {prefix: holder for holder, prefix in PREFIXES.items()}
_FORM = re.compile(rf"({'|'.join(_HOLDERS)})[A-Za-z0-9_-]{{43}}", flags=re.ASCII)


def new_token(holder: HolderKind) -> str:
    """A token that nobody has yet."""
    return PREFIXES[holder] + secrets.token_urlsafe(_SECRET_BYTES)


def credential_of(token: str) -> Credential | None:
    """What such a token is looked up by; None if it has another form."""
    form = _FORM.fullmatch(token)
    return None if form is None else Credential(_HOLDERS[form[1]], hash_of(token).hex())


def hash_of(token: str) -> bytes:
    """What is kept of a token."""
    return hashlib.sha256(token.encode()).digest()
