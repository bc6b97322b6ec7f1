"""Whether a provider's callback is the provider's: what it signed is what came, by which address, and when.

Belongs here: the ``Signature`` of each provider. Does not belong here: how a signature is made (``server.integrations``), or
what a callback says (``routes``). Whatever is wrong, the caller is told one and the same.
"""

import hmac
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from urllib.parse import parse_qsl, urlsplit

from pydantic import SecretStr
from starlette.requests import Request

from server.clock import Clock
from server.edge.parsing import MAX_QUERY_FIELDS
from server.errors import Forbidden, NotFound
from server.integrations import hubspot, twilio

_DEFAULT_PORTS = {"http": 80, "https": 443}


class HubSpotSignature:
    """HubSpot's, version 3; without a secret HubSpot is not configured."""

    headers: Mapping[str, str] = MappingProxyType(
        {
            hubspot.SIGNATURE_HEADER: "HubSpot's signature, version 3.",
            hubspot.TIMESTAMP_HEADER: "When it was signed, in milliseconds since 1970; five minutes ago at most.",
        }
    )

    def __init__(self, secret: SecretStr | None, clock: Clock, public_url: str | None) -> None:
        self._secret = secret
        self._clock = clock
        self._public_url = public_url

    def check(self, request: Request, raw: bytes) -> None:
        """See ``endpoint.Signature``."""
        _check_signed(request, self.headers)
        if self._secret is None:
            raise NotFound("HubSpot is not configured here: BAYGRID_HUBSPOT_CLIENT_SECRET is not set")
        timestamp = request.headers.get(hubspot.TIMESTAMP_HEADER, "")
        given = request.headers.get(hubspot.SIGNATURE_HEADER, "")
        secret = self._secret.get_secret_value()
        good = any(
            _same(given, hubspot.signature(secret, request.method, address, raw, timestamp))
            for address in _addresses(request, self._public_url)
        )
        if not good or not hubspot.is_recent(timestamp, self._clock.now_precise()):
            raise _foreign()


class TwilioSignature:
    """Twilio's, of forms; without a token Twilio is not configured."""

    headers: Mapping[str, str] = MappingProxyType({twilio.SIGNATURE_HEADER: "Twilio's signature."})

    def __init__(self, token: SecretStr | None, public_url: str | None) -> None:
        self._token = token
        self._public_url = public_url

    def check(self, request: Request, raw: bytes) -> None:
        """See ``endpoint.Signature``."""
        _check_signed(request, self.headers)
        if self._token is None:
            raise NotFound("Twilio is not configured here: BAYGRID_TWILIO_AUTH_TOKEN is not set")
        try:
            fields = parse_qsl(
                raw.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MAX_QUERY_FIELDS
            )
        except ValueError:
            raise _foreign() from None
        given = request.headers.get(twilio.SIGNATURE_HEADER, "")
        token = self._token.get_secret_value()
        good = any(
            _same(given, twilio.signature(token, address, fields))
            for address in _addresses(request, self._public_url)
        )
        if not good:
            raise _foreign()


def _check_signed(request: Request, headers: Mapping[str, str]) -> None:
    if any(name not in request.headers for name in headers):
        raise _foreign()


def _foreign() -> Forbidden:
    return Forbidden("The signature is missing or wrong")


def _same(given: str, expected: str) -> bool:
    """In the same time whatever is given, which may be any bytes."""
    return hmac.compare_digest(given.encode("latin-1", "replace"), expected.encode())


def _addresses(request: Request, public_url: str | None) -> Iterator[str]:
    """By which addresses the provider may have called: the one given, with the scheme's own port and without.

    Providers disagree with themselves on whether they sign a port. Behind a proxy the request says another address than the
    provider used, unless the proxy passes on host and scheme: then ``public_url`` says it.
    """
    scope = request.scope
    path = scope.get("raw_path", b"").decode("latin-1") or scope["path"]
    query = scope["query_string"].decode("latin-1")
    base = public_url or f"{scope['scheme']}://{request.headers.get('host', '')}"
    rest = f"{path}?{query}" if query else path
    yield base + rest
    try:
        parts = urlsplit(base)
        port = parts.port
    except ValueError:
        return  # the host that the caller told is none
    host = parts.netloc.removesuffix(f":{port}")
    if port is not None:
        yield f"{parts.scheme}://{host}{parts.path}{rest}"
    elif parts.scheme in _DEFAULT_PORTS:
        yield f"{parts.scheme}://{host}:{_DEFAULT_PORTS[parts.scheme]}{parts.path}{rest}"
