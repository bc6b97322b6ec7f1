"""HubSpot's protocol: how it signs what it calls (version 3).

The source is HubSpot's page "Validate requests", part v3: the Base64 of the HMAC-SHA256, under the app's client secret, of
method, address, body and timestamp, one after another.
"""

import base64
import hashlib
import hmac
import re

SIGNATURE_HEADER = "X-HubSpot-Signature-v3"
TIMESTAMP_HEADER = "X-HubSpot-Request-Timestamp"
WINDOW_SECONDS = 300
"""What was signed longer ago is refused, and so is what lies as far in the future."""

_DECODED = {
    f"%{ord(character):02X}": character
    for character in (":", "/", "?", "@", "!", "$", "'", "(", ")", "*", ",", ";")
}
"""What HubSpot signs decoded, wherever it stands in the address; everything else is signed as it was sent."""
_ENCODED = re.compile("|".join(_DECODED), flags=re.IGNORECASE)
_TIMESTAMP = re.compile(r"[0-9]{1,15}", flags=re.ASCII)


def signature(secret: str, method: str, address: str, body: bytes, timestamp: str) -> str:
    """What the header holds for this request; ``timestamp`` as it is in its own header."""
    decoded = _ENCODED.sub(lambda found: _DECODED[found[0].upper()], address)
    source = b"".join((method.encode(), decoded.encode(), body, timestamp.encode()))
    return base64.b64encode(hmac.digest(secret.encode(), source, hashlib.sha256)).decode()


def is_recent(timestamp: str, now: float) -> bool:
    """Whether a timestamp, in milliseconds since 1970, lies within the window round the instant."""
    return _TIMESTAMP.fullmatch(timestamp) is not None and abs(now - int(timestamp) / 1000) <= WINDOW_SECONDS
