"""Which integrations are switched on: each is off until it is told who to talk with, and all else works without it."""

from collections.abc import Iterator, Mapping
from typing import Final

from server.doctor.findings import Finding, ok
from server.settings import PREFIX, Settings

INTEGRATIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "HubSpot": ("hubspot_client_secret",),
    "Twilio's callbacks": ("twilio_auth_token",),
    "Claude": ("anthropic_api_key",),
}
"""What it is called, and the settings without which it is off."""


def look_at_integrations(settings: Settings) -> Iterator[Finding]:
    """Each of them; none is at fault for being off."""
    for name, needed in INTEGRATIONS.items():
        missing = [f"{PREFIX}{field.upper()}" for field in needed if getattr(settings, field) is None]
        yield ok(name, f"off: set {' and '.join(missing)}" if missing else "on")
