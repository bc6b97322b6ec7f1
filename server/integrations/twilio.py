"""Twilio's protocol: how it signs what it calls.

The source is Twilio's page "Webhooks security": the Base64 of the HMAC-SHA1, under the account's token, of the address and,
in order of name and value, every field of the form with its value, one after another.
"""

import base64
import hashlib
import hmac
from collections.abc import Iterable

SIGNATURE_HEADER = "X-Twilio-Signature"


def signature(token: str, address: str, fields: Iterable[tuple[str, str]]) -> str:
    """What the header holds for a form sent to the address; a field that is there twice with one value counts once."""
    source = address + "".join(name + value for name, value in sorted(set(fields)))
    return base64.b64encode(hmac.digest(token.encode(), source.encode(), hashlib.sha1)).decode()
